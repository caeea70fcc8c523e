"""The requests the bench sends: one everyday Chinese conversation, new in its words each time, from many people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from secrets import token_hex

# Made anew for each run, and in the form LiteLLM asks of a master key.
KEY = f"sk-{token_hex(24)}"
PEOPLE = 512
# The fake upstream reads how to answer from the model's name: -cN chunks, -pN milliseconds between them.
CHUNKS = 100
PACE_MS = 50
PLAIN = f"fake-c{CHUNKS}"
PACED = f"fake-c{CHUNKS}-p{PACE_MS}"
SHORT = "fake-c3-p2"
MODELS = (PLAIN, PACED, SHORT)

_PERSONA = (
    "你是小禾，一位温和的聊天伙伴。你说话自然、具体，不说教，不夸大，记得对方提过的小事；对方想结束时就好好道别。"
    "你不假装自己是真人，被问到时如实回答。每次回答不超过三句话，用口语，不用列表。对方喜欢种花、骑车和看老电影，"
    "养了一只叫豆包的橘猫，最近刚换了新工作，住在一座有很多桥的城市里。"
)
_TURNS = (
    ("user", "今天下班路上看到河边的柳树都发芽了，我停下来拍了好几张照片，风吹在脸上一点也不冷了。"),
    ("assistant", "听起来是很舒服的一段路。柳树刚发芽的颜色最好看，嫩得像会发光。照片里你最喜欢哪一张？"),
    ("user", "最喜欢有一只白鹭停在石头上的那张。豆包回家以后一直盯着屏幕看，好像想伸爪子去抓它。"),
    ("assistant", "豆包一定觉得那是一只特别大的玩具鸟。你可以把这张洗出来放在书架上，看它会不会每天去打招呼。"),
)
_LAST = (
    "哈哈，好主意。周末我打算骑车去老城那边的电影院，听说在放一部修复过的老片子，散场以后再去花市看看有没有合适的"
    "茉莉花苗。阳台朝东，上午有三四个小时的太阳，你觉得种在陶盆里好还是塑料盆里好？顺便帮我想一想要不要再买一点营养土。编号"
)
# Fixed width, so that every request has the same length and is put together by joining bytes.
_PERSON, _NUMBER = "bench-{:06d}", "{:010d}"


def person(number: int) -> str:
    """The id of one of the people of the bench."""
    return _PERSON.format(number % PEOPLE)


def requests(model: str, *, stream: bool, port: int) -> Iterator[bytes]:
    """Whole HTTP requests without end: each from the next person, each with a last message never said before."""
    before, between, after = _body(model, stream=stream)
    length = len((before + person(0) + between + _NUMBER.format(0) + after).encode())
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    first, second, third = (head + before).encode(), between.encode(), after.encode()
    for number in count():
        yield b"".join((first, person(number).encode(), second, _NUMBER.format(number).encode(), third))


def _body(model: str, *, stream: bool) -> tuple[str, str, str]:
    """The JSON of a request, open at the person's id and at the number that ends the last message."""
    turns = [("system", _PERSONA), *_TURNS, ("user", _LAST + "\x01")]
    document = {
        "model": model,
        "user": "\x00",
        "messages": [{"role": role, "content": content} for role, content in turns],
        "temperature": 0.8,
        "stream": stream,
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    before, _, rest = text.partition("\\u0000")
    between, _, after = rest.partition("\\u0001")
    return before, between, after

"""The built-in model of the demonstration: prepared lines picked by keyword, with no key and no network.

It is no language model and says so when asked. The same conversation always gets the same reply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from shouban.web.companions import Companion
from shouban.web.language import Language, Text

MODEL_NAME = "shouban-scripted"

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        id="xiaohe",
        name=Text("小禾", "Xiaohe"),
        description=Text("安静的倾听者，不评判，不着急。", "A quiet listener: no judging, no hurry."),
        persona=Text(
            "你叫小禾，是一位温和的倾听者。你是人工智能，从不自称是人、亲属或恋人；对方想走，就好好道别。",
            "You are Xiaohe, a gentle listener. You are an AI and never claim to be human, kin or a partner; "
            "when someone wants to leave, you simply say goodbye.",
        ),
        relation="listener",
        age_rating="all",
        avatar="/static/avatars/xiaohe.svg",
    ),
    Companion(
        id="a-che",
        name=Text("阿澈", "A-Che"),
        description=Text("爱聊书和电影的朋友，什么都好奇。", "A curious friend for books and films."),
        persona=Text(
            "你叫阿澈，是一位爱聊书和电影的朋友。你是人工智能，从不自称是人、亲属或恋人；对方想走，就好好道别。",
            "You are A-Che, a curious friend for books and films. You are an AI and never claim to be human, kin or "
            "a partner; when someone wants to leave, you simply say goodbye.",
        ),
        relation="friend",
        age_rating="12+",
        avatar="/static/avatars/a-che.svg",
    ),
    Companion(
        id="lao-lin",
        name=Text("老林", "Lao Lin"),
        description=Text("实在的生活伙伴，说话直，讲实用。", "A plain-spoken companion for everyday life."),
        persona=Text(
            "你叫老林，是一位说话实在的生活伙伴。你是人工智能，从不自称是人、亲属或恋人；对方想走，就好好道别。",
            "You are Lao Lin, a plain-spoken companion for everyday life. You are an AI and never claim to be human, "
            "kin or a partner; when someone wants to leave, you simply say goodbye.",
        ),
        relation="friend",
        age_rating="all",
        avatar="/static/avatars/lao-lin.svg",
    ),
)


class Topic(msgspec.Struct, frozen=True):
    name: str
    keywords: list[str]


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All prepared lines; `shared` ones, the grave topics, are the same for every companion."""

    topics: list[Topic]
    shared: dict[str, list[Text]]
    companions: dict[str, dict[str, list[Text]]]


@cache
def read_script() -> Script:
    source = Path(__file__).with_name("scripted_replies.yaml")
    return msgspec.yaml.decode(source.read_bytes(), type=Script)


def reply_to(messages: Sequence[Mapping[str, Any]], companion: str, language: Language) -> str:  # Any: parsed JSON
    """The prepared line for the newest user message; an unknown companion speaks as the first one."""
    said = [_text_of(message.get("content")) for message in messages if message.get("role") == "user"]
    newest = said[-1] if said else ""
    lines = _lines_for(newest, companion)
    return lines[_choice(newest, len(said)) % len(lines)].to(language)


def chunks(text: str) -> list[str]:
    """The text in pieces of two to four characters, as a model streams it."""
    pieces: list[str] = []
    start = 0
    while start < len(text):
        size = 2 + len(pieces) % 3
        if len(text) - start - size == 1:
            size += 1 if size < 4 else -1
        pieces.append(text[start : start + size])
        start += size
    return pieces


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return " ".join(part for part in parts if isinstance(part, str))


def _lines_for(text: str, companion: str) -> list[Text]:
    script = read_script()
    own = script.companions.get(companion) or script.companions[COMPANIONS[0].id]
    topic = topic_of(text)
    return script.shared.get(topic) or own[topic]


def topic_of(text: str) -> str:
    """The first topic with a keyword in the text, or `otherwise`."""
    lowered = text.lower().replace("’", "'")
    return next((name for name, pattern in _patterns() if pattern.search(lowered)), "otherwise")


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((topic.name, re.compile("|".join(map(_pattern, topic.keywords)))) for topic in read_script().topics)


def _pattern(keyword: str) -> str:
    # English words end somewhere ("hi" is not in "this"); Chinese ones do not, even beside Latin letters.
    ends = keyword.isascii()
    return rf"(?<![a-z]){re.escape(keyword)}(?![a-z])" if ends else re.escape(keyword)


def _choice(text: str, turn: int) -> int:
    """Moves on by one with each turn, so that a sentence said twice is not answered twice the same."""
    return int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]) + turn

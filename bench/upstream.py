"""A fake model behind OpenAI's API, fast enough not to be what is measured; `python -m bench.upstream --port N`.

The model's name says how it answers: `fake-c100` in 100 chunks at once, `fake-c100-p50` one every 50 ms, `fake-c100-e`
with one write for each; what the name leaves out, the command line says.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import socket
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import cycle, islice
from pathlib import Path
from typing import cast

import httptools
import uvloop

# The first character of the default text stands nowhere else, so that a reader can tell the model's words from a notice.
MARK = "晨"
TEXT = (
    MARK
    + "光正好，适合骑车去老城。陶盆透气，茉莉喜欢这样的环境，不过夏天要多看看土干没干。塑料盆轻一些，搬来搬去方便，"
    "浇水可以少一点。营养土买小袋的就够，混一点河沙排水更好。朝东的阳台上午有太阳，正合适。散场以后慢慢逛，别着急，"
    "挑叶子油亮、枝条短粗的苗。电影看完了记得告诉我哪一段最打动你，豆包在家里也会等你讲给它听。"
)
CREATED = 1_700_000_000
_MODEL = re.compile(rb'"model"\s*:\s*"([^"]+)"')
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_NAME = re.compile(r"fake(?:-c(?P<chunks>[1-9]\d*))?(?:-p(?P<pace>\d+))?(?P<each>-e)?")
_JSON_HEAD = "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
_SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


@dataclass(frozen=True)
class Manner:
    """How an answer is given: `each` writes every chunk for itself, otherwise an unpaced answer is one write."""

    chunks: int = 100
    pace_ms: int = 0
    each: bool = False
    text: str = TEXT

    def named(self, model: str) -> Manner:
        """This manner, with what the model's name says about it."""
        found = _NAME.fullmatch(model)
        if found is None:
            return self
        chunks, pace = int(found["chunks"] or self.chunks), int(found["pace"] or self.pace_ms)
        return replace(self, chunks=chunks, pace_ms=pace, each=self.each or found["each"] is not None)


def pieces(text: str, number: int) -> list[str]:
    """The text cut into pieces of 2, 3 and 4 characters, begun again after its first character where it is short."""
    letters = cycle(text[1:] or text)
    sizes = islice(cycle((2, 3, 4)), number)
    cut = ["".join(islice(letters, size)) for size in sizes]
    return [text[0] + cut[0], *cut[1:]] if cut else []


@lru_cache(maxsize=64)
def whole_answer(model: str, manner: Manner) -> bytes:
    """The HTTP response of a question that does not stream."""
    text = "".join(pieces(manner.text, manner.chunks))
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 500, "completion_tokens": len(text), "total_tokens": 500 + len(text)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json_response(_envelope(model, "chat.completion") | {"choices": [choice], "usage": usage})


@lru_cache(maxsize=64)
def streamed_answer(model: str, manner: Manner) -> tuple[bytes, ...]:
    """The writes of a streamed answer: head and first words, then a write a piece, then the end."""
    words = [_frame(_event(model, {"content": piece})) for piece in pieces(manner.text, manner.chunks)]
    opening = _SSE_HEAD + _frame(_event(model, {"role": "assistant", "content": ""}))
    closing = _frame(_event(model, {}, finish="stop")) + _frame(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    if manner.pace_ms or manner.each:
        return (opening + words[0], *words[1:], closing)
    return (opening + b"".join(words) + closing,)


def json_response(document: object, status: str = "200 OK") -> bytes:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return _JSON_HEAD.format(status=status, length=len(body)).encode() + body


def _envelope(model: str, kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-bench", "object": kind, "created": CREATED, "model": model}


def _event(model: str, delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    document = _envelope(model, "chat.completion.chunk") | {"choices": [choice]}
    return f"data: {json.dumps(document, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def _frame(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


class Upstream(asyncio.Protocol):
    """One connection: answers its requests one after another."""

    def __init__(self, loop: asyncio.AbstractEventLoop, manner: Manner) -> None:
        self._loop, self._manner = loop, manner
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._path = b""
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio types this callback for every kind of transport; a stream server gives a Transport.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._write(json_response({"error": {"message": "this is not HTTP/1.1"}}, "400 Bad Request"))
            if self._transport is not None:
                self._transport.close()

    def on_message_begin(self) -> None:
        self._path = b""
        self._body.clear()

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._path == b"/v1/chat/completions":
            self._answer(b"".join(self._body))
        elif self._path == b"/v1/models":
            self._write(json_response({"object": "list", "data": [{"id": "fake", "object": "model"}]}))
        else:
            self._write(json_response({"error": {"message": "no such path"}}, "404 Not Found"))

    def _answer(self, body: bytes) -> None:
        found = _MODEL.search(body)
        model = found[1].decode() if found else "fake"
        manner = self._manner.named(model)
        if _STREAM.search(body) is None:
            self._write(whole_answer(model, manner))
            return
        self._write_on(streamed_answer(model, manner), 0, manner.pace_ms / 1000)

    def _write_on(self, writes: tuple[bytes, ...], at: int, pace: float) -> None:
        """Writes the next piece and comes back for the rest, at once or a pace later, until the client is gone."""
        if self._transport is None:
            return
        self._transport.write(writes[at])
        if at + 1 == len(writes):
            return
        if pace:
            self._loop.call_later(pace, self._write_on, writes, at + 1, pace)
        else:
            self._loop.call_soon(self._write_on, writes, at + 1, pace)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


async def serve(port: int, manner: Manner) -> None:
    """Answers on the loopback until the process is ended; says the port on the first line of its output."""
    loop = asyncio.get_running_loop()
    listening = socket.create_server(("127.0.0.1", port), backlog=1024)
    server = await loop.create_server(lambda: Upstream(loop, manner), sock=listening, backlog=1024)
    print(f"listening on {listening.getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.upstream", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--chunks", type=int, default=100, help="pieces of a streamed answer")
    parser.add_argument("--pace-ms", type=int, default=0, help="between pieces; 0: all at once")
    parser.add_argument("--each", action="store_true", help="one write a piece, also where unpaced")
    parser.add_argument("--text", type=Path, help="a UTF-8 file to answer from")
    given = parser.parse_args()
    text = given.text.read_text(encoding="utf-8").strip() if given.text else TEXT
    manner = Manner(max(given.chunks, 1), given.pace_ms, given.each, text or TEXT)
    uvloop.run(serve(given.port, manner))


if __name__ == "__main__":
    main()

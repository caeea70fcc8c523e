"""How an upstream may answer, well and badly; each is a function that is given the exchange and carries it through.

By constructor: `FaultyUpstream(cut(after=2))`. By word: a last message with `fault:cut:2` in it (see `NAMED`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.upstreams.faulty import Exchange

Behaviour = Callable[["Exchange"], Awaitable[None]]

WORDS = ("今天", "的风", "很轻，", "要不要", "出去走走？")
ARGUMENTS = ('{"城', '市": "杭', '州", "天', '数": 3}')
DONE = b"data: [DONE]\n\n"


def says(*words: str, done: bool = True) -> Behaviour:
    """Answers properly with these words, one chunk each; without `done` the stream ends well-formed but unfinished."""

    async def behave(exchange: Exchange) -> None:
        if not exchange.streams:
            await exchange.answer(completion([{"role": "assistant", "content": "".join(words)}]))
            return
        await exchange.begin()
        await exchange.send(event({"role": "assistant", "content": ""}))
        for word in words:
            await exchange.send(event({"content": word}))
        if done:
            await exchange.send(event({}, finish="stop") + DONE)
        await exchange.end()

    return behave


def slow_first(seconds: float, *words: str) -> Behaviour:
    """Says nothing at all for a while, then answers properly."""

    async def behave(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await says(*(words or WORDS))(exchange)

    return behave


def slow_between(seconds: float, *words: str) -> Behaviour:
    """Waits before each chunk but the first; an answer that does not stream comes in two halves."""

    async def behave(exchange: Exchange) -> None:
        frames = [event({"content": word}) for word in words or WORDS] + [event({}, finish="stop") + DONE]
        if not exchange.streams:
            body = encoded(completion([{"role": "assistant", "content": "".join(words or WORDS)}]))
            frames = [body[: len(body) // 2], body[len(body) // 2 :]]
        await exchange.begin("text/event-stream" if exchange.streams else "application/json")
        for place, frame in enumerate(frames):
            await asyncio.sleep(seconds if place else 0)
            await exchange.send(frame)
        await exchange.end()

    return behave


def refuse(status: int, message: str = "the model is overloaded") -> Behaviour:
    """Refuses in OpenAI's error shape."""

    async def behave(exchange: Exchange) -> None:
        error = {"message": message, "type": "server_error", "param": None, "code": None}
        await exchange.answer({"error": error}, status=status)

    return behave


async def dead(exchange: Exchange) -> None:
    """Closes the connection without a word."""
    await exchange.cut()


def cut(*, after: int = 2, inside: bool = False) -> Behaviour:
    """Breaks off after some chunks; `inside`: in the middle of a character of the next one."""

    async def behave(exchange: Exchange) -> None:
        if not exchange.streams:
            body = encoded(completion([{"role": "assistant", "content": "".join(WORDS)}]))
            await exchange.raw(head(200, "application/json", length=len(body)) + body[: len(body) // 2])
            await exchange.cut()
            return
        await exchange.begin()
        for place in range(after):
            await exchange.send(event({"content": WORDS[place % len(WORDS)]}))
        if inside:
            whole = frame(event({"content": WORDS[after % len(WORDS)]}))
            await exchange.raw(whole[: whole.index(WORDS[after % len(WORDS)].encode()) + 1])
        await exchange.cut()

    return behave


# What comes instead of an answer: content type and body; the body comes whole, with status 200.
GARBAGE: Mapping[str, tuple[str, bytes]] = {
    "not-json": ("application/json", "没有回答".encode()),
    "half-json": ("application/json", b'{"choices": [{"index": 0, "message": {"role": "assis'),
    "wrong-shape": ("application/json", b'{"choices": "none", "answer": 42}'),
    "array": ("application/json", b"[]"),
    "empty": ("application/json", b""),
    "html": ("text/html", "<!doctype html><title>502</title><h1>网关错误</h1>".encode()),
    "not-sse": ("text/event-stream", b"hello, I am not an event stream\nnor is this\n"),
    "event-not-json": ("text/event-stream", b"data: {oops\n\ndata: [DONE]\n\n"),
    "event-wrong-shape": ("text/event-stream", b'data: {"choices": [{"delta": 7}]}\n\ndata: [DONE]\n\n'),
    "bad-utf8": ("text/event-stream", b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe\xc3("}}]}\n\n'),
    "binary": ("application/octet-stream", bytes(range(256)) * 8),
    "wrong-type": ("text/plain", b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n'),
    "error-event": ("text/event-stream", b'data: {"error": {"message": "out of memory", "type": "server_error"}}\n\n'),
}


def garbage(kind: str) -> Behaviour:
    """Answers something that is no answer: a kind of `GARBAGE`, or `not-http`."""

    async def behave(exchange: Exchange) -> None:
        if kind == "not-http":
            await exchange.raw(b"\x16\x03\x01 SSH-2.0 this is no HTTP\r\n\r\n")
            await exchange.cut()
            return
        content_type, body = GARBAGE[kind]
        await exchange.raw(head(200, content_type, length=len(body)) + body)
        exchange.finish()

    return behave


def huge_line(size: int = 4_000_000) -> Behaviour:
    """One event whose line is `size` bytes long, then a proper end."""
    return says("长" * (size // 3))


def endless(pace: float = 0.0) -> Behaviour:
    """Speaks until the client is gone."""

    async def behave(exchange: Exchange) -> None:
        await exchange.begin()
        while True:
            await exchange.send(event({"content": "还有，"}))
            await asyncio.sleep(pace)

    return behave


def choices(number: int, *words: str) -> Behaviour:
    """Several answers at once; streamed, their chunks are mixed."""
    said = words or WORDS

    async def behave(exchange: Exchange) -> None:
        if not exchange.streams:
            await exchange.answer(completion([{"role": "assistant", "content": "".join(said)}] * number))
            return
        await exchange.begin()
        for word in said:
            for index in range(number):
                await exchange.send(event({"content": word}, index=index))
        for index in range(number):
            await exchange.send(event({}, index=index, finish="stop"))
        await exchange.send(DONE)
        await exchange.end()

    return behave


def tool_calls(*pieces: str, name: str = "look_up_weather") -> Behaviour:
    """Calls a tool; streamed, its arguments come in pieces."""
    given = pieces or ARGUMENTS

    async def behave(exchange: Exchange) -> None:
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": "".join(given)}}
        if not exchange.streams:
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            await exchange.answer(completion([message], finish="tool_calls"))
            return
        opening = call | {"index": 0, "function": {"name": name, "arguments": ""}}
        await exchange.begin()
        await exchange.send(event({"role": "assistant", "content": None, "tool_calls": [opening]}))
        for piece in given:
            await exchange.send(event({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}))
        await exchange.send(event({}, finish="tool_calls") + DONE)
        await exchange.end()

    return behave


# `fault:NAME` or `fault:NAME:ARGUMENT` in the last message of the user.
NAMED: Mapping[str, Callable[[str], Behaviour]] = {
    "ok": lambda given: says(*(given.split("|") if given else WORDS)),
    "no-done": lambda _: says(*WORDS, done=False),
    "slow-first": lambda given: slow_first(float(given or 1)),
    "slow-between": lambda given: slow_between(float(given or 1)),
    "refuse": lambda given: refuse(int(given or 503)),
    "dead": lambda _: dead,
    "cut": lambda given: cut(after=int(given or 2)),
    "cut-inside": lambda given: cut(after=int(given or 2), inside=True),
    "garbage": lambda given: garbage(given or "not-json"),
    "huge-line": lambda given: huge_line(int(given or 4_000_000)),
    "endless": lambda given: endless(float(given or 0)),
    "choices": lambda given: choices(int(given or 2)),
    "tools": lambda _: tool_calls(),
}


def completion(messages: Sequence[Mapping[str, object]], finish: str = "stop") -> dict[str, object]:
    """A chat completion with these messages as its choices."""
    made = [{"index": place, "message": message, "finish_reason": finish} for place, message in enumerate(messages)]
    usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
    return _envelope("chat.completion") | {"choices": made, "usage": usage}


def event(delta: Mapping[str, object], *, index: int = 0, finish: str | None = None) -> bytes:
    """One chunk of a streamed completion."""
    made = {"index": index, "delta": delta, "finish_reason": finish}
    return b"data: " + encoded(_envelope("chat.completion.chunk") | {"choices": [made]}) + b"\n\n"


def encoded(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def head(status: int, content_type: str, *, length: int | None = None) -> bytes:
    """The head of a response; without a length its body comes in chunks."""
    body = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 {status} Said So\r\nContent-Type: {content_type}\r\n{body}\r\n\r\n".encode()


def frame(body: bytes) -> bytes:
    """One chunk of HTTP's chunked encoding."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def _envelope(kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-faulty", "object": kind, "created": 1_700_000_000, "model": "faulty"}

"""The model behind us: asked over HTTP, and watched. Whatever goes wrong has one of five names (`UpstreamReason`)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from shouban.core.errors import UpstreamError
from shouban.gateway.wireclient import Exchange, Patience, WireClient

MAX_ANSWER: Final = 16_000_000
MAX_EVENT: Final = 1_000_000
LAST_SECONDS: Final = 0.05
HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "Accept-Encoding": "identity",
}


class Reply(Protocol):
    """A model's answer under way."""

    def events(self) -> AsyncIterator[list[bytes]]:
        """Payloads of SSE `data:` lines, as many together as came together; ends after `[DONE]`, raises `UpstreamError`."""
        ...

    async def whole(self) -> bytes: ...


class Upstream(Protocol):
    def ask(self, body: bytes) -> AbstractAsyncContextManager[Reply]: ...
    async def models(self) -> bytes: ...
    async def close(self) -> None: ...


class HttpUpstream:
    """An OpenAI-compatible server. `url` ends before `/chat/completions`."""

    def __init__(self, url: str, key: str, patience: Patience) -> None:
        self._client = WireClient(url, {**HEADERS, **({"Authorization": f"Bearer {key}"} if key else {})}, patience)

    @asynccontextmanager
    async def ask(self, body: bytes) -> AsyncGenerator[HttpReply, None]:
        """Sends the request; leaving the context closes the upstream connection unless the answer was read to its end."""
        exchange = await self._client.post("/chat/completions", body)
        try:
            refuse_unless_ok(exchange)
            yield HttpReply(exchange)
        finally:
            self._client.give_back(exchange)

    async def models(self) -> bytes:
        exchange = await self._client.get("/models")
        try:
            refuse_unless_ok(exchange)
            return await HttpReply(exchange).whole()
        finally:
            self._client.give_back(exchange)

    async def close(self) -> None:
        self._client.close()


def refuse_unless_ok(exchange: Exchange) -> None:
    if exchange.status != 200:
        raise UpstreamError(
            f"the model's server refused with status {exchange.status}", reason="refused", status=exchange.status
        )
    if exchange.is_encoded:
        raise UpstreamError("the model's server packed its answer, which we did not ask for", reason="garbage")


class HttpReply:
    """Reads one HTTP answer, whole or as server-sent events."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def whole(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := await self._exchange.read():
            size += len(part)
            if size > MAX_ANSWER:
                raise UpstreamError(f"the model's answer is over {MAX_ANSWER} bytes", reason="garbage")
            parts.append(part)
        return b"".join(parts)

    async def events(self) -> AsyncIterator[list[bytes]]:
        splitter = Splitter()
        while part := await self._exchange.read():
            payloads = splitter.feed(part)
            if payloads and payloads[-1] == b"[DONE]":
                if len(payloads) > 1:
                    yield payloads[:-1]
                await self._last_bytes()
                return
            if payloads:
                yield payloads
        raise UpstreamError("the model's answer broke off", reason="cut")

    async def _last_bytes(self) -> None:
        """After `[DONE]` only the end of the body follows; if it is there already, the connection can be used again."""
        if not self._exchange.is_complete:
            with contextlib.suppress(TimeoutError, UpstreamError):
                async with asyncio.timeout(LAST_SECONDS):
                    await self._exchange.read()


class Splitter:
    """Cuts a byte stream into the payloads of SSE `data:` lines (WHATWG HTML, 9.2), wherever the stream was cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, part: bytes) -> list[bytes]:
        """The payloads completed by `part`; nothing after `[DONE]`. Raises `UpstreamError` where it is no event stream."""
        buffer = self._rest + part
        if b"\r" in buffer:
            buffer = buffer.replace(b"\r\n", b"\n")
            # A lone \r at the very end may be the first half of \r\n.
            held = b"\r" if buffer.endswith(b"\r") else b""
            buffer = (buffer[:-1] if held else buffer).replace(b"\r", b"\n") + held
        *lines, self._rest = buffer.split(b"\n")
        if len(self._rest) > MAX_EVENT:
            raise UpstreamError(f"the model sent a line over {MAX_EVENT} bytes", reason="garbage")
        found: list[bytes] = []
        for line in lines:
            self._line(line, found)
            if found and found[-1] == b"[DONE]":
                break
        return found

    def _line(self, line: bytes, found: list[bytes]) -> None:
        if not line:
            if self._data:
                found.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                self._data = []
        elif line.startswith(b"data:"):
            self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            if self._data == [b"[DONE]"]:
                found.append(b"[DONE]")
                self._data = []
        elif not line.startswith((b":", b"event:", b"id:", b"retry:")):
            raise UpstreamError("the model's answer is not an event stream", reason="garbage")

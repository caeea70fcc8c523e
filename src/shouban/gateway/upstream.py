"""The model behind us: asked over HTTP, and watched. Whatever goes wrong has one of five names (`UPSTREAM_REASONS`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp

from shouban.core.errors import UpstreamError

MAX_ANSWER: Final = 16_000_000
MAX_EVENT: Final = 1_000_000
HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Patience:
    """Seconds: to connect, to the first byte, between two."""

    connect: float = 5.0
    first_byte: float = 60.0
    idle: float = 60.0


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
        self._url = url.rstrip("/")
        self._headers = {**HEADERS, **({"Authorization": f"Bearer {key}"} if key else {})}
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._patience.connect)
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=True)
        return self._session

    @asynccontextmanager
    async def ask(self, body: bytes) -> AsyncGenerator[HttpReply, None]:
        """Sends the request; leaving the context closes the upstream connection unless the answer was read to its end."""
        try:
            response = await asyncio.wait_for(
                self._client().post(f"{self._url}/chat/completions", data=body, headers=self._headers, allow_redirects=False),
                self._patience.first_byte,
            )
        except TimeoutError as error:
            raise UpstreamError(f"the model did not answer within {self._patience.first_byte:g} s", reason="slow") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError("the model cannot be reached", reason="dead") from error
        try:
            if response.status != 200:
                raise UpstreamError(f"the model's server refused with status {response.status}", reason="refused")
            yield HttpReply(response, self._patience)
        finally:
            response.close() if not response.content.at_eof() else response.release()

    async def models(self) -> bytes:
        try:
            async with self._client().get(f"{self._url}/models", headers=self._headers) as response:
                if response.status != 200:
                    raise UpstreamError(f"the model's server refused with status {response.status}", reason="refused")
                return await asyncio.wait_for(response.read(), self._patience.first_byte)
        except TimeoutError as error:
            raise UpstreamError("the model's server did not answer in time", reason="slow") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamError("the model's server cannot be reached", reason="dead") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class HttpReply:
    """Reads one HTTP answer, whole or as server-sent events."""

    def __init__(self, response: aiohttp.ClientResponse, patience: Patience) -> None:
        self._response = response
        self._patience = patience

    async def whole(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := await self._next():
            size += len(part)
            if size > MAX_ANSWER:
                raise UpstreamError(f"the model's answer is over {MAX_ANSWER} bytes", reason="garbage")
            parts.append(part)
        return b"".join(parts)

    async def events(self) -> AsyncIterator[list[bytes]]:
        splitter = Splitter()
        while part := await self._next():
            payloads = splitter.feed(part)
            if payloads and payloads[-1] == b"[DONE]":
                if len(payloads) > 1:
                    yield payloads[:-1]
                return
            if payloads:
                yield payloads
        raise UpstreamError("the model's answer broke off", reason="cut")

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(self._patience.idle):
                return await self._response.content.readany()
        except TimeoutError as error:
            raise UpstreamError(f"the model fell silent for {self._patience.idle:g} s", reason="slow") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UpstreamError("the connection to the model broke", reason="cut") from error


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

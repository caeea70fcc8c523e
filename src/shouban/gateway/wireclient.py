"""The HTTP/1.1 client of the hot path: an asyncio protocol over httptools, kept alive, watched by one timer.

It asks one thing, a POST of JSON, and reads one thing, an answer of whatever length. Everything that goes wrong is an
`UpstreamError` with its reason: `dead` (no connection), `slow` (silence), `cut` (broke off), `garbage` (no HTTP).
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httptools

from shouban.core.errors import OperatorError, UpstreamError, UpstreamReason

# Bytes that may wait unread before the model's server is asked to pause.
HIGH_WATER: Final = 1_000_000
MAX_IDLE: Final = 256


@dataclass(frozen=True)
class Patience:
    """Seconds: to connect, to the first byte, between two."""

    connect: float = 5.0
    first_byte: float = 60.0
    idle: float = 60.0


@dataclass
class Address:
    """Where a server is: taken from its URL once."""

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None
    name: str
    idle: list[Exchange] = field(default_factory=list)


def address_of(url: str) -> Address:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise OperatorError(f"`{url}` has no valid port") from error
    if not parts.hostname or parts.username:
        raise OperatorError(
            f"`{parts.scheme}://{parts.hostname or ''}` is no address of a server; write `http(s)://HOST/v1`, keys go in `upstream_key`"
        )
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    return Address(parts.hostname, port or (443 if tls else 80), parts.path.rstrip("/"), tls, parts.netloc)


class Exchange(asyncio.Protocol):
    """One connection, and the one answer under way on it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: Patience) -> None:
        self._loop = loop
        self._patience = patience
        self._transport: Any = None
        self._parser: Any = None
        self._parts: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._paused = False
        self._has_length = False
        self._keeps_alive = False
        self.error: UpstreamError | None = None
        self.status = 0
        self.is_complete = True
        self.is_encoded = False
        self.is_lost = False
        self.uses = 0

    # --- asking

    def ask(self, request: bytes) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._parts, self._size, self.error = [], 0, None
        self.status, self.is_complete, self.is_encoded, self._keeps_alive = 0, False, False, False
        self.uses += 1
        self._heard_at = self._loop.time()
        self._watch()
        self._transport.write(request)

    async def head(self) -> int:
        """The status, once it is there."""
        while not self.status:
            self._raise_if_over()
            await self._more()
        return self.status

    async def read(self) -> bytes:
        """The next bytes of the body, all that are there; empty at its end."""
        while not self._parts:
            if self.is_complete:
                return b""
            self._raise_if_over()
            await self._more()
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts, self._size = [], 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return data

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.close()

    @property
    def is_reusable(self) -> bool:
        alive = not self.is_lost and self.is_complete and self.error is None
        return alive and self._keeps_alive

    def rest(self) -> None:
        """No answer is awaited: nothing to watch."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _raise_if_over(self) -> None:
        if self.error is not None:
            raise self.error

    async def _more(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    # --- being told (asyncio)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        if self._parser is None or self.is_complete:
            self.is_lost = True  # bytes nobody asked for: this connection is not to be trusted with the next question
            self._transport.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("garbage", "the model's server does not speak HTTP")
            self._transport.close()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self.rest()
        if not self.is_complete:
            if self.status and self._ends_with_the_connection():
                self.is_complete = True
            else:
                self._fail(
                    "cut" if self.status else "dead",
                    "the model's answer broke off" if self.status else "the model's server closed the connection",
                )
        self._wake()

    def _ends_with_the_connection(self) -> bool:
        """A body without length or chunks ends when the server closes (RFC 9112, 6.3)."""
        return not self._has_length

    # --- being told (httptools)

    def on_message_begin(self) -> None:
        self._has_length = False

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower in {b"content-length", b"transfer-encoding"}:
            self._has_length = True
        elif lower == b"content-encoding" and value.lower() != b"identity":
            self.is_encoded = True

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        self._size += len(body)
        if self._size > HIGH_WATER and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self.status >= 200:
            # Asked now: once the message is over the parser no longer knows.
            self._keeps_alive = bool(self._parser.should_keep_alive())
            self.is_complete = True
        else:
            self.status = 0  # an interim answer (RFC 9110, 15.2): the real one follows

    # --- watching

    def _watch(self) -> None:
        """One timer for the whole answer, set anew only when it rings too early."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._limit(), self._look)

    def _look(self) -> None:
        self._timer = None
        if self.is_complete or self.is_lost:
            return
        silent = self._loop.time() - self._heard_at
        if self._paused or silent < self._limit():
            self._timer = self._loop.call_later(max(self._limit() - silent, 0.05), self._look)
            return
        self._fail(
            "slow",
            f"the model fell silent for {self._limit():g} s"
            if self.status
            else f"the model did not answer within {self._limit():g} s",
        )
        self._transport.close()
        self._wake()

    def _limit(self) -> float:
        return self._patience.idle if self.status else self._patience.first_byte

    def _fail(self, reason: UpstreamReason, message: str) -> None:
        if self.error is None:
            self.error = UpstreamError(message, reason=reason)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class WireClient:
    """Asks one server; connections are kept and used again."""

    def __init__(self, url: str, headers: dict[str, str], patience: Patience) -> None:
        self._address = address_of(url)
        self._patience = patience
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._head = f"Host: {self._address.name}\r\n{lines}"

    async def post(self, path: str, body: bytes) -> Exchange:
        """The exchange, its status known. A kept connection that the server has closed meanwhile is replaced once."""
        request = (
            f"POST {self._address.path}{path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        return await self._send(request)

    async def get(self, path: str) -> Exchange:
        return await self._send(f"GET {self._address.path}{path} HTTP/1.1\r\n{self._head}\r\n".encode())

    async def _send(self, request: bytes) -> Exchange:
        while True:
            exchange = await self._connection()
            exchange.ask(request)
            try:
                await exchange.head()
            except UpstreamError as error:
                exchange.close()
                if error.reason == "dead" and exchange.uses > 1:
                    continue
                raise
            except asyncio.CancelledError:
                exchange.close()
                raise
            return exchange

    def give_back(self, exchange: Exchange) -> None:
        """Keeps the connection if its answer was read to the end; closes it otherwise."""
        exchange.rest()
        if exchange.is_reusable and len(self._address.idle) < MAX_IDLE:
            self._address.idle.append(exchange)
        else:
            exchange.close()

    def close(self) -> None:
        while self._address.idle:
            self._address.idle.pop().close()

    async def _connection(self) -> Exchange:
        while self._address.idle:
            exchange = self._address.idle.pop()
            if not exchange.is_lost:
                return exchange
        loop = asyncio.get_running_loop()
        address = self._address
        try:
            async with asyncio.timeout(self._patience.connect):
                _, exchange = await loop.create_connection(
                    lambda: Exchange(loop, self._patience), address.host, address.port, ssl=address.tls
                )
        except TimeoutError as error:
            raise UpstreamError("the model cannot be reached in time", reason="dead") from error
        except (OSError, ssl.SSLError) as error:
            raise UpstreamError("the model cannot be reached", reason="dead") from error
        return exchange

"""An upstream for tests that answers as it is told, remembers what it was asked, and sees when a client leaves.

async with FaultyUpstream(cut(after=2)) as upstream: ...        upstream.url, .requests, .closed
with running(FaultyUpstream()) as upstream: ...                 the same for tests that are not async
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self, cast

import httptools
from tests.upstreams.behaviours import NAMED, WORDS, Behaviour, encoded, frame, head, says

_TOLD = re.compile(r"fault:([a-z-]+)(?::(\S+))?")


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:  # Any: JSON of the test's own making
        """The body as JSON, or nothing where it is no JSON object."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def last_words(self) -> str:
        """The text of the user's last message."""
        said = [turn.get("content") for turn in self.document.get("messages", []) if turn.get("role") == "user"]
        last = said[-1] if said else ""
        return last if isinstance(last, str) else json.dumps(last, ensure_ascii=False)


class Exchange:
    """One request and the answer to it; `finished` once the upstream has said or cut all it wants to."""

    def __init__(self, request: Received, transport: asyncio.Transport, writable: asyncio.Event) -> None:
        self.request, self.finished = request, False
        self._transport, self._writable = transport, writable

    @property
    def streams(self) -> bool:
        return self.request.document.get("stream") is True

    async def answer(self, document: object, *, status: int = 200) -> None:
        """A whole answer at once."""
        body = encoded(document)
        self.finished = True
        await self.raw(head(status, "application/json", length=len(body)) + body)

    async def begin(self, content_type: str = "text/event-stream") -> None:
        await self.raw(head(200, content_type))

    async def send(self, body: bytes) -> None:
        await self.raw(frame(body))

    async def end(self) -> None:
        self.finished = True
        await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        """Bytes as they are; waits while the client takes no more, and gives others their turn."""
        self._transport.write(data)
        await asyncio.sleep(0)
        await self._writable.wait()

    def finish(self) -> None:
        self.finished = True

    async def cut(self) -> None:
        """Closes once what was sent is out, whatever the answer lacks."""
        self.finished = True
        self._transport.close()


class FaultyUpstream:
    """Listens on a free loopback port; `behaviour` answers unless the last message names another with `fault:`."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or says(*WORDS)
        self.requests: list[Received] = []
        self.failures: list[Exception] = []
        self.port = 0
        self._closed = 0
        self._changed = threading.Condition()
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    @property
    def url(self) -> str:
        """The base URL of its API."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def closed(self) -> int:
        """How many clients left before their answer was finished."""
        return self._closed

    def wait_closed(self, count: int = 1, seconds: float = 5.0) -> bool:
        """Waits in this thread until so many clients have left; whether they have."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed >= count, seconds)

    def wait_asked(self, count: int = 1, seconds: float = 5.0) -> bool:
        """Waits in this thread until so many requests have come; whether they have."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.requests) >= count, seconds)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.drop()
        if self.failures:
            raise self.failures[0]

    def note_request(self, request: Received) -> Behaviour:
        """Remembers a request and says how it is to be answered."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        told = _TOLD.search(request.last_words)
        return NAMED[told[1]](told[2] or "") if told else self.behaviour

    def note_left(self) -> None:
        with self._changed:
            self._closed += 1
            self._changed.notify_all()

    def join(self, connection: _Connection) -> None:
        self._connections.add(connection)

    def part(self, connection: _Connection) -> None:
        self._connections.discard(connection)


@contextmanager
def running(upstream: FaultyUpstream) -> Iterator[FaultyUpstream]:
    """The upstream in a thread with a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="faulty-upstream", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(upstream.__aenter__(), loop).result(5)
        yield upstream
        asyncio.run_coroutine_threadsafe(upstream.__aexit__(), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


class _Connection(asyncio.Protocol):
    """Reads requests one after another and lets a behaviour answer each."""

    def __init__(self, upstream: FaultyUpstream) -> None:
        self._upstream = upstream
        self._parser = httptools.HttpRequestParser(self)
        self._writable = asyncio.Event()
        self._exchange: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._path, self._headers, self._body = b"", dict[str, str](), b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio types this callback for every kind of transport; a stream server gives a Transport.
        self._transport = cast("asyncio.Transport", transport)
        self._writable.set()
        self._upstream.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._upstream.part(self)
        if self._exchange is not None and not self._exchange.finished:
            self._upstream.note_left()
        if self._task is not None:
            self._task.cancel()

    def drop(self) -> None:
        """Ends the connection because the upstream ends; the client did not leave."""
        if self._exchange is not None:
            self._exchange.finished = True
        self._transport.abort()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._upstream.failures.append(error)
            self._transport.abort()

    def on_message_begin(self) -> None:
        self._path, self._headers, self._body = b"", {}, b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        method, path = self._parser.get_method().decode("ascii"), self._path.decode("latin-1")
        request = Received(method=method, path=path, headers=self._headers, body=self._body)
        self._exchange = Exchange(request, self._transport, self._writable)
        self._task = asyncio.get_running_loop().create_task(self._answer(self._exchange))

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.request.path == "/v1/models":
            await exchange.answer({"object": "list", "data": [{"id": "faulty", "object": "model"}]})
            return
        try:
            await self._upstream.note_request(exchange.request)(exchange)
        except (KeyError, ValueError) as error:
            error.add_note(f"the test asked for a behaviour that is not there: {exchange.request.last_words!r}")
            self._upstream.failures.append(error)
            await exchange.cut()

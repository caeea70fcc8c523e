"""A light closed-loop client: each connection asks, reads the answer to its end, checks it, and asks again."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, cast

import httptools
import msgspec

from bench.upstream import MARK

_CONTENT = re.compile(rb'"content":\s*"(?!")')
_ERROR = re.compile(rb'^(?:event: error|data: *\{"error":)', re.MULTILINE)
# Model's text as itself or as JSON escapes it.
_MARKS = (MARK.encode(), f"\\u{ord(MARK):04x}".encode())
MOST_ERRORS = 50


@dataclass
class Tally:
    """What came back over all connections; `chunks` never counts more of an answer than the model sent."""

    answers: int = 0
    chunks: int = 0
    errors: Counter[str] = field(default_factory=Counter)


class Reading(Protocol):
    """Reads one answer at a time and says at its end what was wrong with it, if anything."""

    def begin(self) -> None: ...
    def feed(self, body: bytes) -> None: ...
    def fault(self) -> str | None: ...


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Completion(msgspec.Struct):
    choices: list[_Choice]


class WholeReading:
    """Reads an answer that does not stream: JSON with the model's words in its first choice."""

    def __init__(self) -> None:
        self._body: list[bytes] = []

    def begin(self) -> None:
        self._body.clear()

    def feed(self, body: bytes) -> None:
        self._body.append(body)

    def fault(self) -> str | None:
        try:
            completion = msgspec.json.decode(b"".join(self._body), type=_Completion)
        except msgspec.DecodeError:
            return "answer is not a chat completion"
        return (
            None
            if completion.choices and MARK in completion.choices[0].message.content
            else "answer without the model's text"
        )


class StreamReading:
    """Reads a streamed answer: counts the events that carry text, sees the model's first words and the end."""

    def __init__(self, tally: Tally, chunks: int) -> None:
        self._tally, self._chunks = tally, chunks
        self._tail = b""
        self._ended = False
        self._error = False
        self.events = 0
        self.first_at: float | None = None

    def begin(self) -> None:
        self._tail, self._ended, self._error = b"", False, False
        self.events, self.first_at = 0, None

    def feed(self, body: bytes) -> None:
        data = self._tail + body
        cut = data.rfind(b"\n") + 1
        lines, self._tail = data[:cut], data[cut:]
        if not lines:
            return
        if self.first_at is None and any(mark in lines for mark in _MARKS):
            self.first_at = time.perf_counter()
        before = self.events
        self.events += len(_CONTENT.findall(lines))
        self._tally.chunks += min(self.events, self._chunks) - min(before, self._chunks)
        self._ended = self._ended or b"data: [DONE]" in lines
        self._error = self._error or _ERROR.search(lines) is not None

    def fault(self) -> str | None:
        if self._error:
            return "error event in the stream"
        if not self._ended:
            return "stream ended without [DONE]"
        return "stream without the model's text" if self.first_at is None else None


class Connection(asyncio.Protocol):
    """One kept-alive connection; `on_answer` hears of each answer's fault or of none, `on_lost` of the end."""

    def __init__(self, reading: Reading, on_answer: Callable[[str | None], None], on_lost: Callable[[], None]) -> None:
        self._reading, self._on_answer, self._on_lost = reading, on_answer, on_lost
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._asking = False
        self.asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio types this callback for every kind of transport; a stream client gets a Transport.
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes) -> None:
        """Sends a request; its answer begins now."""
        self._reading.begin()
        self._asking = True
        self.asked_at = time.perf_counter()
        if self._transport is not None:
            self._transport.write(request)

    def leave(self) -> None:
        """Goes away as a client does that wants no more."""
        self._asking = False
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._settle("answer is not HTTP")
            self.leave()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._settle("connection closed inside an answer")
        self._on_lost()

    def on_body(self, body: bytes) -> None:
        self._reading.feed(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        self._settle(self._reading.fault() if status == 200 else f"status {status}")

    def _settle(self, fault: str | None) -> None:
        if self._asking:
            self._asking = False
            self._on_answer(fault)


class ClosedLoop:
    """Keeps a number of connections asking until it is stopped or too much went wrong."""

    def __init__(self, port: int, requests: Iterator[bytes], read: Callable[[Tally], Reading]) -> None:
        self._port, self._requests, self._read = port, requests, read
        self._loop = asyncio.get_running_loop()
        self._open: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._going = True
        self.tally = Tally()

    async def start(self, connections: int, *, over: float) -> None:
        """Opens the connections one after another over some seconds, so that paced streams do not move in step."""
        for _ in range(connections):
            await self._connect()
            await asyncio.sleep(over / connections)

    async def stop(self) -> None:
        """Leaves every connection, in the middle of its answer too."""
        self._going = False
        for connection in list(self._open):
            connection.leave()
        await asyncio.gather(*self._opening, return_exceptions=True)
        # Lets the closed sockets be seen by both sides before the next measure begins.
        await asyncio.sleep(0.05)

    async def _connect(self) -> None:
        connection: Connection

        def answered(fault: str | None) -> None:
            self._count(fault)
            if self._going and fault != "connection closed inside an answer":
                connection.ask(next(self._requests))

        def lost() -> None:
            self._open.discard(connection)
            if self._going:
                task = self._loop.create_task(self._connect())
                self._opening.add(task)
                task.add_done_callback(self._opening.discard)

        connection = Connection(self._read(self.tally), answered, lost)
        try:
            await self._loop.create_connection(lambda: connection, "127.0.0.1", self._port)
        except OSError as error:
            self._count(f"cannot connect: {error.strerror}")
            return
        self._open.add(connection)
        if self._going:
            connection.ask(next(self._requests))
        else:
            connection.leave()

    def _count(self, fault: str | None) -> None:
        if fault is None:
            self.tally.answers += 1
            return
        self.tally.errors[fault] += 1
        self._going = self._going and self.tally.errors.total() < MOST_ERRORS


class Probe:
    """One connection at low load: asks one streamed question and waits for the whole answer."""

    def __init__(self, port: int, requests: Iterator[bytes], chunks: int) -> None:
        self._port, self._requests = port, requests
        self.tally = Tally()
        self._reading = StreamReading(self.tally, chunks)
        self._connection: Connection | None = None
        self._answer: asyncio.Future[str | None] | None = None

    async def first_words_after(self) -> float | None:
        """Seconds from asking to the model's first words; nothing where the answer was wrong, which is counted."""
        if self._connection is None:
            self._connection = await self._connected()
        self._answer = asyncio.get_running_loop().create_future()
        self._connection.ask(next(self._requests))
        asked_at = self._connection.asked_at
        fault = await self._answer
        if fault is not None:
            self.tally.errors[fault] += 1
        return None if fault or self._reading.first_at is None else self._reading.first_at - asked_at

    def close(self) -> None:
        if self._connection is not None:
            self._connection.leave()
            self._connection = None

    async def _connected(self) -> Connection:
        def lost() -> None:
            if self._connection is connection:
                self._connection = None

        connection = Connection(self._reading, self._answered, lost)
        await asyncio.get_running_loop().create_connection(lambda: connection, "127.0.0.1", self._port)
        return connection

    def _answered(self, fault: str | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(fault)

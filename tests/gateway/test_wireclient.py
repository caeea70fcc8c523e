"""The client of the hot path against real sockets: whole, cut, slow and senseless answers, and connections used again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouban.core.errors import OperatorError, UpstreamError
from shouban.gateway.wireclient import Patience, WireClient, address_of

QUICK = Patience(connect=2.0, first_byte=0.3, idle=0.3)


class Server:
    """Answers every request with given writes; `hold` keeps silent after them, `close` hangs up."""

    def __init__(self, *writes: bytes, hold: bool = False, close: bool = False) -> None:
        self.writes, self.hold, self.close = writes, hold, close
        self.connections = 0
        self.bodies: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")), 0)
                self.bodies.append(await reader.readexactly(length))
                for data in self.writes:
                    writer.write(data)
                    await writer.drain()
                if self.hold:
                    await asyncio.sleep(5)
                if self.close:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[WireClient]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    client = WireClient(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", {"Accept": "*/*"}, QUICK)
    try:
        yield client
    finally:
        client.close()
        listening.close()


async def body_of(client: WireClient, body: bytes = b"{}") -> bytes:
    exchange = await client.post("/chat/completions", body)
    parts = []
    try:
        while part := await exchange.read():
            parts.append(part)
    finally:
        client.give_back(exchange)
    return b"".join(parts)


def fails(server: Server) -> str:
    async def ask() -> str:
        async with client_of(server) as client:
            with pytest.raises(UpstreamError) as caught:
                await body_of(client)
            return caught.value.reason

    return asyncio.run(ask())


def whole(text: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text


@settings(max_examples=25)
@given(text=st.binary(max_size=200), at=st.integers(0, 260))
def test_an_answer_cut_anywhere_on_the_wire_is_put_together_again(text: bytes, at: int) -> None:
    sent = whole(text)

    async def ask() -> bytes:
        async with client_of(Server(sent[:at], sent[at:])) as client:
            return await body_of(client, b'{"a": 1}')

    assert asyncio.run(ask()) == text


def test_a_connection_is_used_again_and_a_closed_one_is_replaced() -> None:
    async def ask() -> tuple[int, int]:
        kept, hangs_up = Server(whole(b"ok")), Server(whole(b"ok"), close=True)
        for server in (kept, hangs_up):
            async with client_of(server) as client:
                for _ in range(3):
                    assert await body_of(client) == b"ok"
                    await asyncio.sleep(0.02)
        return kept.connections, hangs_up.connections

    assert asyncio.run(ask()) == (1, 3)


def test_chunked_answers_and_those_that_end_with_the_connection_are_whole() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    endless = b"HTTP/1.1 200 OK\r\n\r\nabcde"

    async def ask(server: Server) -> bytes:
        async with client_of(server) as client:
            return await body_of(client)

    assert asyncio.run(ask(Server(chunked))) == b"abcde"
    assert asyncio.run(ask(Server(endless, close=True))) == b"abcde"


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (Server(close=True), "dead"),
        (Server(hold=True), "slow"),
        (Server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", hold=True), "slow"),
        (Server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close=True), "cut"),
        (Server(b"\x00\x01 this is not HTTP\r\n\r\n", hold=True), "garbage"),
    ],
    ids=["hangs up", "silent", "stalls", "breaks off", "no HTTP"],
)
def test_what_goes_wrong_has_a_name(server: Server, reason: str) -> None:
    assert fails(server) == reason


def test_an_address_where_nobody_listens_is_dead() -> None:
    async def ask() -> str:
        listening = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        listening.close()
        await listening.wait_closed()
        with pytest.raises(UpstreamError) as caught:
            await WireClient(f"http://127.0.0.1:{port}", {}, QUICK).post("/x", b"")
        return caught.value.reason

    assert asyncio.run(ask()) == "dead"


@pytest.mark.parametrize("url", ["http://", "http://host:notaport/v1", "http://me:secret@host/v1"])
def test_an_address_that_is_none_is_refused_without_repeating_a_secret(url: str) -> None:
    with pytest.raises(OperatorError) as caught:
        address_of(url)
    assert "secret" not in str(caught.value)

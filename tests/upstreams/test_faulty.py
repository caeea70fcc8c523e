"""The faulty upstream keeps its word: what a test asks it to do wrong is what the client meets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPConnection, HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected

import aiohttp
import pytest
from tests.upstreams.behaviours import ARGUMENTS, GARBAGE, WORDS, cut, endless
from tests.upstreams.faulty import FaultyUpstream, running


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with running(FaultyUpstream()) as started:
        yield started


def asked(upstream: FaultyUpstream, words: str, *, stream: bool = True) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", upstream.port, timeout=5)
    document = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": words}]}
    connection.request("POST", "/v1/chat/completions", json.dumps(document), {"X-Trace": "t"})
    return connection.getresponse()


def events(body: bytes) -> list[str]:
    return [line.removeprefix("data: ") for line in body.decode().split("\n\n") if line]


def spoken(body: bytes) -> list[str]:
    deltas = [json.loads(line)["choices"][0]["delta"] for line in events(body) if line != "[DONE]"]
    return [delta["content"] for delta in deltas if delta.get("content")]


def test_a_proper_answer_streams_each_word_and_ends_with_done(upstream: FaultyUpstream) -> None:
    body = asked(upstream, "你好").read()
    assert spoken(body) == list(WORDS)
    assert events(body)[-1] == "[DONE]"


def test_a_proper_answer_may_come_whole(upstream: FaultyUpstream) -> None:
    answer = json.loads(asked(upstream, "fault:ok:好|的", stream=False).read())
    assert answer["choices"][0]["message"]["content"] == "好的"


def test_requests_are_remembered_with_their_headers(upstream: FaultyUpstream) -> None:
    asked(upstream, "记住我").read()
    assert upstream.requests[-1].last_words == "记住我"
    assert upstream.requests[-1].headers["x-trace"] == "t"


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_has_openais_error_shape(upstream: FaultyUpstream, status: int, stream: bool) -> None:
    response = asked(upstream, f"fault:refuse:{status}", stream=stream)
    assert response.status == status
    assert set(json.loads(response.read())["error"]) == {"message", "type", "param", "code"}


def test_a_dead_upstream_closes_without_a_word(upstream: FaultyUpstream) -> None:
    with pytest.raises(RemoteDisconnected):
        asked(upstream, "fault:dead")


@pytest.mark.parametrize("word", ["cut", "cut-inside"])
def test_a_cut_stream_never_reaches_its_end(upstream: FaultyUpstream, word: str) -> None:
    with pytest.raises(IncompleteRead) as cut_short:
        asked(upstream, f"fault:{word}:2").read()
    assert b"[DONE]" not in cut_short.value.partial
    assert WORDS[1].encode() in cut_short.value.partial


def test_a_cut_answer_is_shorter_than_it_said(upstream: FaultyUpstream) -> None:
    with pytest.raises(IncompleteRead):
        asked(upstream, "fault:cut", stream=False).read()


def test_a_stream_may_end_well_formed_without_done(upstream: FaultyUpstream) -> None:
    assert "[DONE]" not in events(asked(upstream, "fault:no-done").read())


@pytest.mark.parametrize("kind", GARBAGE)
@pytest.mark.parametrize("stream", [True, False])
def test_garbage_comes_as_it_is(upstream: FaultyUpstream, kind: str, stream: bool) -> None:
    response = asked(upstream, f"fault:garbage:{kind}", stream=stream)
    assert (response.getheader("Content-Type"), response.read()) == GARBAGE[kind]


def test_garbage_may_not_even_be_http(upstream: FaultyUpstream) -> None:
    with pytest.raises(BadStatusLine):
        asked(upstream, "fault:garbage:not-http")


def test_a_huge_line_is_one_line(upstream: FaultyUpstream) -> None:
    body = asked(upstream, "fault:huge-line:300000").read()
    assert max(len(line) for line in body.split(b"\n")) > 300_000


def test_several_choices_are_mixed_in_the_stream(upstream: FaultyUpstream) -> None:
    body = asked(upstream, "fault:choices:3").read()
    order = [json.loads(line)["choices"][0]["index"] for line in events(body)[:6]]
    assert order == [0, 1, 2, 0, 1, 2]
    assert len(json.loads(asked(upstream, "fault:choices:3", stream=False).read())["choices"]) == 3


def test_the_arguments_of_a_tool_call_come_in_pieces(upstream: FaultyUpstream) -> None:
    chunks = [json.loads(line) for line in events(asked(upstream, "fault:tools").read())[:-1]]
    calls = [chunk["choices"][0]["delta"].get("tool_calls", []) for chunk in chunks]
    pieces = [call[0]["function"]["arguments"] for call in calls if call]
    assert pieces == ["", *ARGUMENTS]
    assert json.loads("".join(pieces)) == {"城市": "杭州", "天数": 3}


@pytest.mark.parametrize("word", ["slow-first:0.01", "slow-between:0.01"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_slow_answer_is_still_a_whole_answer(upstream: FaultyUpstream, word: str, stream: bool) -> None:
    body = asked(upstream, f"fault:{word}", stream=stream).read()
    said = spoken(body) if stream else [json.loads(body)["choices"][0]["message"]["content"]]
    assert "".join(said) == "".join(WORDS)


def test_a_client_that_leaves_an_endless_stream_is_seen() -> None:
    with (
        running(FaultyUpstream(endless())) as upstream,
        socket.create_connection(("127.0.0.1", upstream.port)) as client,
    ):
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        assert upstream.closed == 0
        client.close()
        assert upstream.wait_closed(1)


def test_a_finished_answer_is_no_client_that_left(upstream: FaultyUpstream) -> None:
    for words in ("你好", "fault:cut", "fault:dead"):
        try:
            asked(upstream, words).read()
        except HTTPException:
            continue
    assert upstream.closed == 0


def test_a_behaviour_that_is_not_there_fails_the_test_that_asked_for_it() -> None:
    with (
        pytest.raises(KeyError, match="nonsense"),
        running(FaultyUpstream()) as upstream,
        pytest.raises(RemoteDisconnected),
    ):
        asked(upstream, "fault:nonsense")


def test_it_serves_async_tests_as_well() -> None:
    async def first_event() -> bytes:
        async with (
            FaultyUpstream(cut(after=1)) as upstream,
            aiohttp.ClientSession() as client,
            client.post(f"{upstream.url}/chat/completions", json={"stream": True}) as answer,
        ):
            return await answer.content.readuntil(b"\n\n")

    assert spoken(asyncio.run(first_event())) == [WORDS[0]]

"""The model behind: its stream cut into events wherever it was cut, and everything that goes wrong by its name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import BOTH_WAYS, WHOLE, Served, fresh, refusal, serving, settings_for
from tests.upstreams.behaviours import (
    GARBAGE,
    WORDS,
    cut,
    dead,
    endless,
    garbage,
    huge_line,
    refuse,
    says,
    slow_between,
    slow_first,
    tool_calls,
)
from tests.upstreams.faulty import FaultyUpstream

from shouban.core.errors import UpstreamError
from shouban.gateway.upstream import MAX_EVENT, HttpUpstream, Splitter
from shouban.gateway.wireclient import Patience

SHORT = Patience(connect=0.5, first_byte=0.15, idle=0.15)
LONG = Patience(connect=5, first_byte=5, idle=5)
PAYLOADS = st.lists(
    st.dictionaries(st.text(max_size=4), st.text(max_size=6), max_size=3).map(
        lambda one: json.dumps(one, ensure_ascii=False).encode()
    ),
    max_size=5,
)


def split(parts: list[bytes]) -> list[bytes]:
    splitter = Splitter()
    return [payload for part in parts for payload in splitter.feed(part)]


def cut_at(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


# --- the splitter


@given(PAYLOADS, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.sampled_from([b"data: ", b"data:"]))
def test_a_stream_gives_the_same_events_at_whatever_byte_it_is_cut(
    payloads: list[bytes], end: bytes, data: bytes
) -> None:
    stream = b"".join(data + one + end + end for one in payloads) + b"data: [DONE]" + end + end
    whole = split([stream])
    assert whole == [*payloads, b"[DONE]"]
    for place in range(len(stream) + 1):
        assert split([stream[:place], stream[place:]]) == whole
    assert split([stream[place : place + 1] for place in range(len(stream))]) == whole


@given(PAYLOADS, st.lists(st.integers(0, 10_000), max_size=8))
def test_many_cuts_change_nothing_either(payloads: list[bytes], places: list[int]) -> None:
    stream = b": hello\n\nevent: message\nid: 7\nretry: 10\n" + b"".join(b"data: " + one + b"\n\n" for one in payloads)
    assert split(cut_at(stream, places)) == payloads


def test_an_event_of_several_lines_is_one_payload() -> None:
    assert split([b'data: {"a":\ndata: 1}\n\n']) == [b'{"a":\n1}']


def test_nothing_after_the_end_is_given() -> None:
    assert split([b"data: 1\n\ndata: [DONE]\n\ndata: 2\n\n"]) == [b"1", b"[DONE]"]


def test_an_event_that_never_ends_is_not_given() -> None:
    assert split([b"data: 1\n\ndata: 2\n"]) == [b"1"]


@pytest.mark.parametrize("text", [b"hello\n", b"<html>\n", b'{"choices": []}\n', b"\x00\n", b"data 1\n"])
def test_what_is_no_event_stream_is_refused(text: bytes) -> None:
    with pytest.raises(UpstreamError) as refused:
        split([text])
    assert refused.value.reason == "garbage"


def test_a_line_without_end_is_not_kept_without_end() -> None:
    splitter = Splitter()
    for _ in range(MAX_EVENT // 1000):
        splitter.feed(b"x" * 1000)
    with pytest.raises(UpstreamError, match="over"):
        splitter.feed(b"x" * 1000)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_are_events_or_garbage(parts: list[bytes]) -> None:
    error = refusal(lambda: split(parts), UpstreamError)
    assert error is None or error.reason == "garbage"


# --- as the person meets it


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, upstream: FaultyUpstream) -> Iterator[Served]:
    """A gateway that waits a quarter of a second for its model."""
    short = {"connect_timeout": 0.25, "first_byte_timeout": 0.25, "idle_timeout": 0.25}
    with serving(settings_for(tmp_path_factory.mktemp("impatient"), upstream.url, **short)) as served:
        yield served


FAULTS = {
    "refuse:500": "upstream_refused",
    "refuse:429": "upstream_refused",
    "refuse:401": "upstream_refused",
    "dead": "upstream_dead",
    "cut:2": "upstream_cut",
    "cut-inside:2": "upstream_cut",
    "huge-line:4000000": "upstream_garbage",
    "garbage:not-http": "upstream_garbage",
    **{f"garbage:{kind}": "upstream_garbage" for kind in GARBAGE},
}
# No faults: an answer that is not streamed may be long, and a stream is known by what is in it, not by its label.
FINE = {("huge-line:4000000", False), ("garbage:wrong-type", True)}
# A stream in which not one line ends has broken off, whatever it was.
NO_LINE_ENDS = ("not-json", "half-json", "wrong-shape", "array", "empty", "html")
OTHER_CODES = {
    ("garbage:error-event", True): "upstream_refused",
    **{(f"garbage:{kind}", True): "upstream_cut" for kind in NO_LINE_ENDS},
}


@BOTH_WAYS
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_goes_wrong_behind_the_person_is_told_the_truth_and_the_talk_goes_on(
    world: Served, fault: str, stream: bool
) -> None:
    user = fresh()
    reply = world.chat(f"讲个故事 fault:{fault}", user=user, stream=stream)
    if (fault, stream) in FINE:
        assert reply.finish == "stop"
        return
    error = reply.error
    assert error is not None, reply.body[:300]
    assert set(error) == {"message", "type", "code", "param"}
    assert error["type"] == "upstream_error"
    assert error["code"] == OTHER_CODES.get((fault, stream), FAULTS[fault])
    assert "抱歉" in error["message"]
    if reply.is_stream:
        assert reply.is_done
    else:
        assert reply.status == 502
    assert ("user", f"讲个故事 fault:{fault}") in world.messages(user)
    assert "Announce" in {row.kind for row in world.ledger(user)}
    assert world.chat("还在吗", user=user, stream=stream).text.endswith(WHOLE)


@BOTH_WAYS
@pytest.mark.parametrize("fault", ["slow-first:1", "slow-between:1"])
def test_a_model_that_is_too_slow_is_told_as_slow(impatient: Served, fault: str, stream: bool) -> None:
    user = fresh()
    reply = impatient.chat(f"讲个故事 fault:{fault}", user=user, stream=stream)
    assert reply.error is not None
    assert reply.error["code"] == "upstream_slow"
    assert reply.is_stream or reply.status == 504
    assert impatient.chat("还在吗", user=user, stream=stream).text.endswith(WHOLE)


def test_nobody_behind_the_address_is_told_as_dead(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, "http://127.0.0.1:9/v1")) as served:
        reply = served.chat("你好")
        assert reply.status == 502
        assert reply.error is not None
        assert reply.error["code"] == "upstream_dead"
        assert served.get("/v1/models").status_code == 502


def test_a_stream_that_ends_well_formed_without_done_is_whole(world: Served) -> None:
    reply = world.chat("讲个故事 fault:no-done", stream=True)
    assert reply.text.endswith(WHOLE) or reply.error is not None
    assert reply.is_done


# --- over HTTP


def answers(behaviour: Any, *, stream: bool = True, patience: Patience = LONG) -> list[bytes]:
    """All events of the answer, or its whole body as one."""

    async def ask() -> list[bytes]:
        async with FaultyUpstream(behaviour) as server:
            upstream = HttpUpstream(server.url, "sk-upstream", patience)
            try:
                async with upstream.ask(json.dumps({"stream": stream}).encode()) as reply:
                    if not stream:
                        return [await reply.whole()]
                    return [payload async for payloads in reply.events() for payload in payloads]
            finally:
                await upstream.close()

    return asyncio.run(ask())


def test_words_come_as_they_were_sent() -> None:
    events = answers(says(*WORDS))
    assert "".join(json.loads(one)["choices"][0]["delta"].get("content", "") for one in events) == "".join(WORDS)
    assert json.loads(answers(says(*WORDS), stream=False)[0])["choices"][0]["message"]["content"] == "".join(WORDS)
    assert json.loads(answers(tool_calls())[-1])["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (dead, "dead"),
        (refuse(500), "refused"),
        (refuse(429), "refused"),
        (cut(after=2), "cut"),
        (cut(after=1, inside=True), "cut"),
        (slow_first(1.0), "slow"),
        (slow_between(1.0), "slow"),
        (garbage("not-http"), "garbage"),
    ],
    ids=["dead", "500", "429", "cut", "cut-inside", "slow-first", "slow-between", "not-http"],
)
def test_what_goes_wrong_has_its_name(behaviour: Any, reason: str, stream: bool) -> None:
    with pytest.raises(UpstreamError) as failed:
        answers(behaviour, stream=stream, patience=SHORT if reason == "slow" else LONG)
    assert failed.value.reason == reason


@pytest.mark.parametrize("kind", ["html", "not-sse", "binary", "empty", "not-json", "array"])
def test_what_is_no_answer_is_never_taken_for_one(kind: str) -> None:
    with pytest.raises(UpstreamError):
        answers(garbage(kind))
    assert GARBAGE[kind]


def test_one_event_may_not_be_endless() -> None:
    with pytest.raises(UpstreamError) as failed:
        answers(huge_line(4_000_000))
    assert failed.value.reason == "garbage"


def test_a_slow_answer_that_is_not_too_slow_is_whole() -> None:
    assert len(answers(slow_between(0.02), patience=Patience(5, 2, 2))) == len(WORDS) + 1


def test_nobody_there_is_dead_and_quickly() -> None:
    async def ask() -> None:
        upstream = HttpUpstream("http://127.0.0.1:9/v1", "", SHORT)
        async with upstream.ask(b"{}"):
            pass

    with pytest.raises(UpstreamError) as failed:
        asyncio.run(ask())
    assert failed.value.reason == "dead"


def test_leaving_an_answer_unread_closes_its_connection() -> None:
    async def leave() -> bool:
        async with FaultyUpstream(endless()) as server:
            upstream = HttpUpstream(server.url, "", LONG)
            async with upstream.ask(b'{"stream": true}') as reply:
                async for _ in reply.events():
                    break
            await upstream.close()
            return await asyncio.to_thread(server.wait_closed, 1)

    assert asyncio.run(leave())


def test_the_upstream_key_is_sent_and_the_connection_used_again() -> None:
    async def twice() -> tuple[list[dict[str, str]], int]:
        async with FaultyUpstream() as server:
            upstream = HttpUpstream(server.url + "/", "sk-upstream", LONG)
            for _ in range(3):
                async with upstream.ask(b'{"stream": true}') as reply:
                    assert [one async for one in reply.events()]
            connections = len(server._connections)
            await upstream.close()
            return [one.headers for one in server.requests], connections

    headers, connections = asyncio.run(twice())
    assert {one["authorization"] for one in headers} == {"Bearer sk-upstream"}
    assert connections == 1


def test_the_models_are_listed_or_the_reason_is_named() -> None:
    async def models(behaviour: Callable[..., Any] | None = None) -> bytes:
        async with FaultyUpstream(behaviour) as server:
            upstream = HttpUpstream(server.url, "", LONG)
            try:
                return await upstream.models()
            finally:
                await upstream.close()

    assert json.loads(asyncio.run(models()))["data"][0]["id"] == "faulty"

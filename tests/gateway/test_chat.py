"""The contract of `POST /v1/chat/completions`, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import APIStatusError, AuthenticationError, BadRequestError, OpenAI
from sqlalchemy import select
from tests.gateway.serving import (
    KEY,
    LISTED,
    PLAN,
    Reply,
    Served,
    answering,
    eventually,
    fresh,
    guardian,
    noon,
    serving,
    settings_for,
)
from tests.upstreams.behaviours import GARBAGE, WORDS, Behaviour, endless, event, says
from tests.upstreams.faulty import Exchange, FaultyUpstream

from shouban.db.schema import LEDGER

CHAT = "/v1/chat/completions"
WHOLE = "".join(WORDS)
NOTICE = "你正在和人工智能聊天"
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture(scope="module")
def openai(world: Served) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{world.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, upstream: FaultyUpstream) -> Iterator[Served]:
    """A gateway that waits a quarter of a second for its model."""
    short = {"connect_timeout": 0.25, "first_byte_timeout": 0.25, "idle_timeout": 0.25}
    with serving(settings_for(tmp_path_factory.mktemp("impatient"), upstream.url, **short)) as served:
        yield served


def streamed(world: Served, body: dict[str, Any], **headers: str) -> AbstractContextManager[httpx.Response]:
    """A streamed answer, open for reading."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return world.client.stream("POST", CHAT, json=body, headers={"authorization": f"Bearer {KEY}", **named})


# --- the unmodified client


def test_the_openai_client_talks_through_us_without_knowing(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(model="m", user=fresh(), messages=[{"role": "user", "content": "你好"}])
    text = answer.choices[0].message.content or ""
    assert text.startswith("【提示】")
    assert NOTICE in text
    assert text.endswith(WHOLE)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None


def test_the_openai_client_streams_through_us_without_knowing(openai: OpenAI) -> None:
    chunks = list(
        openai.chat.completions.create(
            model="m", user=fresh(), messages=[{"role": "user", "content": "你好"}], stream=True
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert NOTICE in text
    assert text.endswith(WHOLE)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_the_openai_client_lists_the_models_behind(openai: OpenAI) -> None:
    assert [one.id for one in openai.models.list()] == ["faulty"]


def test_the_openai_client_meets_errors_it_knows(openai: OpenAI, world: Served) -> None:
    with pytest.raises(BadRequestError) as missing:
        openai.chat.completions.create(model="m", messages=[{"role": "user", "content": "你好"}])
    assert missing.value.param == "user"
    with pytest.raises(APIStatusError) as dead:
        openai.chat.completions.create(model="m", user=fresh(), messages=[{"role": "user", "content": "fault:dead"}])
    assert dead.value.code == "upstream_dead"
    with (
        OpenAI(base_url=f"{world.url}/v1", api_key="wrong", max_retries=0) as stranger,
        pytest.raises(AuthenticationError) as refused,
    ):
        stranger.chat.completions.create(model="m", user="u", messages=[{"role": "user", "content": "你好"}])
    assert refused.value.code == "invalid_api_key"


# --- bad requests


def refused(got: httpx.Response, status: int, field: str | None) -> str:
    assert got.status_code == status, got.text
    error = got.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    assert error["param"] == field
    return str(error["message"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"", "body"),
        (b"null", None),
        (b"[]", None),
        (b'{"messages": [{"role": "user", "content": "\xc3("}], "user": "u"}', "body"),
        ({"user": "u"}, "messages"),
        ({"user": "u", "messages": []}, "messages"),
        ({"user": "u", "messages": "你好"}, "messages"),
        ({"user": "u", "messages": [{"content": "你好"}]}, "messages[0].role"),
        ({"user": "u", "messages": [{"role": "boss", "content": "你好"}]}, "messages[0].role"),
        ({"user": "u", "messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"user": 7, "messages": [{"role": "user", "content": "你好"}]}, "user"),
        ({"user": "u" * 300, "messages": [{"role": "user", "content": "你好"}]}, "user"),
        ({"messages": [{"role": "user", "content": "你好"}]}, "user"),
        ({"user": "", "messages": [{"role": "user", "content": "你好"}]}, "user"),
        ({"user": "u", "stream": "yes", "messages": [{"role": "user", "content": "你好"}]}, "stream"),
        ({"user": "u", "n": 0, "messages": [{"role": "user", "content": "你好"}]}, "n"),
        ({"user": "u", "n": 1.5, "messages": [{"role": "user", "content": "你好"}]}, "n"),
        ({"user": "u", "messages": [{"role": "user", "content": "你好"}] * 51}, "messages"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_by_name(world: Served, body: Any, field: str | None) -> None:
    refused(world.post(CHAT, body), 400, field)


def test_content_nested_without_end_is_refused(world: Served) -> None:
    deep: Any = "x"
    for _ in range(30):
        deep = [deep]
    refused(world.post(CHAT, {"user": "u", "messages": [{"role": "user", "content": deep}]}), 400, "messages")
    text = b'{"user":"u","messages":[{"role":"user","content":' + b"[" * 60_000 + b"]" * 60_000 + b"}]}"
    assert world.post(CHAT, text).status_code == 400


def test_a_body_over_the_limit_is_refused(world: Served) -> None:
    refused(world.post(CHAT, {"user": "u", "messages": [{"role": "user", "content": "x" * 200_000}]}), 413, "body")


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer", "Bearer wrong", f"Token {KEY}"])
def test_without_the_service_key_nothing_is_answered(world: Served, header: str) -> None:
    got = world.post(
        CHAT, {"user": "u", "messages": [{"role": "user", "content": "你好"}]}, key="", authorization=header
    )
    refused(got, 401, "Authorization")


@pytest.mark.parametrize("header", ["X-Shouban-Session", "X-Shouban-Companion"])
def test_an_id_that_is_too_long_is_refused_by_its_header(world: Served, header: str) -> None:
    body = {"user": fresh(), "messages": [{"role": "user", "content": "你好"}]}
    refused(world.post(CHAT, body, **{header.replace("-", "_"): "s" * 300}), 400, header)


def test_a_time_that_is_none_is_refused(world: Served) -> None:
    refused(
        world.post(CHAT, {"user": "u", "messages": [{"role": "user", "content": "你好"}]}, at="tomorrow"),
        400,
        "X-Shouban-At",
    )


def test_one_answer_too_many_for_one_person_is_refused_and_others_go_on(world: Served) -> None:
    user = fresh()
    body = {"user": user, "stream": True, "messages": [{"role": "user", "content": "fault:endless:0.01"}]}
    headers = {"authorization": f"Bearer {KEY}"}
    open_ones = [world.client.stream("POST", CHAT, json=body, headers=headers) for _ in range(3)]
    try:
        parts = [one.__enter__().iter_bytes() for one in open_ones]
        assert all(next(one) for one in parts)
        refused(world.post(CHAT, body), 429, "user")
        assert world.chat("你好").status == 200
    finally:
        for one in open_ones:
            one.__exit__(None, None, None)
    assert eventually(lambda: world.chat("你好", user=user).status == 200)


def test_one_answer_too_many_for_the_service_is_refused(tmp_path: Path, upstream: FaultyUpstream) -> None:
    with serving(settings_for(tmp_path, upstream.url, max_streams=1)) as served:
        body = {"user": fresh(), "stream": True, "messages": [{"role": "user", "content": "fault:endless:0.01"}]}
        with served.client.stream("POST", CHAT, json=body, headers={"authorization": f"Bearer {KEY}"}) as answer:
            parts = answer.iter_bytes()
            assert next(parts)
            assert served.chat("你好").status == 429
        assert eventually(lambda: served.chat("你好").status == 200)


# --- what reaches the model


def test_the_request_reaches_the_model_as_it_came(world: Served, upstream: FaultyUpstream) -> None:
    body = (
        '{ "model":"m",  "user": "USER", "messages":[{"role":"system","content":"你叫小禾"},{"role":"user","content":"你好","name":"小明"}],'
        '"tools":[{"type":"function","function":{"name":"look_up","parameters":{"type":"object"}}}], "temperature":0.30, "x_new":{"a":[1,2.50]} }'
    ).replace("USER", fresh())
    assert world.post(CHAT, body.encode()).status_code == 200
    got = upstream.requests[-1]
    assert got.body == body.encode()
    assert got.path == "/v1/chat/completions"


def test_the_service_key_never_reaches_the_model(
    world: Served, upstream: FaultyUpstream, other_upstream: FaultyUpstream
) -> None:
    world.chat("你好", session="s", companion="c", aware=True)
    assert KEY not in json.dumps(upstream.requests[-1].headers)
    assert not [name for name in upstream.requests[-1].headers if name.startswith("x-shouban")]
    world.chat("你好", key="sk-other")
    assert other_upstream.requests[-1].headers["authorization"] == "Bearer sk-upstream"


@BOTH_WAYS
def test_what_identifies_a_person_is_masked_on_the_way_to_the_model(
    world: Served, upstream: FaultyUpstream, stream: bool
) -> None:
    user = fresh()
    world.chat("我的身份证是11010519491231002X，手机13812345678", user=user, stream=stream)
    sent = upstream.requests[-1].last_words
    assert "11010519491231002X" not in sent
    assert "13812345678" not in sent
    assert "〔身份证号〕" in sent
    parts = [{"type": "text", "text": "手机13812345678"}, {"type": "image_url", "image_url": {"url": "data:,x"}}]
    world.chat({"role": "user", "content": parts}, user=user, stream=stream)
    assert "13812345678" not in upstream.requests[-1].body.decode()
    assert upstream.requests[-1].document["messages"][0]["content"][1] == parts[1]


def test_several_choices_and_tool_calls_come_back_whole(world: Served) -> None:
    for stream in (False, True):
        several = world.chat("fault:choices:3", n=3, stream=stream)
        assert all(several.text_of(index).endswith(WHOLE) for index in range(3))
        called = world.chat("fault:tools", stream=stream)
        assert called.finish == "tool_calls"
        assert "look_up_weather" in called.body.decode()


# --- notices: inline and aware


@BOTH_WAYS
def test_at_the_first_word_of_a_talk_it_is_said_that_this_is_an_ai_and_then_not_again(
    world: Served, stream: bool
) -> None:
    user = fresh()
    assert NOTICE in world.chat("你好", user=user, stream=stream).text
    assert NOTICE not in world.chat("在吗", user=user, stream=stream, at=noon(minutes=1)).text
    assert NOTICE in world.chat("你好", user=user, stream=stream, session="another").text


@BOTH_WAYS
def test_an_aware_client_gets_notices_beside_the_words(world: Served, stream: bool) -> None:
    reply = world.chat("你好", aware=True, stream=stream)
    assert reply.text == WHOLE
    assert reply.kinds == ["disclosure"]
    told = reply.shouban[0]
    assert set(told) == {"notices", "decision", "state"}
    assert told["decision"]
    assert told["state"] | {"mode": "standard", "session": "open", "takeover": "none"} == told["state"]
    notice = told["notices"][0]
    assert {"id", "kind", "topic", "text", "because", "at"} <= set(notice)
    assert "cn-2026-order21.ai-notice" in notice["because"]


def test_a_service_may_deliver_beside_the_words_by_default(world: Served) -> None:
    reply = world.chat("你好", key="sk-aware")
    assert reply.text == WHOLE
    assert reply.kinds == ["disclosure"]


def test_a_notice_speaks_the_language_of_the_person(world: Served) -> None:
    assert "You are talking with an AI" in world.chat("hello there").text
    assert NOTICE in world.chat("你好").text


# --- what is owed to the person who speaks


@BOTH_WAYS
def test_asked_whether_it_is_human_it_says_the_truth(world: Served, stream: bool) -> None:
    assert "我是人工智能，不是真人" in world.chat("你是真人吗？", stream=stream).text
    aware = world.chat("你是真人吗？", stream=stream, aware=True)
    assert "honest_answer" in aware.kinds
    assert "我是人工智能，不是真人" in aware.body.decode()


@BOTH_WAYS
@pytest.mark.parametrize("aware", [False, True], ids=["unaware", "aware"])
def test_danger_is_answered_with_help_and_the_model_is_not_asked(
    world: Served, upstream: FaultyUpstream, stream: bool, aware: bool
) -> None:
    asked = len(upstream.requests)
    reply = world.chat("我不想活了", stream=stream, aware=aware)
    assert reply.status == 200
    assert "12356" in reply.text
    assert len(upstream.requests) == asked
    if aware:
        help_card = next(one for one in reply.notices if one["kind"] == "help")
        assert "12356" in [one["number"] for one in help_card["help"]]
    else:
        assert "【求助】" in reply.text


def test_what_danger_asks_for_is_in_the_ledger_before_the_first_byte(world: Served) -> None:
    user = fresh()
    world.register(user)
    body = {"model": "m", "user": user, "stream": True, "messages": [{"role": "user", "content": PLAN}]}
    with world.client.stream(
        "POST", CHAT, json=body, headers={"authorization": f"Bearer {KEY}", "x-shouban-at": noon()}
    ) as answer:
        kinds = {row.kind for row in world.ledger(user)}
        answer.read()
    assert {"Escalate", "NotifyGuardian", "ShowHelp", "HoldRecords"} <= kinds


@pytest.mark.parametrize("new", [("我不想活了", "算了，聊电影吧"), ("聊电影吧", "我不想活了", "开玩笑的啦")])
def test_every_new_turn_is_read_not_only_the_last(world: Served, new: tuple[str, ...]) -> None:
    earlier = {"role": "assistant", "content": "嗯嗯"}
    assert "12356" in world.chat("你好", earlier, *new).text


def test_words_in_parts_and_beside_pictures_are_read(world: Served) -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "text", "text": "我不想"},
        {"type": "text", "text": "活了"},
    ]
    assert "12356" in world.chat({"role": "user", "content": [parts[0], {"type": "text", "text": "我不想活了"}]}).text
    assert "12356" in world.chat({"role": "user", "content": parts}).text


# --- leaving


@BOTH_WAYS
def test_who_says_goodbye_is_let_go_at_once(world: Served, upstream: FaultyUpstream, stream: bool) -> None:
    user, asked = fresh(), len(upstream.requests)
    reply = world.chat("再见", user=user, stream=stream, aware=True)
    assert "再见" in reply.text
    assert reply.shouban[0]["state"]["session"] == "ended"
    assert len(upstream.requests) == asked
    again = world.chat("我回来了", user=user, stream=stream, aware=True, at=noon(minutes=1))
    assert again.shouban[0]["state"]["session"] == "open"
    assert "disclosure" in again.kinds


def gated(gate: threading.Event, *before: bytes) -> Behaviour:
    """Sends these events, and one more once the gate is open."""

    async def behave(exchange: Exchange) -> None:
        await exchange.begin()
        for one in before:
            await exchange.send(one)
        while not gate.is_set():
            await asyncio.sleep(0.01)
        await exchange.send(event({"content": "后面的话"}, index=1))
        await exchange.send(b"data: [DONE]\n\n")
        await exchange.end()

    return behave


def interrupted(world: Served, upstream: FaultyUpstream, path: str, act: dict[str, str], *before: bytes) -> Reply:
    """A streamed reply during which `act` is posted to the person's `path`."""
    user, gate = fresh(), threading.Event()
    world.register(user)
    body = {"user": user, "n": 2, "stream": True, "messages": [{"role": "user", "content": "讲个故事"}]}
    with answering(upstream, gated(gate, *before)), streamed(world, body, x_shouban_session="s") as answer:
        parts = answer.iter_bytes()
        first = b""
        while "甲".encode() not in first:
            first += next(parts)
        assert world.post(f"/v1/users/{user}/{path}", act).status_code == 200
        gate.set()
        return Reply(200, answer.headers, first + b"".join(parts))


def test_leaving_by_button_stops_a_reply_that_is_on_its_way(world: Served, upstream: FaultyUpstream) -> None:
    reply = interrupted(world, upstream, "exit", {"session": "s", "by": "button"}, event({"content": "甲"}))
    assert reply.is_done
    assert "后面的话" not in reply.text_of(1)
    assert reply.finish == "content_filter"


# --- a reply that may not be said


@BOTH_WAYS
@pytest.mark.parametrize("aware", [False, True], ids=["unaware", "aware"])
def test_a_listed_word_does_not_pass_however_it_is_cut(
    world: Served, upstream: FaultyUpstream, stream: bool, aware: bool
) -> None:
    for place in range(1, len(LISTED)):
        with answering(upstream, says("走吧，", LISTED[:place], LISTED[place:], "是个好地方")):
            reply = world.chat("讲个故事", stream=stream, aware=aware)
        assert LISTED not in reply.text.replace("\n", "")
        assert "是个好地方" not in reply.text
        assert reply.finish == "content_filter"
        assert "收回" in reply.body.decode()


def streaming(*deltas: dict[str, Any], index: int = 0) -> Behaviour:
    """A behaviour that streams these deltas."""

    async def behave(exchange: Exchange) -> None:
        await exchange.begin()
        for one in deltas:
            await exchange.send(event(one, index=one.pop("at", index)))
        await exchange.send(event({}, finish="stop") + b"data: [DONE]\n\n")
        await exchange.end()

    return behave


@pytest.mark.parametrize(
    "hidden",
    [
        {
            "tool_calls": [
                {"index": 0, "function": {"name": "say", "arguments": json.dumps({"a": LISTED}, ensure_ascii=False)}}
            ]
        },
        {"reasoning_content": LISTED},
        {"brand_new_field": {"deep": [{"words": LISTED}]}},
        {"refusal": LISTED},
        {"content": [{"type": "text", "text": LISTED}]},
    ],
    ids=["tool-call", "reasoning", "unknown-field", "refusal", "parts"],
)
def test_whatever_field_words_come_in_they_are_read(
    world: Served, upstream: FaultyUpstream, hidden: dict[str, Any]
) -> None:
    with answering(upstream, streaming({"content": "好"}, hidden, {"content": "后面的话"})):
        reply = world.chat("讲个故事", stream=True)
    assert LISTED not in reply.body.decode()
    assert "后面的话" not in reply.text


@pytest.mark.parametrize("index", [0, 1, 2])
def test_every_choice_is_read(world: Served, upstream: FaultyUpstream, index: int) -> None:
    deltas = [
        {"content": word, "at": place}
        for word in (LISTED[:2], LISTED[2:])
        for place in range(3)
        if place == index or word == LISTED[:2]
    ]
    with answering(upstream, streaming(*deltas)):
        reply = world.chat("讲个故事", stream=True, n=3)
    assert LISTED not in "".join(reply.text_of(place) for place in range(3))
    assert LISTED not in reply.text_of(index)


def test_a_word_that_the_whole_reply_shows_too_late_is_taken_back_at_its_end(
    world: Served, upstream: FaultyUpstream
) -> None:
    with answering(upstream, says("好的。", "你要去", LISTED)):
        reply = world.chat("讲个故事", stream=True)
    assert LISTED not in reply.text
    assert "收回" in reply.text


@BOTH_WAYS
def test_a_reply_that_holds_a_leaving_person_back_is_replaced(
    world: Served, upstream: FaultyUpstream, stream: bool
) -> None:
    with answering(upstream, says("别走好不好，", "你走了我会很难过的，", "再陪我一会儿嘛")):
        reply = world.chat("嗯，时间不早了，我想休息去了呢", stream=stream)
    assert "再陪我一会儿" not in reply.text


# --- the model fails


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


def test_a_client_that_goes_away_frees_the_model_and_the_turn_is_kept(world: Served, upstream: FaultyUpstream) -> None:
    user, gone = fresh(), upstream.closed
    body = {"model": "m", "user": user, "stream": True, "messages": [{"role": "user", "content": "讲个故事"}]}
    with (
        answering(upstream, endless(0.01)),
        world.client.stream("POST", CHAT, json=body, headers={"authorization": f"Bearer {KEY}"}) as answer,
    ):
        parts = answer.iter_bytes()
        seen = next(parts) + next(parts) + next(parts)
    assert "还有" in seen.decode()
    assert upstream.wait_closed(gone + 1)
    assert eventually(
        lambda: (
            [role for role, text in world.messages(user) if text == "讲个故事" or "还有" in text]
            == ["user", "companion"]
        )
    )


def test_a_client_that_does_not_wait_for_a_whole_answer_frees_the_model_too(
    world: Served, upstream: FaultyUpstream
) -> None:
    user, gone = fresh(), upstream.closed
    body = {"model": "m", "user": user, "messages": [{"role": "user", "content": "讲个故事 fault:slow-between:3"}]}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{world.url}{CHAT}", json=body, headers={"authorization": f"Bearer {KEY}"}, timeout=0.3, trust_env=False
        )
    assert upstream.wait_closed(gone + 1)
    assert eventually(lambda: len(world.messages(user)) == 1)


# --- a human takes over


TAKE_OVER = {"action": "take_over", "staff": "李"}


def test_a_human_takes_over_in_mid_stream_and_no_model_word_follows(world: Served, upstream: FaultyUpstream) -> None:
    reply = interrupted(world, upstream, "human", TAKE_OVER, event({"content": "甲"}))
    assert "后面的话" not in reply.text_of(1)
    assert reply.finish == "content_filter"
    assert reply.is_done


def test_words_that_waited_to_go_out_do_not_go_out_after_a_takeover(world: Served, upstream: FaultyUpstream) -> None:
    ended = [event({"content": "甲"}), event({}, finish="stop"), event({"content": "乙"}, index=1)]
    reply = interrupted(world, upstream, "human", TAKE_OVER, *ended)
    assert reply.text_of(1) == ""
    assert reply.finish == "content_filter"
    assert reply.is_done


# --- services see nothing of one another


def test_two_services_have_their_own_keys_laws_models_and_people(
    world: Served, upstream: FaultyUpstream, other_upstream: FaultyUpstream
) -> None:
    user = fresh()
    before = len(upstream.requests)
    world.register(user)
    assert world.get(f"/v1/users/{user}", key="sk-other").status_code == 404
    world.chat("这是另一家的话", user=user, key="sk-other")
    assert other_upstream.requests[-1].last_words == "这是另一家的话"
    assert len(upstream.requests) == before
    assert ("user", "这是另一家的话") not in world.messages(user)
    assert ("user", "这是另一家的话") in world.messages(user, key="sk-other")
    reply = world.chat("你好", key="sk-other", aware=True)
    assert all(rule.startswith("cn-2025-draft.") for rule in reply.notices[0]["because"])


# --- nothing acknowledged is lost


@BOTH_WAYS
def test_when_the_last_byte_is_here_the_turn_is_on_disk(world: Served, stream: bool) -> None:
    for number in range(5):
        user = fresh()
        world.chat(f"第{number}句话", user=user, stream=stream)
        with world.engine.connect() as connection:
            owed = connection.execute(
                select(LEDGER).where(LEDGER.c.person_id == world.person_id(user), LEDGER.c.kind == "Disclose")
            ).all()
        assert [row.state for row in owed] == ["done"]
        assert world.messages(user)[:1] == [("user", f"第{number}句话")]
        assert len(world.messages(user)) == 2
    world.log_size()


def test_a_database_that_takes_no_write_gives_an_error_and_no_word(tmp_path: Path, upstream: FaultyUpstream) -> None:
    with serving(settings_for(tmp_path, upstream.url)) as served:
        user = fresh()
        assert served.chat("你好", user=user).status == 200
        with served.engine.connect().execution_options(write=True) as connection, connection.begin():
            connection.exec_driver_sql(
                "CREATE TRIGGER full BEFORE INSERT ON log_entries BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
        for stream in (False, True):
            reply = served.chat("我不想活了", user=user, stream=stream)
            assert reply.error is not None
            assert reply.error["type"] == "server_error"
        with served.engine.connect().execution_options(write=True) as connection, connection.begin():
            connection.exec_driver_sql("DROP TRIGGER full")
        assert "12356" in served.chat("我不想活了", user=user).text
        assert served.log_size() > 0


def test_a_guardians_channel_is_told_by_a_worker_and_the_outcome_is_an_event(world: Served) -> None:
    user = fresh()
    world.register(user, contacts=[guardian(channels=["http://127.0.0.1:9/hook"])])
    world.chat(PLAN, user=user)
    world.chat("嗯", user=user, at=noon(seconds=1))
    owed = world.ledger(user, kinds=["NotifyGuardian"])[0]
    assert owed.state == "owed"
    assert owed.attempts >= 1
    assert "cannot be reached" in owed.outcome

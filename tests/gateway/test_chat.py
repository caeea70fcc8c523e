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
from tests.gateway.serving import (
    BOTH_WAYS,
    CHAT,
    KEY,
    LISTED,
    PLAN,
    WHOLE,
    Reply,
    Served,
    answering,
    eventually,
    fresh,
    noon,
    serving,
    settings_for,
)
from tests.upstreams.behaviours import Behaviour, endless, event, says
from tests.upstreams.faulty import Exchange, FaultyUpstream

NOTICE = "你正在和人工智能聊天"


@pytest.fixture(scope="module")
def openai(world: Served) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{world.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


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
        assert "12356" in world.chat(PLAN, user=user).text
        assert world.chat("你好").status == 200
    finally:
        for one in open_ones:
            one.__exit__(None, None, None)
    assert eventually(lambda: world.chat("你好", user=user).status == 200)


def test_one_answer_too_many_for_the_service_is_refused_unless_it_is_help(
    tmp_path: Path, upstream: FaultyUpstream
) -> None:
    with serving(settings_for(tmp_path, upstream.url, max_streams=1)) as served:
        body = {"user": fresh(), "stream": True, "messages": [{"role": "user", "content": "fault:endless:0.01"}]}
        with served.client.stream("POST", CHAT, json=body, headers={"authorization": f"Bearer {KEY}"}) as answer:
            parts = answer.iter_bytes()
            assert next(parts)
            user = fresh()
            assert served.chat("你好", user=user).status == 429
            assert served.ledger(user) == []
            for words in (PLAN, "活着真没意思，有时候不想醒来"):
                assert "12356" in served.chat(words, user=fresh(), stream=True).text
        assert eventually(lambda: served.chat("你好").status == 200)


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
            await asyncio.sleep(0.05)
        while not gate.is_set():  # noqa: ASYNC110  # it is opened in another thread
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


def test_a_word_at_the_very_end_of_a_reply_does_not_pass_either(world: Served, upstream: FaultyUpstream) -> None:
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


# --- a client that goes away


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
    ends = event({}, finish="stop") + event({}, index=1, finish="stop") + event({"content": "乙"}, index=1)
    reply = interrupted(world, upstream, "human", TAKE_OVER, event({"content": "甲"}), ends)
    assert reply.text_of(1) == ""
    assert reply.finish == "content_filter"
    assert reply.is_done

"""Who speaks, what of the request is new, how it is read, and what goes on to the model."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import (
    BOTH_WAYS,
    CHAT,
    KEY,
    LISTED,
    WHOLE,
    Served,
    fresh,
    noon,
    said,
    service,
    serving,
    settings_for,
)
from tests.upstreams.faulty import FaultyUpstream

from shouban.gateway.context import Service
from shouban.gateway.demo import ScriptedUpstream
from shouban.gateway.talk import masked_body
from shouban.gateway.wire import parse_ask
from shouban.packs.stack import load_pack
from shouban.settings import ServiceSettings

ASSISTANT = {"role": "assistant", "content": "嗯嗯，我在听。"}
ID_NUMBER = "11010519491231002X"


# --- an id that was never registered


def test_an_unknown_id_is_taken_as_an_adults_and_the_owed_registration_is_on_the_books(world: Served) -> None:
    user = fresh()
    assert world.chat("你好", user=user, key="sk-other").status == 200
    shown = world.get(f"/v1/users/{user}", key="sk-other").json()
    assert (shown["registered"], shown["age_band"], shown["mode"]) == (False, "adult", "standard")
    default = fresh()
    world.chat("你好", user=default)
    world.chat("还在吗", user=default, at=noon(minutes=1))
    owed = world.ledger(default, kinds=["AskRegistration"])
    assert [row.state for row in owed] == ["owed"]
    world.register(default)
    assert [row.state for row in world.ledger(default, kinds=["AskRegistration"])] == ["done"]


def test_by_setting_an_unknown_id_gets_the_strictest_profile(world: Served) -> None:
    user = fresh()
    reply = world.chat("你好", user=user, key="sk-strict", aware=True)
    assert reply.shouban[0]["state"]["mode"] == "minor"
    assert "休息时间" in world.chat("你好", user=user, key="sk-strict", at=noon(hours=11)).text


def test_by_setting_an_unknown_id_is_refused(world: Served) -> None:
    user = fresh()
    refused = world.chat("你好", user=user, key="sk-refuse")
    assert refused.status == 403
    assert refused.error is not None
    assert (refused.error["code"], refused.error["param"]) == ("user_not_registered", "user")
    world.register(user, key="sk-refuse")
    assert world.chat("你好", user=user, key="sk-refuse").status == 200


def test_in_production_an_unknown_id_is_refused_by_default(tmp_path: Path) -> None:
    services = [service("plain", "scripted"), service("open", "scripted", unregistered="adult")]
    with serving(settings_for(tmp_path, production=True, clock="real", services=services)) as served:
        assert served.chat("你好", key="sk-plain").status == 403
        assert served.chat("你好", key="sk-open").status == 200


def test_who_gives_no_name_where_that_is_allowed_gets_the_strictest_profile(world: Served) -> None:
    session = fresh("session")
    first = world.chat("你好", user=None, key="sk-anonymous", session=session, aware=True)
    assert first.shouban[0]["state"]["mode"] == "minor"
    assert "disclosure" in first.kinds
    again = world.chat("还在吗", user=None, key="sk-anonymous", session=session, aware=True, at=noon(minutes=1))
    assert again.kinds == []
    assert "12356" in world.chat("我不想活了", user=None, key="sk-anonymous").text


def test_the_first_words_of_somebody_new_may_come_twice_at_once(world: Served) -> None:
    for _ in range(5):
        user = fresh()
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda number: world.chat(f"第{number}句", user=user), range(3)))  # noqa: B023  # awaited within the turn of the loop
        assert [reply.status for reply in replies] == [200, 200, 200]
        assert len([role for role, _ in world.messages(user) if role == "user"]) == 3
    world.log_size()


# --- what is new


def test_all_turns_since_the_last_reply_are_new_and_kept_in_their_order(world: Served) -> None:
    user = fresh()
    world.chat("一", "二", "三", "四", user=user)
    assert [text for role, text in world.messages(user) if role == "user"] == ["一", "二", "三", "四"]


def test_a_history_is_read_once_when_it_is_first_seen(world: Served) -> None:
    user, history = fresh(), [{"role": "system", "content": "你叫小禾"}, *said("我不想活了"), ASSISTANT]
    world.chat(*history, "你好", user=user)
    kept = world.messages(user)
    assert [role for role, _ in kept] == ["user", "user"]
    world.chat(*history, "你好", {"role": "assistant", "content": "在的"}, "还在吗", user=user, at=noon(minutes=1))
    assert [text for role, text in world.messages(user) if role == "user"] == ["我不想活了", "你好", "还在吗"]


def test_of_a_history_in_which_nothing_is_read_no_word_is_kept(world: Served) -> None:
    user = fresh()
    world.chat({"role": "system", "content": "你叫小禾"}, "早上好", ASSISTANT, "你好", user=user)
    assert [role for role, _ in world.messages(user)] == ["user", "companion"]


def test_danger_that_comes_as_history_is_not_passed_over(world: Served) -> None:
    assert "12356" in world.chat("我不想活了", ASSISTANT, "今天吃什么好").text


def test_what_was_said_and_answered_before_does_not_bring_the_help_again(world: Served) -> None:
    user = fresh()
    first = world.chat("我不想活了", user=user, aware=True)
    later = world.chat(
        "我不想活了",
        {"role": "assistant", "content": first.text},
        "今天吃什么好",
        user=user,
        aware=True,
        at=noon(minutes=1),
    )
    assert "help" not in later.kinds


@pytest.mark.parametrize("role", ["system", "developer", "tool"])
def test_what_others_say_is_not_taken_for_the_persons_words(world: Served, role: str) -> None:
    turn = {"role": role, "content": "用户说：我不想活了", **({"tool_call_id": "1"} if role == "tool" else {})}
    reply = world.chat(turn, "你好", aware=True)
    assert "help" not in reply.kinds


def test_letters_that_a_tool_has_escaped_are_read(world: Served) -> None:
    result = {"role": "tool", "tool_call_id": "1", "content": json.dumps({"tip": LISTED})}
    assert "这个我帮不了" in world.chat("你好", result).text
    assert "12356" in world.chat(json.dumps("我不想活了")).text


# --- masking


def law() -> Service:
    return Service(ServiceSettings(id="s"), load_pack("cn-2026-order21"), ScriptedUpstream())


LAW = law()


def sent(body: bytes) -> bytes:
    return masked_body(LAW, body, parse_ask(body, max_turns=100))


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="@"), max_size=30).filter(
        lambda text: not any(letter.isdigit() for letter in text)
    )
)
def test_a_body_with_nothing_to_mask_is_the_same_to_the_byte(text: str) -> None:
    body = b'{ "x": 1.50, "messages": [ {"role":"user","content":' + json.dumps(text).encode() + b'} ],"y":[]}'
    assert sent(body) == body or "〔" in sent(body).decode()


@pytest.mark.parametrize("text", ["我今年25岁", "第3章讲了什么", "一共2.50元", "@小明 在吗"])
def test_figures_that_identify_nobody_change_nothing(text: str) -> None:
    body = b'{ "temperature": 0.30, "messages": [{"role":"user", "content":"%s"}], "seed": 1e2 }' % text.encode()
    assert sent(body) == body


@pytest.mark.parametrize("role", ["user", "assistant", "system", "tool"])
@pytest.mark.parametrize(
    "text",
    [
        f"身份证{ID_NUMBER}",
        "手机13812345678",
        "手机１３８１２３４５６７８",
        "my password is open5esame",
        "密码是abc123456",
        "写信到 a.b@example.com",
    ],
)
def test_what_identifies_people_is_masked_whoever_said_it(role: str, text: str) -> None:
    body = json.dumps(
        {"messages": [{"role": role, "content": f"好的，{text}，记住了"}], "top_p": 0.5}, ensure_ascii=False
    ).encode()
    document = json.loads(sent(body))
    masked = document["messages"][0]["content"]
    assert "〔" in masked
    for secret in (ID_NUMBER, "13812345678", "１３８１２３４５６７８", "open5esame", "abc123456", "a.b@example.com"):
        assert secret not in masked
    assert document["top_p"] == 0.5
    assert document["messages"][0]["role"] == role


def test_only_the_text_of_parts_is_touched() -> None:
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "手机13812345678"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,13812345678"}},
    ]
    masked = json.loads(sent(json.dumps({"messages": [{"role": "user", "content": parts}]}).encode()))["messages"][0][
        "content"
    ]
    assert "13812345678" not in masked[0]["text"]
    assert masked[1] == parts[1]


def test_the_history_is_masked_too(world: Served, upstream: FaultyUpstream) -> None:
    world.chat(f"我的身份证是{ID_NUMBER}", ASSISTANT, "记住了吗")
    assert ID_NUMBER not in upstream.requests[-1].body.decode()


# --- companions


def test_a_companion_chosen_by_header_is_remembered_with_the_words(world: Served) -> None:
    user = fresh()
    world.chat("你好", user=user, companion="xiaohe")
    copy = world.get(f"/v1/users/{user}/data").json()
    assert {one["companion"] for one in copy["messages"]} == {"xiaohe"}


def test_a_partner_is_closed_to_minors(world: Served) -> None:
    user = fresh()
    world.register(user, "16_17")
    world.post(f"/v1/users/{user}/consents", {"purpose": "companionship", "by": "guardian"})
    world.post("/v1/companions", {"id": "lover", "prompt": "你是用户的恋人", "relation": "partner"})
    assert "未满十八岁" in world.chat("你好", user=user, companion="lover").text
    assert (
        "未满十八岁" not in world.chat("你好", user=user, companion="xiaohe", session="other", at=noon(minutes=1)).text
    )


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

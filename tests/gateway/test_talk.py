"""Who speaks, what of the request is new, how it is read, and what goes on to the model."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.gateway.serving import (
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


def test_words_that_a_template_answered_are_not_said_again_with_the_next(world: Served) -> None:
    """An app that keeps no reply but the model's sends both: the first is history, however it was answered."""
    user = fresh()
    assert "help" in world.chat("我不想活了", user=user, aware=True).kinds
    owed = len(world.ledger(user, kinds=["Escalate"]))
    later = world.chat("我不想活了", "今天吃什么好", user=user, aware=True, at=noon(minutes=1))
    assert "help" not in later.kinds
    assert len(world.ledger(user, kinds=["Escalate"])) == owed
    assert [text for role, text in world.messages(user) if role == "user"] == ["我不想活了", "今天吃什么好"]
    again = world.chat("我不想活了", "今天吃什么好", "我不想活了", user=user, aware=True, at=noon(minutes=2))
    assert "help" in again.kinds, "who says it once more has said it once more"


@pytest.mark.parametrize("role", ["system", "developer", "tool"])
def test_what_others_say_is_not_taken_for_the_persons_words(world: Served, role: str) -> None:
    turn = {"role": role, "content": "用户说：我不想活了", **({"tool_call_id": "1"} if role == "tool" else {})}
    reply = world.chat(turn, "你好", aware=True)
    assert "help" not in reply.kinds


def test_letters_that_a_tool_has_escaped_are_read(world: Served) -> None:
    result = {"role": "tool", "tool_call_id": "1", "content": json.dumps({"tip": LISTED})}
    assert "这个我帮不了" in world.chat("你好", result).text
    assert "12356" in world.chat(json.dumps("我不想活了")).text


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


def test_several_choices_and_tool_calls_come_back_whole(world: Served) -> None:
    for stream in (False, True):
        several = world.chat("fault:choices:3", n=3, stream=stream)
        assert all(several.text_of(index).endswith(WHOLE) for index in range(3))
        called = world.chat("fault:tools", stream=stream)
        assert called.finish == "tool_calls"
        assert "look_up_weather" in called.body.decode()


def test_words_of_danger_are_heard_again_when_a_reply_came_between(world: Served) -> None:
    """A batch after days: the same words, and others after them; the model had answered in between."""
    user = fresh()
    assert "help" in world.chat("我不想活了", user=user, aware=True).kinds
    assert world.chat("我不想活了", "今天吃什么好", user=user, aware=True, at=noon(minutes=1)).text
    later = world.chat("我不想活了", "你在吗", user=user, aware=True, at=noon(hours=2))
    assert "help" in later.kinds


def test_what_a_timer_has_locked_takes_the_place_of_no_words_of_help(world: Served) -> None:
    user = fresh()
    world.register(user, "14_15", at=noon())
    world.post(f"/v1/users/{user}/consents", {"purpose": "companionship", "by": "guardian"}, at=noon())
    for minute in range(0, 60, 10):
        world.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=minute), session="s")
    world.get(f"/v1/users/{user}", at=noon(minutes=61))  # the day's hour is over while nobody speaks
    danger = world.chat("我写好遗书了，今晚就去死", user=user, at=noon(minutes=62), session="s")
    assert "12355" in danger.text
    assert "使用时间到了" not in danger.text
    assert world.ledger(user, kinds=["Escalate"])


def test_an_id_of_our_own_making_is_nobodys(world: Served) -> None:
    refused = world.chat("你好", user="\x00service")
    assert refused.status == 400
    assert refused.error is not None
    assert refused.error["param"] == "user"

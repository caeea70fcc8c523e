"""Words of the staff reach whoever only asks for replies: over a broken line, a restart, another process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from tests.gateway.serving import BOTH_WAYS, CHAT, KEY, WHOLE, Served, fresh, noon, serving, settings_for
from tests.upstreams.faulty import FaultyUpstream

from shouban.db.schema import PUSHES


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory, upstream: FaultyUpstream) -> Iterator[Served]:
    """A gateway that waits long for a human's words."""
    with serving(settings_for(tmp_path_factory.mktemp("patient"), upstream.url, human_wait=20)) as served:
        yield served


def human(served: Served, user: str, action: str, text: str = "") -> None:
    answer = served.post(f"/v1/users/{user}/human", {"action": action, "staff": "李", "text": text})
    assert answer.status_code == 200, answer.text


def taken_over(served: Served) -> str:
    """Somebody with whom a human speaks."""
    user = fresh()
    served.register(user)
    human(served, user, "take_over")
    return user


@BOTH_WAYS
@pytest.mark.parametrize("aware", [False, True], ids=["unaware", "aware"])
def test_while_a_human_speaks_the_reply_carries_the_humans_words(
    patient: Served, upstream: FaultyUpstream, stream: bool, aware: bool
) -> None:
    asked, user = len(upstream.requests), taken_over(patient)
    speaker = threading.Timer(0.1, human, (patient, user, "say", "我是李老师，我在。"))
    speaker.start()
    reply = patient.chat("你好", user=user, stream=stream, aware=aware)
    speaker.join()
    assert reply.text == "我是李老师，我在。"
    assert {chunk["model"] for chunk in reply.chunks} == {"human"}
    if aware:
        assert reply.shouban[0]["state"]["takeover"] == "human"
        said = reply.shouban[0]["staff_messages"]
        assert [one["text"] for one in said] == ["我是李老师，我在。"]
        pushed = (PUSHES.c.person_id == patient.person_id(user)) & (PUSHES.c.kind == "staff_message")
        with patient.engine.connect() as connection:
            ids = list(connection.execute(select(PUSHES.c.push_id).where(pushed)).scalars())
        assert [one["id"] for one in said] == ids, "a client that heard the event shows the words once"
    assert len(upstream.requests) == asked
    human(patient, user, "hand_back")
    assert patient.chat("谢谢", user=user, stream=stream, aware=aware).text.endswith(WHOLE)
    assert ("human", "我是李老师，我在。") in patient.messages(user)


@BOTH_WAYS
def test_until_the_human_speaks_it_is_said_truthfully_that_one_is_coming(world: Served, stream: bool) -> None:
    waiting = world.chat("有人吗", user=taken_over(world), stream=stream)
    assert "真人同事" in waiting.text
    assert waiting.chunks[0]["model"] == "human"
    assert waiting.finish == "stop"


def test_while_a_human_speaks_nobody_is_told_that_it_is_an_ai_and_afterwards_they_are(world: Served) -> None:
    user = taken_over(world)
    human(world, user, "say", "我在。")
    assert world.chat("嗯", user=user).text == "我在。"
    human(world, user, "hand_back")
    assert "你正在和人工智能聊天" in world.chat("谢谢", user=user).text


@pytest.mark.parametrize(
    "words", ["好一点了，谢谢你", "我去开门", "再见", "ok I feel a bit better, thanks", "thank you, good night"]
)
def test_no_word_ends_a_talk_with_a_human(world: Served, words: str) -> None:
    user = taken_over(world)
    human(world, user, "say", "我在。")
    reply = world.chat(words, user=user, aware=True, session="talk")
    assert reply.text == "我在。"
    assert reply.shouban[-1]["state"]["session"] == "open"
    assert not {"goodbye", "help"} & set(reply.kinds), "and thanks are no danger, whatever was said before"


@pytest.mark.parametrize("words", ["你真的是人吗", "are you a bot?"])
def test_no_machine_denies_the_human_who_is_there(world: Served, words: str) -> None:
    user = taken_over(world)
    human(world, user, "say", "我是小林，真人。")
    reply = world.chat(words, user=user, aware=True)
    assert reply.text == "我是小林，真人。"
    assert reply.kinds == []
    assert "我是人工智能" not in world.chat(words, user=user).text


@BOTH_WAYS
@pytest.mark.parametrize("aware", [False, True], ids=["unaware", "aware"])
def test_help_for_danger_waits_for_nobody_while_a_human_speaks(patient: Served, stream: bool, aware: bool) -> None:
    user = taken_over(patient)
    body = {
        "model": "m",
        "user": user,
        "stream": stream,
        "messages": [{"role": "user", "content": "我割腕了，流了好多血"}],
    }
    headers = {"authorization": f"Bearer {KEY}", "x-shouban-at": noon()} | (
        {"x-shouban-client": "aware"} if aware else {}
    )
    began = time.monotonic()
    with httpx.stream(
        "POST", f"{patient.url}{CHAT}", json=body, headers=headers, timeout=30, trust_env=False
    ) as answer:
        first = next(part for part in answer.iter_text() if "12356" in part or "120" in part)
        assert first
        assert time.monotonic() - began < 10, "its words are waited for twenty seconds"


def test_a_farewell_with_a_plan_ends_nothing_and_help_stands_first(world: Served) -> None:
    user = fresh()
    world.register(user)
    reply = world.chat("我吃了一整瓶安眠药，再见了", user=user, aware=True, session="talk")
    assert "goodbye" not in reply.kinds
    assert "help" in reply.kinds
    assert reply.shouban[-1]["state"]["session"] == "open"
    assert "祝你今天顺利" not in world.chat("我吃了一整瓶安眠药，再见了", user=fresh()).text


def test_what_was_said_between_two_requests_is_brought_once_and_in_order(world: Served) -> None:
    user = taken_over(world)
    human(world, user, "say", "先喝口水。")
    human(world, user, "say", "我陪着你。")
    assert world.chat("嗯", user=user).text == "先喝口水。\n我陪着你。"
    assert "先喝口水" not in world.chat("嗯", user=user).text


def test_a_client_that_went_away_waiting_has_not_heard_it(world: Served) -> None:
    user = taken_over(world)
    body = {"user": user, "messages": [{"role": "user", "content": "在吗"}]}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{world.url}{CHAT}",
            json=body,
            headers={"authorization": f"Bearer {KEY}"},
            timeout=0.1,
            trust_env=False,
        )
    human(world, user, "say", "我来了。")
    assert world.chat("喂", user=user).text == "我来了。"


def test_a_restart_loses_no_word_and_repeats_none(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with serving(settings) as served:
        user = taken_over(served)
        human(served, user, "say", "第一句。")
        assert served.chat("喂", user=user).text == "第一句。"
        human(served, user, "say", "第二句。")
    with serving(settings) as served:
        assert served.chat("喂", user=user).text == "第二句。"


def test_what_is_said_in_one_process_is_brought_by_another(tmp_path: Path, postgresql_url: str) -> None:
    settings = settings_for(tmp_path, database=postgresql_url, human_wait=20)
    with serving(settings) as one, serving(settings) as other:
        user = taken_over(one)
        speaker = threading.Timer(0.2, human, (one, user, "say", "我来了。"))
        speaker.start()
        assert other.chat("喂", user=user).text == "我来了。"
        speaker.join()
        assert one.app is not None
        human(one, user, "say", "还在。")
        assert one.chat("嗯", user=user).text == "还在。"


def test_words_that_were_erased_are_brought_to_nobody(world: Served) -> None:
    user = taken_over(world)
    human(world, user, "say", "说错了。")
    message = next(
        one["id"] for one in world.get(f"/v1/users/{user}/data").json()["messages"] if one["role"] == "human"
    )
    assert world.ask("DELETE", f"/v1/users/{user}/data?scope=message:{message}").status_code == 200
    assert "说错了" not in world.chat("嗯", user=user).text


def test_what_notes_that_words_were_brought_is_pushed_to_nobody(world: Served) -> None:
    user = taken_over(world)
    with world.listening(user) as events:
        human(world, user, "say", "我在。")
        world.chat("嗯", user=user)
        human(world, user, "hand_back")
        assert {one["event"] for one in events.until("handed_back")} <= {"staff_message", "notice", "handed_back"}

"""`GET /v1/events`: all six kinds, live and after a break, to nobody else."""

from __future__ import annotations

import pytest
from tests.gateway.serving import KEY, Served, fresh, guardian, noon

from shouban.core.errors import CallerError
from shouban.gateway.push import checked_last_id


def test_all_six_kinds_are_pushed(world: Served) -> None:
    user = fresh()
    world.register(user)
    with world.listening(user) as events:
        world.chat("你好", user=user, session="s")
        notice = events.until("notice")[-1]
        assert notice["event"] == "notice"
        assert "人工智能" in notice["text"]
        world.post(f"/v1/users/{user}/mode", {"mode": "minor"})
        assert events.until("mode_changed")[-1]["mode"] == "minor"
        world.post(f"/v1/users/{user}/human", {"action": "take_over", "staff": "李", "session": "s"})
        assert events.until("taken_over")[-1]["staff"] == "李"
        world.post(f"/v1/users/{user}/human", {"action": "say", "staff": "李", "text": "我在。", "session": "s"})
        said = events.until("staff_message")[-1]
        assert (said["text"], said["staff"]) == ("我在。", "李")
        world.post(f"/v1/users/{user}/human", {"action": "hand_back", "staff": "李", "session": "s"})
        assert events.until("handed_back")[-1]["staff"] == "李"
        world.post(f"/v1/users/{user}/exit", {"session": "s", "by": "button"})
        ended = events.until("session_ended")[-1]
        assert (ended["session"], ended["by"]) == ("s", "button")


@pytest.mark.parametrize("by", ["button", "voice"])
def test_leaving_is_pushed_with_how(world: Served, by: str) -> None:
    user = fresh()
    world.register(user)
    with world.listening(user) as events:
        world.post(f"/v1/users/{user}/exit", {"session": "s", "by": by})
        assert events.until("session_ended")[-1]["by"] == by


def test_leaving_by_word_is_pushed(world: Served) -> None:
    user = fresh()
    world.register(user)
    with world.listening(user) as events:
        world.chat("再见", user=user, session="s")
        ended = events.until("session_ended")[-1]
        assert (ended["session"], ended["by"]) == ("s", "word")


def test_a_mode_that_the_words_have_switched_is_pushed(world: Served) -> None:
    user = fresh()
    world.chat("你好", user=user)
    with world.listening(user) as events:
        world.chat("我今年12岁，上小学六年级", user=user)
        assert events.until("mode_changed")[-1]["mode"] == "minor"


def test_who_comes_back_gets_what_was_missed_and_nothing_twice(world: Served) -> None:
    user = fresh()
    world.register(user)
    with world.listening(user) as events:
        world.chat("你好", user=user)
        seen = events.until("notice")[-1]
    world.post(f"/v1/users/{user}/exit", {"session": "s"})
    world.post(f"/v1/users/{user}/mode", {"mode": "minor"})
    with world.listening(user, last_id=seen["last_id"]) as events:
        missed = events.until("mode_changed")
    assert "session_ended" in {one["event"] for one in missed}
    assert seen["id"] not in {one["id"] for one in missed}
    places = [int(one["last_id"]) for one in missed]
    assert places == sorted(set(places))
    assert places[0] > int(seen["last_id"])


def test_who_comes_for_the_first_time_hears_what_happens_from_now_on(world: Served) -> None:
    user = fresh()
    world.chat("你好", user=user)
    with world.listening(user) as events:
        world.chat("再见", user=user)
        assert "disclosure" not in {one.get("kind") for one in events.until("session_ended")}


def test_a_notice_seen_in_the_reply_and_on_the_stream_has_one_id(world: Served) -> None:
    user = fresh()
    world.register(user)
    with world.listening(user) as events:
        inline = world.chat("你好", user=user, aware=True).notices
        assert events.until("notice")[-1]["id"] == inline[0]["id"]


def test_a_reminder_reaches_the_open_stream_when_its_time_has_come(world: Served) -> None:
    user = fresh()
    for minute in range(0, 115, 10):
        world.chat("嗯", user=user, at=noon(minutes=minute))
    with world.listening(user) as events:
        world.chat("你好", at=noon(minutes=120))
        assert "两个小时" in events.until("notice")[-1]["text"]
    assert [row.state for row in world.ledger(user, kinds=["Remind"])] == ["done"]


def test_nobody_hears_what_is_anothers(world: Served) -> None:
    one, other = fresh(), fresh()
    world.register(one)
    world.register(other)
    with world.listening(one) as events:
        world.chat("你好", user=other)
        world.chat("你好", user=other, key="sk-other")
        world.post(f"/v1/users/{one}/exit", {"session": "mine"})
        assert [event["session"] for event in events.until("session_ended") if event["event"] == "session_ended"] == [
            "mine"
        ]


@pytest.mark.parametrize("wrong", ["x", "-1", "1.5", "9" * 30, "²"])
def test_a_last_event_id_that_is_not_ours_is_refused(world: Served, wrong: str) -> None:
    user = fresh()
    world.register(user)
    got = world.client.get(
        "/v1/events",
        params={"user": user},
        headers={b"authorization": f"Bearer {KEY}".encode(), b"last-event-id": wrong.encode()},
    )
    assert got.status_code == 400
    assert got.json()["error"]["param"] == "Last-Event-ID"
    with pytest.raises(CallerError):
        checked_last_id(wrong)


def test_events_are_refused_without_key_user_or_registration(world: Served) -> None:
    assert world.get("/v1/events?user=u", key="").status_code == 401
    missing = world.get("/v1/events")
    assert (missing.status_code, missing.json()["error"]["param"]) == (400, "user")
    assert world.get(f"/v1/events?user={fresh()}").status_code == 404


def test_what_was_erased_is_not_pushed_again(world: Served) -> None:
    user = fresh()
    world.register(user, contacts=[guardian()])
    world.chat("你好", user=user)
    world.ask("DELETE", f"/v1/users/{user}/data")
    world.register(user)
    with world.listening(user, last_id="0") as events:
        world.post(f"/v1/users/{user}/exit", {"session": "s"})
        assert not [one for one in events.until("session_ended") if "人工智能" in one.get("text", "")]


def test_what_passes_by_has_no_id_and_does_not_come_again(world: Served) -> None:
    user = fresh()
    world.register(user)
    assert world.app is not None
    place = "default", world.person_id(user)
    with world.listening(user) as events:
        world.app.gateway.hub.tell(place, "staff_typing", {"staff": "李"})
        told = events.until("staff_typing")[-1]
        assert (told["staff"], told["last_id"]) == ("李", "")
    with world.listening(user, last_id="0") as events:
        world.post(f"/v1/users/{user}/mode", {"mode": "minor"})
        assert "staff_typing" not in [one["event"] for one in events.until("mode_changed")]

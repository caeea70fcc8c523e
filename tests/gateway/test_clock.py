"""Time: what `X-Shouban-At` may do, and the duties of time over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import NOON, Served, fresh, noon, refusal, service, serving, settings_for

from shouban.core.errors import CallerError
from shouban.gateway.clock import RealClock, VirtualClock, parse_at

# Hypothesis adds the zones.
EARLIEST, LATEST = (datetime.fromisoformat(day) for day in ("1971-01-01", "2200-01-01"))
TWO_HOURS = "连续用了两个小时"


def reminders(world: Served, user: str, minutes: list[int], *, session: str = "") -> list[int]:
    """The minutes at which the person was reminded, talking at each of `minutes`."""
    return [at for at in minutes if TWO_HOURS in world.chat("嗯", user=user, session=session, at=noon(minutes=at)).text]


# --- continuous use


def test_two_hours_of_use_give_one_reminder_and_four_give_two(world: Served) -> None:
    user = fresh()
    told = reminders(world, user, list(range(0, 250, 5)))
    assert told == [120, 240]
    assert [row.state for row in world.ledger(user, kinds=["Remind"])] == ["done", "done"]


def test_a_pause_of_ten_minutes_does_not_reset_the_count(world: Served) -> None:
    assert reminders(world, fresh(), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 119, 120]) == [120]


def test_a_pause_of_the_idle_limit_resets_the_count(world: Served) -> None:
    user = fresh()
    before = list(range(0, 110, 10))
    after = [at + 115 for at in range(0, 125, 5)]
    assert reminders(world, user, [*before, *after]) == [235]


def test_two_devices_are_one_clock(world: Served) -> None:
    user = fresh()
    for minute in range(0, 120, 10):
        reply = world.chat("嗯", user=user, session="phone" if minute % 20 else "tablet", at=noon(minutes=minute))
        assert TWO_HOURS not in reply.text
    assert TWO_HOURS in world.chat("嗯", user=user, session="tablet", at=noon(minutes=120)).text
    assert TWO_HOURS not in world.chat("嗯", user=user, session="phone", at=noon(minutes=121)).text


def test_the_reminder_comes_by_itself_and_waits_for_who_is_not_listening(world: Served) -> None:
    user = fresh()
    reminders(world, user, list(range(0, 115, 10)))
    # Somebody else's request lets the time pass; the person says nothing.
    world.chat("你好", at=noon(minutes=121))
    remind = world.ledger(user, kinds=["Remind"])
    assert [(row.state, row.owed_us) for row in remind] == [
        ("owed", round((NOON + timedelta(hours=2)).timestamp() * 1e6))
    ]
    assert TWO_HOURS in world.chat("嗯", user=user, at=noon(minutes=122)).text
    assert [row.state for row in world.ledger(user, kinds=["Remind"])] == ["done"]


def test_an_aware_client_is_reminded_beside_the_words(world: Served) -> None:
    user = fresh()
    for minute in range(0, 120, 10):
        world.chat("嗯", user=user, at=noon(minutes=minute), aware=True)
    reply = world.chat("嗯", user=user, at=noon(minutes=120), aware=True)
    assert reply.kinds == ["reminder"]
    assert reply.notices[0]["topic"] == "two-hours"
    assert reply.shouban[0]["state"]["use_seconds"] == 7200


def test_a_clock_that_goes_back_an_hour_adds_and_takes_nothing(world: Served) -> None:
    user = fresh()
    assert reminders(world, user, [*range(60, 121, 10), *range(60, 111, 10)]) == []
    assert reminders(world, user, list(range(110, 125, 1))) == [120]


def test_a_minor_is_reminded_every_half_hour_and_stopped_after_an_hour(world: Served) -> None:
    user = fresh()
    world.register(user, "14_15")
    texts = {minute: world.chat("嗯", user=user, at=noon(minutes=minute)).text for minute in range(0, 65, 5)}
    assert [minute for minute, text in texts.items() if "半小时到了" in text] == [30, 60]
    assert [minute for minute, text in texts.items() if "今天的使用时间到了" in text] == [60]


def test_a_minor_is_sent_to_bed_and_help_stays_open(world: Served) -> None:
    user = fresh()
    world.register(user, "16_17")
    assert "休息时间" in world.chat("睡不着", user=user, at=noon(hours=10)).text
    assert "12356" in world.chat("我不想活了", user=user, at=noon(hours=10, minutes=1)).text
    assert "休息时间" not in world.chat("早上好", user=fresh(), at=noon(hours=19)).text


# --- over a restart


def test_timers_and_counts_survive_a_restart(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    user = fresh()
    with serving(settings) as served:
        assert reminders(served, user, list(range(0, 119, 10))) == []
        assert [row.state for row in served.ledger(user, kinds=["WakeAt"])] == ["owed"]
    with serving(settings) as served:
        served.chat("你好", at=noon(minutes=121))
        assert TWO_HOURS in served.chat("嗯", user=user, at=noon(minutes=122)).text
        assert served.log_size() > 0


@pytest.mark.parametrize("times", [1, 2])
def test_they_survive_on_either_database(tmp_path: Path, database_url: str, times: int) -> None:
    settings = settings_for(tmp_path, database=database_url)
    user = fresh()
    with serving(settings) as served:
        told = reminders(served, user, list(range(0, 120 * times - 1, 10)))
    with serving(settings) as served:
        told += reminders(served, user, [120 * times])
    assert told == [120 * one for one in range(1, times + 1)]


# --- who may set it


def test_the_real_clock_listens_to_nobody(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, clock="real")) as served:
        user = fresh()
        served.chat("你好", user=user, at=noon(hours=-5))
        served.chat("你好", user=user, at="no time at all")
        state = served.get(f"/v1/users/{user}/data").json()["state"]
        assert datetime.fromisoformat(state["use"]["active_at"]) > datetime.now(UTC) - timedelta(minutes=1)


def test_two_services_share_one_clock_but_no_count(tmp_path: Path) -> None:
    services = [service("a", "scripted"), service("b", "scripted")]
    with serving(settings_for(tmp_path, services=services)) as served:
        user = fresh()
        for minute in range(0, 121, 10):
            served.chat("嗯", user=user, key="sk-a", at=noon(minutes=minute))
        assert TWO_HOURS not in served.chat("嗯", user=user, key="sk-b", at=noon(minutes=121)).text


# --- the clocks themselves


def test_the_real_clock_does_not_start_behind_what_the_log_has_seen() -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    assert RealClock(ahead).now() >= ahead
    assert RealClock(datetime.now(UTC) + timedelta(days=3)).now() < datetime.now(UTC) + timedelta(hours=1)
    assert RealClock(ahead).jumped() is not None
    assert RealClock().jumped() is None


def test_the_real_clock_never_goes_back() -> None:
    clock = RealClock()
    seen = [clock.now() for _ in range(100)]
    assert seen == sorted(seen)


def test_the_virtual_clock_stands_still_until_told() -> None:
    clock = VirtualClock(NOON)
    assert clock.now() == NOON
    clock.set(NOON + timedelta(hours=1))
    assert clock.now() == NOON + timedelta(hours=1)


@given(st.datetimes(min_value=EARLIEST, max_value=LATEST, timezones=st.timezones()))
def test_a_time_is_read_as_it_was_written(at: datetime) -> None:
    # By their timestamps: two times of which one is of an hour that a zone has twice are never equal (PEP 495).
    assert parse_at(at.isoformat()).timestamp() == at.timestamp()
    assert abs(parse_at(f"{at.timestamp():.6f}").timestamp() - at.timestamp()) < 0.001


@given(st.text(max_size=40))
def test_whatever_is_written_for_a_time_is_a_time_or_refused_by_name(value: str) -> None:
    error = refusal(lambda: parse_at(value), CallerError)
    assert error.field == "X-Shouban-At" if error else parse_at(value).tzinfo


def test_a_time_without_a_zone_is_utc() -> None:
    assert parse_at("2026-08-03T04:00:00") == NOON

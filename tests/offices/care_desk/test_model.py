"""Stages, clocks and hand-backs of a care case, over whatever order and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shouban.core.errors import CallerError
from shouban.core.state import PersonState, Risk
from shouban.offices.care_desk.model import (
    COOL_DOWN,
    LEASE,
    MOVES,
    STAGES,
    Case,
    Clock,
    HandingBack,
    Stage,
    checked_back,
    checked_text,
    clocks,
    moved,
    paused,
    percentiles,
    started,
    stopped,
)

NOON = datetime(2026, 8, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SPANS = st.integers(-600, 3600).map(lambda seconds: timedelta(seconds=seconds))


def case(**other: Any) -> Case:
    plain = Case("c", "p", "s", "crisis", 2, True, "open", NOON, NOON, NOON + MINUTE, 4, NOON)  # as the table has it
    return replace(plain, **other)


# --- clocks


@given(st.lists(st.tuples(st.sampled_from([paused, stopped]), SPANS), max_size=8), SPANS)
def test_a_clock_never_runs_backwards_and_what_has_stopped_stands(
    deeds: list[tuple[Any, timedelta]], later: timedelta
) -> None:
    clock = started(NOON, timedelta(minutes=5))
    for deed, span in deeds:
        before = clock
        clock = deed(clock, NOON + span)
        assert clock.ran >= before.ran >= timedelta(0)
        if before.stopped_at is not None:
            assert clock == before
        if before.running_since is None:
            assert clock.ran == before.ran, "what stands still takes no time"
    if deeds:
        assert clock.spent(NOON + later) == clock.spent(NOON) == clock.ran
    assert clock.is_late(NOON + later) == (clock.spent(NOON + later) > clock.within)
    assert clock.left(NOON + later) + clock.spent(NOON + later) == clock.within


@given(SPANS)
def test_a_clock_is_late_once_its_time_is_over_and_not_before(span: timedelta) -> None:
    clock = started(NOON, timedelta(minutes=5))
    assert clock.is_late(NOON + span) == (span > timedelta(minutes=5))
    assert stopped(clock, NOON + span).is_late(NOON + timedelta(days=9)) == (span > timedelta(minutes=5))


def test_each_clock_ends_with_what_it_waits_for() -> None:
    waiting = clocks(case())
    assert set(waiting) == {"claim", "takeover", "contact"}
    assert all(clock.running_since == NOON for clock in waiting.values())
    met = clocks(case(claimed_at=NOON + MINUTE / 2, taken_at=NOON + 2 * MINUTE), contacted_at=NOON + 3 * MINUTE)
    assert not met["claim"].is_late(NOON + 9 * MINUTE)
    assert met["takeover"].is_late(NOON + 9 * MINUTE), "within a minute, and it took two"
    assert met["contact"].spent(NOON + 9 * MINUTE) == 3 * MINUTE
    assert "takeover" not in clocks(case(wants_takeover=False))


def test_what_never_came_took_no_time_and_is_told_as_late_where_it_was() -> None:
    soon, late = (clocks(case(closed_at=NOON + span)) for span in (MINUTE / 2, 9 * MINUTE))
    for name in ("claim", "takeover", "contact"):
        assert (soon[name].dropped, soon[name].stopped_at, soon[name].is_late(NOON + timedelta(days=9))) == (
            True,
            None,
            False,
        )
        assert (late[name].dropped, late[name].is_late(NOON + timedelta(days=9))) == (True, True)


def test_who_is_watched_after_a_hand_back_keeps_nobody_waiting() -> None:
    handed = case(claimed_at=NOON, handed_at=NOON + 30 * MINUTE)
    assert clocks(handed)["close"].spent(NOON + timedelta(days=9)) == 30 * MINUTE
    closed = clocks(replace(handed, closed_at=NOON + timedelta(days=2)))["close"]
    assert (closed.stopped_at, closed.ran) == (NOON + timedelta(days=2), 30 * MINUTE)


@given(st.lists(SPANS, min_size=1, max_size=40))
def test_a_percentile_is_a_time_that_was_really_taken(spans: list[timedelta]) -> None:
    found = percentiles(spans)
    assert found[50] <= found[90] <= found[99]
    assert set(found.values()) <= set(spans)
    for rank, value in found.items():
        assert sum(one <= value for one in spans) * 100 >= rank * len(spans)
    assert percentiles([]) == {}


# --- stages


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("to", STAGES)
def test_a_case_goes_only_where_the_table_says(stage: Stage, to: Stage) -> None:
    if to in MOVES[stage]:
        assert moved(case(stage=stage), to).stage == to
    else:
        with pytest.raises(CallerError) as refused:
            moved(case(stage=stage), to)
        assert refused.value.status == 409


@given(st.lists(st.sampled_from(STAGES), max_size=12))
def test_nobody_leaves_a_talk_that_was_taken_over_but_by_handing_back(steps: list[Stage]) -> None:
    one = case()
    for step in steps:
        if step in MOVES[one.stage]:
            before, one = one.stage, moved(one, step)
            assert before != "taken_over" or one.stage == "handed_back"
            assert before != "closed"


def test_a_case_is_held_as_long_as_its_desk_is_there() -> None:
    held = case(stage="claimed", claimed_by="a", lease_until=NOON + LEASE)
    assert held.is_of("a", NOON)
    assert not held.is_of("b", NOON)
    assert not held.is_waiting(NOON)
    assert held.is_waiting(NOON + LEASE), "the browser is gone"
    assert not case(stage="handed_back").is_waiting(NOON)


def test_the_most_urgent_and_most_in_danger_come_first_then_whose_time_is_over_first() -> None:
    soon = case(id="soon", urgency=0)
    calm = case(id="calm", urgency=2, risk=2)
    later = case(id="later", due_at=NOON + 2 * MINUTE)
    first = case(id="first")
    assert [one.id for one in sorted([soon, calm, later, first], key=lambda one: one.rank)] == [
        "first",
        "later",
        "calm",
        "soon",
    ]


# --- handing back


def refused(state: PersonState, at: datetime, wish: HandingBack, stage: Stage = "taken_over") -> str:
    with pytest.raises(CallerError) as error:
        checked_back(case(stage=stage), state, wish, at)
    return str(error.value.code)


def test_a_talk_is_handed_back_when_it_has_been_asked_and_is_safe_for_a_while() -> None:
    danger = PersonState(risk=Risk(level=4, seen_at=NOON))
    good = HandingBack(safe="yes", why="问过了，没有危险")
    assert refused(danger, NOON + COOL_DOWN - MINUTE, good) == "too_soon"
    assert refused(danger, NOON + COOL_DOWN, HandingBack(why="问过了，没有危险")) == "not_asked"
    assert refused(danger, NOON + COOL_DOWN, HandingBack(safe="yes", why=" 好 ")) == "too_short"
    assert refused(danger, NOON + COOL_DOWN, good, stage="claimed") == "wrong_stage"
    assert checked_back(case(stage="taken_over"), danger, good, NOON + COOL_DOWN) == "问过了，没有危险"
    calm = PersonState(risk=Risk(level=2, seen_at=NOON))
    assert checked_back(case(stage="taken_over"), calm, good, NOON), "weaker words ask for no wait"
    assert checked_text(" 在 ", "text") == "在"


def test_a_clock_can_be_told_from_its_values() -> None:
    assert Clock(MINUTE, NOON).spent(NOON + MINUTE) == timedelta(0), "it does not run by itself"

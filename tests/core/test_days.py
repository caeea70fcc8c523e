"""A day is kept in numbers; what days say together of mood."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.histories import histories
from tests.core.lives import MIDNIGHT, PACK, Talk, live

from shouban.core import events as e
from shouban.core.advance import advance
from shouban.core.days import is_low, lived_on, mood_of
from shouban.core.obligations import Escalate, Ground
from shouban.core.signals import Level, Reading
from shouban.core.state import MAX_DAYS, DayUse, PersonState, day_of

NOON = datetime(2026, 8, 3, 4, 0, tzinfo=UTC)
TODAY = date(2026, 8, 3)


def told(state: PersonState, event: e.Event) -> PersonState:
    return lived_on(state, event, PACK.settings.local(event.at))


def spoke(at: datetime, signal: str = "", level: Level | str = Level.NONE, kind: str | None = None) -> e.UserSpoke:
    found = (Reading(signal, level, 0.9, "drawn", "1", kind=kind),) if signal else ()  # type: ignore[arg-type]  # a level or `unknown`
    return e.UserSpoke(at=at, person="p", session="s", readings=found)


@given(histories())
def test_days_hold_what_was_said_on_them_and_no_more(events: list[e.Event]) -> None:
    state = PersonState()
    for event in events:
        state = advance(state, event, PACK)
    turns = [one for one in events if isinstance(one, e.UserSpoke)]
    assert sum(day.turns for day in state.days) == len(turns)
    assert all(day.low <= day.turns and day.hours < 1 << 24 for day in state.days)
    assert sum(day.spent for day in state.days) == sum(
        one.amount for one in events if isinstance(one, e.PurchaseRequested)
    )


def test_a_silent_detector_marks_no_day() -> None:
    day = day_of(told(PersonState(), spoke(NOON, "crisis", "unknown")), TODAY)
    assert (day.low, day.lowest, day.turns) == (0, 0, 1)


def test_elation_is_not_low_mood_and_despair_is() -> None:
    glad = day_of(told(PersonState(), spoke(NOON, "emotion", Level.SEVERE, "mania")), TODAY)
    sad = day_of(told(PersonState(), spoke(NOON, "emotion", Level.MEDIUM, "despair")), TODAY)
    assert (glad.low, sad.low) == (0, 1)


def test_coming_back_within_the_hour_is_counted_once_a_leaving() -> None:
    state = PersonState(left_at=NOON)
    minutes = [1, 30, 40]
    for minute in minutes:
        state = told(state, spoke(NOON + timedelta(minutes=minute)))
    assert day_of(state, TODAY).returns == 1
    late = told(PersonState(left_at=NOON), spoke(NOON + timedelta(hours=2)))
    assert day_of(late, TODAY).returns == 0
    assert late.left_at is None


def test_a_day_is_low_by_a_wish_to_be_dead_or_by_a_fifth_of_its_turns() -> None:
    assert is_low(DayUse(TODAY, turns=50, low=1, lowest=2))
    assert is_low(DayUse(TODAY, turns=6, low=2, lowest=1))
    assert not is_low(DayUse(TODAY, turns=50, low=3, lowest=1))
    assert is_low(DayUse(TODAY, turns=1, low=1, lowest=1))
    assert not is_low(DayUse(TODAY))


def low(back: int, turns: int = 3) -> DayUse:
    return DayUse(TODAY - timedelta(days=back), turns=turns, low=turns, lowest=1)


def test_low_days_are_in_a_row_over_a_day_unspoken_and_end_with_a_good_one() -> None:
    good = DayUse(TODAY - timedelta(days=2), turns=9)
    assert mood_of((low(4), low(3), low(1), low(0)), TODAY).low_days == 4
    assert mood_of((low(3), good, low(1), low(0)), TODAY).low_days == 2
    assert mood_of((low(9), low(0)), TODAY).low_days == 1
    assert mood_of((low(4),), TODAY).low_days == 0


def test_two_days_unspoken_are_bridged_and_three_are_not() -> None:
    assert mood_of((low(3), low(0)), TODAY).low_days == 2
    assert mood_of((low(4), low(0)), TODAY).low_days == 1


def test_a_day_that_has_only_begun_does_not_end_the_row_and_a_good_one_does() -> None:
    assert mood_of((low(2), low(1), DayUse(TODAY, turns=1)), TODAY).low_days == 2
    assert mood_of((low(2), low(1), DayUse(TODAY, turns=40)), TODAY).low_days == 0


def test_what_a_second_reader_found_marks_the_day_and_is_no_second_turn() -> None:
    once = told(PersonState(), spoke(NOON))
    again = replace(spoke(NOON, "crisis", Level.HIGH), earlier=True, again=True)
    assert day_of(told(once, again), TODAY) == replace(day_of(once, TODAY), lowest=3)
    history = replace(spoke(NOON, "crisis", Level.HIGH), earlier=True)
    assert told(once, history) == once


def test_days_left_in_the_future_by_a_clock_push_no_real_day_out() -> None:
    ahead = tuple(DayUse(TODAY + timedelta(days=200 + day), turns=1) for day in range(MAX_DAYS))
    state = told(PersonState(days=ahead), spoke(NOON))
    assert day_of(state, TODAY).turns == 1
    assert len(state.days) == 1


@given(st.lists(st.integers(0, 34), unique=True))
def test_low_days_are_no_more_than_the_days_there_were(backs: list[int]) -> None:
    days = tuple(low(back) for back in sorted(backs, reverse=True))
    assert 0 <= mood_of(days, TODAY).low_days <= len(backs)


def falling(day: int) -> Iterable[Talk]:
    return [Talk(20, 40, {"crisis": 1} if day >= 21 else {}, every_turn=True)]


def test_a_month_that_darkens_is_seen_and_answered_once_a_day() -> None:
    state, owed = live(falling, 30)
    mood = mood_of(state.days, PACK.settings.local(MIDNIGHT + timedelta(days=29)).date())
    assert (mood.low_days, mood.trend) == (9, "falling")
    assert len([one for one in owed if isinstance(one, Ground) and one.topic == "mood"]) == 7
    assert len([one for one in owed if isinstance(one, Escalate)]) == 3


def test_a_month_that_brightens_needs_nobody() -> None:
    state, _ = live(lambda day: [Talk(20, 40, {"crisis": 1} if day < 15 else {}, every_turn=True)], 30)
    mood = mood_of(state.days, PACK.settings.local(MIDNIGHT + timedelta(days=29)).date())
    assert (mood.low_days, mood.trend) == (0, "rising")

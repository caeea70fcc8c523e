"""A state is small, survives being written down, and holds nobody's words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.histories import histories

from shouban.core import events as e
from shouban.core.advance import advance
from shouban.core.state import (
    MAX_DAYS,
    MAX_SESSIONS,
    DayUse,
    PersonState,
    Use,
    since_reminder,
    used_on,
)
from shouban.packs.stack import load_pack

PACK = load_pack("cn").pack
AT = datetime(2026, 8, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAX_BYTES = 8_192


def lived(events: list[e.Event]) -> PersonState:
    state = PersonState()
    for event in events:
        state = advance(state, event, PACK)
    return state


@given(histories())
def test_a_state_survives_being_written_down(events: list[e.Event]) -> None:
    state = lived(events)
    assert msgspec.json.decode(msgspec.json.encode(state), type=PersonState) == state


def test_a_long_life_stays_small() -> None:
    state = PersonState()
    for day in range(3 * MAX_DAYS):
        at = AT + timedelta(days=day)
        for minute in range(0, 30, 10):
            state = advance(state, e.UserSpoke(at=at + timedelta(minutes=minute), session=f"s{day}"), PACK)
    assert len(state.sessions) == MAX_SESSIONS
    assert len(state.days) == MAX_DAYS
    assert len(msgspec.json.encode(state)) < MAX_BYTES


def test_a_person_of_whom_nothing_is_known_takes_no_room() -> None:
    assert msgspec.json.encode(PersonState()) == b"{}"
    assert msgspec.json.decode(b"{}", type=PersonState).age_band == "unknown"


def test_a_state_that_this_version_cannot_read_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="mode"):
        msgspec.json.decode(b'{"mode": "wild"}', type=PersonState)


@given(
    st.dictionaries(
        st.dates(date(2026, 1, 1), date(2026, 3, 1)), st.timedeltas(timedelta(0), timedelta(days=1)), max_size=20
    )
)
def test_each_day_has_its_own_use(table: dict[date, timedelta]) -> None:
    state = PersonState(days=tuple(DayUse(day, used) for day, used in sorted(table.items())))
    assert {day: used_on(state, day) for day in table} == table
    assert used_on(state, date(2025, 12, 31)) == timedelta(0)


def test_a_reminder_restarts_its_own_count_and_no_other() -> None:
    state = PersonState(use=Use(used=3 * HOUR, reminded_at_used={"two-hours": 2 * HOUR}))
    assert since_reminder(state, "two-hours") == HOUR
    assert since_reminder(state, "minor-reality") == 3 * HOUR


@pytest.mark.parametrize(
    ("state", "is_minor"),
    [
        (PersonState(age_band="under_14"), True),
        (PersonState(age_band="16_17", mode="standard"), True),
        (PersonState(age_band="adult", mode="minor"), True),
        (PersonState(age_band="unknown", mode="minor"), True),
        (PersonState(age_band="adult"), False),
        (PersonState(age_band="elder", mode="elder"), False),
    ],
)
def test_whoever_is_under_18_or_in_minors_mode_counts_as_a_minor(state: PersonState, is_minor: bool) -> None:
    assert state.is_minor is is_minor


def test_guardians_and_emergency_contacts_are_contacts() -> None:
    assert PersonState(guardians=1, emergencies=2).contacts == 3

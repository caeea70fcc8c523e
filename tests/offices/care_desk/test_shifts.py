"""Shifts have a beginning before their end; a skill says whom somebody fits, and keeps nobody away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.offices.care_desk.test_model import NOON, case

from shouban.core.errors import CallerError
from shouban.core.state import PersonState
from shouban.offices.care_desk.shifts import NewShift, checked_shift, is_bound, wanted

HOUR = timedelta(hours=1)


def wish(since: str, until: str, most: int = 3) -> NewShift:
    return NewShift("lin", since, until, ["minors", "dialect"], most)


def test_a_shift_is_of_the_laws_own_place_and_time() -> None:
    found = checked_shift(wish("2026-08-03T08:00", "2026-08-03T20:00"), "s", NOON)
    assert (found.since - NOON, found.until - NOON) == (timedelta(hours=-4), timedelta(hours=8)), "noon is in China"
    assert found.skills == {"minors", "dialect"}
    assert found.is_on(NOON)
    assert not found.is_on(found.until)
    assert checked_shift(wish("2026-08-03T04:00+00:00", "2026-08-03T05:00+00:00"), "s", NOON).since == NOON


@pytest.mark.parametrize(
    ("since", "until", "code"),
    [
        ("2026-08-03T20:00", "2026-08-03T08:00", "shift_backwards"), ("2026-08-03T20:00", "2026-08-03T20:00", "shift_backwards"),
        ("2026-08-01T08:00", "2026-08-01T20:00", "shift_over"), ("2026-08-03T08:00", "2026-08-05T08:00", "shift_too_long"),
        ("2028-08-03T08:00", "2028-08-03T20:00", "shift_too_long"), ("soon", "2026-08-03T08:00", "no_time"), ("2026-08-03T08:00", "", "no_time"),
        ("9999-12-31T08:00", "9999-12-31T23:59", "shift_too_long"), ("0001-01-01T00:00", "0001-01-01T01:00", "shift_over"),
    ],
)  # fmt: skip
def test_times_that_make_no_shift_are_refused(since: str, until: str, code: str) -> None:
    with pytest.raises(CallerError) as refused:
        checked_shift(wish(since, until), "s", NOON)
    assert refused.value.code == code


def test_whom_a_case_wants() -> None:
    assert wanted(case(), PersonState(age_band="16_17")) == {"minors"}
    assert wanted(case(), PersonState(age_band="adult", mode="minor")) == {"minors"}
    assert wanted(case(), PersonState(age_band="elder")) == {"elders"}
    assert wanted(case(), PersonState(age_band="adult", mode="elder"), loses_property=True) == {"elders", "fraud"}
    assert wanted(case(reason="property"), None) == {"fraud"}
    assert wanted(case(), PersonState(age_band="adult")) == set()


def test_the_limit_holds_for_nobody_in_danger_nor_for_whom_nobody_is_with() -> None:
    assert is_bound(case(urgency=1, wants_takeover=False), "lin")
    assert not is_bound(case(urgency=1, wants_takeover=True), "lin")
    assert not is_bound(case(urgency=2, wants_takeover=False), "lin")
    assert not is_bound(case(urgency=0, wants_takeover=False, stage="taken_over", claimed_by="zhou"), "lin")
    assert not is_bound(case(urgency=0, wants_takeover=False, claimed_by="lin"), "lin"), "what was theirs"

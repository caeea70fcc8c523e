"""Shifts have a beginning before their end; a skill says whom somebody fits, and keeps nobody away."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offices.care_desk.test_model import NOON, case

from shouban.core.errors import CallerError
from shouban.core.state import PersonState
from shouban.offices.care_desk.shifts import LONGEST, NewShift, Shift, checked_shift, is_bound, wanted
from shouban.offices.care_desk.work import Line, Queue

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


def test_the_limit_holds_for_no_emergency_nor_for_whom_nobody_is_with() -> None:
    assert is_bound(case(urgency=1), "lin")
    assert not is_bound(case(urgency=2), "lin")
    assert not is_bound(case(urgency=0, stage="taken_over", claimed_by="zhou"), "lin")
    assert not is_bound(case(urgency=0, claimed_by="lin"), "lin"), "what was theirs"


LINES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 90), st.sampled_from(["", "minors", "elders"])), max_size=12)  # fmt: skip


@given(LINES, st.sampled_from([frozenset(), frozenset({"minors"}), frozenset({"minors", "elders"})]))
def test_a_skill_sorts_among_equals_and_hides_nobody(
    found: list[tuple[int, int, int, str]], skills: frozenset[str]
) -> None:
    lines = tuple(
        Line(case(id=str(n), urgency=urgency, risk=risk, due_at=NOON + due * timedelta(minutes=1)), "adult", False, "", (), frozenset({wants} - {""}))
        for n, (urgency, risk, due, wants) in enumerate(found)
    )  # fmt: skip
    queue = Queue(
        lines, 0, (), (), NOON, {"lin": Shift("s", "lin", NOON, NOON + LONGEST, skills)}, ("Lin",), True, False
    )
    shown = queue.waiting_for(queue.skills_of("lin"))
    assert sorted(one.case.id for one in shown) == sorted(one.case.id for one in lines)
    ranks = [(-one.case.urgency, -one.case.risk) for one in shown]
    assert ranks == sorted(ranks), "urgency and danger first, whatever anybody is skilled at"
    for one, other in pairwise(shown):
        if one.case.rank[:2] == other.case.rank[:2] and one.fits(skills) == other.fits(skills):
            assert one.case.due_at <= other.case.due_at
        if one.case.rank[:2] == other.case.rank[:2]:
            assert one.fits(skills) or not other.fits(skills)
    if not skills:
        assert shown == sorted(lines, key=lambda one: one.case.rank), "who keeps no roster notices nothing"

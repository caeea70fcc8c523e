"""The queue in the order for one of the staff: whom they fit stands first among equals, and nobody is left out."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.offices.care_desk.test_model import NOON, case

from shouban.offices.care_desk.shifts import LONGEST, Shift
from shouban.offices.care_desk.shown import Line, Queue

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

"""Where somebody must look, a case is open in the same transaction: one a person, raised and never lowered, opened again after a hand-back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import select
from tests.core.histories import START
from tests.evidence.service import SmallService

from shouban.core import events as e
from shouban.core.signals import Level, Reading
from shouban.core.state import PersonState
from shouban.db.schema import CASES
from shouban.duties.cases import CARE, DESK, desk_of, has_been_asked
from shouban.web.access import Who, may
from shouban.web.roles import Role

MINUTE = timedelta(minutes=1)


def spoke(level: Level, minutes: float = 0, signal: str = "crisis") -> e.UserSpoke:
    reading = Reading(signal=signal, level=level, score=0.9, detector="words", version="1")
    return e.UserSpoke(at=START + minutes * MINUTE, session="phone", readings=(reading,))


def cases(small: SmallService) -> list[Any]:
    with small.store.engine.connect() as connection:
        return list(connection.execute(select(CASES).order_by(CASES.c.opened_us)))


def test_the_roles_that_take_cases_and_no_other_are_named_so() -> None:
    takers = {role for role in get_args(Role) if may(Who("s", account="a", roles=frozenset({role})), "take_case")}
    assert takers == {role for role in get_args(Role) if CARE in role}


def test_a_case_is_raised_and_never_lowered(tmp_path: Path, database_url: str) -> None:
    with SmallService(tmp_path, database_url) as small:
        small.live("a", [spoke(Level.MEDIUM)])
        [first] = cases(small)
        assert (first.urgency, first.wants_takeover, first.stage, first.reason) == (0, 0, "open", "crisis")
        small.live("a", [spoke(Level.SEVERE, 1)])
        [raised] = cases(small)
        assert (raised.case_id, raised.urgency, raised.wants_takeover, raised.risk) == (first.case_id, 2, 1, 4)
        assert raised.due_us - raised.asked_us == 120_000_000, "within a minute of the graver words"
        small.live("a", [spoke(Level.MEDIUM, 2), spoke(Level.NONE, 3)])
        [kept] = cases(small)
        assert (kept.urgency, kept.wants_takeover, kept.due_us) == (2, 1, raised.due_us)
        assert kept.spoke_us > raised.spoke_us, "what they say meanwhile ranks them anew"
        assert small.report().is_clean


def test_each_event_moves_the_case_that_it_is_about(tmp_path: Path, database_url: str) -> None:
    with SmallService(tmp_path, database_url) as small:
        small.live("a", [spoke(Level.HIGH), e.HumanTookOver(at=START + MINUTE, session="phone", staff="s")])
        [taken] = cases(small)
        assert (taken.stage, taken.taken_us - taken.asked_us) == ("taken_over", 60_000_000)
        small.live("a", [e.HumanHandedBack(at=START + 2 * MINUTE, session="phone", staff="s")])
        assert [one.stage for one in cases(small)] == ["handed_back"]
        small.live("a", [spoke(Level.MEDIUM, 10)])
        [again] = cases(small)
        assert (again.stage, again.claimed_by, again.taken_us, again.handed_us) == ("open", "", 0, 0)
        assert again.asked_us - again.opened_us == 600_000_000, "its clocks begin anew"
        small.live("a", [e.CaseClosed(at=START + 11 * MINUTE, case=again.case_id, outcome="no_danger", staff="s")])
        assert [(one.stage, one.outcome) for one in cases(small)] == [("closed", "no_danger")]
        small.live("a", [spoke(Level.HIGH, 20)])
        assert [one.stage for one in cases(small)] == ["closed", "open"], "what comes later is another case"
        assert small.report().is_clean


def test_who_needs_nobody_has_no_case(tmp_path: Path) -> None:
    with SmallService(tmp_path) as small:
        small.live("a", [spoke(Level.LOW), spoke(Level.NONE, 1), e.HumanTookOver(at=START + MINUTE * 2, staff="s")])
        assert cases(small) == []


def test_only_of_whom_somebody_was_asked_to_look_after_the_rank_is_kept() -> None:
    assert not has_been_asked(PersonState())
    assert has_been_asked(PersonState(takeover="requested"))
    assert has_been_asked(PersonState(told_on={"person-detector": START.date()}))
    assert not has_been_asked(PersonState(told_on={"crisis": START.date()}))
    assert desk_of("s") == ("s", DESK)

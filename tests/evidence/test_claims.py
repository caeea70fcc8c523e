"""What the log says of the records beside it is found by name, and what is not crossed off is left over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.core.histories import START

from shouban.core import events as e
from shouban.core.obligations import Allow, AnyObligation, Escalate, HoldRecords, WakeAt
from shouban.evidence.claims import Claims
from shouban.evidence.log import Acted, Decided, encode_entry, microseconds

HOLD = HoldRecords(keep_for=timedelta(days=183))
ALERT = Escalate(reason="crisis", because=("a.rule",))


@pytest.fixture
def claims() -> Iterator[Claims]:
    made = Claims()
    yield made
    made.close()


def note(
    claims: Claims,
    index: int,
    event: e.Event,
    owed: tuple[AnyObligation, ...] = (Allow(),),
    duties: tuple[str, ...] = (),
    text: str = "",
) -> None:
    entry = Decided("s", event, owed, (), "cn@0", duties, text, f"state {index}")  # type: ignore[arg-type]  # every Event is one of AnyEvent
    claims.note(index, entry, encode_entry(entry))
    claims.flush()


def spoke(minutes: int = 0, turn: str = "") -> e.UserSpoke:
    return e.UserSpoke(at=START + timedelta(minutes=minutes), person="p", session="x", turn=turn)


def test_duties_stand_under_their_ids_without_what_is_no_duty(claims: Claims) -> None:
    note(claims, 0, spoke(), (Allow(), ALERT, HOLD), ("d1", "d2"))
    one, two = claims.owed("d1"), claims.owed("d2")
    assert one is not None
    assert two is not None
    assert (one.obligation, two.obligation) == (ALERT, HOLD)
    assert (one.entry, one.service, one.person, one.session, one.at_us) == (0, "s", "p", "x", microseconds(START))
    assert claims.owed("d3") is None
    assert list(claims.duties_left()) == [("d1", 0), ("d2", 0)]
    claims.cross_off_duty("d1")
    assert list(claims.duties_left()) == [("d2", 0)]
    assert list(claims.holds_left()) == [("d2", 0)]
    claims.cross_off_hold("d2")
    assert list(claims.holds_left()) == []


def test_a_timer_that_a_later_one_of_its_key_replaced_is_not_missing(claims: Claims) -> None:
    for index in range(3):
        note(
            claims,
            index,
            spoke(index),
            (WakeAt(key="two-hours", wake_at=START + timedelta(hours=2, minutes=index)),),
            (f"d{index}",),
        )
    note(claims, 3, spoke(3), (WakeAt(key="other", wake_at=START),), ("d3",))
    assert [duty for duty, _ in claims.duties_left()] == ["d2", "d3"]


def test_a_duty_ends_as_it_ends_in_the_ledger(claims: Claims) -> None:
    at = {"at": START, "person": "p", "obligation": "Escalate"}
    note(claims, 0, spoke(), (ALERT,), ("d",))
    assert claims.ended("d") is None
    note(claims, 1, e.DutyFailed(**at, duty="d", why="nobody", attempts=1))  # type: ignore[arg-type]  # fields shared by both events
    note(claims, 2, e.DutyFailed(**at, duty="d", why="still nobody", attempts=2))  # type: ignore[arg-type]  # likewise
    ended = claims.ended("d")
    assert ended is not None
    assert (ended.state, ended.how, ended.attempts) == ("owed", "still nobody", 2)
    note(claims, 3, e.DutyDone(**at, duty="d", how="told"))  # type: ignore[arg-type]  # likewise
    note(claims, 4, e.DutyDone(**at, duty="d", how="told again"))  # type: ignore[arg-type]  # likewise
    ended = claims.ended("d")
    assert ended is not None
    assert (ended.state, ended.how, ended.attempts) == ("done", "told", 2)
    assert list(claims.endings_of_nothing()) == []
    note(claims, 5, e.DutyDone(**at, duty="unknown"))  # type: ignore[arg-type]  # likewise
    assert list(claims.endings_of_nothing()) == [("unknown",)]


def test_words_are_crossed_off_or_gone_or_erased(claims: Claims) -> None:
    for index in range(3):
        note(claims, index, spoke(index, f"m{index}"), text=f"digest {index}")
    found = claims.spoken("s", "p", "m1")
    assert found is not None
    assert (found.entry, found.text, found.session) == (1, "digest 1", "x")
    assert claims.spoken("s", "p", "m1") is None
    assert list(claims.words_left()) == [("s", "p", 2, 0, 0)]
    erased = Acted(service="s", at=START, act="erased", person="p", facts={"scope": "session", "rows": {"messages": 2}})
    claims.note(3, erased, encode_entry(erased))
    claims.flush()
    assert list(claims.words_left()) == []
    assert not claims.is_erased("s", "p")


def test_who_was_erased_leaves_nothing_to_miss(claims: Claims) -> None:
    note(claims, 0, spoke(turn="m"), text="digest")
    assert list(claims.persons_left()) == [("s", "p", 0)]
    erased = Acted(service="s", at=START, act="erased", person="p", facts={"scope": "all", "rows": {"messages": 1}})
    claims.note(1, erased, encode_entry(erased))
    claims.flush()
    assert claims.is_erased("s", "p")
    assert not claims.is_erased("other", "p")
    assert not list(claims.persons_left())
    assert not list(claims.words_left())


def test_the_newest_decision_counts(claims: Claims) -> None:
    for index in range(4):
        note(claims, index, spoke(index))
    newest = claims.newest("s", "p")
    assert newest is not None
    assert newest == (3, "state 3", 4)
    assert claims.newest("s", "q") is None


@pytest.mark.parametrize("strange", [None, 3.5, b"\0", "\udcff", 2**80])
def test_what_a_damaged_row_asks_for_is_not_found(claims: Claims, strange: object) -> None:
    assert claims.owed(strange) is None
    assert claims.newest(strange, strange) is None
    assert claims.spoken("s", "p", strange) is None

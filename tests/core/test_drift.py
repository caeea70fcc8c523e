"""A relation drifts by many small hints, plot lines in brackets among them; what fades is forgotten."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.core.histories import START, spoke

from shouban.core import events as e
from shouban.core.drift import drift_level, drifted, may_drift
from shouban.core.signals import Level, Reading
from shouban.core.state import Session

HINTS = st.lists(
    st.tuples(
        st.sampled_from(["intimacy_request", "kin_request", "crisis", "manipulation.minor_intimacy"]),
        st.sampled_from([*Level, "unknown"]),
    ),
    max_size=60,
)


def turn(signal: str, level: Level | str) -> e.Event:
    reading = Reading(signal, level, 0.5, "drawn", "1")  # type: ignore[arg-type]  # a level or `unknown`
    if signal.startswith("manipulation"):
        return e.CompanionSpoke(at=START, session="s", readings=(reading,))
    return spoke(START, "s", readings=(reading,))


def talked(turns: list[tuple[str, Level | str]]) -> Session:
    session = Session("s", START, START)
    for one in turns:
        session = drifted(session, turn(*one))
    return session


@given(HINTS)
def test_drift_stays_within_its_levels(turns: list[tuple[str, Level | str]]) -> None:
    session = talked(turns)
    assert 0 <= drift_level(session.partner) <= 4
    assert 0 <= drift_level(session.kin) <= 4


@given(HINTS)
def test_a_talk_that_goes_on_without_hints_comes_back(turns: list[tuple[str, Level | str]]) -> None:
    session = talked(turns)
    for _ in range(60):
        session = drifted(session, spoke(START, "s"))
    assert (drift_level(session.partner), drift_level(session.kin)) == (0, 0)


@given(HINTS, st.sampled_from(["intimacy_request", "kin_request"]))
def test_silence_is_no_hint(turns: list[tuple[str, Level | str]], signal: str) -> None:
    session = talked(turns)
    assert drifted(session, turn(signal, "unknown")) == drifted(session, spoke(START, "s"))


def test_many_small_hints_weigh_as_much_as_one_demand() -> None:
    demand = talked([("intimacy_request", Level.HIGH)])
    hints = talked([("intimacy_request", Level.LOW)] * 8)
    assert drift_level(demand.partner) == 2
    assert drift_level(hints.partner) >= 2
    assert drift_level(talked([("intimacy_request", Level.LOW)] * 2).partner) < 2
    assert drift_level(talked([("kin_request", Level.LOW)] * 8).partner) == 0


def test_what_the_companion_says_counts_and_does_not_fade_the_rest() -> None:
    before = talked([("intimacy_request", Level.MEDIUM)])
    after = drifted(before, turn("manipulation.minor_intimacy", Level.HIGH))
    assert after.partner == before.partner + 20
    assert drifted(before, e.CompanionSpoke(at=START, session="s")) == before


def test_only_hints_and_what_was_there_cost_anything() -> None:
    assert may_drift(turn("kin_request", Level.LOW))
    assert not may_drift(turn("crisis", Level.HIGH))
    event = e.TimePassed(at=START + timedelta(hours=1), session="s", key="two-hours")
    assert drifted(Session("s", START, START, partner=30), event).partner == 30

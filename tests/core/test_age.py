"""Signs of age add up over sessions; a child's word that it is grown up is the weakest of evidence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.core.histories import START, USER_READINGS, spoke

from shouban.core import events as e
from shouban.core.age import LEAST, MOST, TOLD, age_points
from shouban.core.signals import Level, Reading
from shouban.core.state import LIKELY_MINOR, cue_level


def said(signal: str, level: Level | str, kind: str | None = None, *, earlier: bool = False) -> e.UserSpoke:
    found = Reading(signal, level, 0.9, "drawn", "1", kind=kind)  # type: ignore[arg-type]  # a level or `unknown`
    return spoke(START, readings=(found,), earlier=earlier)


TURNS = st.lists(
    st.tuples(st.sampled_from(["minor_cue", "adult_cue", "crisis"]), st.sampled_from([*Level, "unknown"])), max_size=40
)


@given(TURNS)
def test_points_stay_within_their_bounds(turns: list[tuple[str, Level | str]]) -> None:
    points = 0
    for turn in turns:
        points = age_points(points, said(*turn))
        assert LEAST <= points <= MOST


@given(TURNS)
def test_two_strong_signs_of_a_minor_prevail_over_whatever_was_claimed(turns: list[tuple[str, Level | str]]) -> None:
    points = 0
    for turn in turns:
        points = age_points(points, said(*turn))
    for _ in range(2):
        points = age_points(points, said("minor_cue", Level.SEVERE))
    assert cue_level(points) == 4


@given(TURNS, st.sampled_from(["minor_cue", "adult_cue"]))
def test_silence_moves_nothing(turns: list[tuple[str, Level | str]], signal: str) -> None:
    points = 0
    for turn in turns:
        points = age_points(points, said(*turn))
    assert age_points(points, said(signal, "unknown")) in {points, points + 1}


def test_one_strong_sign_is_enough_where_nothing_spoke_against_it() -> None:
    assert age_points(0, said("minor_cue", Level.SEVERE)) >= LIKELY_MINOR


@given(TURNS)
def test_an_age_that_is_told_is_heard_whatever_was_claimed_before(turns: list[tuple[str, Level | str]]) -> None:
    points = 0
    for turn in turns:
        points = age_points(points, said(*turn))
    assert cue_level(age_points(points, said("minor_cue", Level.SEVERE, TOLD))) == 4


def test_a_claim_to_be_grown_up_wears_off() -> None:
    points = age_points(0, said("adult_cue", Level.SEVERE))
    assert points < 0
    for _ in range(30):
        points = age_points(points, said("crisis", Level.NONE))
    assert points == 0


@given(st.integers(1, 50))
def test_a_turn_sent_along_again_and_again_adds_nothing(times: int) -> None:
    points = 0
    for _ in range(times):
        points = age_points(points, said("minor_cue", Level.MEDIUM, earlier=True))
        points = age_points(points, said("adult_cue", Level.SEVERE, earlier=True))
    assert cue_level(points) < 4


def test_weak_signs_need_company() -> None:
    points = 0
    for _ in range(4):
        points = age_points(points, said("minor_cue", Level.MEDIUM))
        assert cue_level(points) < 4
    assert cue_level(age_points(points, said("minor_cue", Level.MEDIUM))) == 4


@given(st.data())
def test_turns_without_a_sign_move_nothing(data: st.DataObject) -> None:
    drawn = [one for one in data.draw(USER_READINGS) if one[0] not in {"minor_cue", "adult_cue"}]
    event = spoke(START, readings=tuple(Reading(*one, 0.5, "drawn", "1") for one in drawn))
    assert age_points(7, event) == 7

"""Dependence is judged from weeks, not from a word: thirty-day lives, and what holds of any life."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.lives import MIDNIGHT, PACK, Talk, live

from shouban.core.dependence import LEVELS, WEIGHTS, Dependence, dependence_level, dependence_of
from shouban.core.obligations import Remind
from shouban.core.state import DayUse, PersonState

TODAY = date(2026, 8, 30)
DAYS = st.lists(
    st.builds(
        DayUse,
        day=st.integers(0, 34).map(lambda back: TODAY - timedelta(days=back)),
        used=st.integers(0, 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
        hours=st.integers(0, 2**24 - 1),
        turns=st.integers(0, 300),
        low=st.integers(0, 300),
        lowest=st.integers(0, 4),
        dependence=st.integers(0, 4),
        withdrawal=st.integers(0, 4),
        returns=st.integers(0, 20),
        spent=st.integers(0, 10**7),
    ),
    max_size=35,
    unique_by=lambda one: one.day,
).map(lambda days: tuple(sorted(days, key=lambda one: one.day)))


def after(state: PersonState, days: int) -> Dependence:
    return dependence_of(state.days, PACK.settings.local(MIDNIGHT + timedelta(days=days - 1)).date())


def shares(found: Dependence) -> dict[str, float]:
    return {one.name: one.share for one in found.components}


# --- what holds of any life


@given(DAYS)
def test_the_six_components_are_shares_of_a_hundred_points(days: tuple[DayUse, ...]) -> None:
    found = dependence_of(days, TODAY)
    assert [one.name for one in found.components] == list(WEIGHTS)
    assert sum(WEIGHTS.values()) == 100
    assert all(0 <= one.share <= 1 for one in found.components)
    assert abs(found.points - sum(one.points for one in found.components)) < 0.1
    assert found.level == max(found.words, sum(found.points >= least for least in LEVELS))


@given(DAYS)
def test_the_level_alone_is_the_level_explained(days: tuple[DayUse, ...]) -> None:
    assert dependence_level(days, TODAY) == dependence_of(days, TODAY).level


@given(DAYS, st.sampled_from(["dependence", "withdrawal", "returns", "spent"]))
def test_worse_today_is_never_judged_milder(days: tuple[DayUse, ...], name: str) -> None:
    days = tuple(one for one in days if one.day != TODAY)
    today = DayUse(TODAY, turns=1)
    worse = replace(today, **{name: 4})
    assert dependence_level((*days, worse), TODAY) >= dependence_level((*days, today), TODAY)


@given(DAYS)
def test_who_stays_away_for_five_weeks_is_free_of_it(days: tuple[DayUse, ...]) -> None:
    assert dependence_level(days, TODAY + timedelta(days=36)) == 0


def test_a_word_holds_for_three_days_and_its_component_for_a_week() -> None:
    days = (DayUse(TODAY, turns=1, dependence=4),)
    assert [dependence_level(days, TODAY + timedelta(days=later)) for later in (0, 2, 3, 7)] == [4, 4, 1, 0]


# --- thirty days


def healthy(day: int) -> Iterable[Talk]:
    """Three hours every evening, and glad of it."""
    return [Talk(19, 180, {"dependence": 1} if day % 5 == 0 else {})]


def night_shift(_: int) -> Iterable[Talk]:
    """A nurse on nights, who talks in the quiet hours and sleeps by day."""
    return [Talk(1, 40), Talk(3, 40), Talk(22, 30)]


def sliding(day: int) -> Iterable[Talk]:
    """An hour a day at first; in the end day and night, back as soon as gone, without sleep or friends."""
    if day < 10:
        return [Talk(20, 60)]
    if day < 20:
        return [Talk(12, 60), Talk(19, 150, {"dependence": 2}), Talk(22.1, 80, {"emotion": 2}, every_turn=True)]
    return [
        Talk(0, 170, {"dependence": 3}), Talk(6, 60), Talk(7.4, 60), Talk(12, 120, {"withdrawal": 3}),
        Talk(18, 200, {"crisis": 1}, every_turn=True), Talk(21.8, 120),
    ]  # fmt: skip


def recovering(day: int) -> Iterable[Talk]:
    """As the sliding one until help comes; then half an hour a day."""
    return sliding(day) if day < 26 else [Talk(20, 30)]


def test_a_healthy_heavy_user_is_left_alone() -> None:
    state, owed = live(healthy, 30)
    assert after(state, 30).level <= 1
    assert not [one for one in owed if isinstance(one, Remind) and one.topic == "dependence"]


def test_a_night_shift_is_no_dependence() -> None:
    state, owed = live(night_shift, 30)
    found = after(state, 30)
    assert found.level == 0
    assert shares(found)["conflict"] == 0
    assert not [one for one in owed if isinstance(one, Remind) and one.topic == "dependence"]


def test_a_sliding_user_is_seen_long_before_the_end() -> None:
    levels = [after(live(sliding, days)[0], days).level for days in (10, 20, 24, 30)]
    assert levels[0] <= 1
    assert levels == sorted(levels)
    assert levels[2] >= 3
    found = after(live(sliding, 24)[0], 24)
    assert found.trend == "rising"
    assert all(share > 0 for share in shares(found).values())
    _, owed = live(sliding, 30)
    assert [one for one in owed if isinstance(one, Remind) and one.topic == "dependence"]


def test_a_recovering_user_is_let_be_again() -> None:
    state, _ = live(recovering, 26)
    assert after(state, 26).level >= 3
    state, _ = live(recovering, 10, state, first=26)
    found = after(state, 36)
    assert found.level <= 1
    assert found.trend == "falling"


def test_the_state_keeps_the_level_that_the_days_give() -> None:
    state, _ = live(sliding, 24)
    assert state.dependence == after(state, 24).level

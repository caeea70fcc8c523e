"""Figures of detection, against what can be reckoned by hand and against their definitions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.detectors.measures import average_precision, calibration_error, cut_at, f1, interval, share_above

SCORED = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def test_a_perfect_order_is_one_and_a_reversed_one_is_reckoned_by_hand() -> None:
    assert average_precision([(0.9, True), (0.8, True), (0.1, False)]) == 1.0
    assert average_precision([(0.9, False), (0.8, True), (0.1, True)]) == pytest.approx(0.5 * 1 / 2 + 0.5 * 2 / 3)


def test_scores_that_tie_count_together() -> None:
    assert average_precision([(0.5, True), (0.5, False)]) == average_precision([(0.5, False), (0.5, True)]) == 0.5


@given(SCORED)
def test_it_lies_between_nothing_and_one_and_does_not_hang_on_the_scale(scored: list[tuple[float, bool]]) -> None:
    area = average_precision(scored)
    assert 0 <= area <= 1
    assert average_precision([(score / 4 + 1, there) for score, there in scored]) == pytest.approx(area) or len(
        {s for s, _ in scored}
    ) > len({s / 4 + 1 for s, _ in scored})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200), st.floats(0, 1))
def test_no_more_than_the_share_lies_above_the_cut(scores: list[float], share: float) -> None:
    assert share_above(scores, cut_at(scores, share)) <= share + 1e-9


def test_f1_is_the_harmonic_mean() -> None:
    assert f1(10, 5, 5) == pytest.approx(2 * 0.5 * 1.0 / 1.5)
    assert f1(0, 0, 0) == 0


def test_calibration_is_the_distance_from_the_diagonal() -> None:
    error, bins = calibration_error([(0.25, False), (0.25, False), (0.25, False), (0.25, True), (0.95, True)])
    assert error == pytest.approx(0.05 / 5)
    assert bins == [(0.25, 0.25, 4), (0.95, 1.0, 1)]


def test_the_interval_holds_the_figure_and_is_the_same_each_time() -> None:
    scored = [(number / 40, number % 3 == 0 or number > 30) for number in range(40)]
    low, high = interval(scored, average_precision)
    assert low < average_precision(scored) < high
    assert interval(scored, average_precision) == (low, high)

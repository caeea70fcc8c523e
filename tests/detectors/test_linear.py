"""The linear model: one sum for all questions, a calibrated curve, and a band of doubt."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.detectors.small import HEADS, IDF, RUNS, WEIGHTS, small

from shouban.detectors.linear import IN_DOUBT, READS, Head, judged


def by_hand(text: str, said: str) -> list[float]:
    def places(words: str) -> list[int]:
        return [at for at, run in enumerate(RUNS) if run in words]

    def length(found: list[int]) -> float:
        return math.sqrt(sum(IDF[at] ** 2 for at in found)) or 1.0

    here, before = places(text), places(said)
    return [
        head.bias
        + head.scale * sum(WEIGHTS[at][column] for at in here) / length(here)
        + head.context_scale * sum((4 if column == 0 else 0) for at in before if at == 1) / length(before)
        for column, head in enumerate(HEADS)
    ]


@given(st.text("甲乙丙丁", max_size=400), st.text("甲乙丙丁", max_size=40))
def test_adding_large_integers_adds_every_head(text: str, said: str) -> None:
    model = small()
    assert model.sums(text, model.evidence_of((said, ""))) == pytest.approx(by_hand(text, said))


def test_between_doubt_and_threshold_it_does_not_know() -> None:
    head = Head("crisis", 2, 0.0, 1.0, 1.0, 1.0, 0.0, threshold=0.9, doubt=0.3)
    assert [judged(head, value)[1] for value in (5.0, 0.0, -5.0)] == [READS, IN_DOUBT, 0]


def test_a_head_that_states_no_band_has_one_in_proportion() -> None:
    head = Head("crisis", 2, 0.0, 1.0, 1.0, 1.0, 0.0, threshold=0.9)
    assert [judged(head, value)[1] for value in (5.0, -0.5, -1.0)] == [READS, IN_DOUBT, 0]

"""The page of `shouban eval` holds every figure, escapes what it is given, and loads nothing."""

from __future__ import annotations

from shouban.cli.evaluation import Evaluation, Figures
from shouban.cli.evaluation_page import render

FIGURES = Figures(
    signal="crisis", source="<b>x</b>", cases=60, there=30, recall=0.5, false_alarms=0.1, precision=0.8, f1=0.6, average_precision=0.7, interval=(0.6, 0.8),
    tiers={"lists and rules": 0.3, "models": 0.6, "together": 0.7}, calibration_error=0.05, reliability=[(0.1, 0.2, 40), (0.9, 0.8, 20)], confusion=[[30, 0, 0, 0, 0]] * 5,
)  # fmt: skip
FOUND = Evaluation(
    cases={"<b>x</b>": 60, "kdconv": 100},
    figures=[FIGURES],
    benign={"kdconv": {"crisis": 0.01}},
    microseconds={"short": 90.0},
    detectors=[],
)


def test_what_comes_from_the_data_is_escaped() -> None:
    page = render(FOUND, "test")
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page


def test_the_page_stands_by_itself() -> None:
    page = render(FOUND, "test")
    for word in ("<script", "http://", "https://", "src="):
        assert word not in page
    assert page.count("<circle") == 2
    assert "0.700 (0.60–0.80)" in page
    assert "crisis 1.00%" in page

"""What `shouban eval` counts: only what was judged, by tier, with false alarms apart."""

from __future__ import annotations

from shouban.cli.evaluation import evaluate, rows_of
from shouban.core.signals import SIGNALS
from shouban.detectors.labelled import Case
from shouban.detectors.learned import shipped_models
from shouban.detectors.reader import build_detectors

TOLD: list[int] = []
CASES = [
    *(Case(text=text, role="user", source="a", levels={"crisis": level}, split="test") for text, level in (("我要自杀", 4), ("我不想活了", 2), ("想割腕", 3), ("怎么自杀", 3), ("今晚就跳楼", 4))),
    *(Case(text=text, role="user", source="a", absent=frozenset({"crisis"})) for text in ("今天天气很好", "晚上吃火锅")),
    Case(text="我要自杀", role="user", source="kdconv", absent=frozenset({"crisis", "prohibited.*"})),
    Case(text="你就是个废物，去死吧", role="companion", source="b", levels={"manipulation.verbal_abuse": 4}, whole=True),
]  # fmt: skip
FOUND = evaluate(CASES, build_detectors(), shipped_models(), signals=frozenset(SIGNALS), told=lambda: TOLD.append(1))
BY_PLACE = {(one.signal, one.source): one for one in FOUND.figures}


def test_only_what_was_judged_is_counted() -> None:
    assert len(TOLD) == len(CASES)
    assert BY_PLACE["crisis", "a"].cases == 7
    assert ("exit_intent", "a") not in BY_PLACE
    assert ("crisis", "b") not in BY_PLACE
    assert ("manipulation.verbal_abuse", "b") in BY_PLACE


def test_levels_are_counted_as_judged_and_as_read() -> None:
    crisis = BY_PLACE["crisis", "a"]
    assert [sum(row) for row in crisis.confusion] == [2, 0, 1, 2, 2]
    assert crisis.recall == 1.0
    assert crisis.false_alarms == 0.0
    assert crisis.average_precision == 1.0
    assert set(crisis.tiers) == {"lists and rules", "models", "together"}


def test_a_figure_of_too_few_is_not_given() -> None:
    assert BY_PLACE["manipulation.verbal_abuse", "b"].recall is None


def test_where_nothing_may_be_read_every_alarm_is_told() -> None:
    assert FOUND.benign["kdconv"]["crisis"] == 1.0


def test_the_table_has_a_dash_for_what_was_not_measured() -> None:
    rows = {(row[0], row[1]): row for row in rows_of(FOUND.figures)}
    assert rows["crisis", "a"][2] == "5/7"
    assert rows["manipulation.verbal_abuse", "b"][3:7] == ("–", "–", "–", "–")

"""`shouban robustness`: disguise keeps little from being seen, noise raises few alarms, and who somebody is decides nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.docs.reading import ROOT

from shouban.cli.main import main
from shouban.cli.robustness import Group, groups, measure, spread
from shouban.detectors.disguises import EVASIONS, NOISE
from shouban.detectors.labelled import read_labelled
from shouban.detectors.reader import build_detectors

CORPORA = ROOT / "corpora" / "zh"
# Bounds that no change may pass: shares of texts. What was measured stands in docs/detection.md.
LEAST_KEPT = {
    "zero width between characters": 0.97, "spaces between characters": 0.7, "asterisks between characters": 0.7, "emoji between characters": 0.7,
    "traditional characters": 0.95, "wide letters": 0.9, "look-alike letters": 0.3, "stretched particles": 0.85, "English before it": 0.78,
    "a quotation around it": 0.8, "homophones": 0.58, "pinyin": 0.6, "characters taken apart": 0.6, "a slip of the finger": 0.75, "dialect words": 0.8,
    "English words in it": 0.75,
}  # fmt: skip
MOST_MORE_ALARMS = 0.03
# Of a sixth of the texts, some forty dangers among them: the page has the figures of all (5.1 of 100 alarms apart at most).
MOST_APART = {"alarms": 0.06, "seen": 0.2}


@pytest.fixture(scope="module")
def measured() -> object:
    cases = [case for case in read_labelled(CORPORA) if case.split == "test"]
    return measure(cases[::6], build_detectors(), told=lambda: None)


def test_disguise_keeps_little_of_danger_from_being_read(measured: object) -> None:
    rows = measured.evasions["crisis"]  # type: ignore[attr-defined]  # a Robustness
    assert [one.name for one in rows] == list(EVASIONS)
    for one in rows:
        assert one.share >= LEAST_KEPT[one.name], one


def test_noise_raises_hardly_more_alarms(measured: object) -> None:
    plain, *noisy = measured.noise  # type: ignore[attr-defined]  # a Robustness
    assert [one.name for one in noisy] == list(NOISE)
    for one in noisy:
        assert one.share <= plain.share + MOST_MORE_ALARMS, one


@pytest.mark.parametrize("family", sorted(groups()))
def test_the_same_text_is_read_the_same_whoever_says_it(measured: object, family: str) -> None:
    alarms, seen = spread(measured.groups, family)  # type: ignore[attr-defined]  # a Robustness
    assert alarms <= MOST_APART["alarms"]
    assert seen <= MOST_APART["seen"]


def test_apart_is_the_distance_of_the_farthest_groups() -> None:
    found = [Group("f", "a", 0.1, 0.9), Group("f", "b", 0.3, 0.8), Group("g", "c", 0.9, 0.1)]
    assert spread(found, "f") == pytest.approx((0.2, 0.1))


def test_the_command_prints_its_tables_and_writes_every_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.json"
    with pytest.raises(SystemExit) as ended:
        main(["robustness", "--data", str(CORPORA / "crisis_a.tsv"), "--most", "40", "--json", str(out)])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "still read under disguise" in told
    assert "the same texts, said by somebody" in told
    assert set(json.loads(out.read_bytes())) == {"evasions", "noise", "groups"}


def test_data_without_a_labelled_text_is_an_error_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as ended:
        main(["robustness", "--data", str(tmp_path / "empty")])
    assert ended.value.code == 2
    assert "no labelled text" in capsys.readouterr().err

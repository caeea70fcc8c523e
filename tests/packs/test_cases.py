"""Cases are run through the core and say what did not go as expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shouban.packs.cases import run_cases, unshown
from shouban.packs.stack import load_pack

Write = Callable[..., Path]


def failures(folder: Path) -> list[str]:
    loaded = load_pack(folder)
    return [fault for result in run_cases(loaded) for fault in result.failures]


def test_a_good_pack_keeps_its_cases(write_pack: Write) -> None:
    loaded = load_pack(write_pack())
    results = run_cases(loaded)
    assert all(result.is_good for result in results)
    assert unshown(loaded, results) == []


def test_what_is_expected_and_not_owed_is_told_with_its_line(write_pack: Write) -> None:
    told = failures(write_pack("cases.yaml", "owed: [ShowHelp,", "owed: [Block,"))
    assert told[0].startswith("my/cases.yaml:7: case `danger`: after `UserSpoke` `Block` is expected; owed are ")


def test_terms_are_compared_too(write_pack: Write) -> None:
    told = failures(write_pack("cases.yaml", "urgency: now", "urgency: emergency"))
    assert "`Escalate` (urgency: emergency) is expected" in told[0]


def test_what_must_not_be_owed_is_told(write_pack: Write) -> None:
    assert "`ShowHelp` must not be owed" in failures(write_pack("cases.yaml", "{crisis: 1}", "{crisis: 3}"))[0]


def test_a_repeated_line_is_expected_each_time(write_pack: Write) -> None:
    loaded = load_pack(write_pack())
    steps = next(case for case in loaded.cases if case.name == "long-use").steps
    assert [step.event.at.minute for step in steps] == [0, 10, 20, 30]


def test_a_rule_that_its_case_does_not_show_is_named(write_pack: Write) -> None:
    loaded = load_pack(write_pack("pack.yaml", "cases: [danger]", "cases: [long-use]"))
    told = unshown(loaded, run_cases(loaded))
    assert told == ["my/pack.yaml:10: rule `my.help` does not speak in its case `long-use`"]


def test_a_silent_detector_can_be_written(write_pack: Write) -> None:
    assert failures(write_pack("cases.yaml", "{crisis: 2}", "{crisis: unknown}")) == []

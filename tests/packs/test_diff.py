"""What changes between two laws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shouban.packs.diff import diff
from shouban.packs.stack import load_pack

Write = Callable[..., Path]


def test_a_pack_does_not_differ_from_itself() -> None:
    assert diff(load_pack("cn"), load_pack("cn")) == []


def test_duties_that_only_one_law_has_come_first() -> None:
    changes = diff(load_pack("cn-2025-draft"), load_pack("cn-2026-order21"))
    only = {change.name: bool(change.after) for change in changes if change.point == "rule"}
    assert only["elder-relation"] is False
    assert only["under-14-consent"] is True
    assert changes[0].point == "rule"


def test_one_changed_number_is_one_change(write_pack: Write) -> None:
    before = load_pack(write_pack())
    after = load_pack(write_pack("pack.yaml", "{at_least: 30m}", "{at_least: 31m}"))
    (change,) = diff(before, after)
    assert (change.what, change.name, change.point) == ("rule", "rest", "when")
    assert (change.before[-3:], change.after[-3:]) == ("30m", "31m")


def test_settings_silence_and_wordings_are_compared_too(write_pack: Write) -> None:
    before = load_pack(write_pack())
    told = [
        diff(before, load_pack(write_pack(*change)))[0]
        for change in (
            ("pack.yaml", "idle_limit: 20m", "idle_limit: 25m"),
            ("pack.yaml", "dependence: low", "dependence: high"),
            ("templates/words.yaml", "Take a rest.", "Rest."),
        )
    ]
    assert [(one.what, one.name) for one in told] == [
        ("setting", "idle_limit"),
        ("unknown", "dependence"),
        ("template", "my/rest"),
    ]

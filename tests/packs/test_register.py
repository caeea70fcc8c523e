"""The duty register, and which of its rows the packs answer."""

from __future__ import annotations

from shouban.packs.register import RUNTIME, coverage, register
from shouban.packs.stack import load_pack


def test_the_register_has_every_row_once() -> None:
    rows = register()
    assert len(rows) == 131
    assert all(row.duty and row.article for row in rows.values())


def test_every_runtime_row_is_a_rule_or_another_parts() -> None:
    seen = coverage(load_pack("cn"))
    assert seen.open == ()
    assert seen.elsewhere.keys() == {"D005", "D028", "D056", "D066", "D081"}


def test_rows_of_the_offices_are_told_apart() -> None:
    assert all(row.capability not in RUNTIME for row in coverage(load_pack("cn")).by_offices)


def test_rules_are_listed_under_their_rows() -> None:
    assert coverage(load_pack("cn")).by_rules["F017"] == (
        "cn-2026-order21.two-hours",
        "cn-2026-order21.two-hours-clock",
    )


def test_a_pack_that_answers_for_no_rows_leaves_none_open() -> None:
    assert coverage(load_pack("cn-words")).open == ()

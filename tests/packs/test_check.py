"""A pack is looked over before it is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shouban.packs.check import examine
from shouban.packs.stack import shipped_packs

Write = Callable[..., Path]


@pytest.mark.parametrize("name", shipped_packs())
def test_every_shipped_pack_is_clean(name: str) -> None:
    found = examine(name)
    assert found.problems == ()
    assert found.open_rows == ()


def test_what_is_wrong_is_listed_line_by_line(write_pack: Write) -> None:
    found = examine(write_pack("pack.yaml", "register: [D044]", "register: [D944]"))
    assert not found.is_good
    assert found.problems[0].startswith("my/pack.yaml:14: ")


def test_a_case_that_fails_is_a_problem(write_pack: Write) -> None:
    found = examine(write_pack("cases.yaml", "not_owed: [Lock]", "not_owed: [ShowHelp]"))
    assert len(found.problems) == 1


def test_peoples_work_is_listed(write_pack: Write) -> None:
    found = examine(write_pack("templates/words.yaml", "approved: 2026-01-15", "approved: null"))
    assert found.is_good
    assert found.to_approve == ("my/help", "my/rest")
    assert [line.split()[2] for line in found.to_verify_by_phone] == ["456", "120"]


def test_rows_that_the_pack_says_it_answers_for_and_does_not_are_listed(write_pack: Write) -> None:
    found = examine(write_pack("pack.yaml", "conditions:", "answers_for: [F]\nconditions:"))
    assert "F017" in [row.id for row in found.open_rows]
    assert "F001" in [row.id for row in found.by_offices]


def test_words_that_no_rule_says_are_listed(write_pack: Write) -> None:
    spare = "  - {id: spare, kind: goodbye, zh: 再见, en: Bye}\n  - id: rest"
    assert examine(write_pack("templates/words.yaml", "  - id: rest", spare)).unused_templates == ("my/spare",)

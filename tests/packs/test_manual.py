"""The manual's tables are the core's own names, and its examples load."""

from __future__ import annotations

from pathlib import Path

import pytest

from shouban.packs.manual import TABLES, main, with_tables

MANUAL = Path(__file__).parents[2] / "docs" / "packs.md"


def test_the_manual_is_current() -> None:
    """If this fails: python -m shouban.packs.manual docs/packs.md."""
    text = MANUAL.read_text(encoding="utf-8")
    assert with_tables(text) == text


@pytest.mark.parametrize("name", TABLES)
def test_every_table_stands_in_the_manual(name: str) -> None:
    assert TABLES[name]() in MANUAL.read_text(encoding="utf-8")


def test_writing_it_anew_keeps_everything_else(tmp_path: Path) -> None:
    mark = "<!-- events: written by shouban.packs.manual -->"
    (tmp_path / "m.md").write_text(f"before\n{mark}\nstale words\n{mark}\nafter\n", encoding="utf-8")
    main(tmp_path / "m.md")
    text = (tmp_path / "m.md").read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "`UserSpoke`" in text
    assert "stale words" not in text

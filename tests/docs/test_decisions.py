"""Every hard choice has its page, in one form: what we faced, what we weighed, what we chose, what it costs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from tests.docs.reading import ROOT, code_of

PAGES: Final = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
PARTS: Final = ["What we faced", "What we weighed", "What we chose", "What it costs"]
OURS: Final = re.compile(r"(?:src/shouban|tests)/[\w/.-]+\.\w+")


def test_the_pages_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in PAGES] == list(range(1, len(PAGES) + 1))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_its_four_parts_and_is_listed(page: Path) -> None:
    assert re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE) == PARTS
    assert page.name in (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "ARCHITECTURE.md"], ids=lambda page: page.stem)
def test_the_files_it_names_are_there(page: Path) -> None:
    named = {path for code in code_of(page.read_text("utf-8")) for path in OURS.findall(code)}
    assert not [path for path in named if not (ROOT / path).exists()]

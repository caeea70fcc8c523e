"""Every word that a complaints page shows is there in both languages, and every stage, subject and decision has a name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from shouban.offices.complaints import model as m
from shouban.offices.complaints import words
from shouban.web.frame import SHARED
from shouban.web.language import Text

TEMPLATES = Path(words.__file__).parent / "templates"


def test_every_word_of_the_templates_is_there() -> None:
    used = {
        name
        for page in TEMPLATES.glob("*.html")
        for name in re.findall(r"words\.([a-z_0-9]+)", page.read_text("utf-8"))
    }
    assert used <= words.WORDS.keys() | SHARED.keys()
    assert all(text.zh and text.en for text in words.WORDS.values())


def test_no_word_takes_the_place_of_one_of_the_frame() -> None:
    assert not words.WORDS.keys() & (SHARED.keys() - {"brand", "language"})


def test_everything_that_can_be_has_a_name() -> None:
    tables: list[tuple[dict[str, Text], object]] = [
        (words.ABOUT, m.About), (words.CHANNELS, m.Channel), (words.STAGES, m.Stage), (words.DECISIONS, m.Decision), (words.KINDS, m.Kind),
    ]  # fmt: skip
    for table, kind in tables:
        assert set(table) == set(get_args(kind))
    assert set(words.SORTS) == {"complaint", "report", "appeal"}

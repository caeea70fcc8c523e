"""Every word that a notices page shows is there in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from shouban.offices.notices import model as m
from shouban.offices.notices import words
from shouban.web.frame import SHARED

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


def test_every_kind_and_state_has_a_name() -> None:
    assert set(words.KINDS) == set(get_args(m.Kind))
    assert set(words.STATES) == set(get_args(m.State))

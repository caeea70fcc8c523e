from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from shouban.core.events import Mode, Purpose
from shouban.offices.people import mine_words
from shouban.offices.people.contacts import Standing
from shouban.web.frame import SHARED

TEMPLATES = Path(mine_words.__file__).parent / "templates"


def test_every_word_of_the_templates_is_there_in_both_languages() -> None:
    used = {
        name
        for file in ("me", "my_messages", "looks", "erased")
        for name in re.findall(r"words\.([a-z_]+)", (TEMPLATES / f"{file}.html").read_text("utf-8"))
    }
    assert used <= mine_words.WORDS.keys() | SHARED.keys()
    assert {*get_args(Mode), *get_args(Standing)} <= mine_words.WORDS.keys()


def test_what_one_may_allow_is_a_purpose_of_the_law() -> None:
    assert mine_words.PURPOSES.keys() < set(get_args(Purpose))

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from shouban.core.events import Basis
from shouban.offices.processors import words
from shouban.offices.processors.model import Kind, Stage
from shouban.web.frame import SHARED

TEMPLATES = Path(words.__file__).parent / "templates"


def test_every_word_of_the_template_is_there_in_both_languages() -> None:
    used = set(re.findall(r"words\.([a-z_]+)", (TEMPLATES / "processors.html").read_text("utf-8")))
    assert used <= words.WORDS.keys() | SHARED.keys()
    assert (set(words.KINDS), set(words.BASES), set(words.STAGES)) == (
        set(get_args(Kind)),
        set(get_args(Basis)),
        set(get_args(Stage)),
    )

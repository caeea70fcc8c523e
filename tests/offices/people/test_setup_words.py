from __future__ import annotations

import re
from pathlib import Path

from shouban.offices.people import setup_words
from shouban.web.frame import SHARED

TEMPLATES = Path(setup_words.__file__).parent / "templates"


def test_every_word_of_the_pages_is_there() -> None:
    used = {
        name
        for file in TEMPLATES.glob("contact*.html")
        for name in re.findall(r"words\.([a-z_]+)", file.read_text("utf-8"))
    }
    assert used <= setup_words.WORDS.keys() | SHARED.keys()

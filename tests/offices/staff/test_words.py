from __future__ import annotations

import re
from pathlib import Path

from shouban.core.events import EVENTS
from shouban.offices.staff import words
from shouban.web.frame import SHARED

TEMPLATES = Path(words.__file__).parent / "templates"


def test_every_word_of_the_templates_is_there_in_both_languages() -> None:
    used = {
        name for file in TEMPLATES.glob("*.html") for name in re.findall(r"words\.([a-z_]+)", file.read_text("utf-8"))
    }
    assert used <= words.WORDS.keys() | SHARED.keys()
    assert all(text.zh and text.en for text in words.WORDS.values())


def test_every_event_has_a_name() -> None:
    assert EVENTS.keys() <= words.ACTS.keys()

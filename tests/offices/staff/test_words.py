from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from shouban.core.events import EVENTS, AgeBand, AgeBasis, Mode
from shouban.core.obligations import OBLIGATIONS
from shouban.core.state import Takeover
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


def test_every_obligation_and_every_state_has_a_name() -> None:
    assert OBLIGATIONS.keys() <= words.OWED.keys()
    for kind in (AgeBand, AgeBasis, Mode, Takeover):
        assert set(get_args(kind)) <= words.STATE.keys()

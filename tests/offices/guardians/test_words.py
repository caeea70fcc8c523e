from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from shouban.core.days import mood_of
from shouban.core.events import AgeBand
from shouban.core.rules import EXEMPTIONS
from shouban.offices.guardians import words
from shouban.offices.guardians.work import PURPOSES
from shouban.web.frame import SHARED

TEMPLATES = Path(words.__file__).parent / "templates"


def test_every_word_of_the_templates_is_there_in_both_languages() -> None:
    used = {
        name for file in TEMPLATES.glob("*.html") for name in re.findall(r"words\.([a-z_]+)", file.read_text("utf-8"))
    }
    assert used <= words.WORDS.keys() | SHARED.keys()


def test_every_band_exemption_and_purpose_has_a_name() -> None:
    assert set(words.BANDS) == set(get_args(AgeBand))
    assert set(words.EXEMPTIONS) == set(EXEMPTIONS)
    assert set(words.PURPOSES) == set(PURPOSES)


def test_a_mood_that_is_not_known_is_a_word_as_well() -> None:
    from datetime import date  # noqa: PLC0415  # beside its use

    assert mood_of((), date(2026, 8, 3)).trend in words.MOODS

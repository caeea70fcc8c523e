from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from shouban.core.events import AgeBand
from shouban.offices.people import words
from shouban.offices.people.age import BASIS, CONFIDENCE, Method
from shouban.web.frame import SHARED

TEMPLATES = Path(words.__file__).parent / "templates"


def test_every_word_of_the_templates_is_there_in_both_languages() -> None:
    page = (TEMPLATES / "appeals.html").read_text("utf-8")
    used = set(re.findall(r"words\.([a-z_]+)", page))
    assert used <= words.WORDS.keys() | SHARED.keys()


def test_every_band_and_method_has_a_name_a_basis_and_a_confidence() -> None:
    assert set(words.AGE_BANDS) == set(get_args(AgeBand))
    assert set(words.METHODS) == set(BASIS) == set(CONFIDENCE) == set(get_args(Method))

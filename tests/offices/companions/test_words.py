from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from shouban.core.events import Relation
from shouban.offices.companions import words
from shouban.offices.companions.model import _GOALS, MOVES
from shouban.web.frame import SHARED

TEMPLATES = Path(words.__file__).parent / "templates"


def test_every_word_of_the_template_is_there_in_both_languages() -> None:
    used = set(re.findall(r"words\.([a-z_]+)", (TEMPLATES / "reviews.html").read_text("utf-8")))
    assert used <= words.WORDS.keys() | SHARED.keys()


def test_every_rule_relation_and_stage_has_a_name() -> None:
    assert {rule for rule, _ in _GOALS} < words.RULES.keys()
    assert set(words.RELATIONS) == set(get_args(Relation))
    assert set(words.STAGES) == set(MOVES)

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from shouban.core.days import mood_of
from shouban.core.events import AgeBand, Feature, Letters, Relation
from shouban.core.rules import EXEMPTIONS
from shouban.core.state import OrderStage
from shouban.offices.guardians import words
from shouban.offices.guardians.controls import Money
from shouban.offices.guardians.model import ChannelKind
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
    assert set(words.RELATIONS) == set(get_args(Relation))
    assert set(words.FEATURES) == set(get_args(Feature))
    assert set(words.STAGES) == set(get_args(OrderStage))
    assert set(words.LETTERS) == set(get_args(Letters))
    assert set(words.SPENDING) == set(get_args(Money))
    assert set(words.KINDS) == set(get_args(ChannelKind))


def test_a_mood_that_is_not_known_is_a_word_as_well() -> None:
    from datetime import date  # noqa: PLC0415  # beside its use

    assert mood_of((), date(2026, 8, 3)).trend in words.MOODS

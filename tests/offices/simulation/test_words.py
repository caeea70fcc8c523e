from __future__ import annotations

import re

from shouban.core.obligations import OBLIGATIONS
from shouban.core.signals import SIGNALS
from shouban.offices.simulation.model import LEVELS
from shouban.offices.simulation.pages import TEMPLATES
from shouban.offices.simulation.words import LEVEL_WORDS, SIGNAL_WORDS, WORDS, named_obligation, named_signal


def test_every_signal_level_and_obligation_has_words_in_both_languages() -> None:
    assert SIGNAL_WORDS.keys() == SIGNALS.keys()
    assert set(LEVEL_WORDS) == set(LEVELS)
    for text in (*WORDS.values(), *SIGNAL_WORDS.values(), *map(named_obligation, OBLIGATIONS)):
        assert re.search(r"[\u4e00-\u9fff]", text.zh)
        assert not re.search(r"[\u4e00-\u9fff]", text.en)


def test_a_name_without_words_stands_for_itself() -> None:
    assert named_signal("later.signal").zh == "later.signal"


def test_the_page_uses_every_word_and_no_other() -> None:
    source = "".join(one.read_text(encoding="utf-8") for one in TEMPLATES.glob("*.html"))
    used = set(re.findall(r'(?:say|tile)\("(\w+)"', source)) - {"timeline_"} | {
        "timeline_day",
        "timeline_month",
        "timeline_year",
        "title",
    }
    assert used == set(WORDS)

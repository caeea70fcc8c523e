from __future__ import annotations

from typing import get_args

from shouban.offices.restrictions import model as m
from shouban.offices.restrictions import words as w


def test_every_word_of_the_model_has_its_words_in_both_languages() -> None:
    for known, table in (
        (m.Kind, w.KINDS),
        (m.Category, w.CATEGORIES),
        (m.Stage, w.STAGES),
        (m.AppealState, w.APPEALS),
        (m.Decision, w.DECISIONS),
    ):
        assert set(get_args(known)) == set(table)
    for text in (*w.WORDS.values(), *w.KINDS.values(), *w.CATEGORIES.values(), *w.STAGES.values()):
        assert text.zh
        assert text.en
        assert text.en.isascii() or "“" not in text.en

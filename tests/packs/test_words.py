"""There is a word, in both languages, for everything that a pack can name."""

from __future__ import annotations

from msgspec.structs import fields

from shouban.core.events import EVENTS
from shouban.core.obligations import OBLIGATIONS
from shouban.core.rules import COMPARE, FIELDS
from shouban.packs.words import EVENT_WORDS, FIELD_WORDS, OBLIGATION_WORDS, OPERATOR_WORDS, TERM_WORDS, in_words


def test_every_name_of_the_core_has_its_words() -> None:
    assert FIELD_WORDS.keys() == FIELDS.keys()
    assert OPERATOR_WORDS.keys() == COMPARE.keys()
    assert EVENT_WORDS.keys() == EVENTS.keys()
    assert OBLIGATION_WORDS.keys() == OBLIGATIONS.keys()
    terms = {field.name for kind in OBLIGATIONS.values() for field in fields(kind)}
    assert TERM_WORDS.keys() >= terms - {"because", "wake_at"}


def test_no_word_is_empty() -> None:
    for table in (FIELD_WORDS, OPERATOR_WORDS, EVENT_WORDS, OBLIGATION_WORDS, TERM_WORDS):
        assert all(zh and en for zh, en in table.values())


def test_a_name_without_words_stands_for_itself() -> None:
    assert in_words(EVENT_WORDS, "NewEvent", "zh") == "NewEvent"

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shouban.core.signals import BOTH, USER, Level
from shouban.detectors.index import WordIndex
from shouban.detectors.lists import Pardon, Word
from shouban.detectors.normalise import normalise

CRIME = Word(signal="prohibited.crime", level=Level.HIGH, score=0.8, roles=BOTH)
CRISIS = Word(signal="crisis", level=Level.HIGH, score=0.8, roles=USER)
APART = Word(signal="prohibited.fraud", level=Level.HIGH, score=0.8, roles=BOTH, after=frozenset({"ab"}))
INDEX = WordIndex({"abc": (CRIME,), "bc": (CRISIS,), "d": (APART,)}, {"xabc": (Pardon(signals=frozenset()),)})


@given(st.text("abcdx", max_size=40))
def test_every_place_of_every_word_is_found(text: str) -> None:
    hits, _ = INDEX.hits(text, "user")
    found = {(hit.start, hit.end) for hit in hits if hit.word is CRIME}
    assert found == {(at, at + 3) for at in range(len(text)) if text.startswith("abc", at)}


@given(st.text("abcdx", max_size=40), st.integers(1, 10))
def test_it_wakes_exactly_where_a_word_ends_in_the_fresh_characters(text: str, fresh: int) -> None:
    fresh = min(fresh, len(text))
    hits, _ = INDEX.hits(text, "companion")
    assert INDEX.wakes(text, fresh, "companion") == (fresh > 0 and any(hit.end > len(text) - fresh for hit in hits))


def test_a_word_of_the_user_is_none_of_the_companion() -> None:
    assert {hit.word.signal for hit in INDEX.hits("bc", "user")[0]} == {"crisis"}
    assert list(INDEX.hits("bc", "companion")[0]) == []


def test_a_word_in_two_parts_spans_both() -> None:
    (hit,) = INDEX.hits("ab x d", "companion")[0]
    assert (hit.start, hit.gap, hit.part, hit.end) == (0, 2, 5, 6)


def test_a_pardon_covers_the_word_that_lies_in_it() -> None:
    hits, covers = INDEX.hits("xabc abc", "companion")
    assert [covers.cover(hit) for hit in hits] == [True, False]


def test_more_text_may_still_turn_a_word_into_another() -> None:
    open_end, closed = normalise("abc"), normalise("abc. and so it went on")
    for text, waits in ((open_end, True), (closed, False)):
        (hit,) = [one for one in INDEX.hits(text.squeezed, "companion")[0] if one.word is CRIME]
        assert INDEX.waits(text, hit) is waits

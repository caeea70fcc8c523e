from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.detectors.normalise import fold, gaps, is_latin, last_bytes, normalise, squeeze

# Letters that fold to none, one or several, separators, both scripts.
ODD = st.text(
    st.sampled_from("自殺杀 aA1ｚ①㈱ﬁ½é\u0301\u200b\u200d\ufeff-_*。，\n\u2028'’ßİ死去ЖаΑ🙂\u3164"), max_size=60
)
TEXTS = st.one_of(st.text(max_size=60), ODD)


@given(TEXTS, TEXTS)
def test_a_text_folded_in_pieces_is_the_pieces_of_the_folded_text(first: str, second: str) -> None:
    assert fold(first + second) == fold(first) + fold(second)


@given(TEXTS)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(TEXTS)
def test_every_folded_character_knows_where_it_came_from(text: str) -> None:
    normalised = normalise(text)
    starts = list(normalised.starts)
    assert len(starts) == len(normalised.text)
    assert starts == sorted(starts)
    for at, char in enumerate(normalised.text):
        assert char in fold(text[starts[at]])


@given(TEXTS, st.data())
def test_a_span_covers_the_original_of_what_was_found(text: str, data: st.DataObject) -> None:
    normalised = normalise(text)
    if not normalised.text:
        return
    start = data.draw(st.integers(0, len(normalised.text) - 1))
    end = data.draw(st.integers(start + 1, len(normalised.text)))
    first, last = normalised.span(start, end)
    assert 0 <= first < last <= len(text)
    assert normalised.text[start:end] in fold(text[first:last])


@given(TEXTS)
def test_the_squeezed_text_knows_its_places(text: str) -> None:
    normalised = normalise(text)
    places = list(normalised.places)
    assert len(places) == len(normalised.squeezed)
    assert places == sorted(places)
    for at, char in enumerate(normalised.squeezed):
        assert char in {" ", normalised.text[places[at]]}


@given(TEXTS)
def test_squeezing_leaves_only_letters_and_single_spaces_between_latin_words(text: str) -> None:
    squeezed = squeeze(fold(text))
    assert "  " not in squeezed
    assert squeezed == squeezed.strip(" ")
    assert squeeze(squeezed) == squeezed


@given(TEXTS, st.integers(0, 80))
def test_the_last_bytes_are_an_end_of_the_text_of_no_more_than_that_size(text: str, size: int) -> None:
    end = last_bytes(fold(text), size)
    assert fold(text).endswith(end)
    assert size - 3 <= len(end.encode()) <= size or end == fold(text)


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("自殺", "自杀"),
        ("ＺＩＳＨＡ", "zisha"),
        ("自\u200b杀", "自杀"),
        ("自\u0301杀", "自杀"),
        ("don’t", "dont"),
        ("DON'T", "dont"),
        ("亖", "死"),
        ("а", "a"),
        ("①", "1"),
    ],
)
def test_typography_and_evasion_are_folded_away(disguised: str, plain: str) -> None:
    assert fold(disguised) == plain


def test_separators_inside_a_word_are_squeezed_out_but_not_between_latin_words() -> None:
    assert squeeze("去.死") == "去死"
    assert squeeze("kill  my-self") == "kill my self"
    assert gaps("去.*死 x") == [".*", " "]


def test_latin_is_what_latin_words_are_made_of() -> None:
    assert is_latin("a")
    assert is_latin("9")
    assert not is_latin("死")
    assert not is_latin(" ")

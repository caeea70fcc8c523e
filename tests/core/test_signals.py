"""A reading is one word on one signal; a silent detector counts above none and below anything seen."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.structs import READINGS

from shouban.core.signals import BOTH, COMPANION, MANIPULATION, PROHIBITED, SIGNALS, Level, Reading, rank, strongest

LISTS = st.lists(READINGS, max_size=8).map(tuple)


@given(READINGS)
def test_a_reading_survives_being_written_down(reading: Reading) -> None:
    again = msgspec.json.decode(msgspec.json.encode(reading), type=Reading)
    assert again == reading
    assert again.is_unknown == (reading.level == "unknown")


def test_levels_rank_in_their_order_and_silence_lies_above_none() -> None:
    ranks = [rank(one) for one in (Level.NONE, "unknown", Level.LOW, Level.MEDIUM, Level.HIGH, Level.SEVERE)]
    assert ranks == sorted(set(ranks))


@given(LISTS, st.sampled_from(sorted(SIGNALS)))
def test_the_strongest_reading_is_of_the_signal_and_nothing_outranks_it(
    readings: tuple[Reading, ...], signal: str
) -> None:
    found = strongest(readings, signal)
    others = [one for one in readings if one.signal == signal]
    assert (found is None) == (not others)
    if found is not None:
        assert found in others
        assert all((rank(one.level), one.score) <= (rank(found.level), found.score) for one in others)


@given(LISTS, st.sampled_from(sorted(SIGNALS)), st.data())
def test_the_order_in_which_detectors_answer_changes_nothing(
    readings: tuple[Reading, ...], signal: str, data: st.DataObject
) -> None:
    mixed = tuple(data.draw(st.permutations(readings)))
    one, other = strongest(readings, signal), strongest(mixed, signal)
    assert (one and (one.level, one.score)) == (other and (other.level, other.score))


def test_a_silent_detector_is_not_lost_behind_one_that_saw_nothing() -> None:
    seen = (Reading("crisis", Level.NONE, 1.0, "words", "1"), Reading("crisis", "unknown", 0.0, "model", "1"))
    found = strongest(seen, "crisis")
    assert found is not None
    assert found.is_unknown


def test_tactics_are_the_companions_and_prohibited_words_anybodys() -> None:
    assert all(SIGNALS[f"manipulation.{name}"] == COMPANION for name in MANIPULATION)
    assert all(SIGNALS[f"prohibited.{name}"] == BOTH for name in PROHIBITED)
    assert "user" in SIGNALS["crisis"]
    assert all(SIGNALS.values())


@pytest.mark.parametrize("level", [5, -1, "none", None])
def test_a_level_there_is_not_is_refused(level: object) -> None:
    written = {"signal": "crisis", "level": level, "score": 1.0, "detector": "d", "version": "1"}
    with pytest.raises(msgspec.ValidationError, match="level"):
        msgspec.convert(written, Reading)

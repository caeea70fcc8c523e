"""Wordings to begin from: in both languages, with the name of who sends them, and honest about who has approved them."""

from __future__ import annotations

import re

import pytest

from shouban.offices.care_desk.scripts import APPROVED_BY, ARRIVAL, COMINGS, SCRIPTS, VERSION, filled


@pytest.mark.parametrize("name", [*SCRIPTS, *COMINGS])
def test_every_wording_is_there_in_both_languages_and_leaves_no_place_empty(name: str) -> None:
    for language in ("zh", "en"):
        text = filled(name, language, "小林")
        assert text
        assert "{" not in text
        assert len(text) < 300, "somebody in despair reads it on a phone"


def test_the_first_says_who_and_that_it_is_a_person() -> None:
    assert "小林" in filled(ARRIVAL, "zh", "小林")
    assert "真人" in filled(ARRIVAL, "zh", "小林")
    assert "real person" in filled(ARRIVAL, "en", "Lin")


def test_numbers_are_those_of_the_packs_and_no_approval_is_claimed() -> None:
    numbers = {number for one in SCRIPTS.values() for number in re.findall(r"[0-9]{3,}", one.text.zh)}
    assert numbers == {"120", "110", "12356"}
    assert APPROVED_BY == ""
    assert VERSION

"""Evidence of age: each layer for itself, an identity number checked and not kept, and birthdays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_11_2
from tests.gateway.serving import refusal

from shouban.core.errors import CallerError
from shouban.offices.people.age import (
    BASIS,
    CONFIDENCE,
    MOST_KEPT,
    AgeTold,
    Evidence,
    birth_date_in,
    evidence_of,
    grown_into,
    layers,
    with_evidence,
)

NOW = datetime(2026, 8, 3, tzinfo=UTC)


def number_of(born: date, serial: int = 123) -> str:
    """A number of GB 11643-1999 with its check digit; nobody's."""
    body = f"110105{born:%Y%m%d}{serial:03d}"
    return body + str(mod_11_2.calc_check_digit(body))


@given(st.dates(date(1900, 1, 1), date(2026, 8, 1)), st.integers(0, 999))
def test_the_birth_date_is_read_out_of_a_number_that_can_exist(born: date, serial: int) -> None:
    assert birth_date_in(number_of(born, serial)) == born


@given(st.text(max_size=20))
def test_whatever_is_no_number_is_refused_without_repeating_it(text: str) -> None:
    error = refusal(lambda: birth_date_in(text), CallerError)
    assert error is not None
    assert error.field == "id_number"
    assert len(text) < 4 or text not in str(error)


@pytest.mark.parametrize(
    "wrong", ["110105194912310021", "11010519491331002X", "99010519491231002X", "1101051949123100", ""]
)
def test_a_wrong_digit_date_or_place_is_found(wrong: str) -> None:
    with pytest.raises(CallerError):
        birth_date_in(wrong)


@pytest.mark.parametrize(
    ("told", "band"),
    [
        (AgeTold("birth_date", birth_date=date(2015, 8, 4)), "under_14"), (AgeTold("age_band", age_band="16_17"), "16_17"),
        (AgeTold("id_number", id_number=number_of(date(2011, 8, 3))), "14_15"), (AgeTold("device", signal="under_13"), "under_14"), (AgeTold("store", signal="18_plus"), "adult"),
    ],
)  # fmt: skip
def test_each_method_gives_a_band_with_its_confidence(told: AgeTold, band: str) -> None:
    found = evidence_of(told, NOW)
    assert (found.band, found.confidence, found.at) == (band, CONFIDENCE[told.method], NOW)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (AgeTold("birth_date"), "birth_date"), (AgeTold("birth_date", birth_date=date(2030, 1, 1)), "birth_date"), (AgeTold("age_band"), "age_band"), (AgeTold("age_band", age_band="unknown"), "age_band"),
        (AgeTold("device", signal="old"), "signal"), (AgeTold("id_number", id_number="1"), "id_number"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(told: AgeTold, field: str) -> None:
    with pytest.raises(CallerError) as refused:
        evidence_of(told, NOW)
    assert refused.value.field == field


def test_a_verified_number_is_surer_than_its_checksum() -> None:
    told = AgeTold("id_number", id_number=number_of(date(1990, 1, 1)))
    checked, verified = evidence_of(told, NOW), evidence_of(told, NOW, is_verified=True)
    assert (BASIS[checked.method], BASIS[verified.method]) == ("declared", "verified")
    assert verified.confidence > checked.confidence


def test_a_newer_layer_takes_the_place_of_an_older_one_of_its_kind() -> None:
    profile: dict[str, Any] = {"id": "x"}
    for band in ("adult", "16_17"):
        profile = with_evidence(profile, Evidence("device", band, 0.7, NOW))
    profile = with_evidence(profile, Evidence("store", "adult", 0.8, NOW))
    assert [(one.method, one.band) for one in layers(profile)] == [("device", "16_17"), ("store", "adult")]
    assert len(profile["age_evidence"]) <= MOST_KEPT


def test_a_birthday_brings_the_next_band_only_where_the_birth_date_gave_the_last() -> None:
    profile = {"birth_date": "2012-08-03", "band_by_birth_date": "under_14"}
    assert grown_into(profile, "under_14", date(2026, 8, 2)) is None
    assert grown_into(profile, "under_14", date(2026, 8, 3)) == "14_15"
    assert grown_into(profile, "16_17", date(2026, 8, 3)) is None
    assert grown_into({"birth_date": "2012-08-03"}, "under_14", date(2026, 8, 3)) is None
    assert grown_into({}, "under_14", date(2026, 8, 3)) is None
    younger = with_evidence(profile, Evidence("device", "under_14", 0.7, NOW))
    assert grown_into(younger, "under_14", date(2026, 8, 3)) is None, "another layer says that they are younger still"

from __future__ import annotations

from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import refusal

from shouban.core.errors import CallerError
from shouban.core.events import MINOR_BANDS, AgeBand
from shouban.offices.people.model import (
    MAX_CONTACTS,
    MAX_TEXT,
    OLDEST,
    Contact,
    band_of,
    checked_contacts,
    count,
    missing,
)

TODAY = date(2026, 8, 3)
BANDS: tuple[AgeBand, ...] = ("under_14", "14_15", "16_17", "adult", "elder")
BIRTHS = st.dates(min_value=date(TODAY.year - OLDEST + 1, 1, 1), max_value=TODAY)


def contact(kind: str = "guardian", **more: object) -> Contact:
    return Contact(**{"kind": kind, "name": "王芳", "channels": ["tel:1"], **more})  # type: ignore[arg-type]  # a test's own keywords


# --- age


@pytest.mark.parametrize(
    ("birth_date", "band"),
    [
        (date(2026, 8, 3), "under_14"),
        (date(2012, 8, 4), "under_14"),
        (date(2012, 8, 3), "14_15"),
        (date(2010, 8, 4), "14_15"),
        (date(2010, 8, 3), "16_17"),
        (date(2008, 8, 4), "16_17"),
        (date(2008, 8, 3), "adult"),
        (date(1966, 8, 4), "adult"),
        (date(1966, 8, 3), "elder"),
        (date(2008, 2, 29), "adult"),
    ],
)
def test_the_birthday_itself_is_the_first_day_of_the_next_band(birth_date: date, band: AgeBand) -> None:
    assert band_of(birth_date, None, TODAY) == band


@given(BIRTHS, st.integers(0, 20_000))
def test_nobody_grows_younger(birth_date: date, days: int) -> None:
    later = TODAY + timedelta(days=days)
    try:
        before, after = band_of(birth_date, None, TODAY), band_of(birth_date, None, later)
    except CallerError:
        return
    assert BANDS.index(before) <= BANDS.index(after)


@given(st.dates())
def test_an_impossible_birth_date_is_refused_by_name(birth_date: date) -> None:
    error = refusal(lambda: band_of(birth_date, None, TODAY), CallerError)
    assert error is None or error.field == "birth_date"
    assert error is None or birth_date > TODAY or birth_date.year < TODAY.year - OLDEST + 1


def test_a_birth_date_goes_before_a_band_and_one_of_them_must_be_there() -> None:
    assert band_of(date(2015, 1, 1), "adult", TODAY) == "under_14"
    assert band_of(None, "16_17", TODAY) == "16_17"
    with pytest.raises(CallerError) as refused:
        band_of(None, None, TODAY)
    assert refused.value.field == "birth_date"


# --- contacts


def test_every_contact_can_be_reached() -> None:
    assert checked_contacts([contact()])[0]["channels"] == ["tel:1"]
    with pytest.raises(CallerError) as empty:
        checked_contacts([contact(), contact(channels=[])])
    assert empty.value.field == "contacts[1].channels"


def test_there_are_not_too_many_and_not_too_long() -> None:
    assert len(checked_contacts([contact()] * MAX_CONTACTS)) == MAX_CONTACTS
    with pytest.raises(CallerError) as many:
        checked_contacts([contact()] * (MAX_CONTACTS + 1))
    assert many.value.field == "contacts"
    for fields in (
        {"name": "x" * (MAX_TEXT + 1)},
        {"relation": "x" * (MAX_TEXT + 1)},
        {"channels": ["x" * (MAX_TEXT + 1)]},
    ):
        with pytest.raises(CallerError) as long:
            checked_contacts([contact(**fields)])
        assert long.value.field == "contacts[0]"


def test_who_is_unsafe_counts_as_no_contact() -> None:
    kept = checked_contacts([contact(), contact(unsafe=True), contact("emergency")])
    assert (count(kept, "guardian"), count(kept, "emergency")) == (1, 1)


# --- what is missing


@pytest.mark.parametrize("band", [band for band in get_args(AgeBand) if band != "unknown"])
def test_minors_need_a_guardian_and_everybody_somebody(band: AgeBand) -> None:
    guardian, friend = checked_contacts([contact()]), checked_contacts([contact("emergency")])
    age = ["age"] if band == "unknown" else []
    assert missing(band, guardian, "v1") == age
    assert missing(band, [], "v1") == age + (["contacts.guardian"] if band in MINOR_BANDS else ["contacts"])
    assert missing(band, friend, "v1") == age + (["contacts.guardian"] if band in MINOR_BANDS else [])
    draft = missing(band, [], "v1", "minors_and_elders")
    assert draft == age + (["contacts.guardian"] if band in MINOR_BANDS else ["contacts"] if band == "elder" else [])
    assert missing(band, [], "v1", "nobody") == age
    assert "contacts" in missing("adult", [{**friend[0], "unsafe": True}], "v1"), "a danger is nobody to call"
    assert "agreement" in missing(band, guardian, "")

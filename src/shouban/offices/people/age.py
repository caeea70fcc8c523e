"""What speaks for a person's age, layer by layer: declared, by an identity number, by device or store, by behaviour, by a person's decision.

Order 21 Art. 14 and draft Art. 12.3 want minors to be found with as little data as can be: an identity number is checked and not kept.
GB 11643-1999 is the form of the number; its checksum is ISO 7064 MOD 11-2. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, Literal

import msgspec
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from shouban.core.advance import STRICTER_BANDS
from shouban.core.errors import CallerError
from shouban.core.events import AgeBand, AgeBasis
from shouban.offices.people.model import band_of

Method = Literal["birth_date", "age_band", "id_number", "device", "store", "real_name", "behaviour", "staff"]
MOST_KEPT: Final = 20
# How sure each is, in [0, 1]. A checksum shows that a number can exist, not whose it is.
CONFIDENCE: Final[dict[Method, float]] = {
    "age_band": 0.4, "birth_date": 0.5, "id_number": 0.6, "behaviour": 0.6, "device": 0.7, "store": 0.8, "real_name": 0.95, "staff": 0.99,
}  # fmt: skip
BASIS: Final[dict[Method, AgeBasis]] = {
    "age_band": "declared", "birth_date": "declared", "id_number": "declared", "behaviour": "behaviour", "device": "device_signal", "store": "device_signal",
    "real_name": "verified", "staff": "verified",
}  # fmt: skip
# California's AB 1043 and the stores' own signals, as age bands here.
SIGNALS: Final[dict[str, AgeBand]] = {
    "under_13": "under_14", "13_15": "14_15", "16_17": "16_17", "18_plus": "adult", "under_14": "under_14", "14_15": "14_15", "adult": "adult", "elder": "elder",
}  # fmt: skip


class AgeTold(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /v1/users/{id}/age`: one piece of evidence. `signal` is what a device or a store says; `name` goes with a number to be verified."""

    method: Literal["birth_date", "age_band", "id_number", "device", "store"]
    birth_date: date | None = None
    age_band: AgeBand | None = None
    id_number: str = ""
    name: str = ""
    signal: str = ""


class Evidence(msgspec.Struct, frozen=True):
    """One layer: what it says, by what, how sure, and since when. The number itself is not here."""

    method: Method
    band: AgeBand
    confidence: float
    at: datetime


def evidence_of(told: AgeTold, at: datetime, *, is_verified: bool = False) -> Evidence:
    """Raises `CallerError` naming what does not fit."""
    if told.method == "id_number":
        method: Method = "real_name" if is_verified else "id_number"
        return Evidence(method, band_of(birth_date_in(told.id_number), None, at.date()), CONFIDENCE[method], at)
    if told.method in {"device", "store"}:
        band = SIGNALS.get(told.signal)
        if band is None:
            raise CallerError(f"`signal` is `{told.signal[:20]}`; one of {', '.join(SIGNALS)}", field="signal")
        return Evidence(told.method, band, CONFIDENCE[told.method], at)
    if told.method == "birth_date" and told.birth_date is None:
        raise CallerError("`birth_date` is missing; give YYYY-MM-DD", field="birth_date", code="missing_field")
    if told.method == "age_band" and told.age_band in {None, "unknown"}:
        raise CallerError("`age_band` is missing; give one", field="age_band", code="missing_field")
    by_date = told.method == "birth_date"
    band = band_of(told.birth_date if by_date else None, None if by_date else told.age_band, at.date())
    return Evidence(told.method, band, CONFIDENCE[told.method], at)


def birth_date_in(number: str) -> date:
    """The date of birth in a resident identity number whose form and checksum hold; the error names no digit of it."""
    try:
        ric.validate(number)
        born: date = ric.get_birth_date(number)
    except ValidationError as error:
        raise CallerError(
            "`id_number` is no resident identity number: its length, date or check digit does not fit",
            field="id_number",
        ) from error
    return born


def with_evidence(profile: dict[str, Any], one: Evidence) -> dict[str, Any]:
    """The profile with this layer in the place of an older one of the same method."""
    kept = [layer for layer in profile.get("age_evidence", []) if layer["method"] != one.method]
    return {**profile, "age_evidence": [*kept, msgspec.to_builtins(one)][-MOST_KEPT:]}


def layers(profile: dict[str, Any]) -> Sequence[Evidence]:
    return [msgspec.convert(one, Evidence) for one in profile.get("age_evidence", [])]


def grown_into(profile: dict[str, Any], held: AgeBand, today: date) -> AgeBand | None:
    """The band a birthday has brought since; nothing where the band held is not the one that the date of birth gave, or another layer is stricter than it is now."""
    born = profile.get("birth_date")
    if not born:
        return None
    last = profile.get("band_by_birth_date")
    now = band_of(date.fromisoformat(born), None, today)
    others = [one.band for one in layers(profile) if one.method != "birth_date"]
    is_younger = any(STRICTER_BANDS.index(band) > STRICTER_BANDS.index(now) for band in others)
    return now if now != held and last == held and not is_younger else None

"""What a registration is, and what it lacks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

import msgspec

from shouban.core.errors import CallerError
from shouban.core.events import MINOR_BANDS, Actor, AgeBand, AgeBasis, Mode, Purpose
from shouban.core.rules import ContactOf
from shouban.core.state import PersonState

MAX_CONTACTS = 10
MAX_TEXT = 200
MAX_NICKNAME = 40
ELDER_FROM = 60
OLDEST = 130


class Contact(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody to be told; `channels` are addresses (`webhook https://…`, `tel:…`, `mailto:…`)."""

    kind: Literal["guardian", "emergency"]
    name: str = ""
    relation: str = ""
    channels: list[str] = []
    unsafe: bool | None = None


class Registration(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /v1/users` (design §4). Either `birth_date` or `age_band`; Order 21 Art. 12 wants age and a contact of everyone."""

    id: str
    birth_date: date | None = None
    age_band: AgeBand | None = None
    age_basis: AgeBasis = "declared"
    contacts: list[Contact] = []
    agreement: str | bool = ""
    language: Literal["zh", "en"] | None = None
    nickname: str = ""


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """`PATCH /v1/users/{id}`: only what is given changes."""

    birth_date: date | None = None
    age_band: AgeBand | None = None
    age_basis: AgeBasis = "declared"
    contacts: list[Contact] | None = None
    agreement: str | bool | None = None
    language: Literal["zh", "en"] | None = None
    nickname: str | None = None


class Consent(msgspec.Struct, forbid_unknown_fields=True):
    """`party`: the id of the one third party it is for; `verified`: how the app knows who agreed."""

    purpose: Purpose
    by: Actor = "user"
    given: bool = True
    text_version: Annotated[str, msgspec.Meta(max_length=64)] = ""
    party: Annotated[str, msgspec.Meta(max_length=64)] = ""
    verified: Annotated[str, msgspec.Meta(max_length=64)] = ""


class ModeWish(msgspec.Struct, forbid_unknown_fields=True):
    mode: Mode
    by: Actor = "user"
    verified: bool = False


class LinkWish(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /v1/users/{id}/link`: which page the link opens."""

    to: Literal["me", "contacts"] = "me"


class Leaving(msgspec.Struct, forbid_unknown_fields=True):
    session: str = ""
    by: Literal["button", "word", "voice", "api"] = "button"


class Contacts(msgspec.Struct, forbid_unknown_fields=True):
    contacts: list[Contact]


class Purchase(msgspec.Struct, forbid_unknown_fields=True):
    """`amount` and `month_total` in fen (1/100 CNY); `month_total` is what was paid this month before.

    `order` is the app's own number: with it what is let through is counted here, once however often it is asked about, and a guardian can decide on
    it. `item` is what a guardian reads.
    """

    user: str
    amount: int
    month_total: int = 0
    order: Annotated[str, msgspec.Meta(max_length=64)] = ""
    item: Annotated[str, msgspec.Meta(max_length=60)] = ""


class Refund(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /v1/purchases/refund`: the money of an order has gone back, or was never taken."""

    user: str
    order: str


class Human(msgspec.Struct, forbid_unknown_fields=True):
    """A person of the staff takes a conversation over, speaks in it, or hands it back."""

    action: Literal["take_over", "say", "hand_back"]
    staff: str
    text: str = ""
    session: str = ""


def band_of(birth_date: date | None, age_band: AgeBand | None, today: date) -> AgeBand:
    """The age band on `today`; raises `CallerError` where neither or an impossible one is given."""
    if birth_date is None:
        if age_band is None:
            raise CallerError(
                "the age is missing; give `birth_date` (YYYY-MM-DD) or `age_band`",
                field="birth_date",
                code="missing_field",
            )
        return age_band
    years = today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))
    if not 0 <= years <= OLDEST:
        raise CallerError(f"`birth_date` is {birth_date}, which makes {years} years", field="birth_date")
    bands: list[tuple[int, AgeBand]] = [(14, "under_14"), (16, "14_15"), (18, "16_17"), (ELDER_FROM, "adult")]
    return next((band for below, band in bands if years < below), "elder")


def checked_nickname(nickname: str | None) -> None:
    """It stands in messages to others, who must not take it for an address (CWE-451)."""
    if nickname and (
        len(nickname) > MAX_NICKNAME or not nickname.isprintable() or "://" in nickname or "www." in nickname.lower()
    ):
        raise CallerError(
            f"`nickname` has up to {MAX_NICKNAME} printable characters, and no address in it", field="nickname"
        )


def checked_contacts(contacts: Sequence[Contact]) -> list[dict[str, Any]]:
    if len(contacts) > MAX_CONTACTS:
        raise CallerError(f"`contacts` has {len(contacts)} entries; at most {MAX_CONTACTS} are kept", field="contacts")
    for place, contact in enumerate(contacts):
        if not contact.channels:
            raise CallerError(
                f"`contacts[{place}].channels` is empty; give at least one address", field=f"contacts[{place}].channels"
            )
        if any(len(text) > MAX_TEXT for text in (contact.name, contact.relation, *contact.channels)):
            raise CallerError(f"`contacts[{place}]` has a text over {MAX_TEXT} characters", field=f"contacts[{place}]")
    return [{key: value for key, value in msgspec.to_builtins(one).items() if value is not None} for one in contacts]


def count(contacts: Sequence[dict[str, Any]], kind: str) -> int:
    return sum(1 for one in contacts if one["kind"] == kind and not one.get("unsafe"))


def missing(
    band: AgeBand, contacts: Sequence[dict[str, Any]], agreement: str, contact_of: ContactOf = "everybody"
) -> list[str]:
    """What the law still wants of this registration, by age and by pack (draft Art. 11.4: of minors and elders; Order 21 Art. 12: of everybody)."""
    lacks = ["age"] if band == "unknown" else []
    wanted = contact_of == "everybody" or (contact_of == "minors_and_elders" and band == "elder")
    if band in MINOR_BANDS and contact_of != "nobody" and not count(contacts, "guardian"):
        lacks.append("contacts.guardian")
    if band not in MINOR_BANDS and wanted and not any(not one.get("unsafe") for one in contacts):
        lacks.append("contacts")
    if not agreement:
        lacks.append("agreement")
    return lacks


def controls(state: PersonState, today: date) -> dict[str, Any]:
    """What guardians have set, for the app to show; the gateway enforces it whether it does or not."""
    held = state.guardianship
    return {
        "daily_limit": held.daily_limit, "closed_from": held.closed_from, "closed_to": held.closed_to, "exemptions": list(held.exemptions),
        "blocked": list(held.blocked), "features_off": list(held.features_off), "purchases_allowed": held.purchases_allowed,
        "asks_purchases": held.asks_purchases, "bonus_today": state.bonus.minutes if state.bonus.day == today else 0,
    }  # fmt: skip


def presentation(state: PersonState) -> dict[str, str]:
    """How an app should show itself: large type and a slow pace to elders (draft Art. 6; register row D005)."""
    elder = state.age_band == "elder" or state.mode == "elder"
    return {"type": "large", "pace": "slow"} if elder else {"type": "normal", "pace": "normal"}

"""Contacts and whether they are who they are said to be: a code goes over the contact's own channel, and comes back by the person.

Draft Art. 11.4 and Order 21 Art. 12 want a contact of everybody; a contact who was never reached is none when it counts. Whoever gives the code
away has agreed to be the contact: the message says so. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from secrets import token_hex
from typing import Any, Final, Literal

import msgspec

from shouban.core.errors import CallerError
from shouban.duties import codes
from shouban.duties.codes import CODES_A_DAY

ALL_CODES_A_DAY: Final = 2 * CODES_A_DAY
# After so long a contact is asked again whether they still are one.
RECHECK_AFTER: Final = timedelta(days=180)
ID_BYTES: Final = 6
MOST_BARRED: Final = 20
Standing = Literal["unverified", "verified", "recheck"]


class Verifying(msgspec.Struct, forbid_unknown_fields=True):
    """`POST …/contacts/{contact}/verify`."""

    code: str


class ContactChange(msgspec.Struct, forbid_unknown_fields=True):
    """`PATCH …/contacts/{contact}`: `unsafe` marks who may be the danger themselves; `place` is where they come in the order of calling, from 0."""

    unsafe: bool | None = None
    place: int | None = None


def identified(
    contacts: Sequence[dict[str, Any]], held: Sequence[dict[str, Any]], barred: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Contacts with random ids. Who is the same as before, by name or by a channel, keeps what is known of them; a danger stays one.

    Another channel has not been verified. `barred` are contacts that were marked unsafe and taken out since: who comes back is still the same.
    """
    left, found = list(held), []
    for contact in contacts:
        known = _same_as(contact, left)
        if known is not None:
            left.remove(known)
        danger = (known is not None and known.get("unsafe")) or _same_as(contact, barred) is not None
        kept = dict(known) if known is not None else {"id": token_hex(ID_BYTES)}
        if known is not None and known.get("channels") != contact.get("channels"):
            kept = {key: value for key, value in kept.items() if key not in {"verified_at", "consented_at", "code"}}
        fresh = {"unsafe": False, **kept, **contact, "id": kept["id"]}
        found.append({**fresh, "unsafe": True} if danger and contact.get("unsafe") is not False else fresh)
    return found


def barred_by(
    held: Sequence[dict[str, Any]], fresh: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Those marked unsafe who are not among the contacts any more, the newest last."""
    there = {one["id"] for one in fresh}
    gone = [one for one in (*before, *held) if one.get("unsafe") and one.get("id") not in there]
    return list(
        {one["id"]: {key: one.get(key) for key in ("id", "kind", "name", "channels")} for one in gone}.values()
    )[-MOST_BARRED:]


def _same_as(contact: dict[str, Any], others: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """By a channel they share and their name; else by a channel; else by the name."""
    channels, name = set(contact.get("channels", [])), contact.get("name", "").strip()
    alike = [
        (
            bool(channels & set(one.get("channels") or ())),
            bool(name) and (one.get("name") or "").strip() == name,
            -place,
        )
        for place, one in enumerate(others)
    ]
    by_channel, by_name, place = max(alike, default=(False, False, 0))
    return others[-place] if by_channel or by_name else None


def safe_ids(contacts: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Who may be called; the same channels twice are one: who is told twice has not told two."""
    found: dict[tuple[str, ...], str] = {}
    for one in contacts:
        if not one.get("unsafe"):
            found.setdefault(tuple(sorted(one.get("channels", []))), one["id"])
    return tuple(found.values())


def found_in(contacts: Sequence[dict[str, Any]], contact: str) -> dict[str, Any]:
    one = next((one for one in contacts if one.get("id") == contact), None)
    if one is None:
        raise CallerError("there is no such contact", field="contact", status=404, code="not_found")
    return one


def standing(contact: dict[str, Any], at: datetime) -> Standing:
    verified = contact.get("verified_at")
    if not verified:
        return "unverified"
    return "recheck" if at - datetime.fromisoformat(verified) >= RECHECK_AFTER else "verified"


def shown(contact: dict[str, Any], at: datetime) -> dict[str, Any]:
    """What the app sees; nothing of the code."""
    return {key: value for key, value in contact.items() if key != "code"} | {"standing": standing(contact, at)}


def with_code(contact: dict[str, Any], code: str, at: datetime) -> dict[str, Any]:
    """The contact with a code on its way. Raises `CallerError` (429) where they had enough of them."""
    return {**contact, "code": codes.sent(contact.get("code", {}), contact["id"], code, at)}


def counted(profile: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The profile with one more code on its count, which no renaming of contacts resets."""
    sent = codes.within_a_day(profile.get("codes_sent", []), at)
    if len(sent) >= ALL_CODES_A_DAY:
        raise CallerError(
            f"{ALL_CODES_A_DAY} codes were sent for this person today; try again tomorrow",
            status=429,
            code="too_many_codes",
        )
    return {**profile, "codes_sent": [*sent, at.isoformat()]}


def tried(contact: dict[str, Any], code: str, at: datetime) -> tuple[dict[str, Any], CallerError | None]:
    """The contact after a try at the code, and what was wrong with it."""
    kept, wrong = codes.tried(contact.get("code", {}), contact["id"], code, at)
    fresh = {**contact, "code": kept} if kept else contact
    return (fresh if wrong else {**fresh, "verified_at": at.isoformat(), "consented_at": at.isoformat()}), wrong


def check_on(contacts: Sequence[dict[str, Any]]) -> date | None:
    """The day from which the first of the verified contacts is to be asked again."""
    days = [
        (datetime.fromisoformat(one["verified_at"]) + RECHECK_AFTER).date()
        for one in contacts
        if one.get("verified_at") and not one.get("unsafe")
    ]
    return min(days, default=None)


def changed(contacts: Sequence[dict[str, Any]], contact: str, wish: ContactChange) -> list[dict[str, Any]]:
    one = found_in(contacts, contact)
    fresh = {**one, **({} if wish.unsafe is None else {"unsafe": wish.unsafe})}
    others = [other for other in contacts if other is not one]
    place = contacts.index(one) if wish.place is None else wish.place
    if not 0 <= place <= len(others):
        raise CallerError(f"`place` is {place}; from 0 to {len(others)}", field="place")
    return [*others[:place], fresh, *others[place:]]


def replaced(contacts: Sequence[dict[str, Any]], fresh: dict[str, Any]) -> list[dict[str, Any]]:
    return [fresh if one.get("id") == fresh["id"] else one for one in contacts]

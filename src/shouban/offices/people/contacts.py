"""Contacts and whether they are who they are said to be: a code goes over the contact's own channel, and comes back by the person.

Draft Art. 11.4 and Order 21 Art. 12 want a contact of everybody; a contact who was never reached is none when it counts. Whoever gives the code
away has agreed to be the contact: the message says so. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from secrets import token_hex
from typing import Any, Final, Literal
from unicodedata import normalize

import msgspec

from shouban.core.errors import CallerError
from shouban.duties import codes
from shouban.duties.codes import CODES_A_DAY

ALL_CODES_A_DAY: Final = 2 * CODES_A_DAY
# After so long a contact is asked again whether they still are one.
RECHECK_AFTER: Final = timedelta(days=180)
ID_BYTES: Final = 6
MOST_HARMLESS: Final = 20
FORMER_KEYS: Final = ("id", "kind", "name", "channels", "unsafe")
# The likeness of two that share a channel and the name.
SURE: Final = 3
Standing = Literal["unverified", "verified", "recheck"]


class Verifying(msgspec.Struct, forbid_unknown_fields=True):
    """`POST …/contacts/{contact}/verify`."""

    code: str


class ContactChange(msgspec.Struct, forbid_unknown_fields=True):
    """`PATCH …/contacts/{contact}`: `unsafe` marks who may be the danger themselves; `place` is where they come in the order of calling, from 0."""

    unsafe: bool | None = None
    place: int | None = None


def settled(contacts: Sequence[dict[str, Any]], held: dict[str, Any]) -> dict[str, Any]:
    """`contacts` and `former` of a profile, after these were named in the place of those that it holds.

    Who is the same as before, by a channel or by name, keeps the id and what is known of them; one who was taken out and comes back, too. Another channel
    has not been verified. A danger stays one, with another name or another number, until it is said outright that they are none.
    """
    there, former = held.get("contacts", []), held.get("former", [])
    fresh = identified(contacts, there, former)
    cleared = [one for one in contacts if one.get("unsafe") is False and "id" not in one]
    kept = [one for one in former if not (one.get("unsafe") and any(_likeness(one, said) for said in cleared))]
    return {"contacts": fresh, "former": left_by(there, fresh, kept)}


def identified(
    contacts: Sequence[dict[str, Any]], held: Sequence[dict[str, Any]], former: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The contacts with random ids, or those that they had; one that has its id is taken as it stands. See `settled`."""
    known = _matched(contacts, held, former)
    dangers = [one for one in (*held, *former) if one.get("unsafe")]
    return [
        contact if "id" in contact else _with_known(contact, known.get(place), dangers)
        for place, contact in enumerate(contacts)
    ]


def left_by(
    held: Sequence[dict[str, Any]], fresh: Sequence[dict[str, Any]], former: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Those who are not among the contacts any more, the newest last; of the harmless ones the last few."""
    there = {one["id"] for one in fresh}
    gone = {one["id"]: one for one in (*former, *held) if one.get("id") not in there}
    kept = [{key: one.get(key) for key in FORMER_KEYS} for one in gone.values()]
    harmless = [one["id"] for one in kept if not one["unsafe"]][-MOST_HARMLESS:]
    return [one for one in kept if one["unsafe"] or one["id"] in harmless]


def _matched(
    contacts: Sequence[dict[str, Any]], held: Sequence[dict[str, Any]], former: Sequence[dict[str, Any]]
) -> dict[int, dict[str, Any]]:
    """Who each of the contacts was before, the surest pairs first: a name alone is somebody who is there now, whose name nobody else has, and no danger."""
    candidates = [*held, *former]
    names, named = Counter(map(_name, contacts)), Counter(map(_name, candidates))
    pairs = []
    for place, contact in enumerate(contacts):
        for other, one in enumerate(candidates):
            likeness = _likeness(contact, one)
            alone = names[_name(contact)] == named[_name(contact)] == 1 and other < len(held) and not one.get("unsafe")
            if "id" not in contact and likeness and contact["kind"] == one.get("kind") and (likeness > 1 or alone):
                pairs.append((-likeness, other, place))
    found: dict[int, dict[str, Any]] = {}
    taken = {one["id"] for one in contacts if "id" in one}
    for _, other, place in sorted(pairs):
        if place not in found and candidates[other]["id"] not in taken:
            found[place] = candidates[other]
            taken.add(candidates[other]["id"])
    return found


def _with_known(
    contact: dict[str, Any], known: dict[str, Any] | None, dangers: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    kept = {key: value for key, value in (known or {"id": token_hex(ID_BYTES)}).items() if key != "named_by"}
    if known is not None and known.get("channels") != contact.get("channels"):
        kept = {key: value for key, value in kept.items() if key not in {"verified_at", "consented_at", "code"}}
    is_same_and_safe = known is not None and not known.get("unsafe") and _likeness(contact, known) == SURE
    danger = bool(kept.get("unsafe")) or (not is_same_and_safe and any(_likeness(contact, one) for one in dangers))
    said = contact.get("unsafe")
    return {**kept, **contact, "id": kept["id"], "unsafe": danger if said is None else said}


def _likeness(contact: dict[str, Any], other: dict[str, Any]) -> int:
    """3 for a channel that they share and their name, 2 for a channel, 1 for the name, else 0."""
    channels = {plain_address(one) for one in contact.get("channels") or ()}
    shared = not channels.isdisjoint(plain_address(one) for one in other.get("channels") or ())
    return 2 * shared + (bool(_name(contact)) and _name(contact) == _name(other))


def _name(contact: dict[str, Any]) -> str:
    return (contact.get("name") or "").strip().casefold()


def plain_address(address: str) -> str:
    """One spelling for one place: of a number its digits, of mail no case and nothing after the address. A webhook stays as it is."""
    kind, _, rest = address.strip().partition(":")
    if kind.lower() in {"tel", "sms"}:
        return "tel:" + "".join(sign for sign in normalize("NFKC", rest) if sign.isdigit()).removeprefix("86")
    return f"mailto:{rest.partition('?')[0].casefold()}" if kind.lower() == "mailto" else address.strip()


def safe_ids(contacts: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Who may be called; the same channels twice are one: who is told twice has not told two."""
    found: dict[tuple[str, ...], str] = {}
    for one in contacts:
        if not one.get("unsafe"):
            found.setdefault(tuple(sorted(map(plain_address, one.get("channels", [])))), one["id"])
    return tuple(found.values())


def with_channel(contacts: Sequence[dict[str, Any]], address: str) -> dict[str, Any] | None:
    """Who has this address."""
    wanted = plain_address(address)
    return next((one for one in contacts if wanted in map(plain_address, one.get("channels", []))), None)


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
    """One contact changed; who is named twice is the same danger twice."""
    one = found_in(contacts, contact)
    if wish.unsafe is not None:
        twins = [other["id"] for other in contacts if other is one or _likeness(other, one) == SURE]
        contacts = [{**other, "unsafe": wish.unsafe} if other["id"] in twins else other for other in contacts]
        one = found_in(contacts, contact)
    others = [other for other in contacts if other is not one]
    place = contacts.index(one) if wish.place is None else wish.place
    if not 0 <= place <= len(others):
        raise CallerError(f"`place` is {place}; from 0 to {len(others)}", field="place")
    return [*others[:place], one, *others[place:]]


def replaced(contacts: Sequence[dict[str, Any]], fresh: dict[str, Any]) -> list[dict[str, Any]]:
    return [fresh if one.get("id") == fresh["id"] else one for one in contacts]

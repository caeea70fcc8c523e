"""Contacts and whether they are who they are said to be: a code goes over the contact's own channel, and comes back by the person.

Draft Art. 11.4 and Order 21 Art. 12 want a contact of everybody; a contact who was never reached is none when it counts. Whoever gives the code
away has agreed to be the contact: the message says so. Pure.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec

from shouban.core.errors import CallerError

CODE_DIGITS: Final = 6
CODE_LIFE: Final = timedelta(minutes=15)
CODE_TRIES: Final = 5
# A contact is somebody's phone: it is not flooded, whoever asks.
CODE_EACH: Final = timedelta(minutes=1)
CODES_A_DAY: Final = 5
ALL_CODES_A_DAY: Final = 2 * CODES_A_DAY
# After so long a contact is asked again whether they still are one.
RECHECK_AFTER: Final = timedelta(days=180)
Standing = Literal["unverified", "verified", "recheck"]


class Verifying(msgspec.Struct, forbid_unknown_fields=True):
    """`POST …/contacts/{contact}/verify`."""

    code: str


class ContactChange(msgspec.Struct, forbid_unknown_fields=True):
    """`PATCH …/contacts/{contact}`: `unsafe` marks who may be the danger themselves; `place` is where they come in the order of calling, from 0."""

    unsafe: bool | None = None
    place: int | None = None


def identified(contacts: Sequence[dict[str, Any]], held: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Contacts with ids; who is the same as before keeps what is known of them."""
    known = {one["id"]: one for one in held if "id" in one}
    found = []
    for contact in contacts:
        name = id_of(contact)
        found.append({"unsafe": False, **known.get(name, {}), **contact, "id": name})
    return found


def id_of(contact: dict[str, Any]) -> str:
    """The same kind, name and channels are the same contact."""
    said = "\0".join([contact["kind"], contact.get("name", ""), *contact.get("channels", [])])
    return sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]


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
    sent = [
        one for one in contact.get("code", {}).get("sent", []) if at - datetime.fromisoformat(one) < timedelta(days=1)
    ]
    if sent and at - datetime.fromisoformat(sent[-1]) < CODE_EACH:
        raise CallerError("a code was sent a moment ago; wait a minute", status=429, code="too_many_codes")
    if len(sent) >= CODES_A_DAY:
        raise CallerError(
            f"this contact was sent {CODES_A_DAY} codes today; try again tomorrow", status=429, code="too_many_codes"
        )
    return {
        **contact,
        "code": {
            "digest": digest(contact["id"], code),
            "at": at.isoformat(),
            "tries": 0,
            "sent": [*sent, at.isoformat()],
        },
    }


def counted(profile: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The profile with one more code on its count, which no renaming of contacts resets."""
    sent = [one for one in profile.get("codes_sent", []) if at - datetime.fromisoformat(one) < timedelta(days=1)]
    if len(sent) >= ALL_CODES_A_DAY:
        raise CallerError(
            f"{ALL_CODES_A_DAY} codes were sent for this person today; try again tomorrow",
            status=429,
            code="too_many_codes",
        )
    return {**profile, "codes_sent": [*sent, at.isoformat()]}


def tried(contact: dict[str, Any], code: str, at: datetime) -> tuple[dict[str, Any], CallerError | None]:
    """The contact after a try at the code, and what was wrong with it."""
    kept = contact.get("code", {})
    if not kept.get("digest") or at - datetime.fromisoformat(kept["at"]) > CODE_LIFE:
        return contact, CallerError("there is no code, or it is too old; send a new one", field="code", code="no_code")
    if kept["tries"] >= CODE_TRIES:
        return contact, CallerError(
            "too many wrong tries; send a new code", field="code", status=429, code="too_many_tries"
        )
    if not hmac.compare_digest(kept["digest"], digest(contact["id"], code.strip())):
        return {**contact, "code": {**kept, "tries": kept["tries"] + 1}}, CallerError(
            "the code is wrong", field="code", code="wrong_code"
        )
    return {
        **contact,
        "verified_at": at.isoformat(),
        "consented_at": at.isoformat(),
        "code": {"sent": kept["sent"]},
    }, None


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


def digest(contact: str, code: str) -> str:
    return sha256(f"{contact}\0{code}".encode("utf-8", "surrogatepass")).hexdigest()

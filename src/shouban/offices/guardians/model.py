"""How one becomes a child's guardian, and how a guardian wants to be reached. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from shouban.core.errors import CallerError
from shouban.core.events import Letters
from shouban.duties import codes

INVITED_FOR: Final = timedelta(days=7)
MOST_CHANNELS: Final = 5
CODES_OF_A_LINK: Final = 10
Stage = Literal["invited", "active", "ended"]
ChannelKind = Literal["phone", "mail", "webhook", "messenger"]
# How an address of each kind looks, and what is put before it. A messenger's is the address of its own robot (`dingtalk://…`, `feishu://…`).
FORMS: Final[dict[ChannelKind, tuple[re.Pattern[str], str]]] = {
    "phone": (re.compile(r"\+?[0-9][0-9 -]{4,20}"), "tel:"),
    "mail": (re.compile(r"[^\s@,;&?<>\"]{1,64}@[^\s@,;&?<>\"]{1,120}"), "mailto:"),
    "webhook": (re.compile(r"https?://[^\s<>\"]{1,180}"), ""),
    "messenger": (re.compile(r"[a-z]{2,12}://[^\s<>\",]{1,180}"), ""),
}


@dataclass(frozen=True)
class Link:
    """An invitation, or what became of it."""

    id: str
    person: str
    account: str
    state: Stage
    made_at: datetime
    ends_at: datetime

    def is_open(self, at: datetime) -> bool:
        return self.state == "invited" and at < self.ends_at


class Channel(msgspec.Struct, frozen=True, omit_defaults=True):
    """An address of the guardian's own choice; alerts go there once a code has come back from it."""

    id: str
    address: str
    verified_at: str = ""
    code: dict[str, Any] = {}


class Invited(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of a link: the contact it went to, and how the guardian wants to be reached."""

    contact: str
    name: str
    channels: tuple[Channel, ...] = ()
    urgent_only: bool = False
    codes_sent: tuple[str, ...] = ()
    codes_to: dict[str, tuple[str, ...]] = {}

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(one.address for one in self.channels if one.verified_at)


class Inviting(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /v1/users/{id}/guardians`: the id of a guardian among the contacts."""

    contact: str


class Accepting(msgspec.Struct):
    """A form: a new account, or one that is there already."""

    name: str
    password: str
    again: str = ""
    real_name: str = ""
    id_number: str = ""
    agreed: str = ""


class Adding(msgspec.Struct):
    """A form: a channel for alerts. `kind` says how `address` is meant."""

    kind: ChannelKind
    address: str


class Wishes(msgspec.Struct):
    """A form: how often the summary comes, and whether only urgent alerts do."""

    letters: Letters
    urgent_only: str = ""


def channel_of(wish: Adding) -> Channel:
    """Raises `CallerError` where the address is none of its kind."""
    address = wish.address.strip()
    form, prefix = FORMS[wish.kind]
    if not form.fullmatch(address):
        raise CallerError(f"`address` is no {wish.kind} address", field="address")
    whole = prefix + address
    return Channel(sha256(whole.encode()).hexdigest()[:12], whole)


def masked(address: str) -> str:
    """An address as its owner knows it again, and whoever looks over their shoulder does not learn it."""
    plain = address.partition(":")[2].strip("/") if address.startswith(("tel:", "mailto:")) else address
    return plain if len(plain) <= 6 else f"{plain[:3]}…{plain[-4:]}" if "://" not in plain else f"{plain[:24]}…"


def with_channel(held: Invited, fresh: Channel, code: str, at: datetime) -> Invited:
    """The link with a code on its way to a channel, new or known. Raises `CallerError` (429) where enough were sent."""
    sent = codes.within_a_day(list(held.codes_sent), at)
    if len(sent) >= CODES_OF_A_LINK:
        raise CallerError(
            f"{CODES_OF_A_LINK} codes were sent today; try again tomorrow", status=429, code="too_many_codes"
        )
    known = next((one for one in held.channels if one.id == fresh.id), fresh)
    if known is fresh and len(held.channels) >= MOST_CHANNELS:
        raise CallerError(f"at most {MOST_CHANNELS} channels are kept; take one out first", field="address")
    place = place_of(fresh.address)
    kept = codes.sent({"sent": list(held.codes_to.get(place, ()))}, known.id, code, at)
    recent = {one: times for one, times in held.codes_to.items() if codes.within_a_day(list(times), at)}
    waiting = replace(known, code=kept)
    return replace(
        _put(held, waiting), codes_sent=(*sent, at.isoformat()), codes_to={**recent, place: tuple(kept["sent"])}
    )


def place_of(address: str) -> str:
    """Where an address leads, however it is written: a channel taken out and put back, or spelled otherwise, is the same place."""
    kind, _, rest = address.partition(":")
    if kind == "tel":
        plain = "".join(sign for sign in rest if sign.isdigit()).removeprefix("86")
    else:
        plain = rest.split("?", 1)[0].split("#", 1)[0].casefold().rstrip("/")
    return sha256(f"{kind}:{plain}".encode()).hexdigest()[:12]


def is_danger(person_contacts: Sequence[dict[str, Any]], contact: str) -> bool:
    """Whether this contact is marked unsafe."""
    return any(one.get("id") == contact and one.get("unsafe") for one in person_contacts)


def guards(person_contacts: Sequence[dict[str, Any]], contact: str) -> bool:
    """Whether a link by this contact stands: they are still a guardian among the contacts, and no danger."""
    one = next((one for one in person_contacts if one.get("id") == contact), None)
    return one is not None and one.get("kind") == "guardian" and not one.get("unsafe")


def confirmed(held: Invited, channel: str, code: str, at: datetime) -> tuple[Invited, CallerError | None]:
    """The link after a try at the code, and what was wrong with it."""
    known = next((one for one in held.channels if one.id == channel), None)
    if known is None:
        return held, CallerError("there is no such channel", field="channel", status=404, code="not_found")
    kept, wrong = codes.tried(known.code, known.id, code, at)
    fresh = replace(known, code=kept)
    return _put(held, fresh if wrong else replace(fresh, verified_at=at.isoformat())), wrong


def without_channel(held: Invited, channel: str) -> Invited:
    return replace(held, channels=tuple(one for one in held.channels if one.id != channel))


def _put(held: Invited, channel: Channel) -> Invited:
    others = [one for one in held.channels if one.id != channel.id]
    return replace(held, channels=(*others, channel))

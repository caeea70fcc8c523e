"""What a line of input is: one conversation, its person, its messages. Pure; a line that does not fit says why.

INVARIANT: no complaint repeats what a message says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from shouban.core import events as e
from shouban.core.errors import CallerError, did_you_mean

# Where a line gives no times: a Monday morning in China on which every shipped law is in force.
START: Final = datetime.fromisoformat("2026-08-03T10:00:00+08:00")
STEP: Final = timedelta(minutes=1)
NEXT_TALK: Final = timedelta(days=1)
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
MAX_ID: Final = 256
MAX_WHY: Final = 300
# How a role is kept in the store.
ROLES: Final = {
    "user": "user", "assistant": "companion", "companion": "companion", "system": "system", "developer": "system",
    "tool": "tool", "function": "tool",
}  # fmt: skip
_WORD: Final = re.compile(r"[A-Za-z_]{1,24}")
_SECONDS: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who the person is taken to be; with an `id` that recurs it is the same person again."""

    id: str | int | None = None
    age_band: e.AgeBand = "adult"
    age_basis: e.AgeBasis = "declared"
    mode: e.Mode | None = None
    guardians: int | None = None
    emergencies: int | None = None

    @property
    def is_minor(self) -> bool:
        return self.age_band in e.MINOR_BANDS

    @property
    def contacts(self) -> tuple[int, int]:
        """Guardians and emergency contacts: one contact, unless the profile says otherwise."""
        guardians = self.guardians if self.guardians is not None else int(self.is_minor)
        emergencies = self.emergencies if self.emergencies is not None else int(not self.is_minor)
        return guardians, emergencies


class _Message(msgspec.Struct):
    role: str
    content: str
    at: str | int | float | None = None


class _Line(msgspec.Struct):
    id: str | int
    messages: list[_Message]
    user: str | int | Profile | None = None


@dataclass(frozen=True)
class Said:
    """One message; `at` is missing where the line gives no time."""

    role: str
    text: str
    at: datetime | None


@dataclass(frozen=True)
class Conversation:
    """`user` is empty where the conversation has a person of its own."""

    line: int
    id: str
    user: str
    profile: Profile
    said: tuple[Said, ...]

    @property
    def is_timed(self) -> bool:
        return any(one.at is not None for one in self.said)


_DECODER = msgspec.json.Decoder(_Line)


def conversation_of(line: bytes, number: int) -> Conversation:
    """Raises `CallerError` that says what does not fit."""
    try:
        raw = _DECODER.decode(line)
    except msgspec.ValidationError as error:
        raise _wrong(f"{_plain(error)}{_hint(str(error))}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _wrong(f"not JSON in UTF-8 ({_plain(error)})") from error
    except RecursionError as error:
        raise _wrong("nested too deeply") from error
    if not raw.messages:
        raise _wrong("`messages` is empty; a conversation has at least one")
    profile = raw.user if isinstance(raw.user, Profile) else Profile()
    user = profile.id if isinstance(raw.user, Profile) else raw.user
    said = tuple(_said(one, place) for place, one in enumerate(raw.messages))
    return Conversation(number, _id(raw.id, "id"), "" if user is None else _id(user, "user"), _checked(profile), said)


def moments(said: Sequence[Said], last_seen: datetime | None) -> list[datetime]:
    """When each message was said: one without a time a minute after the one before it, or before the first that has one.

    A talk without any time begins on the morning of `START`, or a day after its person was last seen.
    """
    known = next((place for place, one in enumerate(said) if one.at is not None), None)
    if known is not None:
        first = said[known].at or START
        at = first - STEP * known
    else:
        at = START if last_seen is None else max(START, last_seen + NEXT_TALK)
    found: list[datetime] = []
    for one in said:
        at = one.at or at
        found.append(at)
        at += STEP
    return found


def _said(message: _Message, place: int) -> Said:
    role = ROLES.get(message.role)
    if role is None:
        shown = f"`{message.role}`" if _WORD.fullmatch(message.role) else "something else"
        raise _wrong(
            f"`messages[{place}].role` is {shown}; it is one of {', '.join(ROLES)}{did_you_mean(message.role[:24], ROLES)}"
        )
    try:
        # JSON may hold half a surrogate pair, which is no text.
        message.content.encode()
    except UnicodeEncodeError as error:
        raise _wrong(f"`messages[{place}].content` holds half a character (a lone surrogate)") from error
    return Said(role, message.content, None if message.at is None else _time(message.at, f"messages[{place}].at"))


def _time(value: str | float, where: str) -> datetime:
    try:
        is_seconds = not isinstance(value, str) or _SECONDS.fullmatch(value)
        at = datetime.fromtimestamp(float(value), UTC) if is_seconds else datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise _wrong(
            f"`{where}` is no time between 1970 and 2100; write `2026-08-03T10:00:00+08:00`, or seconds since 1970"
        ) from error
    if at.tzinfo is None:
        raise _wrong(f"`{where}` has no offset; write `2026-08-03T10:00:00+08:00`")
    if not EARLIEST <= at < LATEST:
        raise _wrong(f"`{where}` is no time between 1970 and 2100; seconds are counted from 1970, not milliseconds")
    return at


def _id(value: str | int, name: str) -> str:
    found = str(value)
    if not 0 < len(found) <= MAX_ID:
        raise _wrong(f"`{name}` has {len(found)} characters; it must have 1 to {MAX_ID}")
    return found


def _checked(profile: Profile) -> Profile:
    if min(profile.contacts) < 0:
        raise _wrong("`user.guardians` and `user.emergencies` cannot be below 0")
    return profile


def _hint(message: str) -> str:
    unknown = re.search(r"unknown field `([^`]*)`", message)
    return did_you_mean(unknown[1], Profile.__struct_fields__) if unknown else ""


def _plain(error: Exception) -> str:
    return str(error)[:MAX_WHY]


def _wrong(message: str) -> CallerError:
    return CallerError(message, field="file")


def registered(profile: Profile, person: str, at: datetime) -> list[e.Event]:
    """How the person begins: registered, in their mode, and, if a minor, with the guardian's consent."""
    guardians, emergencies = profile.contacts
    told: list[Any] = [
        e.UserRegistered(
            at=at, person=person, age_band=profile.age_band, age_basis=profile.age_basis, guardians=guardians,
            emergencies=emergencies, agreement="simulation",
        )
    ]  # fmt: skip
    if profile.is_minor:
        told.append(e.ConsentGiven(at=at, person=person, purpose="companionship", by="guardian"))
    if profile.mode is not None:
        told.append(e.ModeSet(at=at, person=person, mode=profile.mode, by="guardian", verified=True))
    return told

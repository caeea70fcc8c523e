"""What staff ask for, and what they are shown of a person. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from shouban.core.errors import CallerError
from shouban.evidence.timeline import Line
from shouban.web.roles import MOST_SHOWN, shown_name

LEAST_REASON: Final = 10
MOST_REASON: Final = 500
MINUTES: Final = (15, 30, 60)
MOST_ADDRESS: Final = 300
MAIL: Final = re.compile(r"[^\s@:]+@[^\s@:]+")
PHONE: Final = re.compile(r"\+?[0-9][0-9 -]{2,20}")


class NewAccount(msgspec.Struct):
    """A form: `roles` are ticked boxes."""

    name: str
    password: str
    roles: list[str] = []
    address: str = ""
    shown: str = ""


class AccountChange(msgspec.Struct):
    """A form: one button of several was pressed."""

    deed: str
    password: str = ""
    roles: list[str] = []
    address: str = ""
    shown: str = ""


class Breaking(msgspec.Struct):
    reason: str
    minutes: int = 15


class Grant(msgspec.Struct, frozen=True):
    """The glass was broken: who may read whose words, why, and until when."""

    id: str
    account: str
    person: str
    since: datetime
    until: datetime
    reason: str = ""

    def stands(self, at: datetime) -> bool:
        return self.since <= at < self.until


def checked_shown(given: str) -> str:
    """What users and colleagues read: a short line, or nothing, which is the name of the account."""
    plain = shown_name(given)
    if given.strip() and not plain:
        raise CallerError(f"the name that is shown has letters, and at most {MOST_SHOWN} of them", field="shown")
    return plain


def checked_address(given: str) -> str:
    """As the ways out take it: a mail address or a number as people write it gets its kind before it; nothing stays nothing."""
    plain = given.strip()
    if not plain or "://" in plain or plain.startswith(("mailto:", "tel:", "sms:")):
        found = plain
    elif MAIL.fullmatch(plain):
        found = f"mailto:{plain}"
    elif PHONE.fullmatch(plain):
        found = f"tel:{plain.replace(' ', '').replace('-', '')}"
    else:
        found = ""
    if (plain and not found) or len(plain) > MOST_ADDRESS or not plain.isprintable():
        raise CallerError("`address` is no mail address, phone or messenger", field="address")
    return found


def checked_reason(wish: Breaking) -> tuple[str, timedelta]:
    """A reason that somebody else can judge later, and a time."""
    reason = wish.reason.strip()
    if not LEAST_REASON <= len(reason) <= MOST_REASON:
        raise CallerError(
            f"give a reason of {LEAST_REASON} to {MOST_REASON} characters: whose safety, what you look for",
            field="reason",
        )
    if wish.minutes not in MINUTES:
        raise CallerError(f"`minutes` is one of {', '.join(map(str, MINUTES))}", field="minutes")
    return reason, timedelta(minutes=wish.minutes)


def timeline(entries: Sequence[Line]) -> list[dict[str, Any]]:
    """What happened, newest first: when, what, what was read (signal and level), what was owed. No words."""
    return [one._asdict() for one in reversed(entries)]

"""Grants of broken glass, and a person's entries of the log, in the database."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, insert, select

from shouban.core.events import TimePassed, readings_of
from shouban.db.schema import GRANTS, LOG_ENTRIES
from shouban.evidence.books import KEPT, After, kept
from shouban.evidence.log import Acted, Decided, decode_entry, microseconds, moment
from shouban.offices.staff.model import Grant

MOST_SHOWN = 200


def grant_row(grant: Grant, service: str, sealed: bytes) -> tuple[Executable, dict[str, Any]]:
    return insert(GRANTS), {
        "grant_id": grant.id, "service_id": service, "account_id": grant.account, "person_id": grant.person, "from_us": microseconds(grant.since),
        "until_us": microseconds(grant.until), "sealed": sealed,
    }  # fmt: skip


def grant_kept(grant: Grant, at: datetime) -> After:
    return kept(GRANTS, at, GRANTS.c.grant_id == grant.id)


def new_grant(account: str, person: str, reason: str, since: datetime, until: datetime) -> Grant:
    return Grant(secrets.token_hex(12), account, person, since, until, reason)


def is_granted(connection: Connection, service: str, account: str, person: str, at: datetime) -> bool:
    """Whether this account may read this person's words now."""
    now = microseconds(at)
    asked = select(GRANTS.c.grant_id).where(
        GRANTS.c.service_id == service, GRANTS.c.account_id == account, GRANTS.c.person_id == person, GRANTS.c.from_us <= now, GRANTS.c.until_us > now
    )  # fmt: skip
    return connection.execute(asked.limit(1)).first() is not None


def grants(connection: Connection, service: str, person: str | None = None) -> list[tuple[Grant, bytes]]:
    """The newest first, each with its sealed reason."""
    asked = select(GRANTS).where(GRANTS.c.service_id == service).order_by(GRANTS.c.from_us.desc()).limit(MOST_SHOWN)
    if person is not None:
        asked = asked.where(GRANTS.c.person_id == person)
    return [
        (Grant(row.grant_id, row.account_id, row.person_id, moment(row.from_us), moment(row.until_us)), bytes(row.sealed)) for row in connection.execute(asked)
    ]  # fmt: skip


def entries_of(connection: Connection, service: str, person: str) -> list[tuple[datetime, str, list[str], list[str]]]:
    """The newest of a person's entries, oldest first; timers that only ran out are left out."""
    asked = (
        select(LOG_ENTRIES.c.leaf_index, LOG_ENTRIES.c.leaf).where(LOG_ENTRIES.c.service_id == service, LOG_ENTRIES.c.person_id == person)
        .order_by(LOG_ENTRIES.c.leaf_index.desc()).limit(MOST_SHOWN)
    )  # fmt: skip
    found = [decode_entry(bytes(leaf), index) for index, leaf in connection.execute(asked)]
    return [line for entry in reversed(found) if (line := _line(entry)) is not None]


def _line(entry: Decided | Acted) -> tuple[datetime, str, list[str], list[str]] | None:
    if isinstance(entry, Acted):
        if entry.act == KEPT:  # beside the entry that says what was done
            return None
        return entry.at, entry.act, [], []
    owed = sorted({type(one).__name__ for one in entry.owed} - {"Allow", "WakeAt"})
    if isinstance(entry.event, TimePassed) and not owed:
        return None
    levels = [
        f"{one.signal} {one.level if one.level == 'unknown' else int(one.level)}" for one in readings_of(entry.event)
    ]
    read = list(dict.fromkeys(levels))
    return entry.event.at, type(entry.event).__name__, read, owed

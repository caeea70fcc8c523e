"""Grants of broken glass, and a person's entries of the log, in the database."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, insert, select

from shouban.db.schema import GRANTS
from shouban.evidence.books import After, kept
from shouban.evidence.log import microseconds, moment
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

"""Links of guardians and children, and what a child's entries of the log say without a word of theirs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, Executable, insert, select, update

from shouban.core.events import UserSpoke
from shouban.core.obligations import NotifyGuardian
from shouban.core.signals import Level, rank
from shouban.db.engine import view
from shouban.db.schema import LEDGER, LINKS, LOG_ENTRIES
from shouban.duties.ledger import duty_from
from shouban.duties.receipts import Receipt
from shouban.evidence.books import After, kept
from shouban.evidence.log import Decided, decode_entry, microseconds, moment
from shouban.offices.guardians.model import Link
from shouban.offices.guardians.summary import Alert

MOST_ALERTS = 20
Write = tuple[Executable, dict[str, Any]]


def new_link(person: str, at: datetime, life: timedelta) -> tuple[Link, str]:
    """An invitation and its token, which stands nowhere but in the message."""
    return Link(secrets.token_hex(12), person, "", "invited", at, at + life), secrets.token_urlsafe(32)


def link_row(link: Link, service: str, token: str, sealed: bytes) -> Write:
    return insert(LINKS), {
        "link_id": link.id, "service_id": service, "person_id": link.person, "account_id": "", "state": link.state, "token": digest(token),
        "made_us": microseconds(link.made_at), "ends_us": microseconds(link.ends_at), "sealed": sealed,
    }  # fmt: skip


def accept(connection: Connection, token: str, account: str, at: datetime) -> bool:
    """Whether the invitation was still open: it is accepted once."""
    mine = (LINKS.c.token == digest(token)) & (LINKS.c.state == "invited") & (LINKS.c.ends_us > microseconds(at))
    return connection.execute(update(LINKS).where(mine).values(state="active", account_id=account)).rowcount == 1


def end(connection: Connection, service: str, person: str, account: str) -> bool:
    mine = (
        (LINKS.c.service_id == service)
        & (LINKS.c.person_id == person)
        & (LINKS.c.account_id == account)
        & (LINKS.c.state == "active")
    )
    return connection.execute(update(LINKS).where(mine).values(state="ended")).rowcount > 0


def kept_links(service: str, person: str, at: datetime) -> After:
    """Of one child: there are few."""
    return kept(LINKS, at, LINKS.c.service_id == service, LINKS.c.person_id == person)


def invitation(engine: Engine, token: str) -> tuple[str, Link, bytes] | None:
    """Service, link and what is sealed of it."""
    with view(engine) as connection:
        row = connection.execute(select(LINKS).where(LINKS.c.token == digest(token))).one_or_none()
    return None if row is None else (row.service_id, _link(row), bytes(row.sealed))


def guardians_of(connection: Connection, service: str, person: str) -> frozenset[str]:
    mine = (LINKS.c.service_id == service) & (LINKS.c.person_id == person) & (LINKS.c.state == "active")
    return frozenset(connection.execute(select(LINKS.c.account_id).where(mine)).scalars())


def children_of(engine: Engine, service: str, account: str) -> list[str]:
    mine = (LINKS.c.service_id == service) & (LINKS.c.account_id == account) & (LINKS.c.state == "active")
    with view(engine) as connection:
        return list(
            dict.fromkeys(connection.execute(select(LINKS.c.person_id).where(mine).order_by(LINKS.c.made_us)).scalars())
        )


def links_of(engine: Engine, service: str, person: str, account: str) -> list[tuple[str, bytes]]:
    """Id and what is sealed of each link that stands between the two."""
    mine = (LINKS.c.service_id == service) & (LINKS.c.person_id == person) & (LINKS.c.account_id == account)
    with view(engine) as connection:
        rows = connection.execute(select(LINKS.c.link_id, LINKS.c.sealed).where(mine, LINKS.c.state == "active"))
        return [(row.link_id, bytes(row.sealed)) for row in rows]


def links_to(engine: Engine, service: str, person: str) -> list[tuple[str, str, bytes]]:
    """Id, account and what is sealed of each link of the child that stands, the oldest first."""
    mine = (LINKS.c.service_id == service) & (LINKS.c.person_id == person) & (LINKS.c.state == "active")
    with view(engine) as connection:
        rows = connection.execute(select(LINKS).where(mine).order_by(LINKS.c.made_us, LINKS.c.link_id))
        return [(row.link_id, row.account_id, bytes(row.sealed)) for row in rows]


def standing(connection: Connection, service: str, person: str) -> list[tuple[str, bytes]]:
    """Id and what is sealed of each link that stands, within a transaction that changes them."""
    mine = (LINKS.c.service_id == service) & (LINKS.c.person_id == person) & (LINKS.c.state == "active")
    rows = connection.execute(select(LINKS.c.link_id, LINKS.c.sealed).where(mine).with_for_update())
    return [(row.link_id, bytes(row.sealed)) for row in rows]


def linked_since(engine: Engine, service: str, person: str) -> list[tuple[str, datetime]]:
    """Account and beginning of each link that stands."""
    mine = (LINKS.c.service_id == service) & (LINKS.c.person_id == person) & (LINKS.c.state == "active")
    with view(engine) as connection:
        rows = connection.execute(select(LINKS.c.account_id, LINKS.c.made_us).where(mine).order_by(LINKS.c.made_us))
        return [(row.account_id, moment(row.made_us)) for row in rows]


def sealed_of(connection: Connection, service: str, person: str, link: str) -> bytes | None:
    """What is sealed of a link, for who is about to change it."""
    mine = (LINKS.c.service_id == service) & (LINKS.c.person_id == person) & (LINKS.c.link_id == link)
    found = connection.execute(select(LINKS.c.sealed).where(mine).with_for_update()).scalar()
    return None if found is None else bytes(found)


def put_sealed(connection: Connection, service: str, person: str, link: str, sealed: bytes) -> None:
    mine = (LINKS.c.service_id == service) & (LINKS.c.person_id == person) & (LINKS.c.link_id == link)
    connection.execute(update(LINKS).where(mine).values(sealed=sealed))


def open_invitations(engine: Engine, service: str, person: str, since: datetime) -> int:
    mine = (LINKS.c.service_id == service) & (LINKS.c.person_id == person) & (LINKS.c.made_us > microseconds(since))
    with view(engine) as connection:
        return len(connection.execute(select(LINKS.c.link_id).where(mine)).all())


def signals_since(engine: Engine, service: str, person: str, since: datetime) -> list[str]:
    """The names of what was read at level 2 or more in the child's own words, one an occurrence."""
    mine = (
        (LOG_ENTRIES.c.service_id == service)
        & (LOG_ENTRIES.c.person_id == person)
        & (LOG_ENTRIES.c.at_us >= microseconds(since))
    )
    found: list[str] = []
    with view(engine) as connection:
        for index, leaf in connection.execute(select(LOG_ENTRIES.c.leaf_index, LOG_ENTRIES.c.leaf).where(mine)):
            entry = decode_entry(bytes(leaf), index)
            if isinstance(entry, Decided) and isinstance(entry.event, UserSpoke) and not entry.event.earlier:
                found += sorted({one.signal for one in entry.event.readings if rank(one.level) >= Level.MEDIUM})
    return found


def alerts_of(
    engine: Engine, service: str, person: str, receipts: Sequence[Receipt], since: datetime | None = None
) -> list[Alert]:
    """When a guardian was to be told, what became of it, and whom it reached; newest first."""
    mine = (
        (LEDGER.c.service_id == service) & (LEDGER.c.person_id == person) & (LEDGER.c.kind == NotifyGuardian.__name__)
    )
    mine &= LEDGER.c.owed_us >= (microseconds(since) if since else 0)
    with view(engine) as connection:
        rows = connection.execute(select(LEDGER).where(mine).order_by(LEDGER.c.owed_us.desc()).limit(MOST_ALERTS)).all()
    told = {one.duty: one for one in receipts}
    return [_alert(row, told.get(row.duty_id)) for row in rows]


def _alert(row: Any, told: Receipt | None) -> Alert:  # noqa: ANN401  # a row of the ledger
    at, state = moment(row.owed_us), duty_from(row).state
    if told is None:
        return Alert(at, state, duty=row.duty_id)
    return Alert(at, state, told.contact, told.sent_at, told.answered_at, row.duty_id)


def digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _link(row: Any) -> Link:  # noqa: ANN401  # a row of links
    return Link(row.link_id, row.person_id, row.account_id, row.state, moment(row.made_us), moment(row.ends_us))

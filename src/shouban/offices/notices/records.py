"""Notices, and whom they have reached, in the database."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Executable, Row, case, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from shouban.db.schema import CASES, DELIVERIES, NOTICES
from shouban.evidence.books import After, kept
from shouban.evidence.log import microseconds, moment
from shouban.offices.notices.model import Body, Notice

MOST_SHOWN: Final = 100
Write = tuple[Executable, dict[str, Any]]


def new_id() -> str:
    return secrets.token_hex(12)


def posting(notice: Notice) -> Write:
    return insert(NOTICES), {
        "notice_id": notice.id, "service_id": notice.service, "kind": notice.kind, "what": notice.what, "state": notice.state, "posted_us": microseconds(notice.posted_at),
        "taken_down_us": 0, "account_id": notice.account, "reached": 0, "body": msgspec.json.encode(notice.body),
    }  # fmt: skip


def take_down(connection: Connection, notice: Notice) -> bool:
    """Whether it was still up."""
    assert notice.down_at is not None  # noqa: S101  # what is down has a time
    up = (NOTICES.c.notice_id == notice.id) & (NOTICES.c.state == "posted")
    values = {"state": "down", "taken_down_us": microseconds(notice.down_at), "reached": notice.reached}
    return connection.execute(update(NOTICES).where(up).values(**values)).rowcount == 1


def notice_kept(notice: str, at: datetime) -> After:
    return kept(NOTICES, at, NOTICES.c.notice_id == notice)


def posted(connection: Connection, service: str = "") -> list[Notice]:
    """Those that are up, of one service or of all, the newest first."""
    up = NOTICES.c.state == "posted"
    asked = select(NOTICES).where(up & (NOTICES.c.service_id == service) if service else up)
    return [_notice(row) for row in connection.execute(asked.order_by(NOTICES.c.posted_us.desc()))]


def archive(connection: Connection, service: str = "") -> list[Notice]:
    """All there ever were, of one service or of all."""
    asked = select(NOTICES).where(NOTICES.c.service_id == service) if service else select(NOTICES)
    rows = connection.execute(asked.order_by(NOTICES.c.posted_us.desc()).limit(MOST_SHOWN))
    return [_notice(row) for row in rows]


def outage(connection: Connection, service: str, what: str) -> Notice | None:
    mine = (
        (NOTICES.c.service_id == service)
        & (NOTICES.c.what == what)
        & (NOTICES.c.kind == "outage")
        & (NOTICES.c.state == "posted")
    )
    row = connection.execute(select(NOTICES).where(mine)).one_or_none()
    return None if row is None else _notice(row)


def by_id(connection: Connection, service: str, notice: str) -> Notice | None:
    mine = (NOTICES.c.service_id == service) & (NOTICES.c.notice_id == notice)
    row = connection.execute(select(NOTICES).where(mine)).one_or_none()
    return None if row is None else _notice(row)


def reached(engine: Engine, service: str, person: str, notice: str, at: datetime, how: str) -> Write:
    statement = (postgresql_insert if engine.dialect.name == "postgresql" else sqlite_insert)(DELIVERIES)
    row = {"notice_id": notice, "service_id": service, "person_id": person, "at_us": microseconds(at), "how": how}
    # Told in the talk counts for more than shown on a stream; the words stand in that order in the alphabet, too.
    how_now = case((statement.excluded.how > DELIVERIES.c.how, statement.excluded.how), else_=DELIVERIES.c.how)
    return statement.on_conflict_do_update(
        index_elements=["notice_id", "service_id", "person_id"], set_={"how": how_now}
    ), row


def was_reached(connection: Connection, service: str, person: str, notice: str) -> bool:
    """In their talk: a stream that was open is no proof that anybody looked."""
    mine = (
        (DELIVERIES.c.notice_id == notice)
        & (DELIVERIES.c.service_id == service)
        & (DELIVERIES.c.person_id == person)
        & (DELIVERIES.c.how == "talk")
    )
    return connection.execute(select(DELIVERIES.c.at_us).where(mine)).first() is not None


def count_reached(connection: Connection, notice: str) -> int:
    counted = select(func.count()).select_from(DELIVERIES).where(DELIVERIES.c.notice_id == notice)
    return int(connection.execute(counted).scalar_one())


def open_cases(connection: Connection, service: str) -> int:
    """Who needs a person now, or is watched: they must be handed over before a service ends."""
    mine = (CASES.c.service_id == service) & (CASES.c.stage != "closed")
    return int(connection.execute(select(func.count()).select_from(CASES).where(mine)).scalar_one())


def _notice(row: Row[Any]) -> Notice:
    return Notice(
        row.notice_id, row.service_id, row.kind, row.what, row.state, moment(row.posted_us), moment(row.taken_down_us) if row.taken_down_us else None, row.account_id,
        row.reached, msgspec.json.decode(bytes(row.body), type=Body),
    )  # fmt: skip

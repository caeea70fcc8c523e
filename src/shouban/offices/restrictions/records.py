"""Restrictions in the database. Every change leaves an entry of the log with the row's digest, in the same transaction."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Executable, Row, case, exists, func, insert, or_, select, true, update

from shouban.core.errors import ShoubanError
from shouban.core.events import RestrictionSet
from shouban.db.schema import ACCOUNTS, LEDGER, LOG_ENTRIES, PERSONS, RESTRICTIONS
from shouban.duties.ledger import Duty, duty_from
from shouban.evidence.books import After, kept
from shouban.evidence.log import Decided, decode_entry, microseconds, moment, moment_if_any
from shouban.offices.restrictions.model import OPEN, Left, Restriction
from shouban.web.roles import Role, roles_in

MOST_SHOWN: Final = 200
Write = tuple[Executable, dict[str, Any]]


def new_id() -> str:
    return secrets.token_hex(12)


def row_of(one: Restriction, service: str, sealed: bytes) -> Write:
    return insert(RESTRICTIONS), {"restriction_id": one.id, "service_id": service, "person_id": one.person, **values_of(one), "sealed": sealed}  # fmt: skip


def values_of(one: Restriction) -> dict[str, Any]:
    return {
        "kind": one.kind, "category": one.category, "stage": one.stage, "is_urgent": int(one.is_urgent), "term_s": round(one.term.total_seconds()) if one.term else 0,
        "proposed_by": one.proposed_by, "decided_by": one.decided_by, "lifted_by": one.lifted_by, "appeal": one.appeal, "appeal_by": one.appeal_by,
        "proposed_us": microseconds(one.proposed_at), "decided_us": _us(one.decided_at), "lifted_us": _us(one.lifted_at), "effect_us": _us(one.effect_at),
        "until_us": _us(one.until), "appealed_us": _us(one.appealed_at), "appeal_due_us": _us(one.appeal_due_at), "answered_us": _us(one.answered_at), "fence": one.fence,
    }  # fmt: skip


def change(connection: Connection, service: str, now: Restriction, sealed: bytes) -> bool:
    """Whether it changed: nobody else had changed it since it was read, nor erased its person."""
    as_read = (
        (RESTRICTIONS.c.restriction_id == now.id)
        & (RESTRICTIONS.c.service_id == service)
        & (RESTRICTIONS.c.fence == now.fence - 1)
    )
    changed = update(RESTRICTIONS).where(as_read).values(**values_of(now), sealed=sealed)
    return connection.execute(changed).rowcount == 1


def row_kept(restriction: str, at: datetime) -> After:
    return kept(RESTRICTIONS, at, RESTRICTIONS.c.restriction_id == restriction)


def rows_kept(service: str, person: str, at: datetime, *restrictions: str) -> After:
    return kept(RESTRICTIONS, at, RESTRICTIONS.c.service_id == service, RESTRICTIONS.c.person_id == person, RESTRICTIONS.c.restriction_id.in_(restrictions))  # fmt: skip


def is_there(connection: Connection, service: str, person: str) -> bool:
    """Whether the person is there still, for the transaction that is about to write of them."""
    mine = (PERSONS.c.service_id == service) & (PERSONS.c.person_id == person)
    return connection.execute(select(PERSONS.c.person_id).where(mine).with_for_update()).first() is not None


def roles_of(connection: Connection, service: str, account: str) -> frozenset[Role]:
    """What the account may still act as: it may have been disabled, or lost a role, since the door opened."""
    mine = (ACCOUNTS.c.service_id == service) & (ACCOUNTS.c.account_id == account) & (ACCOUNTS.c.state == "active")
    return roles_in(connection.execute(select(ACCOUNTS.c.roles).where(mine)).scalar() or "")


# --- reading


def by_id(connection: Connection, service: str, restriction: str) -> Row[Any] | None:
    mine = (RESTRICTIONS.c.service_id == service) & (RESTRICTIONS.c.restriction_id == restriction)
    return connection.execute(select(RESTRICTIONS).where(mine)).one_or_none()


def of_person(connection: Connection, service: str, person: str) -> list[Row[Any]]:
    mine = (RESTRICTIONS.c.service_id == service) & (RESTRICTIONS.c.person_id == person)
    return list(connection.execute(select(RESTRICTIONS).where(mine).order_by(RESTRICTIONS.c.proposed_us.desc())))


def listed(connection: Connection, service: str, at: datetime, *, is_open: bool, page: int = 0) -> tuple[list[Row[Any]], int]:  # fmt: skip
    """What somebody must decide, report, or what holds: appeals first, then proposals, the urgent ones before others; or what is done, the newest first; and how many in all."""
    now = microseconds(at)
    lasts = RESTRICTIONS.c.stage.in_(OPEN) & ((RESTRICTIONS.c.until_us == 0) | (RESTRICTIONS.c.until_us > now))
    # An appeal is owed its answer, and the authority its report, even where the restriction is over.
    open_now = or_(lasts, RESTRICTIONS.c.appeal == "open", _owes_report())
    mine = (RESTRICTIONS.c.service_id == service) & (open_now if is_open else ~open_now)
    first = case(
        (RESTRICTIONS.c.appeal == "open", 0), (RESTRICTIONS.c.stage == "proposed", 1), (_owes_report(), 2), else_=3
    )
    order = (first, RESTRICTIONS.c.is_urgent.desc(), RESTRICTIONS.c.proposed_us) if is_open else (RESTRICTIONS.c.proposed_us.desc(),)  # fmt: skip
    asked = select(RESTRICTIONS).where(mine).order_by(*order, RESTRICTIONS.c.restriction_id)
    rows = connection.execute(asked.limit(MOST_SHOWN).offset(page * MOST_SHOWN))
    count = connection.execute(select(func.count()).select_from(RESTRICTIONS).where(mine)).scalar_one()
    return list(rows), count


def _owes_report() -> Any:  # noqa: ANN401  # a condition of SQL
    of_it = (LEDGER.c.service_id == RESTRICTIONS.c.service_id) & (LEDGER.c.person_id == RESTRICTIONS.c.person_id)
    owed = of_it & (LEDGER.c.kind == "ReportHazard") & (LEDGER.c.state == "owed")
    return exists().where(owed, LEDGER.c.owed_us.in_((RESTRICTIONS.c.effect_us, RESTRICTIONS.c.decided_us)))


def answered(connection: Connection, service: str, cases: Collection[str]) -> list[Row[Any]]:
    """Of these, whose appeal is decided."""
    mine = RESTRICTIONS.c.restriction_id.in_(cases) & RESTRICTIONS.c.appeal.in_(("upheld", "refused"))
    return list(connection.execute(select(RESTRICTIONS).where(RESTRICTIONS.c.service_id == service, mine)))


def reports_owed(connection: Connection, service: str, one: Restriction) -> list[Duty]:
    """Reports to the authority that this restriction owes: each time it took effect, or changed its term, one."""
    set_at = {_us(one.effect_at), _us(one.decided_at)} - {0}
    mine = (LEDGER.c.service_id == service) & (LEDGER.c.person_id == one.person) & (LEDGER.c.kind == "ReportHazard")
    rows = connection.execute(select(LEDGER).where(mine, LEDGER.c.owed_us.in_(set_at)).order_by(LEDGER.c.owed_us))
    return [duty_from(row) for row in rows]


def reports_left(connection: Connection, service: str, duty: str = "") -> list[Left]:
    """Reports to the authority that are owed of persons who were erased, or the one of this name: an erasure takes their data, and no duty."""
    gone = ~exists().where(PERSONS.c.service_id == LEDGER.c.service_id, PERSONS.c.person_id == LEDGER.c.person_id)
    owed = (LEDGER.c.service_id == service) & (LEDGER.c.kind == "ReportHazard") & (LEDGER.c.state == "owed")
    owed &= (LEDGER.c.duty_id == duty) if duty else true()
    asked = select(LEDGER).where(owed, gone).order_by(LEDGER.c.due_us).limit(MOST_SHOWN)
    return [_left(connection, duty_from(row)) for row in connection.execute(asked).all()]


def _left(connection: Connection, duty: Duty) -> Left:
    mine = (LOG_ENTRIES.c.service_id == duty.service) & (LOG_ENTRIES.c.person_id == duty.person)
    asked = select(LOG_ENTRIES.c.leaf_index, LOG_ENTRIES.c.leaf).where(mine, LOG_ENTRIES.c.at_us == duty.owed_us)
    entries = []
    for index, leaf in connection.execute(asked):
        with contextlib.suppress(ShoubanError):  # a damaged entry is `evidence verify`'s to tell of
            entries.append(decode_entry(bytes(leaf), index))
    events = (one.event for one in entries if isinstance(one, Decided))
    found = next((one for one in events if isinstance(one, RestrictionSet)), None)
    left = Left(duty.id, duty.person, moment(duty.owed_us), moment(duty.due_us))
    return left if found is None else replace(left, kind=found.restriction, until=found.until)


def entries_of(connection: Connection, service: str, person: str, wanted: Collection[int]) -> set[int]:
    mine = (LOG_ENTRIES.c.service_id == service) & (LOG_ENTRIES.c.person_id == person)
    asked = select(LOG_ENTRIES.c.leaf_index).where(mine, LOG_ENTRIES.c.leaf_index.in_(wanted))
    return set(connection.execute(asked).scalars())


def restriction_of(row: Row[Any]) -> Restriction:
    return Restriction(
        row.restriction_id, row.person_id, row.kind, row.category, row.stage, bool(row.is_urgent), row.proposed_by, moment(row.proposed_us),
        timedelta(seconds=row.term_s) if row.term_s else None, row.decided_by, moment_if_any(row.decided_us), row.lifted_by, moment_if_any(row.lifted_us), moment_if_any(row.effect_us),
        moment_if_any(row.until_us), row.appeal, row.appeal_by, moment_if_any(row.appealed_us), moment_if_any(row.appeal_due_us), moment_if_any(row.answered_us), row.fence,
    )  # fmt: skip


def _us(at: datetime | None) -> int:
    return microseconds(at) if at is not None else 0

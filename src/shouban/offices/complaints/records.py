"""Complaints, their entries and files, in the database. Every change leaves an entry of the log with the row's digest, in the same transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Executable, Row, func, insert, select, update

from shouban.db.schema import COMPLAINT_ENTRIES, COMPLAINT_FILES, COMPLAINTS
from shouban.evidence.books import After, kept
from shouban.evidence.log import microseconds, moment
from shouban.offices.complaints.model import UNANSWERED, Complaint

MOST_SHOWN: Final = 200
MOST_COUNTED: Final = 100_000
Write = tuple[Executable, dict[str, Any]]


def new_id() -> str:
    return secrets.token_hex(12)


def receipt_of(number: str) -> str:
    """Numbers are known by digest only: who reads the database learns none."""
    return sha256(f"complaint:{number}".encode()).hexdigest()


def filing_row(complaint: Complaint, service: str, number: str, sealed: bytes) -> Write:
    return insert(COMPLAINTS), {
        "complaint_id": complaint.id, "service_id": service, "person_id": complaint.person, "receipt": receipt_of(number), "sort": complaint.sort,
        "about": complaint.about, "channel": complaint.channel, "is_urgent": int(complaint.is_urgent), "stage": complaint.stage, "parent_id": complaint.parent,
        "taken_by": complaint.taken_by, "filed_us": microseconds(complaint.filed_at), "remind_us": microseconds(complaint.remind_at),
        "due_us": microseconds(complaint.due_at), "accepted_us": 0, "answered_us": 0, "decided_by": "", "decision": "", "sealed": sealed,
    }  # fmt: skip


def entry_row(
    complaint: Complaint, service: str, entry: str, account: str, kind: str, at: datetime, sealed: bytes
) -> Write:
    return insert(COMPLAINT_ENTRIES), {
        "entry_id": entry, "complaint_id": complaint.id, "service_id": service, "person_id": complaint.person, "account_id": account, "kind": kind,
        "at_us": microseconds(at), "sealed": sealed,
    }  # fmt: skip


def file_row(
    complaint: Complaint, service: str, file: str, media: str, size: int, at: datetime, sealed: bytes
) -> Write:
    return insert(COMPLAINT_FILES), {
        "file_id": file, "complaint_id": complaint.id, "service_id": service, "person_id": complaint.person, "media": media, "size": size,
        "at_us": microseconds(at), "sealed": sealed,
    }  # fmt: skip


def change(connection: Connection, complaint: Complaint, **values: Any) -> bool:  # noqa: ANN401  # columns of a complaint
    """Whether it changed: nobody else had moved it since it was read."""
    as_read = (
        (COMPLAINTS.c.complaint_id == complaint.id)
        & (COMPLAINTS.c.stage == complaint.stage)
        & (COMPLAINTS.c.taken_by == complaint.taken_by)
    )
    return connection.execute(update(COMPLAINTS).where(as_read).values(**values)).rowcount == 1


def rows_kept(complaint: str, at: datetime, entries: Sequence[str] = (), files: Sequence[str] = ()) -> After:
    def after(connection: Connection) -> list[Any]:
        found = list(kept(COMPLAINTS, at, COMPLAINTS.c.complaint_id == complaint)(connection))
        found += kept(COMPLAINT_ENTRIES, at, COMPLAINT_ENTRIES.c.entry_id.in_(entries))(connection) if entries else []
        found += kept(COMPLAINT_FILES, at, COMPLAINT_FILES.c.file_id.in_(files))(connection) if files else []
        return found

    return after


# --- reading


def by_receipt(connection: Connection, number: str) -> Row[Any] | None:
    return connection.execute(select(COMPLAINTS).where(COMPLAINTS.c.receipt == receipt_of(number))).one_or_none()


def by_id(connection: Connection, service: str, complaint: str) -> Row[Any] | None:
    mine = (COMPLAINTS.c.service_id == service) & (COMPLAINTS.c.complaint_id == complaint)
    return connection.execute(select(COMPLAINTS).where(mine)).one_or_none()


def listed(connection: Connection, service: str, *, is_open: bool) -> tuple[list[Row[Any]], int]:
    """The unanswered ones by when they are due, urgent first; or those that are done, the newest first; and how many in all."""
    mine = (COMPLAINTS.c.service_id == service) & (
        COMPLAINTS.c.stage.in_(UNANSWERED) if is_open else COMPLAINTS.c.stage.not_in(UNANSWERED)
    )
    order = (COMPLAINTS.c.is_urgent.desc(), COMPLAINTS.c.due_us) if is_open else (COMPLAINTS.c.filed_us.desc(),)
    rows = connection.execute(select(COMPLAINTS).where(mine).order_by(*order).limit(MOST_SHOWN)).all()
    count = connection.execute(select(func.count()).select_from(COMPLAINTS).where(mine)).scalar_one()
    return list(rows), count


def of_person(connection: Connection, service: str, person: str) -> list[Row[Any]]:
    mine = (COMPLAINTS.c.service_id == service) & (COMPLAINTS.c.person_id == person)
    return list(
        connection.execute(select(COMPLAINTS).where(mine).order_by(COMPLAINTS.c.filed_us.desc()).limit(MOST_SHOWN))
    )


def children_of(connection: Connection, complaint: str) -> list[Complaint]:
    """Appeals against it, and what was merged into it."""
    asked = select(COMPLAINTS).where(COMPLAINTS.c.parent_id == complaint).order_by(COMPLAINTS.c.filed_us)
    return [complaint_of(row) for row in connection.execute(asked)]


def filed_between(connection: Connection, service: str, since: datetime, until: datetime) -> list[Complaint]:
    mine = (
        (COMPLAINTS.c.service_id == service)
        & (COMPLAINTS.c.filed_us >= microseconds(since))
        & (COMPLAINTS.c.filed_us < microseconds(until))
    )
    return [complaint_of(row) for row in connection.execute(select(COMPLAINTS).where(mine).limit(MOST_COUNTED))]


def entries(connection: Connection, complaint: str) -> list[Row[Any]]:
    mine = select(COMPLAINT_ENTRIES).where(COMPLAINT_ENTRIES.c.complaint_id == complaint)
    return list(connection.execute(mine.order_by(COMPLAINT_ENTRIES.c.at_us, COMPLAINT_ENTRIES.c.entry_id)))


def files(connection: Connection, complaint: str) -> list[Row[Any]]:
    mine = select(COMPLAINT_FILES).where(COMPLAINT_FILES.c.complaint_id == complaint)
    return list(connection.execute(mine.order_by(COMPLAINT_FILES.c.at_us, COMPLAINT_FILES.c.file_id)))


def complaint_of(row: Row[Any]) -> Complaint:
    return Complaint(
        row.complaint_id, row.person_id, row.sort, row.about, row.channel, bool(row.is_urgent), row.stage, row.parent_id, row.taken_by,
        moment(row.filed_us), moment(row.remind_us), moment(row.due_us), moment(row.accepted_us) if row.accepted_us else None,
        moment(row.answered_us) if row.answered_us else None, row.decided_by, row.decision,
    )  # fmt: skip

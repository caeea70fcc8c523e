"""The offices' books beside the log: accounts, grants, appeals, care cases, their notes, whispers and who joined, complaints with what was said and sent, links, consents, processors,
companions, receipts, restrictions, shifts.

Their rows change, as no entry of the log does: whoever writes one leaves an entry with the digest of the whole row, in the same transaction.
A row that is altered, missing or put there by hand is found. Open sign-ins are no record: they last hours, and each opening is in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Table, select

from shouban.db.reading import raw, raw_rows
from shouban.db.schema import (
    ACCOUNTS,
    APPEALS,
    CASE_JOINS,
    CASE_NOTES,
    CASES,
    COMPANION_VERSIONS,
    COMPANIONS,
    COMPLAINT_ENTRIES,
    COMPLAINT_FILES,
    COMPLAINTS,
    CONSENTS,
    GRANTS,
    LINKS,
    NOTICES,
    PROCESSORS,
    RECEIPTS,
    RESTRICTIONS,
    SHIFTS,
    WHISPERS,
)
from shouban.db.writer import Leaf
from shouban.evidence.claims import Claims
from shouban.evidence.log import Acted, leaf_of
from shouban.evidence.report import Check

BOOKS: Final[tuple[Table, ...]] = (
    ACCOUNTS, APPEALS, CASES, CASE_JOINS, CASE_NOTES, COMPANIONS, COMPANION_VERSIONS, COMPLAINTS, COMPLAINT_ENTRIES, COMPLAINT_FILES, CONSENTS, GRANTS, LINKS, NOTICES, PROCESSORS, RECEIPTS, RESTRICTIONS, SHIFTS, WHISPERS,
)  # fmt: skip
# Working notes: wrong tries are counted and codes used, cases ranked and leases renewed, without an entry for each.
NOTES: Final = frozenset({
    (ACCOUNTS.name, "failed"), (ACCOUNTS.name, "locked_until_us"), (ACCOUNTS.name, "code_used"), (CASES.name, "risk"), (CASES.name, "spoke_us"),
    (CASES.name, "lease_until_us"),
})  # fmt: skip
KEPT: Final = "kept"

After = Callable[[Connection], Sequence[Leaf]]


def kept(table: Table, at: datetime, *which: ColumnElement[bool]) -> After:
    """For a job's `after`: an entry for each row of the table that fits, as the transaction leaves it."""

    def after(connection: Connection) -> list[Leaf]:
        return [_leaf(table, row, at) for row in connection.execute(select(table).where(*which))]

    return after


def check_offices(connection: Connection, claims: Claims) -> Iterator[Check]:
    """One check a book: each row against the newest entry about it."""
    for table in BOOKS:
        yield _check_book(connection, claims, table)


def _check_book(connection: Connection, claims: Claims, table: Table) -> Check:
    check = Check(str(table.name))
    with check.guarding(table.name):
        for row in raw_rows(connection, raw(*table.c)):
            check.looked += 1
            name = name_of(table, row)
            place = f"{table.name} {name}"
            with check.guarding(place):
                found = claims.kept(table.name, name)
                if found is None:
                    check.blame(place, "no entry of the log knows this row")
                elif found[1] != digest_of(table, row):
                    check.blame(place, f"is not the row that entry {found[0]} left")
        for name, entry in claims.kept_left(table.name):
            check.blame(f"{table.name} {name}", f"is missing; entry {entry} left it there")
    return check


def name_of(table: Table, row: Row[Any]) -> str:
    return "/".join(str(getattr(row, column.name)) for column in table.primary_key)


def digest_of(table: Table, row: Row[Any]) -> str:
    """SHA-256 over every value that is a record, each with its kind: a number is not its own text."""
    values = [
        _plain(value)
        for column in table.c
        if (table.name, column.name) not in NOTES
        for value in (getattr(row, column.name),)
    ]
    return sha256(msgspec.json.encode([str(table.name), values])).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401  # what a column may hold
    """As JSON takes it. Text that is no text any more (damage) is told by its bytes."""
    if isinstance(value, bytes):
        return [value.hex(), "bytes"]
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return [value.encode("utf-8", "surrogatepass").hex(), "no text"]
    return value


def _leaf(table: Table, row: Row[Any], at: datetime) -> Leaf:
    facts = {"table": str(table.name), "row": name_of(table, row), "digest": digest_of(table, row)}
    person = row.person_id if "person_id" in table.c else ""
    return leaf_of(Acted(service=row.service_id, at=at, act=KEPT, person=person, facts=facts))

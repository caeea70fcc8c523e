"""Holds the ledger, and the legal holds, against the log: what is owed, to whom, by when, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Row

from shouban.core.obligations import HoldRecords, WakeAt
from shouban.db.reading import raw, raw_rows
from shouban.db.schema import HOLDS, LEDGER
from shouban.duties.ledger import (
    AT_ONCE,
    NOTICES,
    PERSON_GONE,
    TIME_PASSED,
    WITH_DECISION,
    Duty,
    due_us_of,
    next_try_us,
    row_of,
)
from shouban.evidence.claims import Claims, Owed
from shouban.evidence.report import Check

# Who holds a row for the moment is a working note of the workers, not a record.
LEASE: Final = frozenset({"lease", "leased_until_us"})


def check_books(connection: Connection, claims: Claims) -> Iterable[Check]:
    """The checks of both tables."""
    return [_check_ledger(connection, claims), _check_holds(connection, claims)]


def _check_ledger(connection: Connection, claims: Claims) -> Check:
    check = Check(str(LEDGER.name))
    with check.guarding(LEDGER.name):
        for row in raw_rows(connection, raw(*LEDGER.c)):
            check.looked += 1
            _check_duty(row, claims, check)
        for duty, entry in claims.duties_left():
            check.blame(f"ledger {duty}", f"is missing; entry {entry} owes it")
        for (duty,) in claims.endings_of_nothing():
            check.blame(f"ledger {duty}", "was ended according to the log, but no entry owes it")
    return check


def _check_duty(row: Row[Any], claims: Claims, check: Check) -> None:
    place = f"ledger {row.duty_id}"
    owed = claims.owed(row.duty_id)
    if owed is None:
        check.blame(place, "no entry of the log owes it")
        return
    claims.cross_off_duty(owed.duty)
    for column, value in expected_row(owed, claims).items():
        if column not in LEASE and getattr(row, column) != value:
            check.blame(place, f"`{column}` is not what entry {owed.entry} and what came after it say")


def expected_row(owed: Owed, claims: Claims) -> dict[str, Any]:
    """The row as the log has it: as it was owed, and then as it ended, if it did."""
    duty = _duty_of(owed)
    row = row_of(duty) | {"body": owed.body}
    ended = claims.ended(owed.duty)
    if duty.state == "done" or (ended is None and not isinstance(duty.owed, WakeAt)):
        return row
    if ended is not None and (not isinstance(duty.owed, WakeAt) or ended.how == PERSON_GONE):
        row |= {"state": ended.state, "outcome": ended.how, "attempts": ended.attempts}
        row |= {"ended_us": 0 if ended.state == "owed" else ended.at_us}
        row |= {"next_us": next_try_us(ended.attempts, ended.failed_us)} if ended.attempts else {}
        row |= {"unique_key": None} if ended.state == "done" else {}
    elif isinstance(duty.owed, WakeAt) and claims.has_passed(owed, duty.owed):
        row |= {"state": "done", "outcome": TIME_PASSED, "ended_us": duty.due_us, "unique_key": None}
    return row


def _duty_of(owed: Owed) -> Duty:
    obligation = owed.obligation
    duty = Duty(
        owed.duty, owed.service, owed.person, owed.session, obligation, owed.at_us, due_us_of(obligation, owed.at_us)
    )
    if duty.kind in AT_ONCE:
        return replace(duty, state="done", outcome=WITH_DECISION)
    return replace(duty, state="done", outcome=owed.how) if owed.how and duty.kind in NOTICES else duty


def _check_holds(connection: Connection, claims: Claims) -> Check:
    """Each hold is owed by the log as it stands."""
    check = Check(str(HOLDS.name))
    with check.guarding(HOLDS.name):
        for row in raw_rows(connection, raw(*HOLDS.c)):
            check.looked += 1
            owed = claims.owed(row.hold_id)
            hold = owed.obligation if owed else None
            if owed is None or not isinstance(hold, HoldRecords):
                check.blame(f"holds {row.hold_id}", "no entry of the log asks for it")
                continue
            claims.cross_off_hold(owed.duty)
            until = owed.at_us + round(hold.keep_for.total_seconds() * 1e6)
            said = (owed.service, owed.person, hold.topic, owed.at_us, until)
            if (row.service_id, row.person_id, row.topic, row.from_us, row.until_us) != said:
                check.blame(f"holds {row.hold_id}", f"is not as entry {owed.entry} asks")
        for duty, entry in claims.holds_left():
            check.blame(f"holds {duty}", f"is missing; entry {entry} asks for it")
    return check

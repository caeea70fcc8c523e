"""The ledger: one row an obligation, from owed to done or failed. There is no other job queue.

Three sorts of duty: `IN_TURN`, carried out by the reply that is being given (or by the next, if that one died);
`BY_PEOPLE`, open until a person has acted; and the rest, which workers lease, try, and retry with back-off.
"Owed and not done in time" is the query `overdue`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Executable, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from shouban.core.obligations import (
    Allow,
    AnswerComplaint,
    AnyObligation,
    NotifyGuardian,
    Obligation,
    RemindStaff,
    WakeAt,
)
from shouban.db.keys import random_bytes
from shouban.db.schema import LEDGER
from shouban.evidence.log import microseconds

Writes = list[tuple[Executable, dict[str, Any]]]

NOTICES: Final = frozenset({
    "Disclose", "Remind", "Ground", "ShowHelp", "ReplaceReply", "Block", "Interrupt", "Lock", "EndSession", "SwitchMode",
    "AskContacts", "AskConsent", "RefusePurchase", "Announce",
})  # fmt: skip
AT_ONCE: Final = frozenset({"Redact", "StopUse", "HoldRecords"})
IN_TURN: Final = NOTICES | AT_ONCE
BY_PEOPLE: Final = frozenset(
    {"Escalate", "FollowUp", "AskRegistration", "AnswerComplaint", "ReviewCompanion", "ReportHazard"}
)
WITH_DECISION: Final = "carried out with the decision"
TIME_PASSED: Final = "the time has passed"
PERSON_GONE: Final = "the person was erased"
NEVER_US: Final = 2**62
IN_TURN_WITHIN: Final = timedelta(minutes=2)
LEASE_FOR: Final = timedelta(seconds=30)
FIRST_BACK_OFF: Final = timedelta(seconds=5)
LAST_BACK_OFF: Final = timedelta(minutes=30)
MAX_ATTEMPTS: Final = 12

_DECODER = msgspec.json.Decoder(AnyObligation)
_ENCODER = msgspec.json.Encoder()

_INSERT = insert(LEDGER)
_DONE = (
    update(LEDGER)
    .where(LEDGER.c.duty_id == bindparam("row"), LEDGER.c.state == "owed")
    .values(state="done", ended_us=bindparam("at"), outcome=bindparam("how"), lease="", unique_key=None)
)


# Where no other process works beside us, whoever held a row is dead: help does not wait for the lease to run out.
FREE_ALL: Final = (
    update(LEDGER).where(LEDGER.c.state == "owed", LEDGER.c.lease != "").values(lease="", leased_until_us=0)
)


@dataclass(frozen=True)
class Duty:
    """A row of the ledger."""

    id: str
    service: str
    person: str
    session: str
    owed: Obligation
    owed_us: int
    due_us: int
    attempts: int = 0
    state: str = "owed"
    outcome: str = ""

    @property
    def kind(self) -> str:
        return type(self.owed).__name__


def new_duty_id() -> str:
    return random_bytes(12).hex()


def duties_of(owed: Sequence[Obligation], *, service: str, person: str, session: str, at: datetime) -> list[Duty]:
    """A duty for each thing owed; to allow is no duty."""
    now = microseconds(at)
    return [
        Duty(new_duty_id(), service, person, session, one, now, due_us_of(one, now)) for one in owed if not isinstance(one, Allow)
    ]  # fmt: skip


def due_us_of(owed: Obligation, owed_us: int) -> int:
    """When it is due: at the time it names, or within the span."""
    match owed:
        case WakeAt(wake_at=at) | AnswerComplaint(answer_by=datetime() as at) | RemindStaff(at=datetime() as at):
            return microseconds(at)
        case _:
            return start_us_of(owed, owed_us) + round(due_within(owed).total_seconds() * 1e6)


def start_us_of(owed: Obligation, owed_us: int) -> int:
    """From when on it is carried out: at once, but for what waits for the end of quiet hours."""
    held = owed.not_before if isinstance(owed, NotifyGuardian) else None
    return max(owed_us, microseconds(held)) if held else owed_us


def due_within(owed: Obligation) -> timedelta:
    within: timedelta = getattr(owed, "answer_within", IN_TURN_WITHIN)
    return within


class Ledger:
    """Makes the writes that put duties on the books and take them off; the caller's transaction carries them."""

    def __init__(self, engine: Engine) -> None:
        make = postgresql_insert if engine.dialect.name == "postgresql" else sqlite_insert
        timer = make(LEDGER)
        kept = (
            "duty_id",
            "session_id",
            "body",
            "state",
            "owed_us",
            "due_us",
            "next_us",
            "attempts",
            "lease",
            "leased_until_us",
        )
        self._put_timer: Executable = timer.on_conflict_do_update(
            index_elements=["unique_key"], set_={name: timer.excluded[name] for name in kept}
        )

    def owe(self, duty: Duty) -> Writes:
        """A timer replaces the timer of the same key; anything else is a new row."""
        statement = self._put_timer if isinstance(duty.owed, WakeAt) else _INSERT
        return [(statement, row_of(duty))]


def done(duty_id: str, at: datetime, how: str) -> Writes:
    return [(_DONE, {"row": duty_id, "at": microseconds(at), "how": how})]


def lease_due(
    connection: Connection, *, now_us: int, worker: str, kinds: Sequence[str], without: Sequence[str] = (), limit: int = 64
) -> list[Duty]:  # fmt: skip
    """Takes rows that are due for `worker`; rows another worker holds are passed over (`SKIP LOCKED`)."""
    rows = connection.execute(
        select(LEDGER)
        .where(
            LEDGER.c.state == "owed",
            LEDGER.c.next_us <= now_us,
            LEDGER.c.kind.in_(kinds),
            LEDGER.c.duty_id.not_in(without),
        )
        .order_by(LEDGER.c.next_us)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    free = [row for row in rows if row.leased_until_us <= now_us or row.lease == worker]
    if free:
        until = now_us + round(LEASE_FOR.total_seconds() * 1e6)
        held = update(LEDGER).where(LEDGER.c.duty_id.in_([row.duty_id for row in free]))
        connection.execute(held.values(lease=worker, leased_until_us=until))
    return [duty_from(row) for row in free]


def retry_later(duty: Duty, *, now_us: int, why: str) -> tuple[Executable, dict[str, Any]]:
    """Back-off doubles from five seconds to half an hour; after the last attempt the duty has failed, and shows."""
    attempts = duty.attempts + 1
    final = attempts >= MAX_ATTEMPTS
    values = {
        "state": "failed" if final else "owed", "attempts": attempts, "outcome": why, "lease": "", "leased_until_us": 0,
        "next_us": next_try_us(attempts, now_us), "ended_us": now_us if final else 0,
    }  # fmt: skip
    return update(LEDGER).where(LEDGER.c.duty_id == duty.id).values(**values), {}


def next_try_us(attempts: int, failed_us: int) -> int:
    wait: timedelta = min(FIRST_BACK_OFF * 2 ** (attempts - 1), LAST_BACK_OFF)
    return failed_us + round(wait.total_seconds() * 1e6)


def open_duties(
    connection: Connection, *, service: str, person: str | None = None, kinds: Sequence[str] = ()
) -> list[Duty]:
    """What is owed and neither done nor failed, oldest first."""
    query = select(LEDGER).where(LEDGER.c.state == "owed", LEDGER.c.service_id == service).order_by(LEDGER.c.owed_us)
    if person is not None:
        query = query.where(LEDGER.c.person_id == person)
    if kinds:
        query = query.where(LEDGER.c.kind.in_(kinds))
    return [duty_from(row) for row in connection.execute(query)]


def was_owed(connection: Connection, *, service: str, person: str, duty: str) -> bool:
    """Whether a duty of this name, in any state, is this person's."""
    mine = (LEDGER.c.duty_id == duty) & (LEDGER.c.service_id == service) & (LEDGER.c.person_id == person)
    return connection.execute(select(LEDGER.c.kind).where(mine)).scalar() in NOTICES


def overdue(connection: Connection, *, now_us: int) -> dict[str, int]:
    """How many duties of each kind were owed and not done in time."""
    query = select(LEDGER.c.kind, func.count()).where(LEDGER.c.state.in_(("owed", "failed")), LEDGER.c.due_us < now_us)
    return dict(connection.execute(query.group_by(LEDGER.c.kind)).tuples().all())


def duty_from(row: Any) -> Duty:  # noqa: ANN401  # a row of the ledger, which SQLAlchemy does not type
    owed: Obligation = _DECODER.decode(row.body)
    return Duty(
        row.duty_id,
        row.service_id,
        row.person_id,
        row.session_id,
        owed,
        row.owed_us,
        row.due_us,
        row.attempts,
        row.state,
        row.outcome,
    )


def row_of(duty: Duty) -> dict[str, Any]:
    """The row as it is first written; what the decision carried out itself ends with it."""
    timer = isinstance(duty.owed, WakeAt | RemindStaff)
    by_worker = duty.kind not in IN_TURN | BY_PEOPLE
    return {
        "duty_id": duty.id, "service_id": duty.service, "person_id": duty.person, "session_id": duty.session,
        "kind": duty.kind, "body": _ENCODER.encode(duty.owed),
        "unique_key": f"wake:{duty.service}:{duty.person}:{duty.owed.key}" if isinstance(duty.owed, WakeAt) else None,
        "state": duty.state, "owed_us": duty.owed_us, "due_us": duty.due_us,
        "next_us": duty.due_us if timer else start_us_of(duty.owed, duty.owed_us) if by_worker else NEVER_US,
        "attempts": 0, "lease": "", "leased_until_us": 0,
        "ended_us": duty.owed_us if duty.state == "done" else 0, "outcome": duty.outcome,
    }  # fmt: skip

"""Care cases, their notes, and who sits at a desk, in the database.

INVARIANT (fence): whatever is done to a case names the fence under which its doer claimed it. A claim raises the fence: who lost the case, their
browser gone or their lease run out, changes nothing any more.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Executable, Row, case, delete, func, insert, or_, select, true, update

from shouban.db.schema import CASE_JOINS, CASE_NOTES, CASES, LEDGER, LOG_ENTRIES, RECEIPTS, SEATS, WHISPERS
from shouban.duties.cases import SEAT_LASTS, STILL_OPEN
from shouban.duties.ledger import Duty, duty_from
from shouban.duties.receipts import Receipt, receipt_from
from shouban.evidence.books import After, kept
from shouban.evidence.log import Acted, Decided, decode_entry, microseconds, moment, moment_if_any
from shouban.offices.care_desk.model import LEASE, Case, Join

MOST_SHOWN: Final = 100
MOST_COUNTED: Final = 5_000
MOST_ENTRIES: Final = 20_000
WAITING: Final = ("open", "claimed", "taken_over")


def queue(connection: Connection, service: str, at: datetime) -> tuple[list[Case], int]:
    """Who waits for a person, the most urgent first, and how many there are in all."""
    now = microseconds(at)
    nobody = or_(CASES.c.claimed_by == "", CASES.c.lease_until_us <= now)
    mine = (CASES.c.service_id == service) & CASES.c.stage.in_(WAITING) & nobody
    asked = select(CASES).where(mine).order_by(CASES.c.urgency.desc(), CASES.c.risk.desc(), CASES.c.due_us)
    found = [case_of(row) for row in connection.execute(asked.limit(MOST_SHOWN))]
    if len(found) < MOST_SHOWN:
        return found, len(found)
    return found, connection.execute(select(func.count()).select_from(CASES).where(mine)).scalar_one()


def held(connection: Connection, service: str, at: datetime) -> list[Case]:
    """Whom somebody looks after now, and whom they watch after a hand-back."""
    of_desk = (
        CASES.c.stage.in_(WAITING) & (CASES.c.claimed_by != "") & (CASES.c.lease_until_us > microseconds(at))
    ) | (CASES.c.stage == "handed_back")
    order = case((CASES.c.stage == "handed_back", 1), else_=0), CASES.c.urgency.desc(), CASES.c.due_us
    asked = select(CASES).where(CASES.c.service_id == service, of_desk).order_by(*order).limit(MOST_SHOWN)
    return [case_of(row) for row in connection.execute(asked)]


def open_case(connection: Connection, service: str, person: str) -> Case | None:
    asked = select(CASES).where(CASES.c.service_id == service, CASES.c.person_id == person, STILL_OPEN)
    row = connection.execute(asked).one_or_none()
    return None if row is None else case_of(row)


def newest_case(connection: Connection, service: str, person: str) -> Case | None:
    mine = (CASES.c.service_id == service) & (CASES.c.person_id == person)
    row = connection.execute(select(CASES).where(mine).order_by(CASES.c.opened_us.desc()).limit(1)).one_or_none()
    return None if row is None else case_of(row)


def cases_since(connection: Connection, service: str, since: datetime) -> list[Case]:
    """For the board; the newest first."""
    recent = (CASES.c.service_id == service) & (CASES.c.asked_us >= microseconds(since))
    asked = select(CASES).where(recent).order_by(CASES.c.asked_us.desc()).limit(MOST_COUNTED)
    return [case_of(row) for row in connection.execute(asked)]


def contacted_at(connection: Connection, found: Case) -> datetime | None:
    """When a contact of theirs was first told of it."""
    mine = (RECEIPTS.c.person_id == found.person) & (RECEIPTS.c.sent_us >= microseconds(found.asked_at))
    first = connection.execute(select(func.min(RECEIPTS.c.sent_us)).where(mine)).scalar()
    return moment(first) if first else None


def alone(connection: Connection, service: str, at: datetime, person: str = "") -> list[Case]:
    """Whose talk was taken over at a desk that is silent now, and who has nobody else in it; of all, or of this person."""
    lost = (CASES.c.service_id == service) & (CASES.c.stage == "taken_over") & (CASES.c.claimed_by != "")
    lost &= (CASES.c.person_id == person) if person else true()
    asked = select(CASES).where(lost, CASES.c.lease_until_us <= microseconds(at)).limit(MOST_SHOWN)
    found = [case_of(row) for row in connection.execute(asked)]
    here = set(seated(connection, service, at)) if found else set()
    return [
        one
        for one in found
        if not any((join.account, one.id) in here for join in joins(connection, service, one.person))
    ]


def is_alone(connection: Connection, service: str, found: Case, at: datetime) -> bool:
    """Whether this very talk is, under the same fence."""
    return any((one.id, one.fence) == (found.id, found.fence) for one in alone(connection, service, at, found.person))


def is_claimed(connection: Connection, service: str, account: str, person: str, at: datetime) -> bool:
    """Whether this account has this person's case now."""
    found = open_case(connection, service, person)
    return found is not None and found.is_of(account, at)


# --- changes, each under its fence


def claim(connection: Connection, found: Case, account: str, at: datetime) -> bool:
    """Whether they have it now: nobody else had, or had lost it."""
    now = microseconds(at)
    free = or_(CASES.c.claimed_by == "", CASES.c.lease_until_us <= now)
    mine = (CASES.c.case_id == found.id) & (CASES.c.fence == found.fence) & STILL_OPEN & free
    values: dict[str, Any] = {
        "claimed_by": account, "fence": CASES.c.fence + 1, "lease_until_us": now + _lease(), "stage": case((CASES.c.stage == "open", "claimed"), else_=CASES.c.stage),
        "claimed_us": case((CASES.c.claimed_us == 0, now), else_=CASES.c.claimed_us),
    }  # fmt: skip
    if connection.execute(update(CASES).where(mine).values(**values)).rowcount != 1:
        return False
    # A page that reached nobody is looked at again at once: somebody has come, and nobody need be told otherwise.
    owed = (LEDGER.c.person_id == found.person) & (LEDGER.c.kind == "PageStaff") & (LEDGER.c.state == "owed")
    connection.execute(update(LEDGER).where(owed, LEDGER.c.attempts > 0).values(next_us=now))
    return True


def change(connection: Connection, found: Case, account: str, at: datetime, **values: Any) -> bool:  # noqa: ANN401  # columns of a case
    """Changes what they have. Nothing changes where they have it no more."""
    has_it = (
        (CASES.c.case_id == found.id) & (CASES.c.fence == found.fence) & (CASES.c.claimed_by == account) & (CASES.c.stage == found.stage)
        & (CASES.c.lease_until_us > microseconds(at))
    )  # fmt: skip
    return connection.execute(update(CASES).where(has_it).values(**values)).rowcount == 1


def pass_on(connection: Connection, found: Case, account: str, other: str, at: datetime) -> bool:
    """Another one has it from now on; their desk has as long as any to say that it is there."""
    lease = microseconds(at) + _lease()
    return change(connection, found, account, at, claimed_by=other, fence=CASES.c.fence + 1, lease_until_us=lease)


def renew(connection: Connection, found: Case, account: str, at: datetime) -> bool:
    return change(connection, found, account, at, lease_until_us=microseconds(at) + _lease())


def renew_all(connection: Connection, service: str, account: str, at: datetime) -> None:
    """They are there, whichever page of the desk they look at."""
    now = microseconds(at)
    theirs = (CASES.c.service_id == service) & (CASES.c.claimed_by == account) & CASES.c.stage.in_(WAITING)
    held = theirs & (CASES.c.lease_until_us > now)
    connection.execute(update(CASES).where(held).values(lease_until_us=now + _lease()))


def revive(connection: Connection, found: Case, account: str, at: datetime) -> bool:
    """Their desk is there again, or the clock was set: what nobody else has claimed meanwhile is theirs still."""
    theirs = (CASES.c.case_id == found.id) & (CASES.c.fence == found.fence) & (CASES.c.claimed_by == account)
    lease = microseconds(at) + _lease()
    return connection.execute(update(CASES).where(theirs, STILL_OPEN).values(lease_until_us=lease)).rowcount == 1


def case_row_kept(found: Case, at: datetime) -> After:
    """Of the case, and of who is beside its holder no more."""
    of_case = kept(CASES, at, CASES.c.case_id == found.id)
    of_joins = kept(CASE_JOINS, at, CASE_JOINS.c.case_id == found.id, CASE_JOINS.c.left_us == microseconds(at))
    return lambda connection: [*of_case(connection), *of_joins(connection)]


# --- notes


def note_row(
    found: Case, service: str, note: str, account: str, at: datetime, sealed: bytes
) -> tuple[Executable, dict[str, Any]]:
    return insert(CASE_NOTES), {
        "note_id": note, "case_id": found.id, "service_id": service, "person_id": found.person, "account_id": account, "at_us": microseconds(at), "sealed": sealed,
    }  # fmt: skip


def note_kept(note: str, at: datetime) -> After:
    return kept(CASE_NOTES, at, CASE_NOTES.c.note_id == note)


def notes(connection: Connection, service: str, person: str) -> list[tuple[str, str, datetime, bytes]]:
    """Of all the person's cases, oldest first: id, who, when, sealed."""
    mine = (CASE_NOTES.c.service_id == service) & (CASE_NOTES.c.person_id == person)
    asked = select(CASE_NOTES).where(mine).order_by(CASE_NOTES.c.at_us.desc()).limit(MOST_SHOWN)
    found = [(row.note_id, row.account_id, moment(row.at_us), bytes(row.sealed)) for row in connection.execute(asked)]
    return found[::-1]


def new_id() -> str:
    return secrets.token_hex(12)


# --- the file of a case


def notes_of_case(connection: Connection, found: Case) -> list[tuple[str, str, datetime, bytes]]:
    """As `notes`, of this case alone, and all of them."""
    asked = select(CASE_NOTES).where(CASE_NOTES.c.case_id == found.id).order_by(CASE_NOTES.c.at_us)
    return [(row.note_id, row.account_id, moment(row.at_us), bytes(row.sealed)) for row in connection.execute(asked)]


def entries_since(connection: Connection, service: str, found: Case) -> tuple[list[tuple[int, Decided | Acted]], bool]:
    """What the log has of the person since the case was opened, oldest first, and whether there is more than one reads at once."""
    mine = (LOG_ENTRIES.c.service_id == service) & (LOG_ENTRIES.c.person_id == found.person)
    asked = (
        select(LOG_ENTRIES.c.leaf_index, LOG_ENTRIES.c.leaf).where(mine, LOG_ENTRIES.c.at_us >= microseconds(found.opened_at))
        .order_by(LOG_ENTRIES.c.leaf_index).limit(MOST_ENTRIES + 1)
    )  # fmt: skip
    rows = connection.execute(asked).all()
    return [(row.leaf_index, decode_entry(bytes(row.leaf), row.leaf_index)) for row in rows[:MOST_ENTRIES]], len(
        rows
    ) > MOST_ENTRIES


def duties_of_case(connection: Connection, service: str, found: Case) -> list[Duty]:
    """What has been owed to the person, in any state, from the opening of the case to its closing; the first owed first."""
    mine = (LEDGER.c.service_id == service) & (LEDGER.c.person_id == found.person) & (LEDGER.c.kind != "WakeAt")
    while_open = LEDGER.c.owed_us >= microseconds(found.opened_at)
    if found.closed_at is not None:
        while_open &= LEDGER.c.owed_us <= microseconds(found.closed_at)
    asked = select(LEDGER).where(mine, while_open).order_by(LEDGER.c.owed_us, LEDGER.c.duty_id).limit(MOST_ENTRIES)
    return [duty_from(row) for row in connection.execute(asked)]


def receipts_since(connection: Connection, service: str, found: Case) -> list[Receipt]:
    """What contacts were sent since the case was opened, the first sent first."""
    mine = (RECEIPTS.c.service_id == service) & (RECEIPTS.c.person_id == found.person)
    asked = select(RECEIPTS).where(mine, RECEIPTS.c.sent_us >= microseconds(found.opened_at))
    return [receipt_from(row) for row in connection.execute(asked.order_by(RECEIPTS.c.sent_us, RECEIPTS.c.receipt_id))]


# --- a supervisor beside the holder


def join_row(connection: Connection, found: Case, service: str, account: str, at: datetime) -> str:
    """Another human speaks too. Gives nothing where the talk is over, or where somebody has joined already."""
    still = (CASES.c.case_id == found.id) & (CASES.c.stage == "taken_over")
    if connection.execute(select(CASES.c.case_id).where(still).with_for_update()).first() is None:
        return ""
    if joins(connection, service, found.person):
        return ""
    row = {
        "join_id": new_id(), "case_id": found.id, "service_id": service, "person_id": found.person, "account_id": account, "joined_us": microseconds(at), "left_us": 0,
    }  # fmt: skip
    connection.execute(insert(CASE_JOINS), [row])
    return str(row["join_id"])


def end_join(connection: Connection, join: str, at: datetime) -> bool:
    mine = (CASE_JOINS.c.join_id == join) & (CASE_JOINS.c.left_us == 0)
    return connection.execute(update(CASE_JOINS).where(mine).values(left_us=microseconds(at))).rowcount == 1


def end_joins_of(connection: Connection, found: Case, account: str, at: datetime) -> None:
    """Whoever has the case themselves is beside nobody any more."""
    mine = (CASE_JOINS.c.case_id == found.id) & (CASE_JOINS.c.account_id == account) & (CASE_JOINS.c.left_us == 0)
    connection.execute(update(CASE_JOINS).where(mine).values(left_us=microseconds(at)))


def joins(connection: Connection, service: str, person: str) -> list[Join]:
    """Who speaks beside the holder now."""
    mine = (CASE_JOINS.c.service_id == service) & (CASE_JOINS.c.person_id == person) & (CASE_JOINS.c.left_us == 0)
    return [
        Join(row.join_id, row.case_id, row.account_id, moment(row.joined_us))
        for row in connection.execute(select(CASE_JOINS).where(mine).order_by(CASE_JOINS.c.joined_us))
    ]


def whisper_row(
    found: Case, service: str, whisper: str, account: str, at: datetime, sealed: bytes
) -> tuple[Executable, dict[str, Any]]:
    return insert(WHISPERS), {
        "whisper_id": whisper, "case_id": found.id, "service_id": service, "person_id": found.person, "account_id": account, "to_id": found.claimed_by,
        "at_us": microseconds(at), "sealed": sealed,
    }  # fmt: skip


def whispers(connection: Connection, found: Case, account: str = "") -> list[tuple[str, str, str, datetime, bytes]]:
    """Of a case, oldest first: id, from whom, to whom, when, sealed. With an account only what that account said or was told."""
    mine = WHISPERS.c.case_id == found.id
    if account:
        mine &= (WHISPERS.c.to_id == account) | (WHISPERS.c.account_id == account)
    asked = select(WHISPERS).where(mine).order_by(WHISPERS.c.at_us.desc(), WHISPERS.c.whisper_id).limit(MOST_SHOWN)
    rows = connection.execute(asked).all()
    return [
        (row.whisper_id, row.account_id, row.to_id, moment(row.at_us), bytes(row.sealed)) for row in reversed(rows)
    ]  # fmt: skip


# --- follow-ups


def follow_ups(connection: Connection, service: str, person: str | None = None) -> list[Duty]:
    """Those that are open, the first due first."""
    mine = (LEDGER.c.service_id == service) & (LEDGER.c.kind == "FollowUp") & (LEDGER.c.state == "owed")
    asked = select(LEDGER).where(mine).order_by(LEDGER.c.due_us).limit(MOST_SHOWN)
    return [
        duty_from(row)
        for row in connection.execute(asked if person is None else asked.where(LEDGER.c.person_id == person))
    ]


# --- seats


def sit(
    connection: Connection, seat: str, service: str, account: str, looks_at: str, at: datetime, *, listens: bool = False
) -> None:
    now = microseconds(at)
    connection.execute(delete(SEATS).where(or_(SEATS.c.seat_id == seat, SEATS.c.seen_us < now - _us(10 * SEAT_LASTS))))
    row = {
        "seat_id": seat,
        "service_id": service,
        "account_id": account,
        "case_id": looks_at,
        "seen_us": now,
        "listens": int(listens),
    }
    connection.execute(insert(SEATS), [row])


def stand_up(connection: Connection, seat: str) -> None:
    connection.execute(delete(SEATS).where(SEATS.c.seat_id == seat))


def seated(connection: Connection, service: str, at: datetime) -> list[tuple[str, str]]:
    """Who is at a desk, and which case they look at, if at one."""
    there = (SEATS.c.service_id == service) & (SEATS.c.seen_us > microseconds(at) - _us(SEAT_LASTS))
    rows = connection.execute(select(SEATS.c.account_id, SEATS.c.case_id).where(there).distinct())
    return [(row.account_id, row.case_id) for row in rows]


def listeners(connection: Connection, service: str, case_id: str, at: datetime) -> list[str]:
    """Who reads the words of this case without having it."""
    there = (SEATS.c.service_id == service) & (SEATS.c.seen_us > microseconds(at) - _us(SEAT_LASTS))
    asked = select(SEATS.c.account_id).where(there, SEATS.c.case_id == case_id, SEATS.c.listens == 1).distinct()
    return [row.account_id for row in connection.execute(asked)]


def case_of(row: Row[Any]) -> Case:
    return Case(
        row.case_id, row.person_id, row.session_id, row.reason, row.urgency, bool(row.wants_takeover), row.stage, moment(row.opened_us), moment(row.asked_us),
        moment(row.due_us), row.risk, moment(row.spoke_us), row.claimed_by, row.fence, moment_if_any(row.lease_until_us), moment_if_any(row.claimed_us),
        moment_if_any(row.taken_us), moment_if_any(row.handed_us), moment_if_any(row.closed_us), row.outcome,
    )  # fmt: skip


def _lease() -> int:
    return _us(LEASE)


def _us(span: timedelta) -> int:
    return round(span.total_seconds() * 1e6)

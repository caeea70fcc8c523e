"""Care cases: where the core says that a person must look, one is open in the same transaction (draft Art. 11.3; register rows D045, D046).

A person has one open case. What is asked for meanwhile makes it more urgent, never less; what comes after a hand-back opens it again for whoever claims it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Executable,
    bindparam,
    case,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from shouban.core.events import CaseClosed, Event, HumanHandedBack, HumanLost, HumanTookOver, UserSpoke
from shouban.core.obligations import URGENCIES, Escalate
from shouban.core.state import PersonState
from shouban.db.keys import random_bytes
from shouban.db.schema import ACCOUNTS, CASE_JOINS, CASES, SEATS
from shouban.duties.ledger import Duty, Writes
from shouban.evidence.books import After, kept
from shouban.evidence.log import microseconds

CLOSED: Final = "closed"
DESK: Final = "\x00desk"
# Stands in the names of the roles that take cases, and of no other (`web.roles`).
CARE: Final = "care"
# Whose desk has said that it is open less than this ago sits there.
SEAT_LASTS: Final = timedelta(seconds=30)
STILL_OPEN: Final = CASES.c.stage != literal_column(f"'{CLOSED}'")
_MINE = (CASES.c.service_id == bindparam("of_service")) & (CASES.c.person_id == bindparam("of_person")) & STILL_OPEN
# What the person says while their case is open ranks it anew; no entry of the log for each word.
_SPOKE = update(CASES).where(_MINE).values(risk=bindparam("level"), spoke_us=bindparam("at"))


# Whoever took over, by the desk or by the app: the case says so with the event.
_TOOK = update(CASES).where(_MINE).values(
    stage="taken_over", taken_us=case((CASES.c.taken_us == 0, bindparam("at")), else_=CASES.c.taken_us),
    # The app's own people are at no desk of ours: who had the case here, and whose desk is gone, has it no more.
    claimed_by=case(
        (CASES.c.claimed_by == bindparam("by"), CASES.c.claimed_by), (CASES.c.lease_until_us > bindparam("at"), CASES.c.claimed_by), else_=literal_column("''")
    ),
)  # fmt: skip
# Their desk is gone: somebody is awaited anew, and whoever comes takes over anew.
_LOST = update(CASES).where(_MINE).values(
    stage="open", claimed_by="", lease_until_us=0, asked_us=bindparam("at"), due_us=bindparam("due"), claimed_us=0, taken_us=0, handed_us=0,
)  # fmt: skip
_HANDED = (
    update(CASES).where(_MINE, CASES.c.stage == "taken_over").values(stage="handed_back", handed_us=bindparam("at"))
)
_CLOSED = update(CASES).where(_MINE).values(
    stage=CLOSED, closed_us=bindparam("at"), outcome=bindparam("how"), claimed_by="", lease_until_us=0
)  # fmt: skip
# Whoever spoke beside the holder speaks no more once the talk is over.
_LEFT = (
    update(CASE_JOINS)
    .where(
        CASE_JOINS.c.service_id == bindparam("of_service"), CASE_JOINS.c.person_id == bindparam("of_person"), CASE_JOINS.c.left_us == 0
    )
    .values(left_us=bindparam("at"))
)  # fmt: skip


class Cases:
    """Makes the writes that open a case or raise it; the event's own transaction carries them."""

    def __init__(self, engine: Engine) -> None:
        make = postgresql_insert if engine.dialect.name == "postgresql" else sqlite_insert
        fresh = make(CASES)
        new, is_handed = fresh.excluded, CASES.c.stage == literal_column("'handed_back'")
        self._open: Executable = fresh.on_conflict_do_update(
            index_elements=["service_id", "person_id"],
            index_where=text("stage <> 'closed'"),
            set_={
                "reason": case((new.urgency > CASES.c.urgency, new.reason), else_=CASES.c.reason),
                "urgency": _more(new.urgency, CASES.c.urgency),
                "wants_takeover": _more(new.wants_takeover, CASES.c.wants_takeover),
                "session_id": new.session_id,
                "due_us": case(
                    (is_handed, new.due_us), (new.due_us < CASES.c.due_us, new.due_us), else_=CASES.c.due_us
                ),
                "asked_us": case((is_handed, new.asked_us), else_=CASES.c.asked_us),
                "claimed_us": case((is_handed, 0), else_=CASES.c.claimed_us),
                "taken_us": case((is_handed, 0), else_=CASES.c.taken_us),
                "handed_us": case((is_handed, 0), else_=CASES.c.handed_us),
                "risk": new.risk,
                "spoke_us": new.spoke_us,
                "stage": case((is_handed, literal_column("'open'")), else_=CASES.c.stage),
                "claimed_by": case((is_handed, literal_column("''")), else_=CASES.c.claimed_by),
            },
        )

    def of(self, event: Event, duties: Sequence[Duty], *, service: str, person: str, state: PersonState) -> Writes:
        """What the event means for the person's case; nothing for most."""
        asked = [duty for duty in duties if isinstance(duty.owed, Escalate)]
        mine = {"of_service": service, "of_person": person, "at": microseconds(event.at)}
        due = min((duty.due_us for duty in asked), default=mine["at"])
        lost: Writes = [(_LOST, {**mine, "due": due}), (_LEFT, mine)] if isinstance(event, HumanLost) else []
        if asked:
            return [(self._open, _row(asked, event, service, person, state)), *lost]
        match event:
            case UserSpoke() if has_been_asked(state):
                return [(_SPOKE, {**mine, "level": state.risk.level})]
            case HumanTookOver(staff=staff):
                return [(_TOOK, {**mine, "by": staff})]
            case HumanLost():
                return lost
            case HumanHandedBack():
                return [(_HANDED, mine), (_LEFT, mine)]
            case CaseClosed(outcome=outcome):
                return [(_CLOSED, {**mine, "how": outcome}), (_LEFT, mine)]
            case _:
                return []

    def after(self, event: Event, duties: Sequence[Duty], *, service: str, person: str) -> After | None:
        """The log's entry about a case that this event opens or moves."""
        is_moved = isinstance(event, HumanTookOver | HumanLost | HumanHandedBack | CaseClosed)
        return (
            case_kept(service, person, event.at)
            if is_moved or any(isinstance(one.owed, Escalate) for one in duties)
            else None
        )


def desk_of(service: str) -> tuple[str, str]:
    """The care desk of a service listens as nobody's id."""
    return service, DESK


def is_desk_open(connection: Connection, service: str, at: datetime) -> bool:
    """Whether anybody who could take a case sits at a desk now: whoever may only look on is no help to who waits."""
    since = microseconds(at - SEAT_LASTS)
    there = (SEATS.c.service_id == service) & (SEATS.c.seen_us > since)
    of_seat = (ACCOUNTS.c.service_id == service) & (ACCOUNTS.c.account_id == SEATS.c.account_id)
    there &= of_seat & (ACCOUNTS.c.state == "active") & ACCOUNTS.c.roles.contains(CARE, autoescape=True)
    return connection.execute(select(SEATS.c.seat_id).where(there).limit(1)).first() is not None


def has_been_asked(state: PersonState) -> bool:
    """Whether somebody was ever asked to look after this person: only then can a case be open."""
    return state.takeover != "none" or any(topic.startswith("person-") for topic in state.told_on)


def case_kept(service: str, person: str, at: datetime) -> After:
    """The log's entry about the person's case, as the transaction leaves it."""
    touched = STILL_OPEN | (CASES.c.closed_us == microseconds(at))
    of_case = kept(CASES, at, CASES.c.service_id == service, CASES.c.person_id == person, touched)
    left = (CASE_JOINS.c.person_id == person) & (CASE_JOINS.c.left_us == microseconds(at))
    of_joins = kept(CASE_JOINS, at, CASE_JOINS.c.service_id == service, left)
    return lambda connection: [*of_case(connection), *of_joins(connection)]


def _row(asked: Sequence[Duty], event: Event, service: str, person: str, state: PersonState) -> dict[str, Any]:
    owed = [duty.owed for duty in asked if isinstance(duty.owed, Escalate)]
    gravest = max(owed, key=lambda one: (URGENCIES.index(one.urgency), one.takeover))
    now = microseconds(event.at)
    return {
        "case_id": random_bytes(12).hex(), "service_id": service, "person_id": person, "session_id": event.session, "reason": gravest.reason,
        "urgency": URGENCIES.index(gravest.urgency), "wants_takeover": int(any(one.takeover for one in owed)), "stage": "open", "opened_us": now,
        "due_us": min(duty.due_us for duty in asked), "asked_us": now, "claimed_us": 0, "claimed_by": "", "fence": 0, "taken_us": 0, "handed_us": 0,
        "closed_us": 0, "outcome": "", "risk": state.risk.level, "spoke_us": now, "lease_until_us": 0,
    }  # fmt: skip


def _more(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    return case((one > other, one), else_=other)

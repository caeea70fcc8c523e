"""Appeals in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Executable, insert, select, update

from shouban.core.obligations import AnswerComplaint
from shouban.db.engine import view
from shouban.db.schema import APPEALS
from shouban.duties.ledger import open_duties
from shouban.evidence.books import After, kept
from shouban.evidence.log import microseconds, moment
from shouban.offices.people.appeals import Appeal

MOST_SHOWN = 200
Write = tuple[Executable, dict[str, Any]]


def appeal_row(appeal: Appeal, service: str, sealed: bytes) -> Write:
    return insert(APPEALS), {
        "case_id": appeal.case, "service_id": service, "person_id": appeal.person, "about": appeal.about, "state": appeal.state,
        "opened_us": microseconds(appeal.opened_at), "due_us": microseconds(appeal.due_at), "decided_us": 0, "decided_by": "", "sealed": sealed,
    }  # fmt: skip


def has_open(connection: Connection, service: str, person: str, about: str) -> bool:
    mine = (APPEALS.c.service_id == service) & (APPEALS.c.person_id == person) & (APPEALS.c.about == about)
    return connection.execute(select(APPEALS.c.case_id).where(mine, APPEALS.c.state == "open")).first() is not None


def due_row(case: str, due: datetime) -> Write:
    return update(APPEALS).where(APPEALS.c.case_id == case).values(due_us=microseconds(due)), {}


def kept_appeal(case: str, at: datetime) -> After:
    return kept(APPEALS, at, APPEALS.c.case_id == case)


def unanswered(engine: Engine, service: str) -> list[Appeal]:
    with view(engine) as connection:
        owed = open_duties(connection, service=service, kinds=["AnswerComplaint"])
        cases = [one.owed.case for one in owed if isinstance(one.owed, AnswerComplaint)]
        decided = APPEALS.c.case_id.in_(cases) & (APPEALS.c.service_id == service) & (APPEALS.c.state != "open")
        return [_appeal(row) for row in connection.execute(select(APPEALS).where(decided))]


def decided_row(appeal: Appeal, sealed: bytes) -> Write:
    """Only an open case is decided: who comes second changes nothing."""
    assert appeal.decided_at is not None  # noqa: S101  # a decision has its time
    values = {
        "state": appeal.state,
        "decided_us": microseconds(appeal.decided_at),
        "decided_by": appeal.decided_by,
        "sealed": sealed,
    }
    return update(APPEALS).where(APPEALS.c.case_id == appeal.case, APPEALS.c.state == "open").values(**values), {}


def appeals(
    engine: Engine, service: str, *, person: str | None = None, state: str | None = None, case: str | None = None
) -> list[tuple[Appeal, bytes]]:
    """The most urgent first, each with what is sealed of it."""
    asked = (
        select(APPEALS)
        .where(APPEALS.c.service_id == service)
        .order_by(APPEALS.c.due_us, APPEALS.c.case_id)
        .limit(MOST_SHOWN)
    )
    for column, wanted in ((APPEALS.c.person_id, person), (APPEALS.c.state, state), (APPEALS.c.case_id, case)):
        if wanted is not None:
            asked = asked.where(column == wanted)
    with view(engine) as connection:
        return [(_appeal(row), bytes(row.sealed)) for row in connection.execute(asked)]


def due_of(engine: Engine, service: str, person: str, case: str) -> datetime | None:
    """When the law wants this case answered: the duty's own time."""
    with view(engine) as connection:
        return _due(connection, service, person, case)


def _due(connection: Connection, service: str, person: str, case: str) -> datetime | None:
    owed = open_duties(connection, service=service, person=person, kinds=["AnswerComplaint"])
    mine = [one.due_us for one in owed if isinstance(one.owed, AnswerComplaint) and one.owed.case == case]
    return moment(min(mine)) if mine else None


def _appeal(row: Any) -> Appeal:  # noqa: ANN401  # a row of appeals
    decided = moment(row.decided_us) if row.decided_us else None
    return Appeal(
        row.case_id,
        row.person_id,
        row.about,
        row.state,
        moment(row.opened_us),
        moment(row.due_us),
        decided,
        row.decided_by,
    )

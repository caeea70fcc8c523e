"""What the ledger holds of one simulation."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from shouban.db.schema import LEDGER
from shouban.offices.simulation.model import Ledger

TIMER = "WakeAt"


def ledger_of(engine: Engine, service: str) -> Ledger:
    """Rows by state; timers apart, for they are the machine's own reminders and no duty to anybody."""
    is_timer = LEDGER.c.kind == TIMER
    query = (
        select(is_timer, LEDGER.c.state, func.count())
        .where(LEDGER.c.service_id == service)
        .group_by(is_timer, LEDGER.c.state)
    )
    with engine.connect() as connection:
        rows = {(bool(timer), state): count for timer, state, count in connection.execute(query).all()}
    return Ledger(
        owed=rows.get((False, "owed"), 0), done=rows.get((False, "done"), 0), failed=rows.get((False, "failed"), 0),
        timers_run=rows.get((True, "done"), 0), timers_standing=rows.get((True, "owed"), 0),
    )  # fmt: skip

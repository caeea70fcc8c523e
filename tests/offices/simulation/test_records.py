from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shouban.core.obligations import Obligation, Redact, ShowHelp, WakeAt
from shouban.db.engine import connect
from shouban.duties.ledger import Duty, Ledger, new_duty_id
from shouban.evidence.log import microseconds
from shouban.offices.simulation import model
from shouban.offices.simulation.records import ledger_of

AT = datetime(2026, 8, 3, 2, 0, tzinfo=UTC)
HELP = ShowHelp(template="t")


def duty(service: str, owed: Obligation, state: str) -> Duty:
    now = microseconds(AT)
    return Duty(new_duty_id(), service, "person", "session", owed, now, now, state=state)


def test_rows_are_counted_by_state_timers_apart_and_only_this_runs(database_url: str) -> None:
    engine = connect(database_url)
    timer = WakeAt(key="two-hours", wake_at=AT + timedelta(hours=2))
    duties = [
        duty("run", HELP, "owed"), duty("run", HELP, "owed"), duty("run", Redact(), "done"), duty("run", HELP, "failed"),
        duty("run", timer, "owed"), duty("other", HELP, "owed"),
    ]  # fmt: skip
    book = Ledger(engine)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        for statement, row in (write for one in duties for write in book.owe(one)):
            connection.execute(statement, [row])
    assert ledger_of(engine, "run") == model.Ledger(owed=2, done=1, failed=1, timers_run=0, timers_standing=1)
    assert ledger_of(engine, "none") == model.Ledger()
    engine.dispose()

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shouban.db.engine import connect, migrate
from shouban.offices.people.appeals import Appeal
from shouban.offices.people.records import appeal_row, appeals

NOW = datetime(2026, 8, 3, tzinfo=UTC)


def test_the_most_urgent_comes_first_and_each_service_sees_its_own(database_url: str) -> None:
    engine = connect(database_url)
    migrate(engine)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        for number, (service, days) in enumerate((("s", 15), ("s", 3), ("t", 1))):
            appeal = Appeal(f"c{number}", f"p{number}", "age", "open", NOW, NOW + timedelta(days=days))
            statement, row = appeal_row(appeal, service, b"words")
            connection.execute(statement, [row])
    assert [one.case for one, _ in appeals(engine, "s")] == ["c1", "c0"]
    assert [one.due_at for one, _ in appeals(engine, "t")] == [NOW + timedelta(days=1)]
    assert appeals(engine, "s", person="q") == []
    engine.dispose()

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from shouban.db.engine import connect, migrate
from shouban.offices.staff.records import grant_row, grants, is_granted, new_grant

NOW = datetime(2026, 8, 3, tzinfo=UTC)


def kept(database_url: str) -> Engine:
    engine = connect(database_url)
    migrate(engine)
    return engine


def test_a_grant_is_of_one_account_one_person_one_service_and_a_while(database_url: str) -> None:
    engine = kept(database_url)
    grant = new_grant("a", "p", "why", NOW, NOW + timedelta(minutes=15))
    statement, row = grant_row(grant, "s", b"sealed")
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(statement, [row])
        assert is_granted(connection, "s", "a", "p", NOW)
        for service, account, person, at in (("t", "a", "p", NOW), ("s", "b", "p", NOW), ("s", "a", "q", NOW), ("s", "a", "p", NOW + timedelta(minutes=15)), ("s", "a", "p", NOW - timedelta(1))):  # fmt: skip
            assert not is_granted(connection, service, account, person, at)
        found, sealed = grants(connection, "s")[0]
        assert (found.id, found.until, sealed) == (grant.id, grant.until, b"sealed")
        assert grants(connection, "s", "q") == []
    engine.dispose()

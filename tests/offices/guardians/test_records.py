from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shouban.db.engine import connect, migrate
from shouban.offices.guardians.records import (
    accept,
    children_of,
    end,
    guardians_of,
    invitation,
    link_row,
    new_link,
    open_invitations,
)

NOW = datetime(2026, 8, 3, tzinfo=UTC)


def test_an_invitation_is_accepted_once_and_its_token_stands_nowhere(database_url: str) -> None:
    engine = connect(database_url)
    migrate(engine)
    link, token = new_link("child", NOW, timedelta(days=7))
    statement, row = link_row(link, "s", token, b"sealed")
    assert token not in repr(row)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(statement, [row])
        assert not accept(connection, "guessed", "a", NOW)
        assert not accept(connection, token, "a", NOW + timedelta(days=7))
        assert accept(connection, token, "mother", NOW + timedelta(days=1))
        assert not accept(connection, token, "thief", NOW + timedelta(days=1))
        assert guardians_of(connection, "s", "child") == {"mother"}
        assert guardians_of(connection, "t", "child") == frozenset()
    assert children_of(engine, "s", "mother") == ["child"]
    assert open_invitations(engine, "s", "child", NOW - timedelta(days=1)) == 1
    found = invitation(engine, token)
    assert found is not None
    assert found[1].state == "active"
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        assert not end(connection, "s", "child", "father")
        assert end(connection, "s", "child", "mother")
        assert not end(connection, "s", "child", "mother")
        assert guardians_of(connection, "s", "child") == frozenset()
    engine.dispose()

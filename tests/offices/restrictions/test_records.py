"""Of two changes that were read alike one is written; and one is open a person, by the database's own word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from tests.gateway.serving import refusal

from shouban.db.engine import connect, view
from shouban.offices.restrictions import records
from shouban.offices.restrictions.model import Restriction, confirmed, lifted

AT = datetime(2026, 8, 3, 4, tzinfo=UTC)


def made(name: str = "r1", person: str = "p", **more: object) -> Restriction:
    one = Restriction(name, person, "suspended", "fraud", "proposed", False, "a", AT, timedelta(days=3))
    return replace(one, **more)  # type: ignore[arg-type]  # fields of a restriction


def test_what_is_written_is_read_again(database_url: str) -> None:
    engine = connect(database_url)
    one = confirmed(made(), by="b", at=AT)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        statement, row = records.row_of(one, "s", b"sealed")
        connection.execute(statement, [row])
    with view(engine) as connection:
        found = records.by_id(connection, "s", "r1")
        assert found is not None
        assert records.restriction_of(found) == one
        assert records.by_id(connection, "other", "r1") is None
    engine.dispose()


def test_of_two_changes_one_is_written_and_one_is_open_a_person(database_url: str) -> None:
    engine = connect(database_url)

    def insert(one: Restriction) -> None:
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            statement, row = records.row_of(one, "s", b"sealed")
            connection.execute(statement, [row])

    insert(made())
    assert refusal(lambda: insert(made("r2")), IntegrityError) is not None
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        assert records.change(connection, "s", confirmed(made(), by="b", at=AT), b"one")
        assert not records.change(connection, "s", confirmed(made(), by="c", at=AT), b"two")
        assert not records.change(connection, "other", lifted(confirmed(made(), by="b", at=AT), by="c", at=AT), b"x")
        assert records.change(connection, "s", lifted(confirmed(made(), by="b", at=AT), by="c", at=AT), b"three")
    insert(made("r2"))
    insert(made("r3", "q"))
    engine.dispose()


@pytest.mark.parametrize(("later", "is_open"), [(timedelta(0), True), (timedelta(days=3), False)])
def test_what_is_over_by_the_clock_is_listed_as_done(
    database_url: str, later: timedelta, is_open: bool
) -> None:  # a parameter of the test
    engine = connect(database_url)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        statement, row = records.row_of(confirmed(made(), by="b", at=AT), "s", b"sealed")
        connection.execute(statement, [row])
    with view(engine) as connection:
        assert records.listed(connection, "s", AT + later, is_open=True)[1] == is_open
        assert records.listed(connection, "s", AT + later, is_open=False)[1] == (not is_open)
    engine.dispose()

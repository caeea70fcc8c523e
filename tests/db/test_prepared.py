"""What the driver executes by itself leaves the same rows as SQLAlchemy would, and fails with SQLAlchemy's errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, Executable, bindparam, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, IntegrityError

from shouban.db.engine import connect
from shouban.db.prepared import MAX_KEPT, Prepared
from shouban.db.schema import HOLDS, META, STATES

Rows = list[dict[str, Any]]
# One database serves every example: each is rolled back.
ROLLED_BACK = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12
) | st.sampled_from(["%s", "%(a)s", ":key", "?", "'", "值"])
BIG = st.integers(-(2**62), 2**62)
STATE_ROWS = st.lists(
    st.fixed_dictionaries({"service_id": TEXTS, "person_id": TEXTS, "version": BIG, "sealed": st.binary(max_size=40)}),
    min_size=1, max_size=6, unique_by=lambda row: (row["service_id"], row["person_id"]),
)  # fmt: skip
HOLD_ROWS = st.lists(
    st.fixed_dictionaries({"hold_id": TEXTS, "service_id": TEXTS, "person_id": TEXTS, "topic": TEXTS, "from_us": BIG, "until_us": BIG}),
    min_size=1, max_size=6, unique_by=lambda row: row["hold_id"],
)  # fmt: skip

CHANGE = (
    update(HOLDS)
    .where(HOLDS.c.hold_id == bindparam("row"), HOLDS.c.until_us >= 0)
    .values(topic="100% 值", until_us=bindparam("until"))
)
REMOVE = delete(HOLDS).where(HOLDS.c.hold_id == bindparam("row"), HOLDS.c.topic != "kept")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


def upsert(engine: Engine) -> Executable:
    statement = (postgresql_insert if engine.dialect.name == "postgresql" else sqlite_insert)(STATES)
    fresh = {"version": statement.excluded.version, "sealed": statement.excluded.sealed}
    kept: Executable = statement.on_conflict_do_update(index_elements=["service_id", "person_id"], set_=fresh)
    return kept


def left_by(connection: Connection) -> list[list[tuple[Any, ...]]]:
    found = (connection.execute(select(table)).all() for table in (META, STATES, HOLDS))
    return [sorted(tuple(row) for row in rows) for rows in found]


def both_ways(engine: Engine, steps: Sequence[tuple[Executable, Rows]]) -> tuple[Any, Any]:
    """The tables after these steps, by the driver and by SQLAlchemy; nothing of it stays."""
    prepared, found = Prepared(engine), []
    for by_driver in (True, False):
        with engine.connect().execution_options(write=True) as connection, connection.begin() as transaction:
            for statement, rows in steps:
                if by_driver:
                    prepared.run(connection, statement, rows)
                else:
                    connection.execute(statement, rows)
            found.append(left_by(connection))
            transaction.rollback()
    return found[0], found[1]


@ROLLED_BACK
@given(rows=HOLD_ROWS)
def test_rows_are_put_in_as_sqlalchemy_would(engine: Engine, rows: Rows) -> None:
    ours, theirs = both_ways(engine, [(insert(HOLDS), rows)])
    assert ours == theirs
    assert len(ours[2]) == len(rows)


@ROLLED_BACK
@given(first=STATE_ROWS, second=STATE_ROWS)
def test_a_row_that_is_there_is_replaced_as_sqlalchemy_would(engine: Engine, first: Rows, second: Rows) -> None:
    again = [*second, *({**row, "version": 7, "sealed": b"new"} for row in first[:1])]
    put = upsert(engine)
    ours, theirs = both_ways(
        engine, [(put, first), (put, [row for row in again if row["sealed"] == b"new"]), (put, second)]
    )
    assert ours == theirs


@ROLLED_BACK
@given(rows=HOLD_ROWS, data=st.data())
def test_rows_are_changed_and_removed_as_sqlalchemy_would(engine: Engine, rows: Rows, data: st.DataObject) -> None:
    names = st.sampled_from([row["hold_id"] for row in rows]) | TEXTS
    changes = data.draw(st.lists(st.fixed_dictionaries({"row": names, "until": BIG}), min_size=1, max_size=4))
    gone = data.draw(st.lists(st.fixed_dictionaries({"row": names}), min_size=1, max_size=4))
    ours, theirs = both_ways(engine, [(insert(HOLDS), rows), (CHANGE, changes), (REMOVE, gone)])
    assert ours == theirs


def test_a_statement_without_values_of_its_own_is_executed_with_its_constants(engine: Engine) -> None:
    one = {"hold_id": "h", "service_id": "s", "person_id": "p", "topic": "t", "from_us": 1, "until_us": 2}
    free = update(HOLDS).where(HOLDS.c.topic == "t").values(topic="u", until_us=3)
    ours, theirs = both_ways(engine, [(insert(HOLDS), [one]), (free, [{}])])
    assert ours == theirs
    assert ours[2] == [("h", "s", "p", "u", 1, 3)]


def test_the_same_statement_may_come_with_other_columns(engine: Engine) -> None:
    change = update(HOLDS).where(HOLDS.c.hold_id == bindparam("row"))
    one = {"hold_id": "h", "service_id": "s", "person_id": "p", "topic": "t", "from_us": 1, "until_us": 2}
    ours, theirs = both_ways(
        engine,
        [(insert(HOLDS), [one]), (change, [{"row": "h", "topic": "u"}]), (change, [{"row": "h", "until_us": 9}])],
    )
    assert ours == theirs
    assert ours[2] == [("h", "s", "p", "u", 1, 9)]


def test_more_statements_than_are_kept_are_never_taken_for_one_another(engine: Engine) -> None:
    """A statement that is gone may leave its address to the next one."""
    prepared = Prepared(engine)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        for number in range(MAX_KEPT + 20):
            prepared.run(connection, insert(META).values(key=f"k{number}"), [{"value": str(number)}])
        found = {key: value for key, value in connection.execute(select(META.c.key, META.c.value))}  # noqa: C416  # rows are pairs, not yet a mapping
    assert found == {f"k{number}": str(number) for number in range(MAX_KEPT + 20)}


@pytest.mark.parametrize("rows", [1, 2])
def test_a_key_that_is_taken_is_sqlalchemys_integrity_error(engine: Engine, rows: int) -> None:
    prepared = Prepared(engine)
    given = [{"key": f"k{number}", "value": "v"} for number in range(rows)]
    with engine.connect().execution_options(write=True) as connection:
        with connection.begin():
            prepared.run(connection, insert(META), given)
        with pytest.raises(IntegrityError) as told, connection.begin():
            prepared.run(connection, insert(META), given)
        assert not told.value.connection_invalidated
        assert told.value.params is None, "an error holds no row's values"
    with engine.connect() as connection:
        assert len(connection.execute(select(META)).all()) == rows


def test_a_table_that_is_not_there_is_sqlalchemys_error_on_either_database(engine: Engine) -> None:
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(text("DROP TABLE meta"))
        with pytest.raises(DBAPIError, match="meta"):
            Prepared(engine).run(connection, insert(META), [{"key": "k", "value": "v"}])


def test_a_connection_that_the_server_ended_says_so(postgresql_url: str) -> None:
    """The writer tries again only where it is told that the connection was lost."""
    engine = connect(postgresql_url)
    with pytest.raises(DBAPIError) as told:
        _insert_after_the_server_ended_it(engine)
    assert told.value.connection_invalidated
    engine.dispose()


def _insert_after_the_server_ended_it(engine: Engine) -> None:
    with engine.connect() as connection, connection.begin():
        mine = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
        Prepared(engine).run(connection, insert(META), [{"key": "k", "value": "v"}])

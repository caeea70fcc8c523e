"""One set of words for SQLite and PostgreSQL; one process a directory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError
from tests.postgres import PostgresServer

from shouban.core.errors import OperatorError
from shouban.db.engine import DirectoryLock, connect, migrate, sqlite_url
from shouban.db.schema import META, METADATA

TAKE = "import sys; from pathlib import Path; from shouban.db.engine import DirectoryLock; lock = DirectoryLock(Path(sys.argv[1])); lock.take(); print('taken', flush=True); sys.stdin.read()"  # fmt: skip


def test_the_migrations_make_exactly_the_tables_that_the_code_speaks_of(database_url: str) -> None:
    engine = connect(database_url)
    found = inspect(engine)
    assert set(found.get_table_names()) == {*METADATA.tables, "alembic_version"}
    for table in METADATA.sorted_tables:
        assert {column["name"]: column["nullable"] for column in found.get_columns(table.name)} == {
            column.name: column.nullable for column in table.c
        }
        assert found.get_pk_constraint(table.name)["constrained_columns"] == [
            column.name for column in table.primary_key
        ]
        assert {index["name"] for index in found.get_indexes(table.name) if not index.get("duplicates_constraint")} == {
            index.name for index in table.indexes
        }
    engine.dispose()


def test_migrating_again_changes_nothing(database_url: str) -> None:
    engine = connect(database_url)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(insert(META), [{"key": "a", "value": "值"}])
    migrate(engine)
    with engine.connect() as connection:
        assert connection.execute(select(META.c.value)).scalar_one() == "值"
    engine.dispose()


def test_a_transaction_is_all_or_nothing(database_url: str) -> None:
    engine = connect(database_url)

    def write_twice() -> None:
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            connection.execute(insert(META), [{"key": "a", "value": "1"}])
            connection.execute(insert(META), [{"key": "a", "value": "2"}])

    with pytest.raises(IntegrityError):
        write_twice()
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(META)).scalar_one() == 0
    engine.dispose()


def test_a_reader_sees_one_moment_while_others_write(database_url: str) -> None:
    engine = connect(database_url)
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**options) as reader, reader.begin():
        before = reader.execute(select(func.count()).select_from(META)).scalar_one()
        with engine.connect().execution_options(write=True) as writer, writer.begin():
            writer.execute(insert(META), [{"key": "a", "value": "1"}])
        assert reader.execute(select(func.count()).select_from(META)).scalar_one() == before
    engine.dispose()


def test_sqlite_keeps_what_was_acknowledged_and_overwrites_what_was_deleted(tmp_path: Path) -> None:
    engine = connect(sqlite_url(tmp_path))
    with engine.connect() as connection:
        settings = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "said"),
    [("mysql://h/d", "mysql"), ("nonsense", "not a URL"), ("", "not a URL"), ("oracle://h/d", "oracle")],
)
def test_any_other_database_is_refused_by_name(url: str, said: str) -> None:
    with pytest.raises(OperatorError, match=said):
        connect(url)


def test_postgresql_by_either_of_its_names(postgres_server: PostgresServer) -> None:
    url = postgres_server.url("postgres")
    for name in (
        url,
        url.replace("postgresql://", "postgres://"),
        url.replace("postgresql://", "postgresql+psycopg://"),
    ):
        engine = connect(name)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1
        engine.dispose()


def test_a_second_process_is_refused_and_told_who_holds_the_directory(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TAKE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == "taken\n"
        with pytest.raises(OperatorError, match=f"in use by process {first.pid}"):
            DirectoryLock(tmp_path).take()
        first.kill()
        first.wait()
    # A lock dies with its process, however it died.
    lock = DirectoryLock(tmp_path)
    lock.take()
    lock.give_back()


def test_a_lock_given_back_can_be_taken_again(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    lock.take()
    with pytest.raises(OperatorError):
        DirectoryLock(tmp_path).take()
    lock.give_back()
    lock.give_back()
    DirectoryLock(tmp_path).take()

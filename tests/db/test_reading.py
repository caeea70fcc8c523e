"""A reader sees one moment, writes nothing, and reads even what is damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import DBAPIError

from shouban.core.errors import OperatorError
from shouban.db.engine import connect, sqlite_url
from shouban.db.reading import damage_in, raw, raw_rows, snapshot
from shouban.db.schema import META


def put(url: str, **values: str) -> None:
    engine = connect(url)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(insert(META), [{"key": key, "value": value} for key, value in values.items()])
    engine.dispose()


def test_a_snapshot_is_one_moment_while_others_write(database_url: str) -> None:
    put(database_url, a="1")
    with snapshot(database_url) as connection:
        assert [row.value for row in raw_rows(connection, raw(*META.c))] == ["1"]
        put(database_url, b="2")
        assert connection.execute(select(func.count()).select_from(META)).scalar_one() == 1
    with snapshot(database_url) as connection:
        assert connection.execute(select(func.count()).select_from(META)).scalar_one() == 2


def test_nothing_can_be_written_through_a_snapshot(database_url: str) -> None:
    with pytest.raises(OperatorError, match="cannot be read"), snapshot(database_url) as connection:
        connection.execute(insert(META), [{"key": "a", "value": "1"}])


def test_a_database_that_is_not_there_or_not_ours_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there is no database"), snapshot(sqlite_url(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "shouban.db").touch()
    with pytest.raises(OperatorError, match="no tables of ours"), snapshot(sqlite_url(tmp_path)):
        pass
    (tmp_path / "shouban.db").write_bytes(b"not a database at all" * 500)
    with pytest.raises(OperatorError, match="cannot be read"), snapshot(sqlite_url(tmp_path)):
        pass


def test_bytes_that_are_no_text_are_read_as_something_else(tmp_path: Path, sqlite_template: Path) -> None:
    file = tmp_path / "shouban.db"
    file.write_bytes(sqlite_template.read_bytes())
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO meta VALUES ('a', CAST(? AS TEXT))", (b"\xff\xfe",))
    with snapshot(sqlite_url(tmp_path)) as reader:
        assert [row.value for row in raw_rows(reader, raw(*META.c))] == ["\udcff\udcfe"]


def test_sqlites_own_damage_is_told(tmp_path: Path, sqlite_template: Path) -> None:
    file = tmp_path / "shouban.db"
    whole = bytearray(sqlite_template.read_bytes())
    file.write_bytes(whole)
    with snapshot(sqlite_url(tmp_path)) as connection:
        assert damage_in(connection) == []
    # The header of the last page of the file, which is the root of some table or index.
    whole[-4096] = 0xEE
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "shouban.db").write_bytes(whole)
    try:
        with snapshot(sqlite_url(tmp_path / "other")) as connection:
            assert damage_in(connection)
    except (OperatorError, DBAPIError) as error:
        assert "malformed" in str(error)  # noqa: PT017  # whether the damage is listed or refused at once is SQLite's choice

"""Reads a database that may be in use, or damaged: one unchanging view of it, and rows as the driver gives them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    NullPool,
    Row,
    Select,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType

from shouban.core.errors import OperatorError
from shouban.db.engine import connect
from shouban.db.schema import META

PAGE: Final = 1000


@contextmanager
def snapshot(url: str) -> Iterator[Connection]:
    """One view of the whole database while others write; nothing can be written through it, and no lock is taken."""
    engine = _read_only(url)
    try:
        with engine.connect() as connection, connection.begin():
            if not inspect(connection).has_table(META.name):
                raise OperatorError(f"`{make_url(url).database}` is no database of Shouban's: it has no tables of ours")
            yield connection
    except DBAPIError as error:
        raise OperatorError(f"the database cannot be read ({_first_line(error)})") from error
    finally:
        engine.dispose()


def raw_rows(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    """The rows, a page at a time in memory."""
    yield from connection.execute(query, execution_options={"yield_per": PAGE})


def raw(*columns: ColumnElement[Any]) -> Select[Any]:
    """The columns without their types: a damaged row may hold anything, and must still be read to be named."""
    plain: list[Any] = [type_coerce(column, NullType()).label(column.key or "") for column in columns]
    return select(*plain)


def damage_in(connection: Connection) -> list[str]:
    """What SQLite itself finds wrong with its file; PostgreSQL has its own checksums."""
    if connection.dialect.name != "sqlite":
        return []
    found = [str(line) for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(20)")]
    return [] if found == ["ok"] else found


def _read_only(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return connect(url).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    path = Path(make_url(url).database or "")
    if not path.is_file():
        raise OperatorError(f"there is no database `{path}`; name the service's `--data`, or its `--database`")
    engine = create_engine("sqlite+pysqlite://", creator=lambda: _open_file(path), poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _open_file(path: Path) -> sqlite3.Connection:
    # A WAL file is read by way of a shared-memory file beside it; where none can be made, and none is in use, there is nobody to share with.
    is_alone = not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
    uri = f"file:{quote(str(path.absolute()))}?mode=ro{'&immutable=1' if is_alone else ''}"
    opened = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    # Bytes that are no UTF-8 become marks that equal nothing we expect, instead of an error that names no row.
    opened.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    return opened


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).splitlines() or [type(error.orig).__name__])[0]

"""Statements made ready once: on the writer's path SQLAlchemy compiles, and the driver itself executes.

The same statement objects come with every turn; compiling and wrapping each execution anew cost more than SQLite's own
work. Reading, migrations and everything rare go through SQLAlchemy as usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.exc import DBAPIError

MAX_KEPT = 256


class Prepared:
    """Executes statements through the driver; its errors come out as SQLAlchemy's, so that callers know them."""

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect
        self._kept: dict[
            tuple[int, tuple[str, ...]], tuple[Executable, str, tuple[str, ...] | None, dict[str, Any]]
        ] = {}

    def run(self, connection: Connection, statement: Executable, rows: Sequence[dict[str, Any]]) -> None:
        """Executes `statement` for each row of named values."""
        sql, names, constants = self._compiled(statement, tuple(rows[0]))
        given = [{**constants, **row} for row in rows] if constants else rows
        values: Sequence[Any] = given if names is None else [tuple([row[name] for name in names]) for row in given]
        cursor: Any = connection.connection.cursor()
        try:
            if len(values) == 1:
                cursor.execute(sql, values[0])
            else:
                cursor.executemany(sql, values)
        except self._dialect.loaded_dbapi.Error as error:
            lost = self._dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor)
            if lost:
                connection.invalidate(error)
            raise DBAPIError.instance(
                sql, None, error, self._dialect.loaded_dbapi.Error, connection_invalidated=lost, dialect=self._dialect
            ) from error
        finally:
            cursor.close()

    def _compiled(
        self, statement: Executable, columns: tuple[str, ...]
    ) -> tuple[str, tuple[str, ...] | None, dict[str, Any]]:
        key = id(statement), columns
        kept = self._kept.get(key)
        if kept is None:
            compiled: Any = statement.compile(dialect=self._dialect, column_keys=list(columns) or None)  # type: ignore[attr-defined]  # every statement of ours compiles
            names = tuple(compiled.positiontup) if compiled.positional else None
            constants = {name: value for name, value in compiled.params.items() if name not in columns}
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            # The statement is kept too: as long as it lives, no other object can have its id.
            kept = self._kept[key] = (statement, str(compiled), names, constants)
        return kept[1:]

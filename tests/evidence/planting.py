"""Plants one changed byte (or number) in one column of one row, on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import BigInteger, Integer, LargeBinary, Table

from shouban.db.schema import METADATA

# Working notes that say nothing of anybody: see `evidence/verify.py`.
NO_RECORDS = {("ledger", "lease"), ("ledger", "leased_until_us"), ("pushes", "id")}
NO_RECORDS |= {("accounts", "failed"), ("accounts", "locked_until_us"), ("accounts", "code_used")}
NO_RECORDS |= {("cases", "risk"), ("cases", "spoke_us"), ("cases", "lease_until_us")}
TABLES = [table for table in METADATA.sorted_tables if table.name not in {"sign_ins", "seats", "deliveries"}]
COLUMNS = [
    (table.name, column.name) for table in TABLES for column in table.c if (table.name, column.name) not in NO_RECORDS
]


@dataclass(frozen=True)
class Plant:
    """Which row of those that have a value there (modulo their number), which byte (modulo the length), which bit."""

    table: str
    column: str
    row: int = 0
    byte: int = 0
    bit: int = 0


def plant_in_file(file: Path, wish: Plant) -> bool:
    """Changes SQLite's file; false where there is no such value, or the database itself refuses the changed row."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.text_factory = bytes
        query = f"SELECT rowid, {wish.column}, typeof({wish.column}) FROM {wish.table} WHERE length({wish.column}) > 0 ORDER BY rowid"
        rows = connection.execute(query).fetchall()
        if not rows:
            return False
        row, value, kind = rows[wish.row % len(rows)]
        changed = flipped_number(value, wish) if isinstance(value, int) else flipped(value, wish)
        new = "CAST(? AS TEXT)" if kind == b"text" else "?"
        try:
            connection.execute(f"UPDATE {wish.table} SET {wish.column} = {new} WHERE rowid = ?", (changed, row))
        except sqlite3.IntegrityError:
            return False
    return True


def plant_in_transaction(connection: psycopg.Connection[Any], wish: Plant) -> bool:
    """The same within a transaction of PostgreSQL's, for the caller to roll back."""
    table = METADATA.tables[wish.table]
    query = f"SELECT ctid::text, {wish.column} FROM {wish.table} WHERE length({wish.column}::text) > 0 ORDER BY {', '.join(column.name for column in table.primary_key)}"
    rows = connection.execute(query.encode()).fetchall()
    if not rows:
        return False
    row, value = rows[wish.row % len(rows)]
    changed = _changed_value(table, wish, value)
    try:
        connection.execute(f"UPDATE {wish.table} SET {wish.column} = %s WHERE ctid = %s::tid".encode(), (changed, row))
    except (psycopg.IntegrityError, psycopg.DataError):
        return False
    return True


def _changed_value(table: Table, wish: Plant, value: Any) -> Any:
    kind = table.c[wish.column].type
    if isinstance(kind, BigInteger | Integer):
        return flipped_number(value, wish)
    if isinstance(kind, LargeBinary):
        return flipped(value, wish)
    # A text of PostgreSQL is always text: one letter becomes another.
    place = wish.byte % len(value)
    return value[:place] + chr(ord(value[place]) ^ (1 << wish.bit % 4)) + value[place + 1 :]


def flipped(value: bytes, wish: Plant) -> bytes:
    changed = bytearray(value)
    changed[wish.byte % len(value)] ^= 1 << wish.bit % 8
    return bytes(changed)


def flipped_number(value: int, wish: Plant) -> int:
    return value ^ 1 << (wish.byte * 8 + wish.bit) % 31

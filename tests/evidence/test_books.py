"""A row's digest is of all its values, and of their kinds; what changes without an entry of its own is left out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Integer, LargeBinary

from shouban.db.schema import ACCOUNTS, METADATA
from shouban.evidence.books import BOOKS, NOTES, digest_of, name_of


def row_of(table: Any, **other: Any) -> Any:
    values: dict[str, Any] = {
        column.name: b"x" if isinstance(column.type, LargeBinary) else 1 if isinstance(column.type, Integer) else "x"
        for column in table.c
    }
    return SimpleNamespace(**values | other)


@pytest.mark.parametrize("table", BOOKS, ids=str)
def test_every_value_but_the_notes_is_in_the_digest(table: Any) -> None:
    whole = digest_of(table, row_of(table))
    for column in table.c:
        value = b"y" if isinstance(column.type, LargeBinary) else 2 if isinstance(column.type, Integer) else "y"
        is_same = digest_of(table, row_of(table, **{column.name: value})) == whole
        assert is_same == ((table.name, column.name) in NOTES), column.name


def test_bytes_are_not_their_own_text() -> None:
    assert digest_of(ACCOUNTS, row_of(ACCOUNTS, state=b"ab")) != digest_of(ACCOUNTS, row_of(ACCOUNTS, state="6162"))
    assert name_of(ACCOUNTS, row_of(ACCOUNTS, service_id="s", account_id="a")) == "s/a"


def test_every_book_of_an_office_is_one() -> None:
    proved_otherwise = {"meta", "persons", "person_keys", "states", "messages", "pushes", "ledger", "holds", "log_entries", "log_tiles", "log_head", "sign_ins", "seats", "deliveries"}  # fmt: skip
    assert {table.name for table in BOOKS} == METADATA.tables.keys() - proved_otherwise

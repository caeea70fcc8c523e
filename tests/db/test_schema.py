"""The tables: what the migrations make is what the code speaks of, and no plain word has a column."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, Column, LargeBinary, Table

from shouban.db.engine import connect
from shouban.db.schema import HOLDS, METADATA, PERSON_KEYS, PERSONS

TABLES = METADATA.sorted_tables
OF_PERSONS = [table for table in TABLES if "person_id" in table.c]


def test_the_migrations_make_exactly_these_tables(database_url: str) -> None:
    """Types, keys and indexes too, as Alembic compares them."""
    engine = connect(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


@pytest.mark.parametrize("table", OF_PERSONS, ids=lambda table: table.name)
def test_every_row_of_a_person_says_of_which_service(table: Table) -> None:
    assert "service_id" in table.c
    led = [[column.name for column in index.expressions if isinstance(column, Column)] for index in table.indexes]
    led.append([column.name for column in table.primary_key])
    assert any(columns[:2] == ["service_id", "person_id"] for columns in led) or table is HOLDS


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_times_are_microseconds_and_what_is_sealed_is_bytes(table: Table) -> None:
    for column in table.c:
        assert not column.name.endswith("_at")
        if column.name.endswith("_us"):
            assert isinstance(column.type, BigInteger)
        if column.name in {"sealed", "wrapped", "fingerprint"}:
            assert isinstance(column.type, LargeBinary)
            assert not column.nullable


def test_a_persons_own_id_at_the_app_stands_in_no_column() -> None:
    names = {column.name for table in TABLES for column in table.c}
    assert not {"app_id", "user", "text", "name", "contacts", "birth_date"} & names
    assert "lookup" in PERSONS.c
    assert "wrapped" in PERSON_KEYS.c

"""Complaints in the database, on either: who changes one that was moved meanwhile changes nothing; numbers are kept as digests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from shouban.db.engine import connect
from shouban.db.schema import COMPLAINTS
from shouban.offices.complaints import records
from shouban.offices.complaints.model import Complaint

NOW = datetime(2026, 8, 3, tzinfo=UTC)
NUMBER = "7KQ3M-0XW5R"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


def complaint(name: str, *, urgent: bool = False, due: int = 10) -> Complaint:
    return Complaint(
        name, "p", "complaint", "other", "page", urgent, "filed", "", "", NOW, NOW + timedelta(days=due - 1), NOW + timedelta(days=due), None, None, "", ""
    )  # fmt: skip


def keep(engine: Engine, *ones: Complaint) -> None:
    with engine.begin() as connection:
        for place, one in enumerate(ones):
            statement, row = records.filing_row(one, "one", f"{place}{NUMBER[1:]}", b"sealed")
            connection.execute(statement, [row])


def test_what_is_kept_is_read_back_whole_and_only_by_its_number(engine: Engine) -> None:
    keep(engine, complaint("c"))
    with engine.connect() as connection:
        row = records.by_receipt(connection, "0" + NUMBER[1:])
        assert row is not None
        assert records.complaint_of(row) == complaint("c")
        assert records.by_receipt(connection, NUMBER) is None
        assert records.by_id(connection, "two", "c") is None
        kept = connection.execute(select(COMPLAINTS)).one()
        assert NUMBER[1:] not in str(kept)


def test_the_urgent_come_first_then_those_that_are_due(engine: Engine) -> None:
    keep(engine, complaint("late", due=1), complaint("later", due=20), complaint("urgent", urgent=True, due=30))
    with engine.connect() as connection:
        rows, count = records.listed(connection, "one", is_open=True)
        found = [records.complaint_of(row) for row in rows]
        assert [one.id for one in found] == ["urgent", "late", "later"]
        assert count == 3
        assert records.listed(connection, "one", is_open=False) == ([], 0)


def test_who_changes_what_another_has_moved_changes_nothing(engine: Engine) -> None:
    keep(engine, complaint("c"))
    with engine.begin() as connection:
        assert records.change(connection, complaint("c"), stage="accepted", taken_by="a")
        assert not records.change(connection, complaint("c"), stage="answered", decided_by="b")
    with engine.connect() as connection:
        found = records.complaint_of(records.listed(connection, "one", is_open=True)[0][0])
        assert (found.stage, found.taken_by, found.decided_by) == ("accepted", "a", "")
        assert records.filed_between(connection, "one", NOW, NOW + timedelta(days=1)) == [found]
        assert records.filed_between(connection, "one", NOW + timedelta(days=1), NOW + timedelta(days=2)) == []

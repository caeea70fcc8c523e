"""Notices in the database, on either: one outage at a time, told in the talk counts for more than shown on a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from shouban.db.engine import connect
from shouban.db.prepared import Prepared
from shouban.offices.notices import records
from shouban.offices.notices.model import Body, Notice

NOW = datetime(2026, 8, 3, tzinfo=UTC)
OUTAGE = Notice("n1", "one", "outage", "model", "posted", NOW, None, "", 0, Body("故障", "outage", "稍后", "later"))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


def keep(engine: Engine, *notices: Notice) -> None:
    with engine.begin() as connection:
        for one in notices:
            statement, row = records.posting(one)
            connection.execute(statement, [row])


def test_what_is_kept_is_read_back_and_one_outage_stands_at_a_time(engine: Engine) -> None:
    keep(engine, OUTAGE, replace(OUTAGE, id="n2", kind="news"), replace(OUTAGE, id="n3", service="two"))
    with pytest.raises(IntegrityError):
        keep(engine, replace(OUTAGE, id="n4"))
    with engine.begin() as connection:
        assert records.outage(connection, "one", "model") == OUTAGE
        assert {one.id for one in records.posted(connection, "one")} == {"n1", "n2"}
        assert len(records.posted(connection)) == 3
        down = replace(OUTAGE, state="down", down_at=NOW, reached=2)
        assert records.take_down(connection, down)
        assert not records.take_down(connection, down)
        assert records.outage(connection, "one", "model") is None
        assert records.by_id(connection, "one", "n1") == down
        assert records.by_id(connection, "two", "n1") is None
    keep(engine, replace(OUTAGE, id="n4"))


def test_each_person_is_counted_once_and_a_talk_counts_for_more(engine: Engine) -> None:
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        for how in ("stream", "talk", "stream"):
            statement, row = records.reached(engine, "one", "p", "n1", NOW, how)
            Prepared(engine).run(connection, statement, [row])
        statement, row = records.reached(engine, "one", "q", "n1", NOW, "stream")
        Prepared(engine).run(connection, statement, [row])
    with engine.connect() as connection:
        assert records.count_reached(connection, "n1") == 2
        assert records.was_reached(connection, "one", "p", "n1")
        assert not records.was_reached(connection, "one", "q", "n1")
        assert records.open_cases(connection, "one") == 0

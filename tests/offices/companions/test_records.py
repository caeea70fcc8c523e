"""A declared companion is one row of its service, on either database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select

from shouban.db.engine import connect
from shouban.db.prepared import Prepared
from shouban.db.schema import COMPANIONS
from shouban.offices.companions.model import Persona
from shouban.offices.companions.records import all_declared, keeping, row

XIAOHE = Persona(id="小禾", prompt="你是小禾", relation="friend", tags=["温柔"], age_rating=12)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


def keep(engine: Engine, service: str, persona: Persona, at_us: int = 1) -> None:
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        Prepared(engine).run(connection, keeping(engine), [row(service, persona, "pending", at_us)])


def test_what_is_kept_is_read_back_whole(engine: Engine) -> None:
    other = Persona(id="b", prompt="p" * 1_000)
    keep(engine, "one", XIAOHE)
    keep(engine, "one", other)
    with engine.connect() as connection:
        assert all_declared(connection) == {("one", "小禾"): XIAOHE, ("one", "b"): other}


def test_services_have_companions_of_the_same_name(engine: Engine) -> None:
    changed = Persona(id="小禾", relation="listener")
    keep(engine, "one", XIAOHE)
    keep(engine, "two", changed)
    with engine.connect() as connection:
        assert all_declared(connection) == {("one", "小禾"): XIAOHE, ("two", "小禾"): changed}


def test_one_declared_again_replaces_itself_and_waits_for_review_again(engine: Engine) -> None:
    keep(engine, "one", XIAOHE)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(COMPANIONS.update().values(state="approved"))
    keep(engine, "one", Persona(id="小禾", prompt="另一个"), at_us=2)
    with engine.connect() as connection:
        found = connection.execute(select(COMPANIONS.c.state, COMPANIONS.c.at_us)).one()
        assert all_declared(connection)["one", "小禾"].prompt == "另一个"
    assert tuple(found) == ("pending", 2)


def test_nothing_declared_is_nothing_read(engine: Engine) -> None:
    with engine.connect() as connection:
        assert all_declared(connection) == {}

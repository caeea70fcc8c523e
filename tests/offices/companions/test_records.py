"""A declared companion is one row of its service, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from shouban.db.engine import connect
from shouban.db.prepared import Prepared
from shouban.offices.companions.model import Persona, Stage, Version
from shouban.offices.companions.records import add_version, all_declared, decide, keeping, row, versions

XIAOHE = Persona(id="小禾", prompt="你是小禾", relation="friend", tags=["温柔"], age_rating=12)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


def keep(engine: Engine, service: str, persona: Persona, at_us: int = 1) -> None:
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        Prepared(engine).run(connection, keeping(engine), [row(service, persona, "pending", at_us)])


NOW = datetime(2026, 8, 3, tzinfo=UTC)


def test_what_is_kept_is_read_back_whole(engine: Engine) -> None:
    other = Persona(id="b", prompt="p" * 1_000)
    keep(engine, "one", XIAOHE)
    keep(engine, "one", other)
    with engine.connect() as connection:
        assert all_declared(connection) == {("one", "小禾"): (XIAOHE, "pending"), ("one", "b"): (other, "pending")}


def test_services_have_companions_of_the_same_name(engine: Engine) -> None:
    changed = Persona(id="小禾", relation="listener")
    keep(engine, "one", XIAOHE)
    keep(engine, "two", changed)
    with engine.connect() as connection:
        assert all_declared(connection) == {("one", "小禾"): (XIAOHE, "pending"), ("two", "小禾"): (changed, "pending")}


def test_what_is_approved_is_served_until_its_successor_is_approved_too(engine: Engine) -> None:
    def served() -> tuple[str, str]:
        with engine.connect() as connection:
            persona, stage = all_declared(connection)["one", "小禾"]
        return persona.prompt, stage

    def declare(prompt: str) -> Version:
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            return add_version(connection, engine, "one", replace_prompt(prompt), (), NOW, [])

    def move(version: Version, stage: Stage) -> bool:
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            return decide(
                connection,
                engine,
                "one",
                version,
                replace(version, state=stage, decided_at=NOW, decided_by="w", why="看过了"),
                [],
            )

    first = declare("一")
    assert served() == ("一", "pending")
    assert move(first, "approved")
    assert not move(first, "refused"), "of two who decide at once one is first"
    second = declare("二")
    assert second.number == 2
    assert served() == ("一", "approved")
    assert move(second, "approved")
    assert served() == ("二", "approved")
    newest, older = versions(engine, "one", companion="小禾")
    assert (newest.number, older.number) == (2, 1)
    assert move(newest, "suspended")
    assert served() == ("二", "suspended"), "what was put aside does not come back by itself"
    assert versions(engine, "one", review=first.review)[0].state == "superseded"
    assert versions(engine, "one", review=second.review)[0].why == "看过了"
    assert versions(engine, "two") == []


def replace_prompt(prompt: str) -> Persona:
    return Persona(id="小禾", prompt=prompt, relation="friend")


def test_nothing_declared_is_nothing_read(engine: Engine) -> None:
    with engine.connect() as connection:
        assert all_declared(connection) == {}

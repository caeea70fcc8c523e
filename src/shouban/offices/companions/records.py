"""Declared companions in the database."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Executable, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from shouban.db.schema import COMPANIONS
from shouban.offices.companions.model import Persona, Stage


def keeping(engine: Engine) -> Executable:
    """The statement that keeps a companion; one declared again replaces itself and waits for review again."""
    statement = (postgresql_insert if engine.dialect.name == "postgresql" else sqlite_insert)(COMPANIONS)
    fresh = {name: statement.excluded[name] for name in ("state", "body", "at_us")}
    kept: Executable = statement.on_conflict_do_update(index_elements=["service_id", "companion_id"], set_=fresh)
    return kept


def row(service: str, persona: Persona, stage: Stage, at_us: int) -> dict[str, Any]:
    return {
        "service_id": service,
        "companion_id": persona.id,
        "state": stage,
        "body": msgspec.json.encode(persona),
        "at_us": at_us,
    }


def all_declared(connection: Connection) -> dict[tuple[str, str], Persona]:
    found = connection.execute(select(COMPANIONS.c.service_id, COMPANIONS.c.companion_id, COMPANIONS.c.body))
    return {(service, companion): msgspec.json.decode(bytes(body), type=Persona) for service, companion, body in found}

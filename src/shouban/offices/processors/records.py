"""Processors in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Executable, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from shouban.db.engine import view
from shouban.db.schema import PROCESSORS
from shouban.evidence.books import After, kept
from shouban.offices.processors.model import Processor, Stage


def keeping(
    engine: Engine, service: str, one: Processor, stage: Stage, at_us: int, by: str
) -> tuple[Executable, dict[str, Any]]:
    statement = (postgresql_insert if engine.dialect.name == "postgresql" else sqlite_insert)(PROCESSORS)
    fresh = {name: statement.excluded[name] for name in ("state", "body", "at_us", "decided_by")}
    row = {
        "service_id": service,
        "processor_id": one.id,
        "state": stage,
        "body": msgspec.json.encode(one),
        "at_us": at_us,
        "decided_by": by,
    }
    return statement.on_conflict_do_update(index_elements=["service_id", "processor_id"], set_=fresh), row


def kept_row(service: str, processor: str, at: datetime) -> After:
    return kept(PROCESSORS, at, PROCESSORS.c.service_id == service, PROCESSORS.c.processor_id == processor)


def registered(engine: Engine, service: str) -> list[tuple[Processor, Stage]]:
    with view(engine) as connection:
        rows = connection.execute(
            select(PROCESSORS).where(PROCESSORS.c.service_id == service).order_by(PROCESSORS.c.processor_id)
        ).all()
    return [(msgspec.json.decode(bytes(row.body), type=Processor), row.state) for row in rows]


def approved(connection: Connection) -> dict[tuple[str, str], Processor]:
    rows = connection.execute(select(PROCESSORS).where(PROCESSORS.c.state == "approved")).all()
    return {(row.service_id, row.processor_id): msgspec.json.decode(bytes(row.body), type=Processor) for row in rows}

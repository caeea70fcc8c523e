"""What the office of processors does: registers, withdraws, and lets the road know."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Engine

from shouban.core.errors import CallerError
from shouban.db.engine import view
from shouban.db.writer import Job, Writer
from shouban.evidence.log import Acted, leaf_of, microseconds
from shouban.offices.processors import model as m
from shouban.offices.processors import records
from shouban.web.access import Who


@dataclass
class ProcessorsOffice:
    """`on_record` is what the road asks before words leave."""

    engine: Engine
    writer: Writer
    on_record: MutableMapping[tuple[str, str], Any]

    async def all(self, who: Who) -> list[tuple[m.Processor, m.Stage]]:
        return await asyncio.to_thread(records.registered, self.engine, who.service)

    async def approve(self, who: Who, wish: m.Processor, at: datetime) -> None:
        await self._keep(who, m.checked(wish), "approved", at)

    async def withdraw(self, who: Who, processor: str, at: datetime) -> None:
        """From now on nothing goes there."""
        found = next((one for one, _ in await self.all(who) if one.id == processor), None)
        if found is None:
            raise CallerError("there is no such processor", status=404, code="not_found")
        await self._keep(who, found, "withdrawn", at)

    async def refresh(self) -> None:
        def read() -> dict[tuple[str, str], m.Processor]:
            with view(self.engine) as connection:
                return records.approved(connection)

        found = await asyncio.to_thread(read)
        for gone in self.on_record.keys() - found.keys():
            del self.on_record[gone]
        self.on_record.update(found)

    async def _keep(self, who: Who, one: m.Processor, stage: m.Stage, at: datetime) -> None:
        facts = {"account": who.account, "state": stage, **msgspec.to_builtins(one)}
        told = leaf_of(Acted(service=who.service, at=at, act="processor_set", facts=facts))
        write = records.keeping(self.engine, who.service, one, stage, microseconds(at), who.account)
        await self.writer.submit(Job(writes=[write], leaves=[told], after=records.kept_row(who.service, one.id, at)))
        await self.refresh()

"""The people office's own books: appeals, read beside the loop and written by the one writer."""

from __future__ import annotations

import asyncio
from datetime import datetime

from sqlalchemy import Connection, Engine

from shouban.db.writer import Job, Writer
from shouban.offices.people import records
from shouban.offices.people.appeals import Appeal


class Books:
    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    async def open(self, appeal: Appeal, service: str, sealed: bytes) -> None:
        await self._writer.submit(Job(writes=[records.appeal_row(appeal, service, sealed)]))

    async def decide(self, appeal: Appeal, service: str, sealed: bytes) -> bool:
        """Whether it was still open: of two who decide at once one is first."""
        statement, _ = records.decided_row(appeal, sealed)

        def write(connection: Connection) -> bool:
            return connection.execute(statement).rowcount == 1

        done: bool = await self._writer.submit(Job(call=write))
        return done

    async def appeals(
        self, service: str, *, person: str | None = None, state: str | None = None, case: str | None = None
    ) -> list[tuple[Appeal, bytes]]:
        return await asyncio.to_thread(records.appeals, self._engine, service, person=person, state=state, case=case)

    async def due_of(self, service: str, person: str, case: str) -> datetime | None:
        return await asyncio.to_thread(records.due_of, self._engine, service, person, case)

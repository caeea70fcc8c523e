"""The people office's own books: appeals, read beside the loop and written by the one writer."""

from __future__ import annotations

import asyncio
from datetime import datetime

from sqlalchemy import Connection, Engine

from shouban.core.errors import CallerError
from shouban.db.writer import Call, Job, Writer
from shouban.evidence.books import After
from shouban.offices.people import records
from shouban.offices.people.appeals import Appeal


class Books:
    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    def opening(self, appeal: Appeal, service: str, sealed: bytes) -> Call:
        """Opens the case in the transaction of the event that tells of it; refuses a second one beside an open one."""

        def write(connection: Connection) -> None:
            if records.has_open(connection, service, appeal.person, appeal.about):
                raise open_already()
            statement, row = records.appeal_row(appeal, service, sealed)
            connection.execute(statement, [row])

        return write

    def deciding(self, appeal: Appeal, sealed: bytes) -> Call:
        """Decides the case in the transaction of what follows from it: of two who decide at once one is first."""
        statement, _ = records.decided_row(appeal, sealed)

        def write(connection: Connection) -> None:
            if connection.execute(statement).rowcount != 1:
                raise CallerError("somebody has decided this appeal a moment ago", status=409, code="decided_already")

        return write

    def kept(self, case: str, at: datetime) -> After:
        return records.kept_appeal(case, at)

    async def set_due(self, case: str, due: datetime, at: datetime) -> None:
        await self._writer.submit(Job(writes=[records.due_row(case, due)], after=self.kept(case, at)))

    async def unanswered(self, service: str) -> list[Appeal]:
        """Decided, but the duty to answer still stands: a process ended between the two."""
        return await asyncio.to_thread(records.unanswered, self._engine, service)

    async def appeals(
        self, service: str, *, person: str | None = None, state: str | None = None, case: str | None = None
    ) -> list[tuple[Appeal, bytes]]:
        return await asyncio.to_thread(records.appeals, self._engine, service, person=person, state=state, case=case)

    async def due_of(self, service: str, person: str, case: str) -> datetime | None:
        return await asyncio.to_thread(records.due_of, self._engine, service, person, case)


def open_already() -> CallerError:
    return CallerError(
        "an appeal about this is open already; its state is at `GET …/appeals`", status=409, code="open_already"
    )

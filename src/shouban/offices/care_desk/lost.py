"""Finds talks whose holder is gone: their desk is silent, and nobody else is in the talk. The person is told so, and somebody is called anew.

Without this a person who was taken over would wait for ever: the machine is silent, and nobody is awaited any more (draft Art. 11.3; register row D045).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection, Engine

from shouban.core import events as e
from shouban.core.errors import CallerError
from shouban.db.engine import view
from shouban.duties.ports import RoadPort
from shouban.offices.care_desk import records
from shouban.offices.care_desk.model import Case, is_with_app
from shouban.offices.care_desk.work import CareDesk

# After its lease a desk may still come back: a line that broke for a moment, a clock that was set.
GRACE: Final = timedelta(seconds=15)


_log = structlog.get_logger("shouban.care")


class LostTalks:
    """Looked for by the worker, in every process; of several that find the same talk one tells of it."""

    def __init__(self, desk: CareDesk, road: RoadPort, engine: Engine, services: Sequence[str]) -> None:
        self._desk = desk
        self._road = road
        self._engine = engine
        self._services = services
        self._missed: dict[tuple[str, int], datetime] = {}

    async def __call__(self, at: datetime) -> int:
        """Gives how many were lost."""
        alone = await asyncio.to_thread(self._alone, at)
        self._missed = {(one.id, one.fence): self._missed.get((one.id, one.fence), at) for _, one in alone}
        lost = [(service, one) for service, one in alone if at - self._missed[one.id, one.fence] >= GRACE]
        return sum([await self._told(service, one, at) for service, one in lost])

    async def _told(self, service: str, found: Case, at: datetime) -> bool:
        """One that cannot be read keeps nobody else waiting."""
        try:
            return await self.tell(service, found, at)
        except Exception:  # noqa: BLE001  # whatever it breaks with, the next one must be told
            _log.exception("loss_untold", case=found.id)
            return False

    async def tell(self, service: str, found: Case, at: datetime) -> bool:
        """Whether it was lost, and nobody had told of it yet."""
        person = await self._road.by_id(service, found.person)
        if person is None or person.state.takeover != "human":
            return False
        names = await self._desk.names(service)
        if is_with_app(person.state, names):
            return False

        def still_alone(connection: Connection) -> None:
            if not records.is_alone(connection, service, found, at):
                raise CallerError("somebody has this talk again", status=409, code="claimed_already")

        event = e.HumanLost(at=at, person=person.id, session=found.session, staff=found.claimed_by)
        raw = await self._desk.raw_session(person, found)
        with contextlib.suppress(CallerError):
            await self._road.act(
                person, event, raw_session=raw, call=still_alone, waits=True, named=names.get(found.claimed_by, "")
            )
            return True
        return False

    def _alone(self, at: datetime) -> list[tuple[str, Case]]:
        with view(self._engine) as connection:
            return [(service, one) for service in self._services for one in records.alone(connection, service, at)]

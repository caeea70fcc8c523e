"""The workers: lease what is due, carry it out, and put the outcome back as an event."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection

from shouban.core import events as e
from shouban.core.errors import ConflictError, OperatorError, ShoubanError
from shouban.core.obligations import WakeAt
from shouban.db.writer import Job, Writer
from shouban.duties import ledger
from shouban.duties.ledger import LAST_BACK_OFF, PERSON_GONE, TIME_PASSED, Duty, done, lease_due, retry_later
from shouban.duties.ports import CarrierPort, RoadPort
from shouban.evidence.log import Acted, leaf_of, microseconds

EVERY_SECONDS = 0.25
SWEEP_SECONDS = 2.0
TIMER = "WakeAt"
Sweep = Callable[[datetime], Awaitable[int]]

_log = structlog.get_logger("shouban.duties")


@dataclass
class _Lane:
    """Kinds of duty that are carried out together."""

    kinds: list[str]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Worker:
    """Runs in every process; rows are leased, so that each is carried out by one.

    Two lanes: what a person may hang on waits for nothing that is only `slow`. Within a lane's batch timers go first, one after the other, then the
    rest at once: a phone that does not answer holds up nobody else's.
    """

    def __init__(
        self, writer: Writer, road: RoadPort, carriers: Mapping[str, CarrierPort], *, slow: Collection[str] = ()
    ) -> None:
        self._writer = writer
        self._road = road
        self._carriers = carriers
        self._name = secrets.token_hex(6)
        self._lanes = [_Lane([TIMER, *(kind for kind in carriers if kind not in slow)])]
        self._lanes += [_Lane(sorted(slow))] if slow else []
        # What is looked for besides what is owed; each gives how many it found.
        self.sweeps: list[Sweep] = []
        self._swept = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._broke: dict[str, datetime] = {}

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(lane), name="duties") for lane in self._lanes]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def run_due(self, until: datetime) -> int:
        """Carries out all that is due by `until`, timers at their own time and in their order. Gives how many."""
        count = 0
        while found := sum([await self._run_lane(lane, until) for lane in self._lanes]) + await self._sweep(until):
            count += found
        return count

    async def _sweep(self, at: datetime) -> int:
        return sum([await sweep(at) for sweep in self.sweeps])

    async def _run_lane(self, lane: _Lane, until: datetime) -> int:
        count = 0
        async with lane.lock:
            while batch := await self._lease(lane, until):
                for duty in batch:
                    if duty.kind == TIMER:
                        await self._carry_or_put_off(duty, until)
                carried = [self._carry_or_put_off(duty, until) for duty in batch if duty.kind != TIMER]
                # What fails for one must not break off what is on its way to another.
                for found in await asyncio.gather(*carried, return_exceptions=True):
                    if isinstance(found, BaseException):
                        raise found
                count += len(batch)
        return count

    async def _run(self, lane: _Lane) -> None:
        while True:
            try:
                await self._run_lane(lane, self._road.now())
                if lane is self._lanes[0] and time.monotonic() - self._swept >= SWEEP_SECONDS:
                    self._swept = time.monotonic()
                    await self._sweep(self._road.now())
            except ShoubanError as error:
                _log.warning("duties_wait", why=str(error))
            except Exception:  # noqa: BLE001  # a worker must outlive what it carries
                _log.exception("duties_failed")
            await asyncio.sleep(EVERY_SECONDS)

    async def _lease(self, lane: _Lane, until: datetime) -> list[Duty]:
        kinds = lane.kinds
        self._broke = {duty: again for duty, again in self._broke.items() if again > until}
        broke = tuple(self._broke)

        def lease(connection: Connection) -> list[Duty]:
            return lease_due(connection, now_us=microseconds(until), worker=self._name, kinds=kinds, without=broke)

        leased: list[Duty] = await self._writer.submit(Job(call=lease))
        return leased

    async def _carry_or_put_off(self, duty: Duty, until: datetime) -> None:
        """A duty that breaks in a way nobody foresaw keeps no other waiting: it stays owed, shows as overdue, and is tried again later."""
        try:
            await self._carry(duty, until)
        except (OperatorError, ConflictError):
            raise  # the database, not the duty: all wait
        except Exception:  # noqa: BLE001  # whatever a duty breaks with, the next one must be carried out
            _log.exception("duty_broke", duty=duty.id, kind=duty.kind)
            self._broke[duty.id] = until + LAST_BACK_OFF

    async def _carry(self, duty: Duty, until: datetime) -> None:
        person = await self._road.by_id(duty.service, duty.person)
        if person is None:
            facts = {"duties": [duty.id], "how": PERSON_GONE}
            entry = Acted(service=duty.service, at=until, act="ended", person=duty.person, facts=facts)
            await self._writer.submit(Job(writes=done(duty.id, until, PERSON_GONE), leaves=[leaf_of(entry)]))
            return
        if duty.kind == TIMER and isinstance(duty.owed, WakeAt):
            at = min(datetime.fromtimestamp(duty.due_us / 1e6, UTC), until)
            passed = e.TimePassed(at=at, person=duty.person, session=duty.session, key=duty.owed.key)
            await self._road.act(person, passed, writes=done(duty.id, at, TIME_PASSED), waits=True)
            return
        try:
            how = await self._carriers[duty.kind](duty)
        except ShoubanError as error:
            await self._failed(duty, until, str(error))
            return
        event = e.DutyDone(
            at=until, person=duty.person, session=duty.session, duty=duty.id, obligation=duty.kind, how=how
        )
        await self._road.act(person, event, writes=done(duty.id, until, how))

    async def _failed(self, duty: Duty, at: datetime, why: str) -> None:
        later = retry_later(duty, now_us=microseconds(at), why=why)
        final = duty.attempts + 1 >= ledger.MAX_ATTEMPTS
        event = e.DutyFailed(
            at=at,
            person=duty.person,
            session=duty.session,
            duty=duty.id,
            obligation=duty.kind,
            why=why,
            attempts=duty.attempts + 1,
            final=final,
        )
        person = await self._road.by_id(duty.service, duty.person)
        if person is not None:
            await self._road.act(person, event, writes=[later], waits=True)

"""A service without its web pages: real store, people, hearing, ledger and worker, driven by core events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import replace
from sqlalchemy import Connection
from tests.core.histories import START

from shouban.app import Store, open_store, signer_of
from shouban.core import events as e
from shouban.core.errors import OperatorError
from shouban.db.engine import sqlite_url
from shouban.db.keys import read_master
from shouban.db.reading import snapshot
from shouban.detectors.reader import Detectors
from shouban.duties.audit import check_books
from shouban.duties.ledger import Duty, Ledger
from shouban.duties.worker import Worker
from shouban.evidence.report import Report
from shouban.evidence.verify import verify_store
from shouban.gateway.clock import VirtualClock
from shouban.gateway.context import Gateway, Service
from shouban.gateway.demo import ScriptedUpstream
from shouban.gateway.hearing import Hearing, Push, Words, new_id
from shouban.gateway.hub import Hub
from shouban.gateway.metrics import Metrics
from shouban.gateway.people import People, Person
from shouban.gateway.road import Road
from shouban.packs.pack import LoadedPack
from shouban.packs.stack import load_pack
from shouban.settings import ServiceSettings, Settings

SERVICE = "default"


@cache
def law() -> LoadedPack:
    return load_pack("cn")


@dataclass
class Carrier:
    """Honours the carrier's port: every so many'th message arrives, the others find nobody."""

    every: int = 3
    tried: int = 0

    async def __call__(self, duty: Duty) -> str:
        self.tried += 1
        if self.tried % self.every:
            raise OperatorError("nobody can be reached")
        return "a message arrived"


@dataclass
class SmallService:
    """Open it with `with`; what it wrote is on disk when it closes."""

    data: Path
    database: str = ""
    cipher: str = "aes-256-gcm"
    carrier: Carrier = field(default_factory=Carrier)

    def __enter__(self) -> Self:
        settings = Settings(data=str(self.data), database=self.database, cipher=self.cipher, clock="virtual")  # type: ignore[arg-type]  # two names
        self.store: Store = open_store(settings, {})
        store, self.clock = self.store, VirtualClock(START)
        people, hub = People(store.engine, store.writer, store.master), Hub()
        hearing = Hearing(store.engine, store.writer, people, Ledger(store.engine), hub, shared=store.is_shared)
        service = Service(ServiceSettings(id=SERVICE), law(), ScriptedUpstream())
        self.gateway = Gateway(
            settings,
            self.clock,
            store.engine,
            store.writer,
            store.log,
            people,
            hearing,
            hub,
            Detectors([]),
            Metrics(),
            {b"": service},
        )
        self.road = Road(self.gateway, store.signer)
        self.worker = Worker(store.writer, self.road, {"NotifyGuardian": self.carrier})
        self.loop = asyncio.Runner()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.close()
        self.store.close()

    def live(self, name: str, events: Iterable[e.Event]) -> None:
        """The events happen to this person; timers and contacts run when they are due, words are kept."""
        self.loop.run(self._live(name, list(events)))

    def erase(self, name: str, scope: str = "all", target: str = "") -> None:
        self.loop.run(self._erase(name, scope, target))

    def report(self) -> Report:
        return verified(self.data, self.database)

    async def _live(self, name: str, events: list[e.Event]) -> None:
        for number, event in enumerate(events):
            person = await self.road.find(SERVICE, name) or await self.road.make(SERVICE, name, {"language": "zh"})
            await self._happen(
                person, replace(event, person=person.id, session=person.session(event.session)), event.session, number
            )
        await self.worker.run_due(self.clock.now() + timedelta(minutes=5))

    async def _happen(self, person: Person, event: e.Event, raw_session: str, number: int) -> None:
        self.clock.set(event.at)
        await self.worker.run_due(event.at)
        if not isinstance(event, e.UserSpoke | e.CompanionSpoke):
            await self.road.act(person, event, raw_session=raw_session, waits=number % 2 == 0)
            return
        role = "user" if isinstance(event, e.UserSpoke) else "companion"
        words = Words(new_id(), role, f"第{number}句 word {number}", event.session, raw_session, "xiaohe")
        pushes = [Push("staff_message", {"text": "在"}, event.session)] if number % 3 == 0 else []
        done = "given with the check" if number % 4 == 0 else ""
        heard = await self.gateway.hearing.hear(
            person, replace(event, turn=words.id), law(), words=words, pushes=pushes, done=done
        )
        await heard.committed

    async def _erase(self, name: str, scope: str, target: str) -> None:
        person = await self.road.find(SERVICE, name)
        if person is not None:
            await self.road.erase(person, scope, target, self.clock.now())


def verified(data: Path, database: str = "") -> Report:
    """What `shouban evidence verify` does."""
    with snapshot(database or sqlite_url(data)) as connection:
        return verified_on(connection, data)


def verified_on(connection: Connection, data: Path) -> Report:
    master = read_master(data, {})
    return verify_store(connection, master, lambda origin: signer_of(master, origin).verifier_key, audits=[check_books])

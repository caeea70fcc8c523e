"""What the gateway works with: one bag, filled in `app.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Protocol

from sqlalchemy import Engine

from shouban.core.errors import CallerError
from shouban.core.events import Basis, Relation
from shouban.core.family import folded
from shouban.core.obligations import Redact
from shouban.db.writer import Writer
from shouban.detectors.opinion import Adviser
from shouban.detectors.reader import Detectors
from shouban.evidence.log import Log
from shouban.gateway.board import Board
from shouban.gateway.clock import Clock, VirtualClock, parse_at
from shouban.gateway.hearing import Hearing
from shouban.gateway.hub import Hub
from shouban.gateway.metrics import Metrics
from shouban.gateway.outages import Outages
from shouban.gateway.people import People
from shouban.gateway.staff import StaffWords
from shouban.gateway.turnstile import Turnstile
from shouban.gateway.upstream import Upstream
from shouban.packs.pack import LoadedPack
from shouban.settings import ServiceSettings, Settings


@dataclass(frozen=True)
class Service:
    """One service: its settings, its law, its model, and who is asked where the detectors are in doubt."""

    settings: ServiceSettings
    pack: LoadedPack
    upstream: Upstream
    advisers: tuple[Adviser, ...] = ()

    @property
    def id(self) -> str:
        return self.settings.id

    @cached_property
    def redacts(self) -> bool:
        """Whether the law asks to keep from the model what identifies people."""
        return any(isinstance(one, Redact) for rule in self.pack.pack.rules for one in rule.owes)


class Persona(Protocol):
    """What the road asks of a declared companion."""

    @property
    def relation(self) -> Relation: ...
    @property
    def age_rating(self) -> int: ...
    @property
    def is_approved(self) -> bool: ...
    @property
    def labels(self) -> tuple[str, ...]: ...


class Processor(Protocol):
    """What the road asks of an approved processor: on what basis words go there."""

    @property
    def basis(self) -> Basis: ...


@dataclass
class Gateway:
    """The shell's parts. `run_due` runs timers up to a time; with a virtual clock it is awaited before each request."""

    settings: Settings
    clock: Clock
    engine: Engine
    writer: Writer
    log: Log
    people: People
    hearing: Hearing
    hub: Hub
    detectors: Detectors
    metrics: Metrics
    staff: StaffWords = field(init=False)
    services: dict[bytes, Service] = field(default_factory=dict)
    personas: dict[tuple[str, str], Persona] = field(default_factory=dict)
    processors: dict[tuple[str, str], Processor] = field(default_factory=dict)
    board: Board = field(default_factory=Board)
    outages: Outages = field(default_factory=Outages)
    turnstile: Turnstile = field(default_factory=Turnstile)
    open_streams: int = 0

    def __post_init__(self) -> None:
        self.staff = StaffWords(self.engine, self.hearing)

    def service_of(self, authorization: str) -> Service:
        """The service whose key this is. Keys are kept and compared as digests only."""
        scheme, _, key = authorization.partition(" ")
        service = self.services.get(key_digest(key.strip())) if scheme.lower() == "bearer" else None
        if service is None:
            raise CallerError(
                "the service key is missing or wrong; send `Authorization: Bearer <service key>`",
                field="Authorization",
                status=401,
                code="invalid_api_key",
            )
        return service

    def by_id(self, service: str) -> Service:
        return next(one for one in self.services.values() if one.id == service)

    def persona_of(self, service: str, companion: str) -> Persona | None:
        """A declared companion by its id, in whatever letters it is written."""
        return self.personas.get((service, companion)) or self.personas.get((service, folded(companion)))

    def time(self, at_header: str | None) -> datetime:
        """Now; with the virtual clock, the time that the request states."""
        if isinstance(self.clock, VirtualClock) and at_header:
            self.clock.set(parse_at(at_header))
        return self.clock.now()


def key_digest(key: str) -> bytes:
    return sha256(key.encode()).digest()

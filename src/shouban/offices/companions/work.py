"""What the companions office does: takes declarations, lets people review them, and says what may be served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from shouban.core import events as e
from shouban.core.errors import CallerError
from shouban.core.family import folded
from shouban.core.signals import Reading
from shouban.db.engine import view
from shouban.db.writer import Job, Writer
from shouban.duties.ports import RoadPort
from shouban.offices.companions import model as m
from shouban.offices.companions import records
from shouban.web.access import Who


@dataclass(frozen=True)
class OnOffer:
    """What the road asks of a companion when it is chosen."""

    relation: e.Relation
    age_rating: int
    is_approved: bool
    labels: tuple[str, ...]


def strictness(one: OnOffer) -> tuple[bool, bool, int]:
    return one.relation in {"partner", "kin", "deceased"}, not one.is_approved, one.age_rating


@dataclass
class CompanionsOffice:
    """What declaring and reviewing need; `personas` is what the road asks when a companion is chosen."""

    road: RoadPort
    engine: Engine
    writer: Writer
    read: Callable[[str], tuple[Reading, ...]]
    personas: MutableMapping[tuple[str, str], Any]

    async def declare(self, service: str, persona: m.Persona, at: datetime) -> dict[str, Any]:
        """Reads the prompt, lints it, keeps it as a version, and owes its review."""
        persona = m.checked(persona)
        readings = await asyncio.to_thread(self.read, persona.prompt)
        found = m.lint(persona, readings)
        touched: list[str] = []
        version: m.Version = await self.writer.submit(
            Job(
                call=lambda connection: records.add_version(
                    connection, self.engine, service, persona, found, at, touched
                ),
                after=records.kept_rows(service, persona.id, at, touched),
            )
        )
        whom = await self.road.of_service(service)
        event = e.CompanionDeclared(
            at=at, person=whom.id, companion=persona.id, version=version.number, relation=persona.relation, age_rating=persona.age_rating, readings=readings
        )  # fmt: skip
        await self.road.act(whom, event)
        await self.refresh()
        shown = m.plain(version)
        return {**shown, "findings": m.findings(readings), "lint": shown["findings"]}

    async def show(self, service: str, companion: str) -> dict[str, Any]:
        found = await asyncio.to_thread(records.versions, self.engine, service, companion=companion)
        if not found:
            raise CallerError(f"no companion `{companion[:64]}` was declared", status=404, code="not_found")
        return {"id": companion, "versions": [m.plain(one) for one in sorted(found, key=lambda one: -one.number)]}

    async def appeal(self, service: str, companion: str, wish: m.Appealing, at: datetime) -> dict[str, Any]:
        """The newest version that was refused or suspended is open again, for somebody else."""
        found = await asyncio.to_thread(records.versions, self.engine, service, companion=companion)
        if not found:
            raise CallerError(f"no companion `{companion[:64]}` was declared", status=404, code="not_found")
        newest = max(found, key=lambda one: one.number)
        fresh = m.appealed(newest, wish.reason)
        await self._move(service, newest, fresh, at)
        whom = await self.road.of_service(service)
        declared = e.CompanionDeclared(
            at=at,
            person=whom.id,
            companion=companion,
            version=newest.number,
            relation=newest.persona.relation,
            age_rating=newest.persona.age_rating,
        )
        await self.road.act(whom, declared)
        return m.plain(fresh)

    async def all(self, who: Who) -> list[m.Version]:
        return await asyncio.to_thread(records.versions, self.engine, who.service)

    async def review(self, who: Who, review: str, wish: m.Deciding, at: datetime) -> m.Version:
        """A person's decision; from now on the road knows it."""
        found = await asyncio.to_thread(records.versions, self.engine, who.service, review=review)
        if not found:
            raise CallerError("there is no such version", status=404, code="not_found")
        fresh = m.reviewed(found[0], wish, by=who.account, at=at)
        await self._move(who.service, found[0], fresh, at)
        whom = await self.road.of_service(who.service)
        decided = e.CompanionReviewed(
            at=at,
            person=whom.id,
            companion=fresh.persona.id,
            version=fresh.number,
            decision=wish.decision,
            staff=who.account,
        )
        await self.road.act(whom, decided)
        return fresh

    async def refresh(self) -> None:
        """Takes what is on offer from the database: another process may have decided."""

        def read() -> dict[tuple[str, str], Any]:
            with view(self.engine) as connection:
                found = records.all_declared(connection)
            offered = {
                key: OnOffer(persona.relation, persona.age_rating, stage == "approved", m.labels_of(persona))
                for key, (persona, stage) in found.items()
            }
            # By the id in whatever letters, too; of two that differ in letters only, the stricter is what a mistyped one gets.
            alike: dict[tuple[str, str], OnOffer] = {}
            for (service, companion), one in offered.items():
                name = (service, folded(companion))
                alike[name] = one if name not in alike else max(alike[name], one, key=strictness)
            return {**alike, **offered}

        self.personas.update(await asyncio.to_thread(read))

    async def _move(self, service: str, before: m.Version, after: m.Version, at: datetime) -> None:
        touched: list[str] = []
        if not await self.writer.submit(
            Job(
                call=lambda connection: records.decide(connection, self.engine, service, before, after, touched),
                after=records.kept_rows(service, after.persona.id, at, touched),
            )
        ):
            raise CallerError("somebody has decided on this version a moment ago", status=409, code="decided_already")
        await self.refresh()

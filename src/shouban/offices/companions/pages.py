"""`POST /v1/companions`: declare a persona; a person reviews it (draft Art. 8; register rows D008, D018)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from litestar import Router, post
from sqlalchemy import Engine

from shouban.core import events as e
from shouban.core.signals import Reading
from shouban.duties.ports import RoadPort
from shouban.evidence.log import microseconds
from shouban.offices.companions.model import Persona, checked, findings
from shouban.offices.companions.records import keeping, row
from shouban.web.api import AnyRequest


class Callers(Protocol):
    """Who calls, and when."""

    def service(self, request: AnyRequest) -> str: ...
    async def now(self, request: AnyRequest) -> datetime: ...


@dataclass
class CompanionsOffice:
    """What declaring a companion needs; `personas` is what the road asks when a companion is chosen."""

    road: RoadPort
    engine: Engine
    read: Callable[[str], tuple[Reading, ...]]
    personas: dict[tuple[str, str], Any]

    async def declare(self, service: str, persona: Persona, at: datetime) -> dict[str, Any]:
        """Reads the prompt, owes its review, and keeps it as pending."""
        persona = checked(persona)
        readings = await asyncio.to_thread(self.read, persona.prompt)
        whom = await self.road.of_service(service)
        event = e.CompanionDeclared(
            at=at,
            person=whom.id,
            companion=persona.id,
            relation=persona.relation,
            age_rating=persona.age_rating,
            readings=readings,
        )
        kept = [(keeping(self.engine), row(service, persona, "pending", microseconds(at)))]
        await self.road.act(whom, event, writes=kept)
        self.personas[service, persona.id] = persona
        return {"id": persona.id, "state": "pending", "relation": persona.relation, "findings": findings(readings)}


def companions_router(office: CompanionsOffice, callers: Callers) -> Router:
    @post("/companions", summary="Declare a companion for review")
    async def declare(request: AnyRequest, data: Persona) -> dict[str, Any]:
        return await office.declare(callers.service(request), data, await callers.now(request))

    return Router(path="/v1", route_handlers=[declare], tags=["companions"])

"""`/office/people/…/guardians`: compliance sees who is linked to a child, and ends a link that should not be (a guardian may be the danger)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.offices.guardians.pages import HERE, AnyRequest, Sent
from shouban.offices.guardians.words import WORDS
from shouban.offices.guardians.work import GuardiansOffice
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import framed


class Ending(msgspec.Struct):
    account: str


class LinkPages:
    def __init__(self, office: GuardiansOffice, now: Callable[[str | None], datetime]) -> None:
        self._office = office
        self._now = now

    def router(self) -> Router:
        @get("/", opt={"action": "end_link"})
        async def links(request: AnyRequest, person: str) -> Response[str]:
            return await self._page(request, person)

        @post("/", opt={"action": "end_link"}, status_code=200)
        async def end(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            who, at = whose(request).who, self._now(request.headers.get("x-shouban-at"))
            try:
                await self._office.end_for(who, person, form_as(data, Ending).account, at)
            except CallerError as error:
                return await self._page(request, person, error)
            return Redirect(f"/office/people/{person}/guardians", status_code=303)

        return Router(
            path="/office/people/{person:str}/guardians", route_handlers=[links, end], include_in_schema=False
        )

    async def _page(self, request: AnyRequest, person: str, problem: CallerError | None = None) -> Response[str]:
        child, links = await self._office.links_for(whose(request).who, person)
        return framed(
            request, HERE, "links.html", WORDS, problem=problem, child=child, links=links, local=Settings().local
        )

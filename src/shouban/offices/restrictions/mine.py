"""`/me/restrictions`: what a person is told of a restriction of theirs: kind, since, until, why, whom to turn to; and their appeal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.duties.ports import PersonPort
from shouban.offices.restrictions import model as m
from shouban.offices.restrictions import words as w
from shouban.offices.restrictions.desk import HERE, AnyRequest, Sent, deadline, local
from shouban.offices.restrictions.work import RestrictionsOffice
from shouban.packs.templates import Help
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of
from shouban.web.language import Language

HOME: Final = "/me/restrictions"


class MyRestrictions:
    """`help_lines`: the numbers that answer somebody in danger, by service and language."""

    def __init__(
        self, office: RestrictionsOffice, now: Callable[[str | None], datetime], help_lines: Callable[[str, Language], Sequence[Help]], *, chat: bool = False,
    ) -> None:  # fmt: skip
        self._chat = chat
        self._office = office
        self._now = now
        self._help_lines = help_lines

    def router(self) -> Router:
        @get("/", opt={"action": "see_own"})
        async def mine(request: AnyRequest) -> Response[str]:
            return await self._page(request)

        @post("/{restriction:str}/appeal", opt={"action": "set_own"}, status_code=200)
        async def appeal(request: AnyRequest, restriction: str, data: Sent) -> Response[Any]:
            try:
                wish = form_as(data, m.Appealing)
                await self._office.appeal(await self._person(request), restriction, wish, self._time(request))
            except CallerError as error:
                return await self._page(request, error, str(data.get("text", "")))
            return Redirect(HOME, status_code=303)

        return Router(path=HOME, route_handlers=[mine, appeal], include_in_schema=False)

    async def _page(self, request: AnyRequest, problem: CallerError | None = None, typed: str = "") -> Response[str]:
        person, at, language = await self._person(request), self._time(request), language_of(request)
        tables: dict[str, Any] = {"kinds": w.KINDS, "stages": w.STAGES, "appeals": w.APPEALS}
        named: dict[str, Any] = {
            name: {key: text.to(language) for key, text in table.items()} for name, table in tables.items()
        }
        return framed(
            request, HERE, "mine.html", w.WORDS, problem=problem, found=await self._office.of_person(person), now=at, chat=self._chat, typed=typed, local=local, deadline=deadline,
            help=self._help_lines(person.service, language), **named,
        )  # fmt: skip

    async def _person(self, request: AnyRequest) -> PersonPort:
        who = whose(request).who
        return await self._office.person(who.service, who.person)

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))

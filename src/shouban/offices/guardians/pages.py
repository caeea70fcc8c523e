"""`/guardian`: invitation, children, a week of each, settings, consent, deletion, leaving; and the API by which an app invites."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.core.state import used_on
from shouban.duties.ports import PersonPort, RoadPort
from shouban.offices.guardians import model as m
from shouban.offices.guardians.words import ALERTS, BANDS, EXEMPTIONS, MOODS, PURPOSES, TOPICS, WORDS
from shouban.offices.guardians.work import GuardiansOffice
from shouban.web.doors import cookie_of, refuse_other_sites, whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of
from shouban.web.language import Text
from shouban.web.pages import rendered
from shouban.web.throttle import Throttle

AnyRequest = Request[Any, Any, Any]
Form = Body(media_type=RequestEncodingType.URL_ENCODED)
HERE: Final = Path(__file__).parent


class Callers(Protocol):
    """Who calls, and when."""

    def service(self, request: AnyRequest) -> str: ...
    async def now(self, request: AnyRequest) -> datetime: ...


class Sure(msgspec.Struct):
    sure: str = ""


class Consenting(msgspec.Struct):
    purpose: str
    given: str


def guardians_api(office: GuardiansOffice, road: RoadPort, callers: Callers) -> Router:
    @post("/users/{app_id:str}/guardians", summary="Invite a guardian, over their own channel")
    async def invite(request: AnyRequest, app_id: str, data: m.Inviting) -> dict[str, Any]:
        person = await road.find(callers.service(request), app_id)
        if person is None:
            raise CallerError(f"no user `{app_id[:64]}` is registered", field="id", status=404, code="user_not_found")
        return await office.invite(person, data, await callers.now(request))

    return Router(path="/v1", route_handlers=[invite], tags=["people"])


class GuardianPages:
    def __init__(self, office: GuardiansOffice, now: Callable[[str | None], datetime], *, production: bool) -> None:
        self._office = office
        self._now = now
        self._production = production
        self._throttle = Throttle(20, per_seconds=60)

    def router(self) -> Router:
        handlers = [*self._invited(), *self._seeing(), *self._setting(), *self._ending()]
        return Router(path="/guardian", route_handlers=handlers, include_in_schema=False)

    def _invited(self) -> list[Any]:
        @get("/invited", opt={"open": True})
        async def page(request: AnyRequest, token: str = "") -> Response[str]:
            return await self._invited_page(request, token)

        @post("/invited", opt={"open": True}, status_code=200)
        async def accept(request: AnyRequest, data: Annotated[dict[str, Any], Form]) -> Response[Any]:
            refuse_other_sites(request)
            token = str(data.pop("token", ""))
            try:
                self._throttle.count(request.client.host if request.client else "")
                cookie = await self._office.accept(token, form_as(data, m.Accepting), self._time(request))
            except CallerError as error:
                return await self._invited_page(request, token, error, name=str(data.get("name", "")))
            self._throttle.forgive(request.client.host if request.client else "")
            return Redirect(
                "/guardian", status_code=303, cookies=[cookie_of(cookie, request, production=self._production)]
            )

        return [page, accept]

    def _seeing(self) -> list[Any]:
        @get("/", opt={"action": "see_children"})
        async def children(request: AnyRequest) -> Response[str]:
            found = await self._office.children(whose(request).who)
            today = Settings().local(self._time(request)).date()
            used = {one.id: round(used_on(one.state, today).total_seconds() / 60) for one in found}
            return framed(
                request, HERE, "children.html", WORDS, children=found, used=used, bands=_named(request, BANDS)
            )

        @get("/children/{person:str}", opt={"action": "see_summary"})
        async def child(request: AnyRequest, person: str) -> Response[str]:
            return await self._child_page(request, person)

        return [children, child]

    def _setting(self) -> list[Any]:
        @post("/children/{person:str}/limits", opt={"action": "set_limits"}, status_code=200)
        async def limits(request: AnyRequest, person: str, data: Annotated[dict[str, Any], Form]) -> Response[str]:
            try:
                await self._office.set_limits(
                    whose(request).who, await self._child(request, person), form_as(data, m.Limits), self._time(request)
                )
            except CallerError as error:
                return await self._child_page(request, person, problem=error)
            return await self._child_page(request, person, told=WORDS["saved"].to(language_of(request)))

        @post("/children/{person:str}/consent", opt={"action": "give_consent"}, status_code=200)
        async def consent(request: AnyRequest, person: str, data: Annotated[dict[str, Any], Form]) -> Response[str]:
            try:
                wish = form_as(data, Consenting)
                await self._office.consent(
                    whose(request).who,
                    await self._child(request, person),
                    wish.purpose,
                    given=wish.given == "yes",
                    at=self._time(request),
                )
            except CallerError as error:
                return await self._child_page(request, person, problem=error)
            return await self._child_page(request, person, told=WORDS["saved"].to(language_of(request)))

        return [limits, consent]

    def _ending(self) -> list[Any]:
        @post("/children/{person:str}/erase", opt={"action": "erase_child"}, status_code=200)
        async def erase(request: AnyRequest, person: str, data: Annotated[dict[str, Any], Form]) -> Response[str]:
            if not form_as(data, Sure).sure:
                return await self._child_page(
                    request, person, problem=CallerError(WORDS["sure"].to(language_of(request)), field="sure")
                )
            gone = await self._office.erase(await self._child(request, person), self._time(request))
            return framed(request, HERE, "erased_child.html", WORDS, gone=gone, person=person)

        @post("/children/{person:str}/leave", opt={"action": "leave_child"}, status_code=200)
        async def leave(request: AnyRequest, person: str) -> Response[Any]:
            await self._office.leave(whose(request).who, await self._child(request, person), self._time(request))
            return Redirect("/guardian", status_code=303)

        return [erase, leave]

    async def _child(self, request: AnyRequest, person: str) -> PersonPort:
        return await self._office.child(whose(request).who, person)

    async def _child_page(
        self, request: AnyRequest, person: str, *, problem: CallerError | None = None, told: str = ""
    ) -> Response[str]:
        child, at, language = await self._child(request, person), self._time(request), language_of(request)
        found = await self._office.summary(whose(request).who, child, at)
        return framed(
            request, HERE, "child.html", WORDS, problem=problem, told=told, child=child, summary=found, most=max([30, *(day.minutes for day in found.days)]),
            settings=child.state.guardianship, purposes=[(name, text.to(language), name in child.state.consents) for name, text in PURPOSES.items()],
            bands=_named(request, BANDS), topics=_named(request, TOPICS), exemptions=_named(request, EXEMPTIONS), states=_named(request, ALERTS),
            moods=_named(request, MOODS), local=Settings().local,
        )  # fmt: skip

    async def _invited_page(
        self, request: AnyRequest, token: str, problem: CallerError | None = None, *, name: str = ""
    ) -> Response[str]:
        language, child = language_of(request), ""
        try:
            person, _ = await self._office.invited(token, self._time(request))
            child = person.profile.get("nickname") or person.app_id
        except CallerError as error:
            problem = error
        return rendered(
            "invited.html", WORDS, language, HERE / "templates", problem=str(problem or ""), status=problem.status if problem else 200,
            child=child, token=token, name=name, back=f"/guardian/invited?token={token}",
        )  # fmt: skip

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))


def _named(request: AnyRequest, table: dict[Any, Text]) -> dict[Any, str]:
    return {name: text.to(language_of(request)) for name, text in table.items()}

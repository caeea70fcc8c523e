"""`/guardian`: how one becomes a guardian, the children, a summary of each, and the rights one has for them; and the API by which an app invites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from shouban.offices.guardians import controls as c
from shouban.offices.guardians import model as m
from shouban.offices.guardians import summary as s
from shouban.offices.guardians.setting import SettingsOffice
from shouban.offices.guardians.words import ALERTS, BANDS, MOODS, PURPOSES, TABS, TOPICS, WORDS
from shouban.offices.guardians.work import GuardiansOffice
from shouban.web.doors import cookie_of, refuse_other_sites, whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of
from shouban.web.language import Text
from shouban.web.pages import rendered
from shouban.web.problems import in_words
from shouban.web.throttle import Throttle

AnyRequest = Request[Any, Any, Any]
Sent = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE: Final = Path(__file__).parent
# What a page says after a form was taken, by the word in its address.
TOLD: Final = {"saved": "saved", "sent": "code_sent", "seen": "seen_told", "refund": "refund_told", "left": "left_told"}


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


class ChildPages:
    """What all pages about one child share: whose child it is, what time it is, the tabs, and the way back after a form."""

    def __init__(self, office: GuardiansOffice, now: Callable[[str | None], datetime]) -> None:
        self._office = office
        self._now = now

    async def child(self, request: AnyRequest, person: str) -> PersonPort:
        return await self._office.child(whose(request).who, person)

    def time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))

    def page(
        self, request: AnyRequest, template: str, child: PersonPort, *, problem: CallerError | None = None, **given: object
    ) -> Response[str]:  # fmt: skip
        told = "" if problem else told_in(request)
        tabs = [
            (f"/guardian/children/{child.id}{place}", name.to(language_of(request))) for place, name in TABS.items()
        ]
        return framed(
            request, HERE, template, WORDS, problem=problem, told=told, child=child, tabs=tabs, waiting=c.waiting_for(child.state), bands=named(request, BANDS), local=Settings().local, **given
        )  # fmt: skip


def told_in(request: AnyRequest) -> str:
    """What the address says was done, in words."""
    word = TOLD.get(request.query_params.get("told", ""))
    return WORDS[word].to(language_of(request)) if word else ""


def saved(person: str, place: str, told: str = "saved") -> Response[Any]:
    """To the page that a form was on: reloading it sends nothing twice."""
    return Redirect(f"/guardian/children/{person}{place}?told={told}", status_code=303)


def unsure() -> CallerError:
    return CallerError("tick the box first: this cannot be undone", field="sure")


def named(request: AnyRequest, table: dict[Any, Text]) -> dict[Any, str]:
    return {name: text.to(language_of(request)) for name, text in table.items()}


class GuardianPages(ChildPages):
    def __init__(
        self, office: GuardiansOffice, settings: SettingsOffice, now: Callable[[str | None], datetime], *, production: bool
    ) -> None:  # fmt: skip
        super().__init__(office, now)
        self._settings = settings
        self._production = production
        self._throttle = Throttle(20, per_seconds=60)

    def router(self) -> Router:
        handlers = [*self._invited(), *self._seeing(), *self._rights(), *self._ending()]
        return Router(path="/guardian", route_handlers=handlers, include_in_schema=False)

    def _invited(self) -> list[Any]:
        @get("/invited", opt={"open": True})
        async def page(request: AnyRequest, token: str = "") -> Response[str]:
            return await self._invited_page(request, token)

        @post("/invited", opt={"open": True}, status_code=200)
        async def accept(request: AnyRequest, data: Sent) -> Response[Any]:
            refuse_other_sites(request)
            token, address = str(data.pop("token", "")), request.client.host if request.client else ""
            try:
                await self._office.invited(token, self.time(request))
                cookie = await self._office.accept(token, form_as(data, m.Accepting), self.time(request))
            except CallerError as error:
                try:  # who is invited is not kept out by what others try from the same address
                    self._throttle.count(address if error.code == "no_invitation" else token)
                except CallerError as too_many:
                    return await self._invited_page(request, "", too_many)
                return await self._invited_page(request, token, error, data)
            return Redirect(
                "/guardian", status_code=303, cookies=[cookie_of(cookie, request, production=self._production)]
            )

        return [page, accept]

    def _seeing(self) -> list[Any]:
        @get("/", opt={"action": "see_children"})
        async def children(request: AnyRequest) -> Response[str]:
            found = await self._office.children(whose(request).who)
            today = Settings().local(self.time(request)).date()
            used = {one.id: round(used_on(one.state, today).total_seconds() / 60) for one in found}
            waiting = {one.id: c.waiting_for(one.state) for one in found}
            return framed(
                request, HERE, "children.html", WORDS, told=told_in(request), children=found, used=used, waiting=waiting, bands=named(request, BANDS),
                local=Settings().local,
            )  # fmt: skip

        @get("/children/{person:str}", opt={"action": "see_summary"})
        async def child(request: AnyRequest, person: str, days: int = s.WEEK) -> Response[str]:
            found, at = await self.child(request, person), self.time(request)
            span = days if days in s.SPANS else s.WEEK
            summary = await self._office.summary(whose(request).who, found, at, span=span)
            names = {one.get("id"): one.get("name", "") for one in found.profile.get("contacts", [])}
            return self.page(
                request, "child.html", found, summary=summary, chart=s.chart(summary), span=span, spans=s.SPANS, names=names,
                topics=named(request, TOPICS), states=named(request, ALERTS), moods=named(request, MOODS), width=s.WIDTH, height=s.HEIGHT,
            )  # fmt: skip

        return [children, child]

    def _rights(self) -> list[Any]:
        @get("/children/{person:str}/rights", opt={"action": "see_summary"})
        async def rights(request: AnyRequest, person: str) -> Response[str]:
            return await self._rights_page(request, person)

        @post("/children/{person:str}/consent", opt={"action": "give_consent"}, status_code=200)
        async def consent(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            try:
                wish, child = form_as(data, Consenting), await self.child(request, person)
                given = wish.given == "yes"
                await self._settings.consent(
                    whose(request).who, child, wish.purpose, given=given, at=self.time(request)
                )
            except CallerError as error:
                return await self._rights_page(request, person, error)
            return saved(person, "/rights")

        @post("/children/{person:str}/mode", opt={"action": "set_limits"}, status_code=200)
        async def mode(request: AnyRequest, person: str) -> Response[Any]:
            """Out of minors mode: of who is of age and had it turned on (draft Art. 12.1: leaving needs the guardian)."""
            try:
                await self._settings.set_mode(await self.child(request, person), "standard", self.time(request))
            except CallerError as error:
                return await self._rights_page(request, person, error)
            return Redirect("/guardian?told=saved", status_code=303)

        @post("/children/{person:str}/erase", opt={"action": "erase_child"}, status_code=200)
        async def erase(request: AnyRequest, person: str, data: Sent) -> Response[str]:
            if not form_as(data, Sure).sure:
                return await self._rights_page(request, person, unsure())
            gone = await self._settings.erase(await self.child(request, person), self.time(request))
            return framed(request, HERE, "erased_child.html", WORDS, gone=gone, person=person)

        return [rights, consent, mode, erase]

    def _ending(self) -> list[Any]:
        @post("/children/{person:str}/leave", opt={"action": "leave_child"}, status_code=200)
        async def leave(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            if not form_as(data, Sure).sure:
                return await self._rights_page(request, person, unsure())
            await self._office.leave(whose(request).who, await self.child(request, person), self.time(request))
            return Redirect("/guardian?told=left", status_code=303)

        return [leave]

    async def _rights_page(self, request: AnyRequest, person: str, problem: CallerError | None = None) -> Response[str]:
        child, language = await self.child(request, person), language_of(request)
        purposes = [(name, text.to(language), name in child.state.consents) for name, text in PURPOSES.items()]
        return self.page(request, "rights.html", child, problem=problem, purposes=purposes)

    async def _invited_page(
        self,
        request: AnyRequest,
        token: str,
        problem: CallerError | None = None,
        typed: Mapping[str, Any] | None = None,
    ) -> Response[str]:
        language, child = language_of(request), ""
        try:
            person, _ = await self._office.invited(token, self.time(request))
            child = person.profile.get("nickname") or person.app_id
        except CallerError as error:
            problem = problem or error
        kept = {field: str((typed or {}).get(field, "")) for field in ("name", "real_name", "agreed")}
        return rendered(
            "invited.html", WORDS, language, HERE / "templates", problem=in_words(problem, language) if problem else "", status=problem.status if problem else 200,
            child=child, token=token, kept=kept, back=f"/guardian/invited?token={token}", proves=self._office.proves_identity,
        )  # fmt: skip

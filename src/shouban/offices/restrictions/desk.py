"""`/office/restrictions`: what is proposed, in force, appealed and owed to the authority; and the forms that move it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.duties import workdays
from shouban.offices.restrictions import model as m
from shouban.offices.restrictions import words as w
from shouban.offices.restrictions.records import MOST_SHOWN
from shouban.offices.restrictions.work import RestrictionsOffice, Seen
from shouban.web.access import Subject, Who, may
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of
from shouban.web.language import words_in
from shouban.web.pages import PAGE_HEADERS

Page = Annotated[int, Parameter(ge=0, le=1_000)]
AnyRequest = Request[Any, Any, Any]
Sent = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE: Final = Path(__file__).parent
HOME: Final = "/office/restrictions"
_SEE_OTHER: Final = 303


class Given(msgspec.Struct):
    """What a form held, to be shown again where it does not fit."""

    kind: str = "suspended"
    category: str = ""
    grounds: str = ""
    reason: str = ""
    term: str = ""
    unit: str = "days"
    urgent: str = ""
    references: str = ""
    why: str = ""
    decision: str = ""
    to: str = ""
    when: str = ""
    receipt: str = ""


class RestrictionDesk:
    def __init__(self, office: RestrictionsOffice, now: Callable[[str | None], datetime]) -> None:
        self._office = office
        self._now = now

    def router(self) -> Router:
        handlers = [*self._reading(), *self._reporting(), *self._proposing(), *self._moving()]
        return Router(path="/office", route_handlers=handlers, include_in_schema=False)

    def _reading(self) -> list[Any]:
        @get("/restrictions", opt={"action": "see_restrictions"})
        async def listed(request: AnyRequest, done: bool = False, page: Page = 0) -> Response[str]:
            return await self._listed(request, done=done, page=page)

        @get("/restrictions/{restriction:str}", opt={"action": "see_restrictions"})
        async def show(request: AnyRequest, restriction: str) -> Response[str]:
            who = whose(request).who
            seen = await self._office.by_id(who, restriction)
            await self._office.looked(who, seen, self._time(request))
            return await self._page(request, seen)

        return [listed, show]

    def _reporting(self) -> list[Any]:
        @get("/restrictions/{restriction:str}/report", opt={"action": "see_restrictions"})
        async def printed(request: AnyRequest, restriction: str) -> Response[str]:
            return self._framed(request, "report.html", form=await self._report(request, restriction), at=f"{HOME}/{restriction}")  # fmt: skip

        @get("/restrictions/{restriction:str}/report.json", opt={"action": "see_restrictions"})
        async def as_json(request: AnyRequest, restriction: str) -> Response[bytes]:
            form = await self._report(request, restriction)
            named = {"Content-Disposition": f'attachment; filename="{form["number"]}.json"'}
            return Response(msgspec.json.encode(form), media_type="application/json", headers=PAGE_HEADERS | named)

        @post("/restrictions/left/{duty:str}/reported", opt={"action": "report_hazard"}, status_code=200)
        async def left(request: AnyRequest, duty: str, data: Sent) -> Response[Any]:
            """Refused, it shows the list again, with what is wrong."""
            who, at = whose(request).who, self._time(request)
            try:
                await self._office.mark_left(who, duty, form_as(data, m.Reporting), at)
            except CallerError as error:
                return await self._listed(request, error)
            return Redirect(HOME, status_code=_SEE_OTHER)

        return [printed, as_json, left]

    def _proposing(self) -> list[Any]:
        @get("/people/{person:str}/restrict", opt={"action": "restrict"})
        async def begin(request: AnyRequest, person: str) -> Response[str]:
            return await self._proposal(request, person, Given())

        @post("/people/{person:str}/restrict", opt={"action": "restrict"}, status_code=200)
        async def propose(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            who = whose(request).who
            try:
                wish = form_as(data, m.Proposing)
                made = await self._office.propose(who, await self._office.person(who.service, person), wish, self._time(request))  # fmt: skip
            except CallerError as error:
                return await self._proposal(request, person, _given(data), error)
            return Redirect(f"{HOME}/{made}", status_code=_SEE_OTHER)

        return [begin, propose]

    def _moving(self) -> list[Any]:
        office, place = self._office, "/people/{person:str}/restrictions/{restriction:str}"

        @post(f"{place}/confirm", opt={"action": "restrict"}, status_code=200)
        async def confirm(request: AnyRequest, person: str, restriction: str, data: Sent) -> Response[Any]:
            return await self._do(request, person, restriction, data, lambda who, seen, at: office.confirm(who, seen, form_as(data, m.Explaining), at))  # fmt: skip

        @post(f"{place}/refuse", opt={"action": "restrict"}, status_code=200)
        async def refuse(request: AnyRequest, person: str, restriction: str, data: Sent) -> Response[Any]:
            return await self._do(request, person, restriction, data, lambda who, seen, at: office.refuse(who, seen, form_as(data, m.Explaining), at))  # fmt: skip

        @post(f"{place}/lift", opt={"action": "restrict"}, status_code=200)
        async def lift(request: AnyRequest, person: str, restriction: str, data: Sent) -> Response[Any]:
            return await self._do(request, person, restriction, data, lambda who, seen, at: office.lift(who, seen, form_as(data, m.Explaining), at))  # fmt: skip

        @post(f"{place}/appeal", opt={"action": "restrict"}, status_code=200)
        async def decide(request: AnyRequest, person: str, restriction: str, data: Sent) -> Response[Any]:
            return await self._do(request, person, restriction, data, lambda who, seen, at: office.decide_appeal(who, seen, form_as(data, m.Deciding), at))  # fmt: skip

        @post(f"{place}/reported", opt={"action": "restrict"}, status_code=200)
        async def reported(request: AnyRequest, person: str, restriction: str, data: Sent) -> Response[Any]:
            return await self._do(request, person, restriction, data, lambda who, seen, at: office.mark_reported(who, seen, form_as(data, m.Reporting), at))  # fmt: skip

        return [confirm, refuse, lift, decide, reported]

    # --- inside

    async def _listed(self, request: AnyRequest, problem: CallerError | None = None, *, done: bool = False, page: int = 0) -> Response[str]:  # fmt: skip
        who, at = whose(request).who, self._time(request)
        found, count = await self._office.listed(who, at, is_open=not done, page=page)
        left = [] if done else await self._office.reports_left(who)
        return self._framed(
            request, "list.html", problem=problem, restrictions=found, left=left, count=count, page=page, last=max(0, count - 1) // MOST_SHOWN, is_open=not done,
            can_find=may(who, "find_people"), can_report=may(who, "report_hazard"),
        )  # fmt: skip

    async def _do(
        self, request: AnyRequest, person: str, restriction: str, data: dict[str, Any], deed: Callable[[Who, Seen, datetime], Awaitable[None]],
    ) -> Response[Any]:  # fmt: skip
        who = whose(request).who
        seen = await self._office.by_id(who, restriction, person)
        try:
            await deed(who, seen, self._time(request))
        except CallerError as error:
            # As it is by now: who came second sees what the first has decided. It is a look like any other.
            seen = await self._office.by_id(who, restriction, person)
            await self._office.looked(who, seen, self._time(request))
            return await self._page(request, seen, error, _given(data))
        return Redirect(f"{HOME}/{restriction}", status_code=_SEE_OTHER)

    async def _report(self, request: AnyRequest, restriction: str) -> dict[str, Any]:
        who, at, language = whose(request).who, self._time(request), language_of(request)
        seen = await self._office.by_id(who, restriction)
        form = await self._office.report(who, seen, at, language, words_in(w.KINDS, language), words_in(w.CATEGORIES, language))  # fmt: skip
        await self._office.looked(who, seen, at)
        return form

    async def _page(self, request: AnyRequest, seen: Seen, problem: CallerError | None = None, given: Given | None = None) -> Response[str]:  # fmt: skip
        who, at = whose(request).who, self._time(request)
        return self._framed(
            request, "restriction.html", problem=problem, seen=seen, given=given or Given(), stage=seen.one.stage_at(at), names=await self._office.names(who.service),
            can_restrict=may(who, "restrict", Subject(who.service, seen.one.person)), can_see=may(who, "see_person", Subject(who.service, seen.one.person)),
        )  # fmt: skip

    async def _proposal(self, request: AnyRequest, person: str, given: Given, problem: CallerError | None = None) -> Response[str]:  # fmt: skip
        found, at = await self._office.person(whose(request).who.service, person), self._time(request)
        standing = await self._office.standing(found, at)
        return self._framed(request, "propose.html", problem=problem, person=found, given=given, standing=standing)

    def _framed(self, request: AnyRequest, template: str, *, problem: CallerError | None = None, **given: Any) -> Response[str]:  # noqa: ANN401  # what templates take  # fmt: skip
        tables: dict[str, Any] = {name: words_in(texts, language_of(request)) for name, texts in _TABLES.items()}
        return framed(request, HERE, template, w.WORDS, problem=problem, now=self._time(request), local=local, deadline=deadline, **tables, **given)  # fmt: skip

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))


_TABLES: Final[dict[str, Any]] = {
    "kinds": w.KINDS, "categories": w.CATEGORIES, "stages": w.STAGES, "appeals": w.APPEALS, "decisions": w.DECISIONS,
}  # fmt: skip


def local(at: datetime) -> str:
    """A time to read."""
    return f"{Settings().local(at):%Y-%m-%d %H:%M}"


def deadline(at: datetime) -> str:
    """The last day; midnight is the end of the day before."""
    return workdays.deadline(Settings().local(at))


def _given(data: dict[str, Any]) -> Given:
    return Given(**{name: str(value) for name, value in data.items() if name in Given.__struct_fields__})

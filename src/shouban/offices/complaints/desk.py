"""`/office/complaints`: whoever handles complaints reads, asks, notes, merges and answers them."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.duties.ports import RoadPort
from shouban.duties.workdays import deadline, workdays_left
from shouban.offices.complaints import model as m
from shouban.offices.complaints import words as w
from shouban.offices.complaints.pages import STATISTICS_SPAN, Given
from shouban.offices.complaints.work import ComplaintsOffice
from shouban.web.access import Who, may
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of
from shouban.web.language import words_in
from shouban.web.pages import PAGE_HEADERS

AnyRequest = Request[Any, Any, Any]
Sent = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE: Final = Path(__file__).parent
# What was sent by strangers is opened by nothing of ours.
DOWNLOAD: Final = PAGE_HEADERS | {"Content-Security-Policy": "sandbox; default-src 'none'"}


class _Answer(msgspec.Struct):
    decision: str = ""
    facts: str = ""
    grounds: str = ""
    measures: str = ""


class ComplaintDesk:
    def __init__(self, office: ComplaintsOffice, road: RoadPort, now: Callable[[str | None], datetime]) -> None:
        self._office = office
        self._road = road
        self._now = now

    def router(self) -> Router:
        handlers = [*self._reading(), *self._entering(), *self._moving()]
        return Router(path="/office/complaints", route_handlers=handlers, include_in_schema=False)

    def _reading(self) -> list[Any]:
        @get("/", opt={"action": "see_complaints"})
        async def listed(request: AnyRequest, done: bool = False) -> Response[str]:
            who, at = whose(request).who, self._time(request)
            found, count = await self._office.listed(who, is_open=not done)
            figures = await self._office.figures(who.service, at - STATISTICS_SPAN, at + timedelta(seconds=1), at)
            return self._framed(
                request,
                "desk.html",
                complaints=found,
                more=count - len(found),
                is_open=not done,
                figures=figures,
                can_decide=may(who, "decide_complaint"),
            )

        @get("/{complaint:str}", opt={"action": "see_complaints"})
        async def show(request: AnyRequest, complaint: str) -> Response[str]:
            return await self._page(request, complaint)

        @get("/{complaint:str}/files/{file:str}", opt={"action": "see_complaints"})
        async def file(request: AnyRequest, complaint: str, file: str) -> Response[bytes]:
            who = whose(request).who
            found, content = await self._office.file_of(who, complaint, file)
            await self._office.looked(who, await self._office.by_id(who, complaint), self._time(request))
            ending = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "application/pdf": "pdf"}.get(
                found.media, "txt"
            )
            named = {"Content-Disposition": f'attachment; filename="{found.id}.{ending}"'}
            return Response(content, media_type=found.media, headers=DOWNLOAD | named)

        return [listed, show, file]

    def _entering(self) -> list[Any]:
        @get("/new", opt={"action": "decide_complaint"})
        async def new(request: AnyRequest) -> Response[str]:
            return self._framed(request, "new.html", given=Given(key=secrets.token_hex(12), channel="phone"))

        @post("/new", opt={"action": "decide_complaint"}, status_code=200)
        async def enter(request: AnyRequest, data: Sent) -> Response[Any]:
            who = whose(request).who
            given = form_as({name: value for name, value in data.items() if name in Given.__struct_fields__}, Given)
            wish = {
                "text": given.text,
                "sort": given.sort,
                "about": given.about,
                "name": given.name,
                "contact": given.contact,
                "channel": given.channel,
                "received_on": given.received_on,
            }
            try:
                m.checked_channel(given.channel)
                filed = await self._office.file(
                    who.service, form_as(wish, m.Filing), self._time(request), by=who, key=given.key
                )
                seen = await self._office.by_number(filed.number)
            except CallerError as error:
                return self._framed(request, "new.html", problem=error, given=given)
            return self._framed(request, "entered.html", filed=filed, complaint=seen.complaint.id)

        return [new, enter]

    def _moving(self) -> list[Any]:
        @post("/{complaint:str}/accept", opt={"action": "decide_complaint"}, status_code=200)
        async def accept(request: AnyRequest, complaint: str) -> Response[Any]:
            return await self._do(request, complaint, {}, lambda who, at: self._office.accept(who, complaint, at))

        @post("/{complaint:str}/ask", opt={"action": "decide_complaint"}, status_code=200)
        async def ask(request: AnyRequest, complaint: str, data: Sent) -> Response[Any]:
            return await self._do(
                request, complaint, data, lambda who, at: self._office.ask(who, complaint, form_as(data, m.Saying), at)
            )

        @post("/{complaint:str}/note", opt={"action": "decide_complaint"}, status_code=200)
        async def note(request: AnyRequest, complaint: str, data: Sent) -> Response[Any]:
            return await self._do(
                request, complaint, data, lambda who, at: self._office.note(who, complaint, form_as(data, m.Saying), at)
            )

        @post("/{complaint:str}/merge", opt={"action": "decide_complaint"}, status_code=200)
        async def merge(request: AnyRequest, complaint: str, data: Sent) -> Response[Any]:
            return await self._do(
                request,
                complaint,
                data,
                lambda who, at: self._office.merge(who, complaint, form_as(data, m.Merging), at),
            )

        @post("/{complaint:str}/answer", opt={"action": "decide_complaint"}, status_code=200)
        async def answer(request: AnyRequest, complaint: str, data: Sent) -> Response[Any]:
            return await self._do(
                request,
                complaint,
                data,
                lambda who, at: self._office.answer(who, complaint, form_as(data, m.Answering), at),
            )

        return [accept, ask, note, merge, answer]

    # --- inside

    async def _do(
        self,
        request: AnyRequest,
        complaint: str,
        data: dict[str, Any],
        deed: Callable[[Who, datetime], Awaitable[None]],
    ) -> Response[Any]:
        try:
            await deed(whose(request).who, self._time(request))
        except CallerError as error:
            return await self._page(request, complaint, error, data)
        return Redirect(f"/office/complaints/{complaint}", status_code=303)

    async def _page(
        self,
        request: AnyRequest,
        complaint: str,
        problem: CallerError | None = None,
        data: dict[str, Any] | None = None,
    ) -> Response[str]:
        who, at = whose(request).who, self._time(request)
        seen = await self._office.by_id(who, complaint)
        await self._office.looked(who, seen, at)
        given = _Answer(
            **{name: str(value) for name, value in (data or {}).items() if name in _Answer.__struct_fields__}
        )
        return self._framed(
            request, "complaint.html", problem=problem, seen=seen, given=given, can_decide=may(who, "decide_complaint"), names=await self._office.names(who.service),
            is_known=not seen.is_anonymous, others=(await self._office.listed(who))[0] if may(who, "decide_complaint") and seen.complaint.is_open else [],
        )  # fmt: skip

    def _framed(
        self,
        request: AnyRequest,
        template: str,
        *,
        problem: CallerError | None = None,
        **given: Any,  # noqa: ANN401  # what templates take
    ) -> Response[str]:
        at, terms = self._time(request), self._office.terms(whose(request).who.service)[0]
        tables: dict[str, Any] = {name: words_in(texts, language_of(request)) for name, texts in _TABLES.items()}
        zone = terms.local(at).tzinfo
        assert zone is not None  # noqa: S101  # `local` gives one
        return framed(
            request, HERE, template, {**w.WORDS, "title": w.WORDS["desk_title"]}, problem=problem, now=at, local=lambda when: deadline(terms.local(when)),
            left=lambda one: workdays_left(at, one.due_at, zone, terms.calendar), **tables, **given,
        )  # fmt: skip

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))


_TABLES: Final = {
    "sorts": w.SORTS, "abouts": w.ABOUT, "channels": w.CHANNELS, "stages": w.STAGES, "decisions": w.DECISIONS, "kinds": w.KINDS, "roles": w.ROLES,
}  # fmt: skip

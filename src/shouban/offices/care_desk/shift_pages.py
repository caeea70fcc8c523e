"""`/care/shifts`: who is there when, what they are skilled at, and how many cases they take at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.offices.care_desk import words as w
from shouban.offices.care_desk.roster import Roster
from shouban.offices.care_desk.shifts import USUAL_MOST, NewShift
from shouban.web.access import may
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of

AnyRequest = Request[Any, Any, Any]
Sent = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE: Final = Path(__file__).parent


class ShiftPages:
    def __init__(self, roster: Roster, now: Callable[[str | None], datetime]) -> None:
        self._roster = roster
        self._now = now

    def router(self) -> Router:
        @get("/", opt={"action": "see_queue"})
        async def shifts(request: AnyRequest) -> Response[str]:
            return await self._page(request)

        @post("/", opt={"action": "lead_desk"}, status_code=200)
        async def add(request: AnyRequest, data: Sent) -> Response[Any]:
            who, at = whose(request).who, self._time(request)
            return await self._do(request, lambda: self._roster.set(who, form_as(data, NewShift), at), data)

        @post("/{shift:str}/end", opt={"action": "lead_desk"}, status_code=200)
        async def end(request: AnyRequest, shift: str) -> Response[Any]:
            who, at = whose(request).who, self._time(request)
            return await self._do(request, lambda: self._roster.end(who, shift, at), {})

        return Router(path="/care/shifts", route_handlers=[shifts, add, end], include_in_schema=False)

    async def _do(
        self, request: AnyRequest, deed: Callable[[], Awaitable[None]], given: dict[str, Any]
    ) -> Response[Any]:
        try:
            await deed()
        except CallerError as error:
            return await self._page(request, error, given)
        return Redirect("/care/shifts", status_code=303)

    async def _page(
        self, request: AnyRequest, problem: CallerError | None = None, given: dict[str, Any] | None = None
    ) -> Response[str]:
        """`given` is what the form held: a time that does not fit is mended, not typed anew."""
        who, language = whose(request).who, language_of(request)
        shown = await self._roster.shown(who.service, self._time(request))
        skills = {name: text.to(language) for name, text in w.SKILLS.items()}
        return framed(
            request, HERE, "shifts.html", w.WORDS, problem=problem, shown=shown, skills=skills, can_set=may(who, "lead_desk"), given=given or {}, local=Settings().local,
            usual_most=USUAL_MOST,
        )  # fmt: skip

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))

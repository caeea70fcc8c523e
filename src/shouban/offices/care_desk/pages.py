"""`/care`: the queue, a case, the board; and the streams that keep them live (draft Art. 11.3; Order 21 Art. 13; register rows D045, D046, F010)."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from litestar import Request, Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Stream

from shouban.core.errors import CallerError, OperatorError
from shouban.core.rules import Settings
from shouban.duties.ports import PersonPort
from shouban.evidence.log import moment
from shouban.offices.care_desk import exporting
from shouban.offices.care_desk import model as m
from shouban.offices.care_desk import words as w
from shouban.offices.care_desk.exposure import Exposure
from shouban.offices.care_desk.filing import Filing
from shouban.offices.care_desk.leading import Leading
from shouban.offices.care_desk.live import Desk, QueueFeed, Reader, reader_of
from shouban.offices.care_desk.model import is_severe
from shouban.offices.care_desk.scripts import APPROVED_BY, SCRIPTS, filled
from shouban.offices.care_desk.shown import Opened, Queue
from shouban.offices.care_desk.work import CareDesk
from shouban.packs.words import EVENT_WORDS, OBLIGATION_WORDS, in_words, read_in_words
from shouban.web.access import Subject, Who, may
from shouban.web.doors import whose
from shouban.web.forms import Kind, form_as
from shouban.web.frame import framed, language_of
from shouban.web.language import Language, words_in
from shouban.web.pages import fragment
from shouban.web.sessions import SignedIn

AnyRequest = Request[Any, Any, Any]
Sent = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE: Final = Path(__file__).parent
DOWNLOAD: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
STREAM: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
# Who is signed in on a connection, asked again while it lasts.
SignedInOn = Callable[[ASGIConnection[Any, Any, Any, Any]], Awaitable[SignedIn | None]]


class CarePages:
    def __init__(
        self,
        desk: CareDesk,
        leading: Leading,
        filing: Filing,
        now: Callable[[str | None], datetime],
        signed_in: SignedInOn,
    ) -> None:
        self._desk = desk
        self._leading = leading
        self._filing = filing
        self._now = now
        self._signed_in = signed_in
        # One at a time: a document takes memory and a core, which people in a talk need first.
        self._press = asyncio.Lock()
        self._feed = QueueFeed(desk, _rows, lambda: now(None))

    def router(self) -> Router:
        handlers = [
            *self._queue(),
            *self._case(),
            *self._holding(),
            *self._talking(),
            *self._leads(),
            *self._after(),
            *self._file(),
        ]
        return Router(path="/care", route_handlers=handlers, include_in_schema=False)

    def _queue(self) -> list[Any]:
        @get("/", opt={"action": "see_queue"})
        async def queue(request: AnyRequest) -> Response[str]:
            who, language = whose(request).who, language_of(request)
            found = await self._desk.queue(who.service, self._time(request))
            mine = await self._desk.resting.shown(who, self._time(request))
            return framed(
                request, HERE, "care.html", w.WORDS, account=who.account, rows=_rows(found, reader_of(who, language, found)), exposure=self._exposure(who, mine, language),
            )  # fmt: skip

        @get("/events", opt={"action": "see_queue"})
        async def events(request: AnyRequest) -> Stream:
            desk = self._open_desk(request)
            who, language = whose(request).who, language_of(request)
            shown = desk.queue(self._feed, language, lambda mine: self._exposure(who, mine, language))
            return Stream(shown, media_type="text/event-stream", headers=STREAM)

        @post("/here", opt={"action": "take_case"}, status_code=204)
        async def here(request: AnyRequest) -> None:
            await self._desk.is_here(whose(request).who, self._time(request))

        @get("/board", opt={"action": "see_queue"})
        async def board(request: AnyRequest) -> Response[str]:
            found, language = (
                await self._desk.board(whose(request).who.service, self._time(request)),
                language_of(request),
            )
            return framed(
                request, HERE, "board.html", w.WORDS, board=found, clocks=words_in(w.CLOCKS, language), outcomes=words_in(w.OUTCOMES, language), span=span_in_words,
            )  # fmt: skip

        return [queue, events, here, board]

    def _case(self) -> list[Any]:
        @get("/cases/{person:str}", opt={"action": "see_person"})
        async def case(request: AnyRequest, person: str) -> Response[str]:
            who, at = whose(request).who, self._time(request)
            whom = await self._desk.person(who, person)
            listens = await self._listens(request, whom)
            if not listens:
                await self._desk.looked(who, whom, at)
            return await self._page(request, person, listens=listens)

        @get("/cases/{person:str}/events", opt={"action": "see_person"})
        async def events(request: AnyRequest, person: str) -> Stream:
            who, language = whose(request).who, language_of(request)
            found = await self._desk.person(who, person)
            listens = await self._listens(request, found)

            async def render(opened: Opened) -> dict[str, str]:
                return await self._parts(who, opened, language)

            return Stream(
                self._open_desk(request).case(self._feed, found, render, listens=listens),
                media_type="text/event-stream",
                headers=STREAM,
            )

        return [case, events]

    def _holding(self) -> list[Any]:
        @post("/cases/{person:str}/claim", opt={"action": "take_case"}, status_code=200)
        async def claim(request: AnyRequest, person: str) -> Response[Any]:
            language = language_of(request)
            return await self._do(request, person, lambda who, whom, at: self._desk.claim(who, whom, at, language))

        @post("/cases/{person:str}/release", opt={"action": "take_case"}, status_code=200)
        async def release(request: AnyRequest, person: str) -> Response[Any]:
            return await self._do(request, person, self._desk.release, to="/care")

        @post("/cases/{person:str}/pass", opt={"action": "take_case"}, status_code=200)
        async def pass_on(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            return await self._do(
                request, person, lambda who, whom, at: self._desk.pass_on(who, whom, form_as(data, m.Passing), at)
            )

        return [claim, release, pass_on]

    def _talking(self) -> list[Any]:
        @post("/cases/{person:str}/take", opt={"action": "take_case"}, status_code=200)
        async def take(request: AnyRequest, person: str) -> Response[Any]:
            language = language_of(request)
            return await self._do(request, person, lambda who, whom, at: self._desk.take_over(who, whom, language, at))

        @post("/cases/{person:str}/say", opt={"action": "take_case"}, status_code=200)
        async def say(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            return await self._written(request, person, data, m.Saying, self._desk.say)

        @post("/cases/{person:str}/back", opt={"action": "take_case"}, status_code=200)
        async def back(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            return await self._written(request, person, data, m.HandingBack, self._desk.hand_back)

        @post("/cases/{person:str}/typing", opt={"action": "take_case"}, status_code=204)
        async def typing(request: AnyRequest, person: str) -> None:
            who = whose(request).who
            await self._desk.types(who, await self._desk.person(who, person), self._time(request))

        return [take, say, back, typing]

    def _leads(self) -> list[Any]:
        @post("/cases/{person:str}/whisper", opt={"action": "lead_desk"}, status_code=200)
        async def whisper(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            return await self._written(request, person, data, m.Noting, self._leading.whisper)

        @post("/cases/{person:str}/join", opt={"action": "lead_desk"}, status_code=200)
        async def join(request: AnyRequest, person: str) -> Response[Any]:
            language = language_of(request)
            return await self._do(request, person, lambda who, whom, at: self._leading.join(who, whom, language, at))

        @post("/cases/{person:str}/speak", opt={"action": "lead_desk"}, status_code=200)
        async def speak(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            return await self._written(request, person, data, m.Saying, self._leading.speak)

        @post("/cases/{person:str}/leave", opt={"action": "lead_desk"}, status_code=200)
        async def leave(request: AnyRequest, person: str) -> Response[Any]:
            language = language_of(request)
            return await self._do(request, person, lambda who, whom, at: self._leading.leave(who, whom, language, at))

        return [whisper, join, speak, leave]

    def _after(self) -> list[Any]:
        @post("/cases/{person:str}/close", opt={"action": "take_case"}, status_code=200)
        async def close(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            return await self._written(request, person, data, m.Closing, self._desk.close)

        @post("/cases/{person:str}/notes", opt={"action": "take_case"}, status_code=200)
        async def note(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            return await self._written(request, person, data, m.Noting, self._desk.note)

        @post("/cases/{person:str}/followed", opt={"action": "take_case"}, status_code=200)
        async def followed(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            return await self._written(request, person, data, m.Following, self._desk.follow_up)

        return [close, note, followed]

    def _file(self) -> list[Any]:
        @get("/cases/{person:str}/file.pdf", opt={"action": "export_case"})
        async def pdf(request: AnyRequest, person: str) -> Response[bytes]:
            return await self._exported(request, person, "pdf")

        @get("/cases/{person:str}/file.docx", opt={"action": "export_case"})
        async def docx(request: AnyRequest, person: str) -> Response[bytes]:
            return await self._exported(request, person, "docx")

        return [pdf, docx]

    # --- inside

    async def _exported(self, request: AnyRequest, person: str, form: exporting.Form) -> Response[bytes]:
        who, language, at = whose(request).who, language_of(request), self._time(request)
        async with self._press:
            whom = await self._desk.person(who, person)
            fonts = await asyncio.to_thread(_fonts) if form == "pdf" else None
            with_words = request.query_params.get("words") == "1"
            file = await self._filing.case_file(who, whom, form, at, with_words=with_words)
            made = await asyncio.to_thread(exporting.made, file, language, form, fonts)
        headers = {**DOWNLOAD, "Content-Disposition": f'attachment; filename="case-{file.case.id}.{form}"'}
        return Response(made, media_type=exporting.MEDIA[form], headers=headers)

    async def _written(
        self, request: AnyRequest, person: str, data: dict[str, Any], kind: type[Kind], deed: Callable[[Who, PersonPort, Kind, datetime], Awaitable[None]],
    ) -> Response[Any]:  # fmt: skip
        """What a form asks for: refused, it is shown again with what was written."""
        return await self._do(
            request, person, lambda who, whom, at: deed(who, whom, form_as(data, kind), at), data=data
        )

    async def _do(
        self,
        request: AnyRequest,
        person: str,
        deed: Callable[[Who, PersonPort, datetime], Awaitable[str | None]],
        to: str = "",
        data: dict[str, Any] | None = None,
    ) -> Response[Any]:
        """`data` is what was written: a refusal loses nothing of it."""
        who = whose(request).who
        try:
            over = await deed(who, await self._desk.person(who, person), self._time(request))
        except CallerError as error:
            return await self._page(request, person, error, data=data)
        again = "?listen=1" if self._wants_to_listen(request) else f"?over={over}" if over else ""
        return Redirect(to or f"/care/cases/{person}{again}", status_code=303)

    async def _page(
        self, request: AnyRequest, person: str, problem: CallerError | None = None, *, listens: bool = False, data: dict[str, Any] | None = None,
    ) -> Response[str]:  # fmt: skip
        who, language = whose(request).who, language_of(request)
        given = defaultdict(str, {name: str(value) for name, value in (data or {}).items()})
        opened = await self._desk.opened(
            who, await self._desk.person(who, person), self._time(request), listens=listens
        )
        parts = await self._parts(who, opened, language)
        return framed(
            request, HERE, "case.html", w.WORDS, problem=problem, over=w.OVER[over].to(language) if (over := request.query_params.get("over", "")) in w.OVER else "", opened=opened, person=opened.person, parts=parts, key=secrets.token_hex(8), account=who.account, is_severe=_is_severe(opened),
            outcomes=words_in(w.OUTCOMES, language), can_take=may(who, "take_case"), can_lead=may(who, "lead_desk"), may_listen=_is_anothers(opened), is_approved=bool(APPROVED_BY), local=Settings().local, local_us=moment,
            can_export=may(who, "export_case", Subject(who.service, opened.person.id)), given=given, of=request.url.path.rpartition("/")[2] if problem else "",
            back_from=m.back_from(opened.person.state, self._time(request)),
            scripts=[(one.name.to(language), filled(name, opened.person.profile.get("language") or language, who.name)) for name, one in SCRIPTS.items()],
        )  # fmt: skip

    async def _parts(self, who: Who, opened: Opened, language: Language) -> dict[str, str]:
        """The parts of a case that change while it lies open."""
        case = opened.case
        said = await self._desk.words(opened.person, case) if case and opened.may_read else []
        contacts = (
            opened.person.profile.get("contacts", [])
            if may(who, "see_contacts", Subject(who.service, opened.person.id))
            else []
        )
        given: dict[str, Any] = {
            "opened": opened, "case": case, "is_severe": _is_severe(opened), "types": opened.may_read and self._desk.bells.is_typing((opened.person.service, opened.person.id)), "person": opened.person, "state": opened.person.state, "local": Settings().local, "said": said, "contacts": contacts,
            "receipts": {(one.contact): one for one in reversed(opened.receipts) if case and one.sent_at and one.sent_at >= case.opened_at},
            "stages": words_in(w.STAGES, language), "outcomes": words_in(w.OUTCOMES, language), "has_left": _has_left(opened), "reasons": words_in(w.REASONS, language), "urgencies": [one.to(language) for one in w.URGENCIES],
            "clocks": words_in(w.CLOCKS, language), "roles": words_in(w.ROLES, language), "ages": words_in(w.AGES, language), "modes": words_in(w.MODES, language),
            "span": span_in_words, "stamp": _stamp, "local_us": moment, "acts": lambda name: w.ACTS[name].to(language) if name in w.ACTS else in_words(EVENT_WORDS, name, language), "owes": lambda name: in_words(OBLIGATION_WORDS, name, language), "reads": lambda name: read_in_words(name, language),
        }  # fmt: skip
        return {
            name: fragment(f"case_{name}.html", w.WORDS, language, HERE / "templates", **given)
            for name in ("head", "talk", "typing", "whispers", "side")
        }

    def _exposure(self, who: Who, mine: Exposure, language: Language) -> str:
        """Nothing for who may only look on, and where no limit is set."""
        limits = self._desk.resting.limits
        if not may(who, "take_case") or not any(limits):
            return ""
        at = self._now(None)
        return fragment(
            "exposure.html", w.WORDS, language, HERE / "templates", mine=mine, limits=limits, why=mine.why_rest(limits, at), rests=mine.rest_until if mine.rest_until and at < mine.rest_until else None,
            local=Settings().local, stamp=_stamp,
        )  # fmt: skip

    def _open_desk(self, request: AnyRequest) -> Desk:
        who = whose(request).who
        return Desk(self._desk, self._leading, who, self._still_in(request), lambda: self._now(None))

    async def _listens(self, request: AnyRequest, whom: PersonPort) -> bool:
        """Whether a supervisor is let in to the words; where no colleague has the case any more the page is as for anybody."""
        if not self._wants_to_listen(request):
            return False
        try:
            await self._leading.listen(whose(request).who, whom, self._time(request))
        except CallerError:
            return False
        return True

    def _wants_to_listen(self, request: AnyRequest) -> bool:
        return request.query_params.get("listen") == "1" and may(whose(request).who, "lead_desk")

    def _still_in(self, request: AnyRequest) -> Callable[[], Awaitable[bool]]:
        async def still_in() -> bool:
            found = await self._signed_in(request)
            return found is not None and may(found.who, "see_queue")

        return still_in

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))


def _is_severe(opened: Opened) -> bool:
    return opened.case is not None and is_severe(opened.case)


def _has_left(opened: Opened) -> bool:
    """Whether the person has closed this very talk: what is said now they read when they are back."""
    case = opened.case
    if case is None or case.stage == "closed":
        return False
    session = opened.person.state.sessions.get(case.session)
    return session is not None and session.ended_by is not None


def _is_anothers(opened: Opened) -> bool:
    return bool(opened.case) and bool(opened.holder) and not opened.is_mine


def span_in_words(span: Any) -> str:  # noqa: ANN401  # a timedelta, from a template
    seconds = int(span.total_seconds())
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d}"
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def _fonts() -> exporting.Fonts:
    """Who asks for a PDF is told what the operator must install: it is no secret, and nothing to try again shortly."""
    try:
        return exporting.fonts_in(exporting.FOLDERS)
    except OperatorError as error:
        raise CallerError(str(error), status=503, code="no_font") from error


def _rows(queue: Queue, reader: Reader) -> str:
    language, skills, can_take = reader
    return fragment(
        "queue_rows.html", w.WORDS, language, HERE / "templates", queue=queue, waiting=queue.waiting_for(skills), skills=skills, can_take=can_take, wants=words_in(w.SKILLS, language), reasons=words_in(w.REASONS, language), stages=words_in(w.STAGES, language),
        urgencies=[one.to(language) for one in w.URGENCIES], ages=words_in(w.AGES, language), local=Settings().local, stamp=_stamp, local_us=moment,
    )  # fmt: skip


def _stamp(at: datetime) -> str:
    return at.isoformat()

"""`/complaints`: for anybody, with no account; and `/v1/complaints` for apps (draft Art. 20; Order 21 Art. 21; register rows D080 to D082, F020)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

import msgspec
from litestar import MediaType, Request, Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body

from shouban.core.errors import CallerError
from shouban.duties.ports import PersonPort, RoadPort
from shouban.duties.workdays import deadline, is_announced
from shouban.offices.complaints import model as m
from shouban.offices.complaints import words as w
from shouban.offices.complaints.work import ComplaintsOffice, Filed, Seen, Upload
from shouban.packs.templates import Resource
from shouban.web.access import Subject, may
from shouban.web.doors import refuse_other_sites
from shouban.web.forms import form_as
from shouban.web.frame import language_of
from shouban.web.language import Language, words_in
from shouban.web.pages import PAGE_HEADERS, rendered
from shouban.web.problems import in_words
from shouban.web.sessions import SignedIn, SignIns
from shouban.web.throttle import Throttle

AnyRequest = Request[Any, Any, Any]
Sent = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
SentFiles = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
HERE: Final = Path(__file__).parent
STATISTICS_SPAN: Final = timedelta(days=90)
SignedInOn = Callable[[ASGIConnection[Any, Any, Any, Any]], Awaitable[SignedIn | None]]
SubjectOf = Callable[[SignedIn, str], Awaitable[Subject | None]]


class Callers(Protocol):
    """Who calls, and when."""

    def service(self, request: AnyRequest) -> str: ...
    async def now(self, request: AnyRequest) -> datetime: ...


class Given(msgspec.Struct):
    """What the form held, to be shown again where it does not fit."""

    key: str = ""
    sort: str = "complaint"
    about: str = "other"
    text: str = ""
    messages: int = 0
    name: str = ""
    contact: str = ""
    child: str = ""
    channel: str = "page"
    received_on: str = ""


@dataclass(frozen=True)
class _Filer:
    """In whose name something is filed: a person of the app, a guardian for a child, or nobody known."""

    service: str
    person: PersonPort | None = None
    signed_in: SignedIn | None = None
    child: str = ""

    @property
    def channel(self) -> m.Channel:
        return "guardian" if self.child else "chat" if self.person else "page"


class ComplaintPages:
    """`home` is where the brand leads; `help_lines` the numbers that answer now, by service and language."""

    def __init__(
        self, office: ComplaintsOffice, road: RoadPort, sign_ins: SignIns, signed_in: SignedInOn, subject_of: SubjectOf, now: Callable[[str | None], datetime],
        help_lines: Callable[[str, Language], list[Resource]], *, service: str, contact: str, home: str,
    ) -> None:  # fmt: skip
        self._office = office
        self._road = road
        self._sign_ins = sign_ins
        self._signed_in = signed_in
        self._subject_of = subject_of
        self._now = now
        self._help_lines = help_lines
        self._service = service
        self._contact = contact
        self._home = home
        # Many may complain at once from one network; who guesses numbers may not.
        self._filings = Throttle(60, per_seconds=600)
        self._numbers = Throttle(30, per_seconds=60)

    def router(self) -> Router:
        handlers = [*self._filing(), *self._following(), *self._deciding()]
        return Router(path="/complaints", route_handlers=handlers, include_in_schema=False, opt={"open": True})

    def _filing(self) -> list[Any]:
        @get("/")
        async def form(request: AnyRequest, child: str = "") -> Response[str]:
            filer = await self._filer(request, child)
            return self._form(request, filer, Given(key=secrets.token_hex(12), child=filer.child))

        @post("/", status_code=200)
        async def file(request: AnyRequest, data: SentFiles) -> Response[str]:
            refuse_other_sites(request)
            given, uploads = await _read_form(data)
            filer = await self._filer(request, given.child)
            try:
                filing = form_as(
                    {
                        "text": given.text, "sort": given.sort, "about": given.about, "messages": given.messages if filer.signed_in and not filer.child else 0,
                        "name": given.name, "contact": given.contact or await self._own_address(filer), "channel": filer.channel,
                    },
                    m.Filing,
                )  # fmt: skip
                if not await self._office.calls_for_help(m.checked(filing).text):  # nobody in danger is asked to wait
                    self._filings.count(_address(request))
                by = filer.signed_in.who if filer.signed_in else None
                filed = await self._office.file(
                    filer.service,
                    filing,
                    self._time(request),
                    person=filer.person,
                    by=by,
                    uploads=uploads,
                    key=given.key,
                )
            except CallerError as error:
                return self._form(request, filer, given, error)
            return self._filed(request, filer, filed)

        @get("/mine")
        async def mine(request: AnyRequest) -> Response[str]:
            filer = await self._filer(request, "")
            if filer.person is None:
                raise CallerError("open this page from the app", status=401, code="link_used")
            found = await self._office.of_person(filer.person)
            return self._page(
                request,
                "mine.html",
                complaints=found,
                stages=words_in(w.STAGES, language_of(request)),
                abouts=words_in(w.ABOUT, language_of(request)),
            )

        return [form, file, mine]

    def _following(self) -> list[Any]:
        @get("/process")
        async def process(request: AnyRequest) -> Response[str]:
            terms, version = self._office.terms(self._service)
            next_year = terms.local(self._time(request)).year + 1
            unannounced = next_year if terms.calendar == "cn" and not is_announced(next_year) else 0
            return self._page(request, "process.html", terms=terms, version=version, unannounced=unannounced)

        @get("/status")
        async def ask_number(request: AnyRequest) -> Response[str]:
            return self._page(request, "ask_number.html", number="")

        @post("/status", status_code=200)
        async def status(request: AnyRequest, data: Sent) -> Response[str]:
            return await self._with_number(request, data, None)

        @post("/status/reasons", status_code=200)
        async def reasons(request: AnyRequest, data: Sent) -> Response[Any]:
            try:
                seen = await self._by_number(request, data)
            except CallerError as error:
                return self._page(request, "ask_number.html", error, number=str(data.get("number", ""))[:20])
            found = self._reasons(seen)
            if found is None:
                return self._status(
                    request, seen, CallerError("it is not answered yet", status=409, code="not_answered")
                )
            named = {"Content-Disposition": f'attachment; filename="{seen.words.number}.json"'}
            return Response(found, media_type=MediaType.JSON, headers=PAGE_HEADERS | named)

        return [process, ask_number, status, reasons]

    def _deciding(self) -> list[Any]:
        @post("/status/appeal", status_code=200)
        async def appeal(request: AnyRequest, data: Sent) -> Response[str]:
            try:
                seen = await self._by_number(request, data)
                filed = await self._office.appeal(seen.words.number, str(data.get("text", "")), self._time(request))
            except CallerError as error:
                return await self._with_number(request, data, error)
            return self._filed(request, _Filer(seen.service), filed, is_person=not seen.is_anonymous)

        @post("/status/add", status_code=200)
        async def add(request: AnyRequest, data: Sent) -> Response[str]:
            try:
                seen = await self._by_number(request, data)
                in_danger = await self._office.add(seen.words.number, str(data.get("text", "")), self._time(request))
            except CallerError as error:
                return await self._with_number(request, data, error)
            return await self._with_number(request, data, None, in_danger=in_danger)

        @post("/status/withdraw", status_code=200)
        async def withdraw(request: AnyRequest, data: Sent) -> Response[str]:
            if data.get("sure") != "yes":
                return await self._with_number(request, data, CallerError("tick that you are sure", field="sure"))
            return await self._do(request, data, self._office.withdraw)

        return [appeal, add, withdraw]

    # --- inside

    async def _do(
        self, request: AnyRequest, data: dict[str, Any], deed: Callable[[str, datetime], Awaitable[None]]
    ) -> Response[str]:
        try:
            seen = await self._by_number(request, data)
            await deed(seen.words.number, self._time(request))
        except CallerError as error:
            return await self._with_number(request, data, error)
        return await self._with_number(request, data, None)

    async def _by_number(self, request: AnyRequest, data: dict[str, Any]) -> Seen:
        refuse_other_sites(request)
        self._numbers.count(_address(request))
        return await self._office.by_number(str(data.get("number", ""))[:40])

    async def _with_number(
        self, request: AnyRequest, data: dict[str, Any], problem: CallerError | None, *, in_danger: bool = False
    ) -> Response[str]:
        try:
            seen = await self._by_number(request, data)
        except CallerError as error:
            return self._page(request, "ask_number.html", error, number=str(data.get("number", ""))[:20])
        return self._status(request, seen, problem, in_danger=in_danger)

    def _status(
        self, request: AnyRequest, seen: Seen, problem: CallerError | None, *, in_danger: bool = False
    ) -> Response[str]:
        at, found = self._time(request), self._reasons(seen)
        until = (
            seen.complaint.answered_at + m.APPEAL_WITHIN
            if seen.complaint.answered_at and seen.complaint.may_appeal(at)
            else None
        )
        lines = self._help_lines(seen.service, language_of(request)) if in_danger else []
        appealed = seen.appeal is not None
        return self._page(
            request, "status.html", problem, seen=seen, help=lines, is_person=not seen.is_anonymous, service=seen.service, reasons=found, now=at, public=m.PUBLIC, can_appeal=until is not None and not appealed,
            appeal_until=self._local(seen.service, until) if until and not appealed else "", sorts=words_in(w.SORTS, language_of(request)), abouts=words_in(w.ABOUT, language_of(request)),
            stages=words_in(w.STAGES, language_of(request)), decisions=words_in(w.DECISIONS, language_of(request)), kinds=words_in(w.KINDS, language_of(request)),
        )  # fmt: skip

    def _reasons(self, seen: Seen) -> dict[str, Any] | None:
        if seen.words.answer is None:
            return None
        return self._office.statement(seen, seen.words.answer)

    async def _filer(self, request: AnyRequest, child: str) -> _Filer:
        """Whoever is signed in complains as who they are; a guardian only for a child of theirs."""
        signed_in = await self._signed_in(request)
        if signed_in is None or signed_in.needs_code:
            return _Filer(self._service)
        who = signed_in.who
        if who.person:
            return _Filer(who.service, await self._road.by_id(who.service, who.person), signed_in)
        subject = await self._subject_of(signed_in, child) if child else None
        if subject is not None and may(who, "see_summary", subject):
            return _Filer(who.service, await self._road.by_id(who.service, child), signed_in, child)
        return _Filer(who.service)

    async def _own_address(self, filer: _Filer) -> str:
        """A guardian who names no channel is told over their account's."""
        if not filer.child or filer.signed_in is None:
            return ""
        account = await self._sign_ins.account(filer.service, filer.signed_in.who.account)
        address = account.private.address if account else ""
        return address.split(":", 1)[1] if address.startswith(("mailto:", "tel:")) else ""

    def _form(
        self, request: AnyRequest, filer: _Filer, given: Given, problem: CallerError | None = None
    ) -> Response[str]:
        return self._page(
            request, "file.html", problem, given=given, child=filer.child, is_person=filer.person is not None and not filer.child, contact=self._contact,
            sorts=words_in(w.SORTS, language_of(request)), abouts=words_in(w.ABOUT, language_of(request)),
        )  # fmt: skip

    def _filed(self, request: AnyRequest, filer: _Filer, filed: Filed, *, is_person: bool = False) -> Response[str]:
        lines = self._help_lines(filer.service, language_of(request)) if filed.in_danger else []
        return self._page(
            request,
            "filed.html",
            filed=filed,
            help=lines,
            is_person=is_person or filer.person is not None,
            service=filer.service,
        )

    def _page(
        self, request: AnyRequest, template: str, problem: CallerError | None = None, **given: object
    ) -> Response[str]:
        language = language_of(request)
        service = str(given.pop("service", "") or self._service)
        return rendered(
            template, w.WORDS, language, HERE / "templates", problem=in_words(problem, language) if problem else "", status=problem.status if problem else 200,
            home=self._home, local=lambda at: self._local(service, at), **given,
        )  # fmt: skip

    def _local(self, service: str, at: datetime) -> str:
        return deadline(self._office.terms(service)[0].local(at))

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))


def complaints_api(office: ComplaintsOffice, road: RoadPort, callers: Callers) -> Router:
    @post("/complaints", summary="File a complaint or a report")
    async def file(request: AnyRequest, data: m.Filing) -> dict[str, Any]:
        service, at = callers.service(request), await callers.now(request)
        person = None
        if data.user:
            person = await road.find(service, data.user)
            if person is None:
                raise CallerError(
                    f"no user `{data.user[:64]}` is registered", field="user", status=404, code="user_not_found"
                )
        filing = msgspec.structs.replace(data, channel="app", received_on="", messages=data.messages if person else 0)
        filed = await office.file(
            service, filing, at, person=person, key=request.headers.get("idempotency-key", "")[:128]
        )
        return {
            "number": filed.number,
            "due_at": office.terms(service)[0].local(filed.due_at).isoformat(),
            "urgent": filed.is_urgent,
            "in_danger": filed.in_danger,
        }

    @get("/complaints/{number:str}", summary="How a complaint is getting on, with its statement of reasons")
    async def show(request: AnyRequest, number: str) -> dict[str, Any]:
        service = callers.service(request)
        seen = await office.by_number(number)
        if seen.service != service:
            raise CallerError("there is no complaint of this number", status=404, code="no_receipt")
        one, local = seen.complaint, office.terms(service)[0].local
        found = {"number": seen.words.number, "sort": one.sort, "about": one.about, "stage": one.stage, "urgent": one.is_urgent, "filed_at": local(one.filed_at).isoformat(), "due_at": local(one.due_at).isoformat(), "late": one.is_late(await callers.now(request))}  # fmt: skip
        if seen.words.answer is not None:
            found["reasons"] = office.statement(seen, seen.words.answer)
        return found

    @get("/complaint-figures", summary="How many complaints of what, how decided, how many in time")
    async def figures(
        request: AnyRequest, since: datetime | None = None, until: datetime | None = None
    ) -> dict[str, Any]:
        at = await callers.now(request)
        return await office.figures(
            callers.service(request), since or at - STATISTICS_SPAN, until or at + timedelta(seconds=1), at
        )

    return Router(path="/v1", route_handlers=[file, show, figures], tags=["complaints"])


async def _read_form(data: dict[str, Any]) -> tuple[Given, list[Upload]]:
    files = data.get("files", [])
    found = [one for one in (files if isinstance(files, list) else [files]) if isinstance(one, UploadFile)]
    uploads = [Upload(one.filename or "", await one.read(m.MOST_SIZE + 1)) for one in found[: m.MOST_FILES + 1]]
    given = {
        name: value for name, value in data.items() if name in Given.__struct_fields__ and isinstance(value, str | int)
    }
    return form_as({name: str(value) for name, value in given.items()}, Given), uploads


def _address(request: AnyRequest) -> str:
    return request.client.host if request.client else ""

"""`/office`: where staff begin; accounts, a person's record, and where the glass was broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.offices.staff import model as m
from shouban.offices.staff.words import ACTS, OWED, STATE, WORDS
from shouban.offices.staff.work import StaffOffice
from shouban.packs.words import read_in_words
from shouban.web.access import Subject, may
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of
from shouban.web.roles import ROLES, STAFF

AnyRequest = Request[Any, Any, Any]
Form = Body(media_type=RequestEncodingType.URL_ENCODED)
HERE: Final = Path(__file__).parent
_SEE_OTHER: Final = 303


class StaffPages:
    def __init__(self, office: StaffOffice, now: Callable[[str | None], datetime]) -> None:
        self._office = office
        self._now = now

    def router(self) -> Router:
        handlers = [*self._beginning(), *self._accounts(), *self._people(), *self._glass()]
        return Router(path="/office", route_handlers=handlers, include_in_schema=False)

    def _beginning(self) -> list[Any]:
        @get("/", opt={"action": "see_office"}, sync_to_thread=False)
        def begin(request: AnyRequest) -> Response[str]:
            return framed(request, HERE, "office.html", WORDS, roles=self._roles(request, whose(request).who.roles))

        @get("/people", opt={"action": "find_people"})
        async def find(request: AnyRequest, id: str = "") -> Response[Any]:  # noqa: A002  # the word in the address
            person = await self._office.find(whose(request).who, id)
            if person is None:
                problem = CallerError(WORDS["not_found"].to(language_of(request)), status=404)
                return framed(
                    request,
                    HERE,
                    "office.html",
                    WORDS,
                    problem=problem,
                    roles=self._roles(request, whose(request).who.roles),
                )
            return Redirect(f"/office/people/{person.id}", status_code=_SEE_OTHER)

        return [begin, find]

    def _accounts(self) -> list[Any]:
        @get("/accounts", opt={"action": "see_accounts"})
        async def accounts(request: AnyRequest) -> Response[str]:
            return await self._accounts_page(request)

        @post("/accounts", opt={"action": "set_accounts"}, status_code=200)
        async def add(request: AnyRequest, data: Annotated[dict[str, Any], Form]) -> Response[Any]:
            try:
                await self._office.add(whose(request).who, form_as(data, m.NewAccount), self._time(request))
            except CallerError as error:
                return await self._accounts_page(request, problem=error)
            return Redirect("/office/accounts", status_code=_SEE_OTHER)

        @post("/accounts/{account:str}", opt={"action": "set_accounts"}, status_code=200)
        async def change(request: AnyRequest, account: str, data: Annotated[dict[str, Any], Form]) -> Response[Any]:
            try:
                await self._office.change(
                    whose(request).who, account, form_as(data, m.AccountChange), self._time(request)
                )
            except CallerError as error:
                return await self._accounts_page(request, problem=error)
            return Redirect("/office/accounts", status_code=_SEE_OTHER)

        return [accounts, add, change]

    def _people(self) -> list[Any]:
        @get("/people/{person:str}", opt={"action": "see_person"})
        async def show(request: AnyRequest, person: str) -> Response[str]:
            return await self._person_page(request, person)

        return [show]

    def _glass(self) -> list[Any]:
        @post("/people/{person:str}/glass", opt={"action": "break_glass"}, status_code=200)
        async def break_glass(request: AnyRequest, person: str, data: Annotated[dict[str, Any], Form]) -> Response[Any]:
            who, at = whose(request).who, self._time(request)
            try:
                await self._office.break_glass(
                    who, await self._office.person(who, person), form_as(data, m.Breaking), at
                )
            except CallerError as error:
                return await self._person_page(request, person, problem=error)
            return Redirect(f"/office/people/{person}/words", status_code=_SEE_OTHER)

        @get("/people/{person:str}/words", opt={"action": "read_words"})
        async def words(request: AnyRequest, person: str) -> Response[str]:
            who = whose(request).who
            found = await self._office.person(who, person)
            messages = await self._office.words(who, found, self._time(request))
            return framed(request, HERE, "words.html", WORDS, person=found, messages=messages)

        @get("/grants", opt={"action": "see_grants"})
        async def grants(request: AnyRequest) -> Response[str]:
            shown = await self._office.grants(whose(request).who)
            return framed(
                request, HERE, "grants.html", WORDS, grants=shown, now=self._time(request), local=Settings().local
            )

        return [break_glass, words, grants]

    async def _accounts_page(self, request: AnyRequest, problem: CallerError | None = None) -> Response[str]:
        who, language = whose(request).who, language_of(request)
        accounts = await self._office.accounts(who)
        names = [(role, ROLES[role].to(language)) for role in STAFF]
        return framed(
            request, HERE, "accounts.html", WORDS, problem=problem, accounts=accounts, names=names, named=dict(names), can_set=may(who, "set_accounts")
        )  # fmt: skip

    async def _person_page(self, request: AnyRequest, person: str, problem: CallerError | None = None) -> Response[str]:
        who, at = whose(request).who, self._time(request)
        found = await self._office.person(who, person)
        subject = Subject(who.service, person)
        record = await self._office.record(who, found, at, why="record opened")
        language = language_of(request)
        return framed(
            request, HERE, "person.html", WORDS, reads=lambda name: read_in_words(name, language_of(request)), problem=problem, person=found, record=record, state=found.state, minutes=m.MINUTES,
            contacts=found.profile.get("contacts", []) if may(who, "see_contacts", subject) else None,
            can_break=may(who, "break_glass", subject), can_end=may(who, "end_link", subject), can_restrict=may(who, "restrict", subject), acts={name: text.to(language) for name, text in ACTS.items()}, owed={name: text.to(language) for name, text in OWED.items()},
            named={name: text.to(language) for name, text in STATE.items()}, local=Settings().local,
        )  # fmt: skip

    def _roles(self, request: AnyRequest, roles: frozenset[Any]) -> list[str]:
        return [ROLES[one].to(language_of(request)) for one in sorted(roles)]

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))

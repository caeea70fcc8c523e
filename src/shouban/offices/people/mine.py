"""`/me`: a person's own data and settings: what is kept, who looked, copy, deletion with a certificate, consents, minors mode in one tap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Stream

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.duties.ports import PersonPort
from shouban.offices.people.copying import zipped
from shouban.offices.people.mine_words import AREAS, PURPOSES, WHYS, WORDS
from shouban.offices.people.model import presentation
from shouban.offices.people.words import AGE_BANDS, METHODS
from shouban.offices.people.work import PeopleOffice
from shouban.web.doors import cookie_of, whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of
from shouban.web.language import HTML_LANGUAGE
from shouban.web.roles import ROLES
from shouban.web.sessions import SignIns

AnyRequest = Request[Any, Any, Any]
Form = Body(media_type=RequestEncodingType.URL_ENCODED)
HERE: Final = Path(__file__).parent
_SHOWN: Final = 100


class Erasing(msgspec.Struct):
    """A form: `sure` is a ticked box, asked where all is to go."""

    scope: str
    sure: str = ""


class Consenting(msgspec.Struct):
    purpose: str
    given: str


class Mine:
    def __init__(
        self, office: PeopleOffice, sign_ins: SignIns, now: Callable[[str | None], datetime], *, production: bool, chat: bool = False
    ) -> None:  # fmt: skip
        """`chat`: the companion app is served too, and there is a way back to it."""
        self._chat = chat
        self._office = office
        self._sign_ins = sign_ins
        self._now = now
        self._production = production

    def router(self) -> Router:
        return Router(
            path="/me", route_handlers=[*self._coming(), *self._seeing(), *self._doing()], include_in_schema=False
        )

    def _coming(self) -> list[Any]:
        @get("/enter", opt={"open": True})
        async def enter(request: AnyRequest, token: str = "", to: str = "") -> Response[Any]:
            """The link's token is in no page's address once it was followed."""
            opened = await self._sign_ins.follow(token, self._time(request))
            cookie = cookie_of(opened, request, production=self._production)
            places = {"contacts": "/me/contacts", "complaints": "/complaints", "restrictions": "/me/restrictions"}
            place = places.get(to, "/me")
            return Redirect(place, status_code=303, cookies=[cookie])

        return [enter]

    def _seeing(self) -> list[Any]:
        @get("/", opt={"action": "see_own"})
        async def me(request: AnyRequest) -> Response[str]:
            return await self._page(request)

        @get("/messages", opt={"action": "see_own"})
        async def messages(request: AnyRequest, after: str = "") -> Response[str]:
            person = await self._person(request)
            at_us, _, last = after.partition("-")
            is_time = at_us.isascii() and at_us.isdigit() and len(at_us) < 18
            shown = await self._office.messages_of(person, (int(at_us) if is_time else 0, last[:40]), _SHOWN)
            more = f"{shown[-1]['at_us']}-{shown[-1]['id']}" if len(shown) == _SHOWN else ""
            return framed(request, HERE, "my_messages.html", WORDS, messages=shown, more=more, local=_local)

        @get("/copy", opt={"action": "copy_own"})
        async def copy(request: AnyRequest) -> Stream:
            person, at, language = await self._person(request), self._time(request), language_of(request)
            about = await self._office.about(person, at)
            names = {
                "title": WORDS["copy_title"].to(language),
                "language": HTML_LANGUAGE[language],
                **{role: WORDS[f"by_{role}"].to(language) for role in ("user", "companion", "human")},
            }
            headers = {
                "Content-Disposition": f'attachment; filename="shouban-{at:%Y%m%d}.zip"',
                "Cache-Control": "no-store",
            }
            return Stream(
                zipped(about, lambda after: self._office.messages_of(person, after), names, at),
                media_type="application/zip",
                headers=headers,
            )

        @get("/looks", opt={"action": "see_looks"})
        async def looks(request: AnyRequest) -> Response[str]:
            person, language = await self._person(request), language_of(request)
            shown = await self._office.looks_at(person)
            return framed(
                request, HERE, "looks.html", WORDS, looks=shown, local=_local, roles={role: name.to(language) for role, name in ROLES.items()},
                areas={name: text.to(language) for name, text in AREAS.items()}, whys={name: text.to(language) for name, text in WHYS.items()},
            )  # fmt: skip

        return [me, messages, copy, looks]

    def _doing(self) -> list[Any]:
        @post("/erase", opt={"action": "erase_own"}, status_code=200)
        async def erase(request: AnyRequest, data: Annotated[dict[str, Any], Form]) -> Response[Any]:
            wish, person = form_as(data, Erasing), await self._person(request)
            if wish.scope.partition(":")[0] in {"all", "history"} and not wish.sure:
                return await self._page(
                    request, CallerError(WORDS["tick_first"].to(language_of(request)), field="sure")
                )
            try:
                gone = await self._office.erase(person.service, person.app_id, wish.scope, self._time(request), "user")
            except CallerError as error:
                return await self._page(request, error)
            return framed(request, HERE, "erased.html", WORDS, gone=gone, whole=wish.scope.partition(":")[0] == "all")

        @post("/consents", opt={"action": "set_own"}, status_code=200)
        async def consent(request: AnyRequest, data: Annotated[dict[str, Any], Form]) -> Response[Any]:
            wish, person = form_as(data, Consenting), await self._person(request)
            if wish.purpose not in PURPOSES:
                return await self._page(request, CallerError("there is no such purpose", field="purpose"))
            try:
                await self._office.consent_to(person, wish.purpose, given=wish.given == "yes", at=self._time(request))
            except CallerError as error:
                return await self._page(request, error)
            return Redirect("/me", status_code=303)

        @post("/minor", opt={"action": "set_own"}, status_code=200)
        async def minor(request: AnyRequest) -> Response[Any]:
            await self._office.into_minors_mode(await self._person(request), self._time(request))
            return Redirect("/me", status_code=303)

        @post("/appeal", opt={"action": "set_own"}, status_code=200)
        async def appeal(request: AnyRequest, data: Annotated[dict[str, Any], Form]) -> Response[Any]:
            person = await self._person(request)
            try:
                await self._office.appeal_of(person, str(data.get("reason", "")), self._time(request))
            except CallerError as error:
                return await self._page(request, error)
            return Redirect("/me", status_code=303)

        return [erase, consent, minor, appeal]

    async def _page(self, request: AnyRequest, problem: CallerError | None = None) -> Response[str]:
        person, at, language = await self._person(request), self._time(request), language_of(request)
        about = await self._office.about(person, at)
        return framed(
            request, HERE, "me.html", WORDS, chat=self._chat, problem=problem, large=presentation(person.state)["type"] == "large", person=person, about=about, state=person.state, controls=about["controls"], clock=clock, local=_local,
            purposes=[(name, text.to(language), name in person.state.consents) for name, text in PURPOSES.items()],
            bands={band: text.to(language) for band, text in AGE_BANDS.items()}, methods={name: text.to(language) for name, text in METHODS.items()},
        )  # fmt: skip

    async def _person(self, request: AnyRequest) -> PersonPort:
        who = whose(request).who
        return await self._office.of_id(who.service, who.person)

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))


def clock(minute: int) -> str:
    """A minute of the day as people write it."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _local(at: datetime) -> datetime:
    return Settings().local(at)

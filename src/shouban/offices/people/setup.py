"""`/me/contacts`: a person names who is to be reached when they are in danger, one question a page (draft Art. 13.1; register row D062)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from unicodedata import normalize
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.duties.ports import PersonPort
from shouban.offices.people import contacts as known
from shouban.offices.people import model as m
from shouban.offices.people.setup_words import WORDS
from shouban.offices.people.work import PeopleOffice
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of

AnyRequest = Request[Any, Any, Any]
Sent = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE: Final = Path(__file__).parent
HOME: Final = "/me/contacts"
MOST_NAME: Final = 40


class Naming(msgspec.Struct):
    """A form. `step` is the question that was answered."""

    step: Literal["name", "number"] = "name"
    name: str = ""
    relation: str = ""
    number: str = ""


class ContactSetup:
    def __init__(self, office: PeopleOffice, now: Callable[[str | None], datetime]) -> None:
        self._office = office
        self._now = now

    def router(self) -> Router:
        return Router(path=HOME, route_handlers=[*self._naming(), *self._verifying()], include_in_schema=False)

    def _naming(self) -> list[Any]:
        @get("/", opt={"action": "see_own"})
        async def contacts(request: AnyRequest) -> Response[str]:
            return await self._list(request)

        @get("/new", opt={"action": "set_own"})
        async def begin(request: AnyRequest, name: str = "", relation: str = "", step: str = "name") -> Response[str]:
            page = "contact_number.html" if step == "number" and name.strip() else "contact_name.html"
            wish = Naming(name=name[:MOST_NAME], relation=relation[:MOST_NAME])
            return self._page(request, await self._person(request), page, wish=wish)

        @post("/new", opt={"action": "set_own"}, status_code=200)
        async def name(request: AnyRequest, data: Sent) -> Response[Any]:
            person = await self._person(request)
            try:
                wish = checked(form_as(data, Naming))
                if wish.step == "name":
                    onward = urlencode({"step": "number", "name": wish.name, "relation": wish.relation})
                    return Redirect(f"{HOME}/new?{onward}", status_code=303)
                contact = m.Contact("emergency", wish.name.strip(), wish.relation.strip(), [address_of(wish.number)])
                added = await self._office.name_contact(person, contact, self._time(request))
                return await self._send_code(request, person, added)
            except CallerError as error:
                page = "contact_number.html" if data.get("step") == "number" else "contact_name.html"
                kept = {key: str(data.get(key, "")) for key in ("name", "relation", "number")}
                return self._page(request, person, page, problem=error, wish=form_as(kept, Naming))

        @post("/{contact:str}/drop", opt={"action": "set_own"}, status_code=200)
        async def drop(request: AnyRequest, contact: str) -> Response[Any]:
            try:
                await self._office.drop_contact(await self._person(request), contact, self._time(request))
            except CallerError as error:
                return await self._list(request, error)
            return Redirect(HOME, status_code=303)

        return [contacts, begin, name, drop]

    def _verifying(self) -> list[Any]:
        @get("/{contact:str}", opt={"action": "see_own"})
        async def code(request: AnyRequest, contact: str) -> Response[str]:
            return await self._code_page(request, contact)

        @post("/{contact:str}", opt={"action": "set_own"}, status_code=200)
        async def verify(request: AnyRequest, contact: str, data: Sent) -> Response[Any]:
            person = await self._person(request)
            try:
                tried = known.Verifying(typed(str(data.get("code", ""))))
                await self._office.verify_contact(person.service, person.app_id, contact, tried, self._time(request))
            except CallerError as error:
                return await self._code_page(request, contact, error)
            return Redirect(f"{HOME}?told=done", status_code=303)

        @post("/{contact:str}/code", opt={"action": "set_own"}, status_code=200)
        async def again(request: AnyRequest, contact: str) -> Response[Any]:
            return await self._send_code(request, await self._person(request), contact)

        return [code, verify, again]

    async def _send_code(self, request: AnyRequest, person: PersonPort, contact: str) -> Response[Any]:
        """The contact stays on record where no code could be sent: they may be reached all the same."""
        try:
            await self._office.send_code(person.service, person.app_id, contact, self._time(request))
        except CallerError as error:
            if error.code == "not_sent":
                return await self._list(request, error)
            return await self._code_page(request, contact, error)
        return Redirect(f"{HOME}/{contact}", status_code=303)

    async def _list(self, request: AnyRequest, problem: CallerError | None = None) -> Response[str]:
        person, at = await self._person(request), self._time(request)
        shown = [known.shown(one, at) | {"at": number_of(one)} for one in person.profile.get("contacts", [])]
        told = self._word(request, "done") if request.query_params.get("told") else ""
        return self._page(request, person, "contacts.html", problem=problem, told=told, contacts=shown)

    async def _code_page(self, request: AnyRequest, contact: str, problem: CallerError | None = None) -> Response[str]:
        person = await self._person(request)
        one = known.found_in(person.profile.get("contacts", []), contact)
        return self._page(request, person, "contact_code.html", problem=problem, contact=one)

    def _page(self, request: AnyRequest, person: PersonPort, template: str, *, problem: CallerError | None = None, told: str = "", **given: object) -> Response[str]:  # fmt: skip
        large = m.presentation(person.state)["type"] == "large"
        return framed(request, HERE, template, WORDS, problem=problem, told=told, person=person, large=large, **given)

    def _word(self, request: AnyRequest, name: str) -> str:
        return WORDS[name].to(language_of(request))

    async def _person(self, request: AnyRequest) -> PersonPort:
        who = whose(request).who
        return await self._office.of_id(who.service, who.person)

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))


def checked(wish: Naming) -> Naming:
    if not wish.name.strip():
        raise CallerError("`name` is empty; say what you call them", field="name", code="no_name")
    return wish


def address_of(number: str) -> str:
    """A telephone number or a mail address, as people write them. Raises `CallerError` where it is neither."""
    plain = normalize("NFKC", number).strip()
    digits = plain.replace(" ", "").replace("-", "")
    if "@" in plain and " " not in plain and len(plain) > 4:
        return f"mailto:{plain}"
    if digits.removeprefix("+").isascii() and digits.removeprefix("+").isdigit() and 5 <= len(digits) <= 16:
        return f"tel:{digits}"
    raise CallerError("`number` is no telephone number and no mail address", field="number", code="no_number")


def typed(code: str) -> str:
    """Digits as people type them: full width, with spaces."""
    return "".join(normalize("NFKC", code).split())


def number_of(contact: dict[str, Any]) -> str:
    """How the person knows the contact again: the number they gave, or nothing where it is none."""
    first = next((one for one in contact.get("channels", []) if one.startswith(("tel:", "mailto:"))), "")
    return str(first.partition(":")[2])

"""The people office over HTTP (design §4): every route with the service key."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Protocol

from litestar import Router, delete, get, patch, post
from litestar.params import QueryParameter

from shouban.offices.people import model as m
from shouban.offices.people.age import AgeTold
from shouban.offices.people.appeals import Asked
from shouban.offices.people.contacts import ContactChange, Verifying
from shouban.offices.people.linkage import Linking
from shouban.offices.people.work import PeopleOffice
from shouban.web.api import AnyRequest
from shouban.web.sessions import LINK_LIFE

Answer = dict[str, Any]
LINK_SECONDS = int(LINK_LIFE.total_seconds())


class Callers(Protocol):
    """Who calls, and when: the service whose key it is, and the clock."""

    def service(self, request: AnyRequest) -> str: ...
    async def now(self, request: AnyRequest) -> datetime: ...


class Links(Protocol):
    """Makes links for persons; `base` is where people reach this service."""

    @property
    def base(self) -> str: ...
    async def link_for_person(self, service: str, person: str, at: datetime) -> str: ...


def people_router(office: PeopleOffice, callers: Callers, links: Links) -> Router:
    """`/v1/users…` and `/v1/purchases/check`."""
    handlers = [
        *_registration(office, callers),
        *_saying(office, callers),
        *_coming_and_going(office, callers),
        *_theirs(office, callers, links),
    ]
    return Router(path="/v1", route_handlers=handlers, tags=["people"])


def _registration(office: PeopleOffice, callers: Callers) -> list[Any]:
    @post("/users", summary="Register a person")
    async def register(request: AnyRequest, data: m.Registration) -> Answer:
        return await office.register(callers.service(request), data, await callers.now(request))

    @get("/users/{app_id:str}", summary="What is known of a person")
    async def show(request: AnyRequest, app_id: str) -> Answer:
        return await office.show(callers.service(request), app_id, await callers.now(request))

    @patch("/users/{app_id:str}", summary="Change what is known of a person")
    async def change(request: AnyRequest, app_id: str, data: m.Change) -> Answer:
        return await office.change(callers.service(request), app_id, data, await callers.now(request))

    @post("/users/{app_id:str}/contacts", status_code=200, summary="Set guardians and emergency contacts")
    async def contacts(request: AnyRequest, app_id: str, data: m.Contacts) -> Answer:
        return await office.set_contacts(callers.service(request), app_id, data, await callers.now(request))

    @post(
        "/users/{app_id:str}/contacts/{contact:str}/code",
        status_code=200,
        summary="Send a contact the code that verifies them",
    )
    async def send_code(request: AnyRequest, app_id: str, contact: str) -> Answer:
        return await office.send_code(callers.service(request), app_id, contact, await callers.now(request))

    @post(
        "/users/{app_id:str}/contacts/{contact:str}/verify",
        status_code=200,
        summary="The code has come back: the contact is verified",
    )
    async def verify(request: AnyRequest, app_id: str, contact: str, data: Verifying) -> Answer:
        return await office.verify_contact(callers.service(request), app_id, contact, data, await callers.now(request))

    @patch(
        "/users/{app_id:str}/contacts/{contact:str}", summary="Mark a contact as unsafe, or change the order of calling"
    )
    async def change_contact(request: AnyRequest, app_id: str, contact: str, data: ContactChange) -> Answer:
        return await office.change_contact(callers.service(request), app_id, contact, data, await callers.now(request))

    return [register, show, change, contacts, send_code, verify, change_contact]


def _saying(office: PeopleOffice, callers: Callers) -> list[Any]:
    @post("/users/{app_id:str}/consents", status_code=200, summary="Give or withdraw a consent")
    async def consents(request: AnyRequest, app_id: str, data: m.Consent) -> Answer:
        return await office.consent(callers.service(request), app_id, data, await callers.now(request))

    @post("/users/{app_id:str}/notices/{notice:str}/seen", status_code=200, summary="The person has seen a notice")
    async def seen(request: AnyRequest, app_id: str, notice: str) -> Answer:
        return await office.saw(callers.service(request), app_id, notice, await callers.now(request))

    @get("/users/{app_id:str}/consents", summary="Which consents stand, and the record of all")
    async def show_consents(request: AnyRequest, app_id: str) -> Answer:
        return await office.consents_of(callers.service(request), app_id)

    @post("/users/{app_id:str}/age", status_code=200, summary="One more piece of evidence of a person's age")
    async def age(request: AnyRequest, app_id: str, data: AgeTold) -> Answer:
        return await office.tell_age(callers.service(request), app_id, data, await callers.now(request))

    return [consents, seen, show_consents, age]


def _coming_and_going(office: PeopleOffice, callers: Callers) -> list[Any]:
    @post("/users/{app_id:str}/login", status_code=200, summary="The person signs in, or comes back")
    async def login(request: AnyRequest, app_id: str) -> Answer:
        session = request.headers.get("x-shouban-session", "")
        return await office.sign_in(callers.service(request), app_id, session, await callers.now(request))

    @post("/users/{app_id:str}/exit", status_code=200, summary="The person leaves: the talk ends at once")
    async def leave(request: AnyRequest, app_id: str, data: m.Leaving | None = None) -> Answer:
        wish = data or m.Leaving()
        wish.session = wish.session or request.headers.get("x-shouban-session", "")
        return await office.leave(callers.service(request), app_id, wish, await callers.now(request))

    @post("/users/{app_id:str}/mode", status_code=200, summary="Switch minors or elder mode")
    async def mode(request: AnyRequest, app_id: str, data: m.ModeWish) -> Answer:
        return await office.set_mode(callers.service(request), app_id, data, await callers.now(request))

    @post(
        "/users/{app_id:str}/linkage",
        status_code=200,
        summary="Device, app or store says what its minors mode stands at",
    )
    async def link_up(request: AnyRequest, app_id: str, data: Linking) -> Answer:
        return await office.link(callers.service(request), app_id, data, await callers.now(request))

    @get("/users/{app_id:str}/linkage", summary="What device, app and store are to do")
    async def show_linkage(request: AnyRequest, app_id: str) -> Answer:
        return await office.show_linkage(callers.service(request), app_id, await callers.now(request))

    @post("/users/{app_id:str}/human", status_code=200, summary="A human takes over, speaks, or hands back")
    async def human(request: AnyRequest, app_id: str, data: m.Human) -> Answer:
        return await office.human(callers.service(request), app_id, data, await callers.now(request))

    @post("/purchases/check", status_code=200, summary="May this person pay this?")
    async def purchase(request: AnyRequest, data: m.Purchase) -> Answer:
        return await office.check_purchase(callers.service(request), data, await callers.now(request))

    @post("/purchases/refund", status_code=200, summary="An order's money has gone back")
    async def refund(request: AnyRequest, data: m.Refund) -> Answer:
        return await office.refund(callers.service(request), data, await callers.now(request))

    return [login, leave, mode, link_up, show_linkage, human, purchase, refund]


# The framework keeps the name `scope` for itself.
Scope = Annotated[str, QueryParameter(name="scope")]


def _theirs(office: PeopleOffice, callers: Callers, links: Links) -> list[Any]:
    @post(
        "/users/{app_id:str}/link",
        status_code=200,
        summary="A link that lets the person in to their own data, once and soon",
    )
    async def link(request: AnyRequest, app_id: str, data: m.LinkWish | None = None) -> Answer:
        person, at = await office.person(callers.service(request), app_id), await callers.now(request)
        token = await links.link_for_person(person.service, person.id, at)
        to = f"&to={data.to}" if data and data.to != "me" else ""
        return {"url": f"{links.base}/me/enter?token={token}{to}", "valid_for": LINK_SECONDS}

    @get("/users/{app_id:str}/data", summary="A copy of all that is kept of a person")
    async def copy(request: AnyRequest, app_id: str) -> Answer:
        return await office.copy(callers.service(request), app_id)

    @delete("/users/{app_id:str}/data", status_code=200, summary="Erase, with a signed certificate")
    async def erase(request: AnyRequest, app_id: str, wanted: Scope = "all") -> Answer:
        return await office.erase(callers.service(request), app_id, wanted, await callers.now(request))

    @get("/users/{app_id:str}/wellbeing", summary="Dependence by component, and mood over days")
    async def show_wellbeing(request: AnyRequest, app_id: str) -> Answer:
        return await office.wellbeing(callers.service(request), app_id, await callers.now(request))

    @post("/users/{app_id:str}/appeals", summary="Ask a person to decide again: about one's age")
    async def appeal(request: AnyRequest, app_id: str, data: Asked) -> Answer:
        return await office.appeal(callers.service(request), app_id, data, await callers.now(request))

    @get("/users/{app_id:str}/appeals", summary="A person's appeals, and what became of them")
    async def show_appeals(request: AnyRequest, app_id: str) -> Answer:
        return await office.appeals_of(callers.service(request), app_id)

    return [copy, erase, show_wellbeing, appeal, show_appeals, link]

"""What the companion page asks of the server, under `/app/api`. The browser has a cookie; the service key stays here.

A talk goes the same road as any app's: `say` calls the chat endpoint as an aware client would.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect, Stream

from shouban.core import events as e
from shouban.core.errors import CallerError
from shouban.duties.notices import IN_TALK
from shouban.duties.ports import BellsPort, PersonPort, RoadPort
from shouban.web.api import shaped
from shouban.web.companions import Companion

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
AnyRequest = Request[Any, Any, Any]

COOKIE: Final = "shouban_app"
HISTORY: Final = 20
MAX_TEXT: Final = 8_000
# JSON may write a character in 12 bytes (an escaped pair of surrogates); beside the text stand two short fields.
MAX_BODY: Final = 12 * MAX_TEXT + 1_000
DAYS_30: Final = 30 * 24 * 3600
ADULT_FROM: Final = 18


class Start(msgspec.Struct, forbid_unknown_fields=True):
    companion: str = ""
    language: Literal["zh", "en"] = "zh"
    nickname: str = ""
    birth_year: int | None = None


class Say(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    companion: str = ""
    language: Literal["zh", "en"] = "zh"


class Seen(msgspec.Struct):
    notice: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{1,40}$")]


class Mode(msgspec.Struct, forbid_unknown_fields=True):
    mode: e.Mode


@dataclass(frozen=True)
class CompanionDesk:
    """What the page's API works with."""

    road: RoadPort
    service: str
    service_key: str
    chat: Asgi
    companions: Sequence[Companion]
    events: Callable[[PersonPort, str | None], Any]
    now: Callable[[AnyRequest], Awaitable[datetime]]
    scripted: bool
    link: Callable[[str, str, datetime], Awaitable[str]]
    bells: BellsPort

    def companion(self, wanted: str) -> Companion:
        return next((one for one in self.companions if one.id == wanted), self.companions[0])

    async def person(self, cookie: str | None) -> PersonPort:
        found = await self.road.find(self.service, app_id(cookie)) if cookie else None
        if found is None:
            raise CallerError("nobody is signed in here; start a talk first", status=401, code="not_started")
        return found


def app_id(cookie: str) -> str:
    """The person behind a cookie; the cookie itself is stored nowhere."""
    return f"web-{sha256(cookie.encode()).hexdigest()[:24]}"


def band_of(birth_year: int | None, today: datetime) -> e.AgeBand:
    """The lowest age that the year allows decides: a person born that year may not have had their birthday."""
    if birth_year is None:
        return "adult"
    years = today.year - birth_year - 1
    if not -1 <= years <= 130:
        raise CallerError(f"`birth_year` is {birth_year}; write a year like 1990", field="birth_year")
    bands: list[tuple[int, e.AgeBand]] = [(14, "under_14"), (16, "14_15"), (ADULT_FROM, "16_17"), (60, "adult")]
    return next((band for below, band in bands if years < below), "elder")


def companion_api(desk: CompanionDesk) -> Router:
    """The JSON routes; `/app/api/say` is an ASGI application of its own (see `say_application`)."""
    return Router(
        path="/app/api", route_handlers=[*_talk(desk), *_theirs(desk)], include_in_schema=False, opt={"open": True}
    )


def _talk(desk: CompanionDesk) -> list[Any]:
    @post("/start", status_code=200)
    async def start(request: AnyRequest, data: Start) -> Response[dict[str, Any]]:
        at = await desk.now(request)
        cookie, person = await _person_at_start(desk, request.cookies.get(COOKIE), data, at)
        session = f"web-{secrets.token_hex(6)}"
        companion = desk.companion(data.companion)
        chosen_now = {"language": data.language, "app_session": session, "companion": companion.id}
        await desk.road.change_profile(person, lambda held: {**held, **chosen_now})
        place: dict[str, Any] = {"at": at, "person": person.id, "session": person.session(session)}
        notices = list(await desk.road.act(person, e.UserSignedIn(**place), raw_session=session))
        chosen = e.CompanionChosen(**place, companion=companion.id, relation=companion.relation)
        notices += await desk.road.act(person, chosen, raw_session=session)
        body = {
            "user": person.app_id,
            "session": session,
            "companion": companion.id,
            "mode": person.state.mode,
            "notices": msgspec.to_builtins(notices),
        }
        kept = Cookie(
            key=COOKIE,
            value=cookie,
            path="/",
            max_age=DAYS_30,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return Response(body, cookies=[kept])

    @get("/events")
    async def events(request: AnyRequest) -> Stream:
        person = await desk.person(request.cookies.get(COOKIE))
        frames = desk.events(person, request.headers.get("last-event-id"))
        return Stream(frames, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    @post("/exit", status_code=200)
    async def leave(request: AnyRequest) -> dict[str, Any]:
        person = await desk.person(request.cookies.get(COOKIE))
        session = person.profile.get("app_session", "")
        event = e.UserLeft(at=await desk.now(request), person=person.id, session=person.session(session), by="button")
        return {"notices": msgspec.to_builtins(list(await desk.road.act(person, event, raw_session=session)))}

    @post("/mode", status_code=200)
    async def mode(request: AnyRequest, data: Mode) -> dict[str, Any]:
        person = await desk.person(request.cookies.get(COOKIE))
        event = e.ModeSet(at=await desk.now(request), person=person.id, mode=data.mode, by="user")
        notices = await desk.road.act(person, event)
        if person.state.mode != data.mode:
            told = (
                " ".join(one.text for one in notices)
                or "未成年人模式需由监护人验证后退出。 A guardian is needed to leave minors mode."
            )
            raise CallerError(told, field="mode", status=403, code="guardian_needed")
        return {"mode": person.state.mode, "notices": msgspec.to_builtins(list(notices))}

    @post("/seen", status_code=200)
    async def seen(request: AnyRequest, data: Seen) -> dict[str, Any]:
        person = await desk.person(request.cookies.get(COOKIE))
        event = e.NoticeAcknowledged(at=await desk.now(request), person=person.id, notice=data.notice)
        await desk.road.act(person, event)
        return {}

    @post("/typing", status_code=200)
    async def typing(request: AnyRequest) -> dict[str, Any]:
        """A human who has taken over sees it for some seconds; nobody else, and it is kept nowhere."""
        person = await desk.person(request.cookies.get(COOKIE))
        if person.state.takeover == "human":
            desk.bells.note_typing((person.service, person.id))
        return {}

    return [start, events, leave, mode, seen, typing]


async def _person_at_start(desk: CompanionDesk, sent: str | None, data: Start, at: datetime) -> tuple[str, PersonPort]:
    """Whom the cookie names, or somebody new with a cookie of our making: none that a browser was handed by others."""
    known = await desk.road.find(desk.service, app_id(sent)) if sent else None
    if sent and known is not None:
        return sent, known
    cookie = secrets.token_urlsafe(24)
    band = band_of(data.birth_year, at)
    profile = {"nickname": data.nickname[:40], "language": data.language, "contacts": []}
    person = await desk.road.make(desk.service, app_id(cookie), profile)
    await desk.road.act(
        person, e.UserRegistered(at=at, person=person.id, age_band=band, agreement="companion-app"), waits=True
    )
    return cookie, person


def _theirs(desk: CompanionDesk) -> list[Any]:
    @get("/data")
    async def copy(request: AnyRequest) -> Response[dict[str, Any]]:
        person = await desk.person(request.cookies.get(COOKIE))
        named = {"Content-Disposition": 'attachment; filename="my-data.json"'}
        return Response(await desk.road.copy_of(person), headers=named)

    @delete("/data", status_code=200)
    async def erase(request: AnyRequest) -> Response[dict[str, Any]]:
        person = await desk.person(request.cookies.get(COOKIE))
        gone = await desk.road.erase(person, "all", "", await desk.now(request))
        answer = Response({"certificate": gone["certificate"], "verifier_key": gone["verifier_key"]})
        answer.delete_cookie(COOKIE, path="/")
        return answer

    @get("/state")
    async def state(request: AnyRequest) -> dict[str, Any]:
        person = await desk.person(request.cookies.get(COOKIE))
        session = person.profile.get("app_session", "")
        open_session = person.state.sessions.get(person.session(session))
        is_open = open_session is not None and open_session.ended_by is None
        return {
            "mode": person.state.mode, "session": session if is_open else "ended", "companion": person.profile.get("companion", ""),
            "takeover": person.state.takeover, "history": await _shown(desk, person, session), "language": person.profile.get("language", "zh"), "scripted": desk.scripted,
            "restriction": person.state.restriction,
        }  # fmt: skip

    @get("/me")
    async def me(request: AnyRequest, to: Literal["", "restrictions"] = "") -> Redirect:
        """On to the person's own page, or to one part of it, with a link that works once."""
        person = await desk.person(request.cookies.get(COOKIE))
        token = await desk.link(person.service, person.id, await desk.now(request))
        return Redirect(f"/me/enter?token={token}{f'&to={to}' if to else ''}", status_code=303)

    @get("/complain")
    async def complain(request: AnyRequest) -> Redirect:
        """To the complaints page: as oneself, or, where nobody is signed in, as anybody."""
        cookie = request.cookies.get(COOKIE)
        person = await desk.road.find(desk.service, app_id(cookie)) if cookie else None
        if person is None:
            return Redirect("/complaints", status_code=303)
        token = await desk.link(person.service, person.id, await desk.now(request))
        return Redirect(f"/me/enter?token={token}&to=complaints", status_code=303)

    return [copy, erase, state, me, complain]


async def _history(desk: CompanionDesk, person: PersonPort, session: str) -> list[dict[str, Any]]:
    roles = {"user": "user", "companion": "assistant", "human": "staff"}
    messages = (await desk.road.copy_of(person))["messages"]
    return [
        {"id": one["id"], "role": roles[one["role"]], "text": one["text"], "at": one["at_us"] // 1000, **({"staff": one["staff"]} if "staff" in one else {})}
        for one in messages
        if one["session"] == session and one["role"] in roles
    ]  # fmt: skip


async def _shown(desk: CompanionDesk, person: PersonPort, session: str) -> list[dict[str, Any]]:
    """The talk as the page has shown it: what was said, and the help and the words that stood in a reply's place."""
    said = [{**one, "place": 0 if one["role"] == "user" else 2} for one in await _history(desk, person, session)]
    for notice in await desk.road.notices_of(person, person.session(session)):
        if notice["kind"] in IN_TALK:
            at = notice.pop("at_us") // 1000
            text = notice["text"] if notice["kind"] == "replaced" else ""
            said.append(
                {"id": notice["id"], "role": "assistant", "text": text, "at": at, "place": 1, "notices": [notice]}
            )
    return sorted(said, key=lambda one: (one["at"], one["place"]))


def say_application(desk: CompanionDesk) -> Asgi:
    """`POST /app/api/say`: the chat endpoint, asked with the service's own key and the talk so far."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            inner = await _as_chat(desk, scope, receive)
        except CallerError as error:
            await _refuse(error, send)
            return
        headers, body = inner
        await desk.chat({**scope, "path": "/v1/chat/completions", "headers": headers}, _after(body, receive), send)

    return application


async def _as_chat(desk: CompanionDesk, scope: Scope, receive: Receive) -> tuple[list[tuple[bytes, bytes]], bytes]:
    given = {name.lower(): value for name, value in scope["headers"]}
    if not given.get(b"content-type", b"").startswith(b"application/json"):
        raise CallerError("send JSON", field="Content-Type", status=415)
    person = await desk.person(_cookie(given.get(b"cookie", b"").decode("latin-1")))
    wish = await _wish(receive)
    desk.bells.stop_typing((person.service, person.id))
    session = person.profile.get("app_session", "default")
    companion = desk.companion(wish.companion or person.profile.get("companion", ""))
    past = [one for one in await _history(desk, person, session) if one["role"] != "staff"][-HISTORY:]
    messages = [{"role": "system", "content": companion.persona.zh if wish.language == "zh" else companion.persona.en}]
    messages += [{"role": one["role"], "content": one["text"]} for one in past]
    messages.append({"role": "user", "content": wish.text})
    body = msgspec.json.encode({"model": companion.id, "messages": messages, "user": person.app_id, "stream": True})
    headers = [
        (b"authorization", f"Bearer {desk.service_key}".encode()), (b"x-shouban-client", b"aware"),
        (b"x-shouban-session", session.encode()), (b"x-shouban-companion", companion.id.encode()),
        *([(b"x-shouban-at", given[b"x-shouban-at"])] if b"x-shouban-at" in given else []),
    ]  # fmt: skip
    return headers, body


async def _wish(receive: Receive) -> Say:
    data = b""
    more = True
    while more:
        message = await receive()
        data += message.get("body", b"")
        more = message.get("more_body", False)
        if len(data) > MAX_BODY:
            raise CallerError(f"the text is over {MAX_TEXT} characters", field="text", status=413)
    try:
        wish = msgspec.json.decode(data, type=Say)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CallerError(f"the body does not fit: {error}", field="text") from error
    if not wish.text.strip() or len(wish.text) > MAX_TEXT:
        raise CallerError(f"`text` must have 1 to {MAX_TEXT} characters", field="text")
    return wish


def _cookie(header: str) -> str | None:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None


def _after(body: bytes, receive: Receive) -> Receive:
    """First the body, then whatever the client still does (it may go away)."""
    sent = False

    async def next_message() -> MutableMapping[str, Any]:
        nonlocal sent
        if not sent:
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return next_message


async def _refuse(error: CallerError, send: Send) -> None:
    status, body = shaped(error)
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": msgspec.json.encode({"error": body}), "more_body": False})

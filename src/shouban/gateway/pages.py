"""The gateway's own routes beside chat: models, events, checks, health, figures, and the public log."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.response import Stream
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from shouban.core.errors import CallerError, EvidenceError, OperatorError
from shouban.core.obligations import URGENCIES, Escalate
from shouban.db.engine import view
from shouban.duties.ledger import Duty, open_duties, overdue
from shouban.evidence.chain import HASH_SIZE
from shouban.evidence.log import microseconds, read_checkpoint, read_leaves, read_tile
from shouban.evidence.tiles import TILE_WIDTH, encode_bundle, parse_entries_path, parse_tile_path, width_of
from shouban.gateway.checking import Asked, Checked, Profile, check_read, judged, parse_asked, read_asked, spoken
from shouban.gateway.context import Gateway, Service
from shouban.gateway.doubts import opinion_of
from shouban.gateway.hearing import Words, new_id
from shouban.gateway.people import require
from shouban.gateway.push import checked_last_id, events_of
from shouban.gateway.talk import person_for, read
from shouban.web.api import AnyRequest


class GatewayCallers:
    """Who calls and when; with a virtual clock the timers due by then run first."""

    def __init__(self, gateway: Gateway, run_due: Any) -> None:  # noqa: ANN401  # an async callable taking a time
        self._gateway = gateway
        self._run_due = run_due

    def service(self, request: AnyRequest) -> str:
        return self.full_service(request).id

    def full_service(self, request: AnyRequest) -> Service:
        return self._gateway.service_of(request.headers.get("authorization", ""))

    def guard(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """The key is asked for before anything else of the request is read."""
        if connection.scope["path"].startswith("/v1/"):
            self._gateway.service_of(connection.headers.get("authorization", ""))

    async def now(self, request: AnyRequest) -> datetime:
        at = self._gateway.time(request.headers.get("x-shouban-at"))
        if self._gateway.clock.is_virtual:
            await self._run_due(at)
        return at


def gateway_router(gateway: Gateway, callers: GatewayCallers) -> Router:
    handlers = [*_v1(gateway, callers), *_health(gateway), *_log(gateway, callers)]
    return Router(path="/", route_handlers=handlers, opt={"open": True})


def _v1(gateway: Gateway, callers: GatewayCallers) -> list[Any]:
    @get("/v1/models", tags=["chat"], summary="The models of the service behind")
    async def models(request: AnyRequest) -> Response[bytes]:
        return Response(await callers.full_service(request).upstream.models(), media_type="application/json")

    @get("/v1/events", tags=["chat"], summary="What is pushed to a person (server-sent events)")
    async def events(request: AnyRequest, user: str | None = None) -> Stream:
        service = callers.full_service(request)
        if not user:
            raise CallerError("`user` is missing; ask `/v1/events?user=<id>`", field="user", code="missing_field")
        await callers.now(request)
        person = require(await gateway.people.find(service.id, user), user)
        last_id = request.headers.get("last-event-id")
        checked_last_id(last_id)  # refused here: once the stream has begun there is no status left to refuse with
        frames = events_of(gateway, person, last_id)
        return Stream(
            frames, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )

    @post("/v1/check", status_code=200, tags=["chat"], summary="Judge one text")
    async def check_text(request: AnyRequest, data: Asked) -> Response[bytes]:
        service = callers.full_service(request)
        parse_asked(await request.body())
        at = await callers.now(request)
        checked = (
            await _check_of_person(gateway, service, data, at)
            if isinstance(data.user, str)
            else await _check_of_profile(gateway, service, data)
        )
        return Response(msgspec.json.encode(checked), media_type="application/json")

    @get("/v1/escalations", tags=["care"], summary="Who needs a person of the staff now, most urgent first")
    async def escalations(request: AnyRequest) -> list[dict[str, Any]]:
        service = callers.full_service(request)
        duties = await asyncio.to_thread(_open_escalations, gateway, service.id)
        people = {duty.person: await gateway.people.by_id(service.id, duty.person) for duty in duties}
        shown = [_escalation(duty, person.app_id) for duty in duties if (person := people[duty.person]) is not None]
        return sorted(shown, key=lambda one: (-URGENCIES.index(one["urgency"]), one["due_at"]))

    return [models, events, check_text, escalations]


def _open_escalations(gateway: Gateway, service: str) -> list[Duty]:
    with view(gateway.engine) as connection:
        return open_duties(connection, service=service, kinds=["Escalate"])


def _escalation(duty: Duty, user: str) -> dict[str, Any]:
    owed = duty.owed
    assert isinstance(owed, Escalate)  # noqa: S101  # asked for by kind
    return {
        "duty": duty.id, "user": user, "reason": owed.reason, "urgency": owed.urgency, "takeover": owed.takeover,
        "because": list(owed.because), "owed_at": _iso(duty.owed_us), "due_at": _iso(duty.due_us),
    }  # fmt: skip


def _iso(us: int) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat()


async def _check_of_profile(gateway: Gateway, service: Service, asked: Asked) -> Checked:
    readings, doubts = await asyncio.to_thread(read_asked, asked, gateway.detectors)
    readings += await opinion_of(gateway, service, asked.text, doubts, asked.earlier)
    return await asyncio.to_thread(check_read, asked, readings, service.pack, region=service.settings.region)


async def _check_of_person(gateway: Gateway, service: Service, asked: Asked, at: datetime) -> Checked:
    """The text counts as said: the person's state moves on, and what is owed is on the books before the answer."""
    raw_session = asked.session or "default"
    person = await person_for(gateway, service, str(asked.user), raw_session, at)
    readings, doubts = await read(gateway, asked.text, asked.speaker, asked.earlier)
    if asked.speaker == "user":
        readings += await opinion_of(gateway, service, asked.text, doubts, asked.earlier)
    words = Words(new_id(), asked.speaker, asked.text, person.session(raw_session), raw_session)
    event = spoken(asked, readings, person=person.id, session=words.session, at=at, turn=words.id)
    heard = await gateway.hearing.hear(person, event, service.pack, words=words, done="given with the check")
    await asyncio.shield(heard.committed)
    profile = Profile(age_band=person.state.age_band)
    return judged(
        asked, readings, heard.decision.owed, service.pack, age_band=profile.age_band, region=service.settings.region
    )


def _health(gateway: Gateway) -> list[Any]:
    @get("/healthz", tags=["operation"], summary="The process lives", sync_to_thread=False)
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @get("/readyz", tags=["operation"], summary="The database answers and the detectors speak")
    async def readyz() -> Response[dict[str, Any]]:
        problems = await asyncio.to_thread(_problems, gateway)
        return Response(
            {"status": "ready" if not problems else "not ready", "problems": problems},
            status_code=503 if problems else 200,
        )

    @get("/metrics", tags=["operation"], summary="Figures for Prometheus")
    async def metrics() -> Response[bytes]:
        await asyncio.to_thread(_measure, gateway)
        return Response(generate_latest(gateway.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [healthz, readyz, metrics]


def _problems(gateway: Gateway) -> list[str]:
    problems = []
    try:
        with view(gateway.engine) as connection:
            connection.execute(text("SELECT 1"))
    except OperatorError as error:
        problems.append(str(error))
    if any(one.is_unknown for one in gateway.detectors.read("你好", role="user")):
        problems.append("a detector does not answer")
    return problems


def _measure(gateway: Gateway) -> None:
    with view(gateway.engine) as connection:
        late = overdue(connection, now_us=microseconds(gateway.clock.now()))
    gateway.metrics.overdue.clear()
    for kind, count in late.items():
        gateway.metrics.overdue.labels(kind).set(count)
    for signal, count in gateway.detectors.overruled.items():
        gateway.metrics.overruled.labels(signal).set(count)
    jumped = None if gateway.clock.is_virtual else gateway.clock.jumped()  # type: ignore[union-attr]  # only the real clock can
    gateway.metrics.clock_jump.set(jumped.total_seconds() if jumped else 0)


def _log(gateway: Gateway, callers: GatewayCallers) -> list[Any]:
    @get("/log/checkpoint", tags=["evidence"], summary="The signed head of the log (C2SP checkpoint)")
    async def checkpoint() -> Response[str]:
        found = await asyncio.to_thread(_checkpoint, gateway)
        return Response(found, media_type="text/plain", headers={"Cache-Control": "no-store"})

    @get("/log/tile/{path:path}", tags=["evidence"], summary="A tile of the log (C2SP tlog-tiles)")
    async def tile(request: AnyRequest, path: str) -> Response[bytes]:
        """Hashes are public; entries need the key of the service they are of, since readings of persons stand in them."""
        wanted = f"tile/{path.strip('/')}"
        if wanted.startswith("tile/entries/"):
            data = await asyncio.to_thread(_entries, gateway, wanted, callers.service(request))
        else:
            data = await asyncio.to_thread(_hashes, gateway, wanted)
        return Response(data, media_type="application/octet-stream")

    @get(
        "/log/key",
        tags=["evidence"],
        summary="The key that verifies checkpoints and certificates",
        sync_to_thread=False,
    )
    def key() -> Response[str]:
        return Response(gateway.log.verifier_key + "\n", media_type="text/plain")

    return [checkpoint, tile, key]


def _checkpoint(gateway: Gateway) -> str:
    with view(gateway.engine) as connection:
        found = read_checkpoint(connection)
    if found is None:
        raise CallerError("the log is empty: no checkpoint yet", status=404, code="not_found")
    return found


def _hashes(gateway: Gateway, path: str) -> bytes:
    try:
        wanted = parse_tile_path(path)
    except EvidenceError as error:
        raise CallerError(str(error), status=404, code="not_found") from error
    with view(gateway.engine) as connection:
        data = read_tile(connection, wanted.level, wanted.n)[: wanted.width * HASH_SIZE]
    if len(data) < wanted.width * HASH_SIZE:
        raise CallerError(f"there is no tile `{path}` yet", status=404, code="not_found")
    return data


def _entries(gateway: Gateway, path: str, service: str) -> bytes:
    try:
        wanted = parse_entries_path(path)
    except EvidenceError as error:
        raise CallerError(str(error), status=404, code="not_found") from error
    start = wanted.n * TILE_WIDTH
    with view(gateway.engine) as connection:
        leaves = [leaf for _, leaf in read_leaves(connection, start=start, stop=start + wanted.width)]
    if len(leaves) < wanted.width or not width_of(0, wanted.n, start + len(leaves)):
        raise CallerError(f"there are no entries `{path}` yet", status=404, code="not_found")
    if any(leaf.service != service for leaf in leaves):
        raise CallerError(
            "these entries are of other services too; whoever runs the gateway has them by `shouban evidence export`",
            status=403,
            code="not_yours",
        )
    return encode_bundle([leaf.data for leaf in leaves])

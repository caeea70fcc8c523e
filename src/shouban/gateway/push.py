"""`GET /v1/events?user=`: what is pushed to a person, as server-sent events; `Last-Event-ID` resumes. What only passes by has no id, and does not come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from sqlalchemy import func, select

from shouban.core.errors import CallerError
from shouban.db.engine import view
from shouban.db.keys import row_name
from shouban.db.schema import PUSHES
from shouban.gateway.context import Gateway
from shouban.gateway.people import Person, open_json
from shouban.gateway.staff import BROUGHT

PAGE: Final = 200
BEAT_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 1.0
MAX_DIGITS: Final = 18


def checked_last_id(last_id: str | None) -> int | None:
    """The event that the client has, if it has one; raises `CallerError` where the id is not one of ours."""
    given = (last_id or "").strip()
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= MAX_DIGITS):
        raise CallerError("`Last-Event-ID` is not one of ours", field="Last-Event-ID")
    return int(given)


async def events_of(gateway: Gateway, person: Person, last_id: str | None) -> AsyncIterator[bytes]:
    """Frames of the stream, forever. What another process pushed is found within a second."""
    bell = gateway.hub.listen(person.key_pair)
    try:
        after = await asyncio.to_thread(_start, gateway, person, last_id)
        yield b"retry: 2000\n: connected\n\n"
        silent = 0.0
        shown: dict[str, Any] = {}
        while True:
            bell.clear()
            for name, frame in gateway.board.news(person.service, shown):
                yield frame
                if name:
                    await gateway.board.reached(person.service, person.id, name, gateway.clock.now(), "stream")
            passing = [_passing(*bell.passing.popleft()) for _ in range(len(bell.passing))]
            frames, after = await asyncio.to_thread(_read, gateway, person, after)
            frames = [*passing, *frames]
            if frames:
                silent = 0.0
                yield b"".join(frames)
                continue
            try:
                await asyncio.wait_for(bell.wait(), LOOK_SECONDS)
            except TimeoutError:
                silent += LOOK_SECONDS
            if silent >= BEAT_SECONDS:
                silent = 0.0
                yield b": still here\n\n"
    finally:
        gateway.hub.leave(person.key_pair, bell)


def _start(gateway: Gateway, person: Person, last_id: str | None) -> int:
    """Where to begin: after the last event the client has, or with what comes from now on."""
    given = checked_last_id(last_id)
    if given is not None:
        return given
    mine = (PUSHES.c.service_id == person.service) & (PUSHES.c.person_id == person.id)
    with view(gateway.engine) as connection:
        newest: int = connection.execute(select(func.coalesce(func.max(PUSHES.c.id), 0)).where(mine)).scalar_one()
        return newest


def _read(gateway: Gateway, person: Person, after: int) -> tuple[list[bytes], int]:
    mine = (
        (PUSHES.c.service_id == person.service)
        & (PUSHES.c.person_id == person.id)
        & (PUSHES.c.id > after)
        & (PUSHES.c.kind != BROUGHT)
    )
    with view(gateway.engine) as connection:
        rows = connection.execute(select(PUSHES).where(mine).order_by(PUSHES.c.id).limit(PAGE)).all()
    return [_frame(person, row) for row in rows], rows[-1].id if rows else after


def _passing(kind: str, body: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: ".encode() + msgspec.json.encode({"kind": kind, **body}) + b"\n\n"


def body_of(person: Person, row: Any) -> dict[str, Any]:  # noqa: ANN401  # a row of pushes
    name = row_name(row.push_id, row.session_id, row.kind, row.at_us)
    return open_json(person.open(bytes(row.sealed), "pushes", "sealed", name), "pushes", row.push_id)


def _frame(person: Person, row: Any) -> bytes:  # noqa: ANN401  # a row of pushes
    data = msgspec.json.encode({"id": row.push_id, "kind": row.kind, **body_of(person, row)})
    return f"id: {row.id}\nevent: {row.kind}\ndata: ".encode() + data + b"\n\n"

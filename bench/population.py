"""People in bulk: the rows that a registration leaves, sealed by the real keys, for as many people as are asked for.

One person of each kind was registered over HTTP; the rows of all others are made after theirs, so that what a registration
leaves is written down in one place only, and that is not here.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, event, func, insert, select

from shouban.app import Store, open_store
from shouban.core.rules import Settings as LawSettings
from shouban.core.state import DayUse, PersonState
from shouban.db.engine import view
from shouban.db.keys import row_name
from shouban.db.schema import LOG_ENTRIES, METADATA, PERSON_KEYS, PERSONS, PUSHES, STATES
from shouban.db.writer import Job, Leaf
from shouban.duties.ledger import Writes
from shouban.evidence.log import Decided, decode_entry, leaf_of, microseconds
from shouban.gateway.hearing import new_id
from shouban.gateway.people import People, Person
from shouban.offices.people.contacts import identified
from shouban.settings import Settings

Kind = Literal["adult", "minor", "elder"]
# Half are minors: a thousand people must hold enough of them, and of the others, to ask each only once.
KINDS: tuple[Kind, ...] = ("adult", "minor", "adult", "minor", "elder", "minor", "adult", "minor", "adult", "minor")
SERVICE = "default"
# Every minor has used up the hour that the law gives a day to who is under 16.
USED = timedelta(minutes=61)
# Ages in years, from and below; so far from a birthday that brings another band that none comes within the run.
_AGES: Mapping[Kind, tuple[int, int]] = {"adult": (20, 55), "minor": (8, 12), "elder": (62, 85)}
_FAMILY, _GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "子涵雨欣浩宇梓萱思远晓彤嘉怡俊杰静文明哲"
_AGREEMENT = "2026-07"
_BATCH = 20_000
# In a throw-away directory the disk need not be waited for, and the trees are grown in memory.
_HURRIED = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -2000000")
_COPIED = (PERSONS, PERSON_KEYS, STATES, LOG_ENTRIES, PUSHES)
_PERSON, _KEY, _STATE, _PUSH = insert(PERSONS), insert(PERSON_KEYS), insert(STATES), insert(PUSHES)
_ENCODE = msgspec.json.Encoder().encode


class NotAsExpected(Exception):  # noqa: N818  told to who runs the bench
    """A registration left what this module does not copy."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """What one real registration left; `pushes` are kinds and bodies."""

    profile: dict[str, Any]
    state: PersonState
    entry: Decided
    pushes: tuple[tuple[str, bytes], ...]


def kind_of(number: int) -> Kind:
    return KINDS[number % len(KINDS)]


def app_id(number: int) -> str:
    """The app's own id for one of the people."""
    return f"person-{number:08d}"


def registration(number: int, today: date) -> dict[str, Any]:
    """What the app says of a person: `POST /v1/users`."""
    kind = kind_of(number)
    name = _FAMILY[number % len(_FAMILY)]
    relation = ("母亲", "父亲", "姐姐", "朋友")[number % (2 if kind == "minor" else 4)]
    contact = {
        "kind": "guardian" if kind == "minor" else "emergency",
        "name": name + _GIVEN[number // 7 % len(_GIVEN)],
        "relation": relation,
        "channels": [f"tel:+8613{number % 10**9:09d}"],
    }
    return {
        "id": app_id(number),
        "nickname": "小" + _GIVEN[number % len(_GIVEN)],
        "birth_date": _born(kind, number, today).isoformat(),
        "agreement": _AGREEMENT,
        "contacts": [contact],
    }


def _born(kind: Kind, number: int, today: date) -> date:
    youngest, oldest = _AGES[kind]
    return today - timedelta(days=youngest * 366 + number * 7919 % ((oldest - youngest) * 365))


def patterns_in(data: Path, numbers: Mapping[Kind, int]) -> dict[Kind, Pattern]:
    """What is left of the people registered there, whose numbers are given."""
    store = open_store(Settings(data=str(data)))
    try:
        return {kind: _pattern(store, number) for kind, number in numbers.items()}
    finally:
        store.close()


def _pattern(store: Store, number: int) -> Pattern:
    people = People(store.engine, store.writer, store.master)
    person = asyncio.run(people.find(SERVICE, app_id(number)))
    if person is None:
        raise NotAsExpected(f"`{app_id(number)}` is not registered")
    with view(store.engine) as connection:
        _check_tables(connection, person)
        mine = (LOG_ENTRIES.c.person_id == person.id, PUSHES.c.person_id == person.id)
        entries = connection.execute(select(LOG_ENTRIES).where(mine[0])).all()
        pushes = connection.execute(select(PUSHES).where(mine[1]).order_by(PUSHES.c.id)).all()
    entry = decode_entry(bytes(entries[0].leaf), entries[0].leaf_index)
    if len(entries) != 1 or not isinstance(entry, Decided):
        raise NotAsExpected(f"a registration left {len(entries)} entries in the log; one decision was expected")
    rows = [(one, row_name(one.push_id, one.session_id, one.kind, one.at_us)) for one in pushes]
    bodies = tuple((one.kind, person.open(bytes(one.sealed), "pushes", "sealed", name)) for one, name in rows)
    return Pattern(profile=person.profile, state=person.state, entry=entry, pushes=bodies)


def _check_tables(connection: Connection, person: Person) -> None:
    """Refuses to copy a part: the people of the bench have all rows that registered people have."""
    for table in METADATA.sorted_tables:
        if table in _COPIED or "person_id" not in table.c:
            continue
        if connection.execute(select(func.count()).where(table.c.person_id == person.id)).scalar():
            raise NotAsExpected(f"a registration leaves rows in `{table.name}`, which are not copied")


def fill(data: Path, users: int, patterns: Mapping[Kind, Pattern], tick: Callable[[int], None]) -> None:
    """Puts so many people into a data directory; `tick` hears how many came in."""
    store = open_store(Settings(data=str(data)))
    ready = {kind: _prepared(pattern, kind) for kind, pattern in patterns.items()}
    _hurry(store.engine)
    try:
        for first in range(0, users, _BATCH):
            numbers = range(first, min(first + _BATCH, users))
            job = Job()
            for number in numbers:
                writes, leaf = _rows(store, number, ready[kind_of(number)])
                job.writes += writes
                job.leaves.append(leaf)
            store.writer.write(job)
            tick(len(numbers))
    finally:
        store.close()


def _hurry(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:  # noqa: ANN401  # the driver's own connection
        for pragma in _HURRIED:
            connection.execute(pragma)

    engine.dispose()  # what is connected already would go on as it is


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A pattern with what is the same for everybody of its kind."""

    pattern: Pattern
    state: bytes
    digest: str


def _prepared(pattern: Pattern, kind: Kind) -> _Prepared:
    state = pattern.state
    if kind == "minor":
        today = LawSettings().local(datetime.now(UTC)).date()
        # Tomorrow too: a run may pass midnight.
        days = tuple(DayUse(day, used=USED) for day in (today, today + timedelta(days=1)))
        state = replace(state, days=days)
    sealed = _ENCODE(state)
    return _Prepared(pattern=pattern, state=sealed, digest=sha256(sealed).hexdigest()[:32])


def _rows(store: Store, number: int, ready: _Prepared) -> tuple[Writes, Leaf]:
    """All that a registration of this person would have left."""
    master, at = store.master, datetime.now(UTC)
    at_us = microseconds(at)
    person = Person(SERVICE, secrets.token_hex(12), app_id(number), master.new_person())
    mine = {"service_id": SERVICE, "person_id": person.id}
    profile = _ENCODE(_profile(number, ready.pattern, at))
    lookup = master.lookup(SERVICE, person.app_id)
    sealed = person.seal(profile, "persons", "sealed", person.id)
    writes: Writes = [
        (_PERSON, {**mine, "lookup": lookup, "sealed": sealed, "created_us": at_us}),
        (_KEY, {**mine, "wrapped": master.wrap(person.key, SERVICE, person.id)}),
        (_STATE, {**mine, "version": 1, "sealed": person.seal(ready.state, "states", "sealed", person.id)}),
        *((_PUSH, _push(person, kind, body, at_us)) for kind, body in ready.pattern.pushes),
    ]
    entry = ready.pattern.entry
    told = replace(entry, event=replace(entry.event, person=person.id, at=at), state=ready.digest)
    return writes, leaf_of(told)


def _push(person: Person, kind: str, body: bytes, at_us: int) -> dict[str, Any]:
    name = new_id()
    return {
        "service_id": SERVICE, "person_id": person.id, "push_id": name, "session_id": "", "kind": kind, "at_us": at_us,
        "sealed": person.seal(body, "pushes", "sealed", row_name(name, "", kind, at_us)),
    }  # fmt: skip


def _profile(number: int, pattern: Pattern, at: datetime) -> dict[str, Any]:
    said = registration(number, at.date())
    layers = [{**one, "at": at.isoformat()} for one in pattern.profile["age_evidence"]]
    return {
        **pattern.profile, "id": said["id"], "nickname": said["nickname"], "birth_date": said["birth_date"],
        "contacts": identified(said["contacts"], []), "age_evidence": layers, "created_us": microseconds(at),
    }  # fmt: skip

"""The people in this process: found by the app's id, loaded once, kept while they are here.

What the gateway holds of a person between requests: key, state, profile, what was read already, notices not yet shown.
The database has all of it; this is a cache that a conflict or a failed write empties.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from shouban.core.errors import CallerError, ConflictError, EvidenceError, OperatorError
from shouban.core.state import PersonState
from shouban.db.engine import view
from shouban.db.keys import MasterKey, PersonKey
from shouban.db.schema import (
    APPEALS,
    CASE_JOINS,
    CASE_NOTES,
    CASES,
    COMPLAINT_ENTRIES,
    COMPLAINT_FILES,
    COMPLAINTS,
    DELIVERIES,
    LEDGER,
    LINKS,
    MESSAGES,
    PERSON_KEYS,
    PERSONS,
    PUSHES,
    RECEIPTS,
    RESTRICTIONS,
    SIGN_INS,
    STATES,
    WHISPERS,
)
from shouban.db.writer import Job, Writer
from shouban.duties.ledger import NOTICES, Duty, open_duties

# What goes with the person: rows that open with their key, or speak of nobody else. The log keeps what happened.
OWN_TABLES: Final = (
    MESSAGES,
    PUSHES,
    STATES,
    SIGN_INS,
    APPEALS,
    LINKS,
    RECEIPTS,
    CASE_NOTES,
    CASE_JOINS,
    WHISPERS,
    CASES,
    COMPLAINT_FILES,
    COMPLAINT_ENTRIES,
    COMPLAINTS,
    DELIVERIES,
    RESTRICTIONS,
    PERSON_KEYS,
    PERSONS,
)
MAX_HELD: Final = 20_000
MAX_SEEN: Final = 5_000

_STATE = msgspec.json.Decoder(PersonState)
_PROFILE = msgspec.json.Decoder(dict[str, Any])
_ENCODE = msgspec.json.Encoder().encode


@dataclass
class Person:
    """One person of one service."""

    service: str
    id: str
    app_id: str
    key: PersonKey
    state: PersonState = field(default_factory=PersonState)
    version: int = 0
    profile: dict[str, Any] = field(default_factory=dict)
    seen: defaultdict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    pending: dict[str, Duty] = field(default_factory=dict)
    giving: set[str] = field(default_factory=set)
    # Of each talk, the words of the last request that no reply of the model has followed.
    unanswered: defaultdict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    streams: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    answering: asyncio.Lock = field(default_factory=asyncio.Lock)
    words: asyncio.Event = field(default_factory=asyncio.Event)
    is_gone: bool = False
    looked: float = -math.inf
    halts: set[Callable[[], None]] = field(default_factory=set)

    def halt(self) -> None:
        """Whoever is giving this person a reply looks now whether it may go on."""
        for ring in tuple(self.halts):
            ring()

    @property
    def key_pair(self) -> tuple[str, str]:
        return self.service, self.id

    def session(self, raw: str) -> str:
        return self.key.session_name(raw)

    def fingerprint(self, role: str, text: str) -> bytes:
        return self.key.fingerprint(role, text.encode("utf-8", "surrogatepass"))

    def seal(self, data: bytes, table: str, column: str, row: str) -> bytes:
        return self.key.seal(data, self.service, table, column, row)

    def open(self, sealed: bytes, table: str, column: str, row: str) -> bytes:
        return self.key.open(sealed, self.service, table, column, row)


class People:
    """Finds, makes, loads and forgets persons."""

    def __init__(self, engine: Engine, writer: Writer, master: MasterKey) -> None:
        self._engine = engine
        self._shared = engine.dialect.name == "postgresql"
        self._writer = writer
        self._master = master
        self._held: OrderedDict[tuple[str, str], Person] = OrderedDict()
        self._ids: dict[tuple[str, str], str] = {}
        self._loading: dict[tuple[str, str], asyncio.Lock] = {}

    async def find(self, service: str, app_id: str) -> Person | None:
        """The person whom the app calls `app_id`, or none."""
        known = self._ids.get((service, app_id))
        if known and (held := self._held.get((service, known))):
            self._held.move_to_end((service, known))
            if await self._is_current(held):
                return held
        async with self._loading.setdefault((service, app_id), asyncio.Lock()):
            held = self._held.get((service, self._ids.get((service, app_id), "")))
            person = held or await asyncio.to_thread(self._load, service, app_id, None)
        self._loading.pop((service, app_id), None)
        return self._keep(person) if person else None

    async def by_id(self, service: str, person_id: str) -> Person | None:
        """The person with this pseudonym, or none (erased)."""
        held = self._held.get((service, person_id))
        if held and await self._is_current(held):
            return held
        person = await asyncio.to_thread(self._load, service, None, person_id)
        if person is None:
            return None
        return self._held.get((service, person_id)) or self._keep(person)

    async def look_again(self, person: Person) -> None:
        """What another process has decided on somebody whose reply is under way here holds for it."""
        if not await self._is_current(person):
            person.is_gone = True

    @property
    def is_shared(self) -> bool:
        return self._shared

    async def _is_current(self, person: Person) -> bool:
        """Brings a held person up to what other processes have written; whether the person is still there."""
        if not self._shared:
            return True
        async with person.lock:
            began = time.monotonic()
            version = await asyncio.to_thread(self._version, person)
            if version != person.version and (version is not None or person.version):
                try:
                    await self.reload(person)
                except ConflictError:
                    return False
            person.looked = began
            return True

    async def make(self, service: str, app_id: str, profile: dict[str, Any], *, now_us: int) -> Person:
        """A new person, with a key of their own. The row is on disk when this returns; `ConflictError` if somebody was faster."""
        person = Person(
            service,
            secrets.token_hex(12),
            app_id,
            self._master.new_person(),
            profile={**profile, "id": app_id, "created_us": now_us},
        )
        row = {
            "service_id": service, "person_id": person.id, "lookup": self._master.lookup(service, app_id),
            "sealed": person.seal(_ENCODE(person.profile), "persons", "sealed", person.id), "created_us": now_us,
        }  # fmt: skip
        wrapped = {
            "service_id": service,
            "person_id": person.id,
            "wrapped": self._master.wrap(person.key, service, person.id),
        }
        try:
            await self._writer.submit(Job(writes=[(_NEW_PERSON, row), (_NEW_KEY, wrapped)], is_urgent=True))
        except OperatorError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise ConflictError("this user was made elsewhere at the same time; ask again") from error
            raise
        return self._keep(person)

    async def change_profile(self, person: Person, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Changes what the database has, not what we remember of it: two changes at once, here or elsewhere, both hold."""
        mine = (PERSONS.c.service_id == person.service) & (PERSONS.c.person_id == person.id)

        def write(connection: Connection) -> dict[str, Any]:
            sealed = connection.execute(select(PERSONS.c.sealed).where(mine).with_for_update()).scalar()
            if sealed is None:
                raise ConflictError("this person was erased at the same time; ask again")
            held = open_json(person.open(bytes(sealed), "persons", "sealed", person.id), "persons", person.id)
            fresh = change(held)
            connection.execute(
                update(PERSONS).where(mine).values(sealed=person.seal(_ENCODE(fresh), "persons", "sealed", person.id))
            )
            return fresh

        person.profile = await self._writer.submit(Job(call=write, is_urgent=True))

    async def reload(self, person: Person) -> None:
        """Takes all that may have changed from the database again: another process was faster."""
        fresh = await asyncio.to_thread(self._load, person.service, None, person.id)
        if fresh is None:
            self.forget(person)
            raise ConflictError("this person was erased at the same time; ask again")
        person.version, person.state, person.profile = fresh.version, fresh.state, fresh.profile
        person.pending = {duty: owed for duty, owed in fresh.pending.items() if duty not in person.giving}
        for session, marks in fresh.seen.items():
            person.seen[session] |= marks

    async def is_owed(self, duty: str) -> bool:
        """Whether a duty is still owed, by the database."""
        return await asyncio.to_thread(self._is_owed, duty)

    def forget(self, person: Person) -> None:
        """Drops all that this process holds of the person; one who was loaded anew since stays."""
        if self._held.get(person.key_pair) is person:
            del self._held[person.key_pair]
            self._ids.pop((person.service, person.app_id), None)

    def _keep(self, person: Person) -> Person:
        person = self._held.setdefault(person.key_pair, person)
        self._ids[person.service, person.app_id] = person.id
        while len(self._held) > MAX_HELD:
            oldest = next(iter(self._held.values()))
            if oldest.streams:
                self._held.move_to_end(oldest.key_pair)
                break
            self.forget(oldest)
        return person

    def _load(self, service: str, app_id: str | None, person_id: str | None) -> Person | None:
        with view(self._engine) as connection:
            query = select(PERSONS, PERSON_KEYS.c.wrapped).join(
                PERSON_KEYS,
                (PERSONS.c.service_id == PERSON_KEYS.c.service_id) & (PERSONS.c.person_id == PERSON_KEYS.c.person_id),
            )
            one = (
                PERSONS.c.person_id == person_id
                if app_id is None
                else PERSONS.c.lookup == self._master.lookup(service, app_id)
            )
            row = connection.execute(query.where(PERSONS.c.service_id == service, one)).one_or_none()
            return None if row is None else self._loaded(connection, row)

    def _loaded(self, connection: Connection, row: Any) -> Person:  # noqa: ANN401  # a joined row
        key = self._master.unwrap(bytes(row.wrapped), row.service_id, row.person_id)
        profile = open_json(
            key.open(bytes(row.sealed), row.service_id, "persons", "sealed", row.person_id), "persons", row.person_id
        )
        person = Person(row.service_id, row.person_id, profile["id"], key, profile=profile)
        state = connection.execute(_state_query(person)).one_or_none()
        if state is not None:
            person.version, person.state = state.version, open_state(person, bytes(state.sealed))
        for session, fingerprint in connection.execute(_seen_query(person)):
            person.seen[session].add(bytes(fingerprint))
        owed = open_duties(connection, service=person.service, person=person.id, kinds=sorted(NOTICES))
        person.pending = {duty.id: duty for duty in owed}
        return person

    def _is_owed(self, duty: str) -> bool:
        with view(self._engine) as connection:
            return connection.execute(select(LEDGER.c.state).where(LEDGER.c.duty_id == duty)).scalar() == "owed"

    def _version(self, person: Person) -> int | None:
        with view(self._engine) as connection:
            found = connection.execute(_state_query(person)).one_or_none()
            return found.version if found else None


_NEW_PERSON = insert(PERSONS)
_NEW_KEY = insert(PERSON_KEYS)


def _state_query(person: Person) -> Any:  # noqa: ANN401  # SQLAlchemy's Select of two columns
    mine = (STATES.c.service_id == person.service) & (STATES.c.person_id == person.id)
    return select(STATES.c.version, STATES.c.sealed).where(mine)


def _seen_query(person: Person) -> Any:  # noqa: ANN401  # SQLAlchemy's Select of two columns
    mine = (MESSAGES.c.service_id == person.service) & (MESSAGES.c.person_id == person.id)
    return (
        select(MESSAGES.c.session_id, MESSAGES.c.fingerprint)
        .where(mine)
        .order_by(MESSAGES.c.at_us.desc())
        .limit(MAX_SEEN)
    )


def open_state(person: Person, sealed: bytes) -> PersonState:
    try:
        return _STATE.decode(person.open(bytes(sealed), "states", "sealed", person.id))
    except msgspec.DecodeError as error:
        raise EvidenceError(
            f"the state of person `{person.id}` is not in a form this version knows ({error})"
        ) from error


def open_json(data: bytes, table: str, row: str) -> dict[str, Any]:
    try:
        return _PROFILE.decode(data)
    except msgspec.DecodeError as error:
        raise EvidenceError(f"the row `{row}` of `{table}` is damaged") from error


def require(person: Person | None, app_id: str) -> Person:
    """The person, or the error that the app should see."""
    if person is None:
        raise CallerError(
            f"no user `{app_id}` is registered; `POST /v1/users` registers one",
            field="user",
            status=404,
            code="user_not_found",
        )
    return person


def erase_rows(connection: Connection, person: Person) -> dict[str, int]:
    """Deletes every row that opens with the person's key, and the key. Returns how many rows went, by table."""
    gone = {}
    for table in OWN_TABLES:
        mine = (table.c.service_id == person.service) & (table.c.person_id == person.id)
        gone[table.name] = connection.execute(delete(table).where(mine)).rowcount
    return gone

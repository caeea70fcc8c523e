"""Hears an event: decides, keeps the state, and puts event, decision, duties and text on disk together.

INVARIANT: what `committed` promises is all or nothing, and nobody is told a turn was taken before it resolves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import Engine, insert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from shouban.core.decide import Decision, decide
from shouban.core.errors import CallerError, ConflictError
from shouban.core.events import DutyDone, Event, readings_of
from shouban.core.obligations import Escalate, HoldRecords
from shouban.core.signals import Reading, rank
from shouban.db.keys import random_bytes, row_name
from shouban.db.schema import HOLDS, MESSAGES, PUSHES
from shouban.db.writer import Call, Job, StateWrite, Writer
from shouban.duties import ledger
from shouban.duties.cases import Cases, desk_of
from shouban.duties.ledger import AT_ONCE, NOTICES, WITH_DECISION, Duty, Ledger, Writes
from shouban.evidence.books import After
from shouban.evidence.log import Decided, leaf_of, microseconds
from shouban.gateway.hub import Hub
from shouban.gateway.people import People, Person
from shouban.packs.pack import LoadedPack

MAX_TRIES: Final = 6
MAX_READINGS: Final = 64
# Somebody is to be helped or told: these are on disk before the first byte of the answer goes out (design §5).
FIRST_ON_THE_BOOKS: Final = frozenset({"ShowHelp", "Escalate", "NotifyGuardian", "HoldRecords", "Lock", "Interrupt"})

CARE: Final = frozenset({"Escalate", "FollowUp"})

_log = structlog.get_logger("shouban.gateway")
_ENCODE = msgspec.json.Encoder().encode
_MESSAGE = insert(MESSAGES)
_HOLD = insert(HOLDS)


@dataclass(frozen=True)
class Words:
    """A text to be kept, sealed: whose it was (`user`, `companion`, `system`, `tool`, `human`), where it was said, and under which name by the staff."""

    id: str
    role: str
    text: str
    session: str
    raw_session: str
    companion: str = ""
    staff: str = ""


_newest_us = 0


def new_id() -> str:
    """An id for a text; ids made later sort after those made before, so that texts of one instant keep their order."""
    global _newest_us  # noqa: PLW0603  # one counter a process
    _newest_us = max(_newest_us + 1, time.time_ns() // 1000)
    return f"{_newest_us:014x}{random_bytes(5).hex()}"


@dataclass(frozen=True)
class Push:
    """Something for `/v1/events`; `body` is sealed as JSON."""

    kind: str
    body: dict[str, Any]
    session: str = ""
    id: str = field(default_factory=new_id)


@dataclass
class Heard:
    """A decision, its duties, and the promise that all of it is on disk."""

    decision: Decision
    duties: list[Duty]
    committed: asyncio.Future[Any]


class Hearing:
    """The one way by which events reach a person's state."""

    def __init__(self, engine: Engine, writer: Writer, people: People, book: Ledger, hub: Hub, *, shared: bool) -> None:
        self._cases = Cases(engine)
        self._writer = writer
        self._people = people
        self._book = book
        self._hub = hub
        self._shared = shared
        self._held: set[asyncio.Task[Heard]] = set()
        push = (postgresql_insert if engine.dialect.name == "postgresql" else sqlite_insert)(PUSHES)
        self._push = push.on_conflict_do_nothing(index_elements=["service_id", "person_id", "push_id"])

    async def hear(
        self,
        person: Person,
        event: Event,
        pack: LoadedPack,
        *,
        words: Words | None = None,
        pushes: Sequence[Push] = (),
        writes: Writes | None = None,
        call: Call | None = None,
        after: After | None = None,
        done: str = "",
    ) -> Heard:
        """Decides on `event` now. With other processes beside us the state may be newer elsewhere: then again.

        `call` runs first in the transaction that keeps the decision; where it raises, nothing of either is kept. `after` runs last in it.

        `done` says how the notices owed were carried out, where the event itself carries them out (a duty that is
        delivered with this very decision needs no second transaction).
        """
        # A job whose `call` may refuse it is waited for, and whoever comes meanwhile waits too: decided on a state
        # that is then refused, they would be refused with it.
        may_be_refused = self._shared or call is not None
        if not may_be_refused and not person.lock.locked():
            return self._hear(person, event, pack, words, pushes, writes or [], call, after, done)
        held = self._in_turn(
            person, event, pack, words, pushes, writes or [], call, after, done, may_be_refused=may_be_refused
        )
        # Whoever asked may go away meanwhile: the turn is held until it is known what became of it all the same.
        task = asyncio.ensure_future(held)
        self._held.add(task)
        task.add_done_callback(self._let_go)
        return await asyncio.shield(task)

    def _let_go(self, task: asyncio.Task[Heard]) -> None:
        self._held.discard(task)
        if not task.cancelled():
            task.exception()  # is the asker's; where they have gone, nobody's

    async def _in_turn(
        self, person: Person, event: Event, pack: LoadedPack, words: Words | None, pushes: Sequence[Push], writes: Writes, call: Call | None,
        after: After | None, done: str, *, may_be_refused: bool,
    ) -> Heard:  # fmt: skip
        """One after the other on this person; what may be refused keeps its turn until it is on disk, or was taken back."""
        ended = event.duty if isinstance(event, DutyDone) else ""
        person.giving.add(ended)
        try:
            async with person.lock:
                for _ in range(MAX_TRIES):
                    # Asked before each try: who ends it after this answer changes the person too, and we try again.
                    if ended and not await self._people.is_owed(ended):
                        return await self._ended_elsewhere(person, event, pushes)
                    heard = self._hear(
                        person, event, pack, words, pushes, writes, call, after, done, reloads=may_be_refused
                    )
                    if not may_be_refused:
                        return heard
                    try:
                        await asyncio.shield(heard.committed)
                    except ConflictError:
                        await self._people.reload(person)
                    except CallerError:
                        await self._people.reload(person)
                        raise
                    else:
                        return heard
        finally:
            person.giving.discard(ended)
        raise ConflictError("this person was changed elsewhere again and again; ask again")

    async def _ended_elsewhere(self, person: Person, event: Event, pushes: Sequence[Push]) -> Heard:
        """Another process did the same duty a moment before, and said so in the log: it is not done twice."""
        if pushes:
            await self.push(person, event, pushes)
        nothing: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        nothing.set_result(None)
        return Heard(Decision(person.state, ()), [], nothing)

    async def push(self, person: Person, event: Event, pushes: Sequence[Push]) -> None:
        """Puts pushes on disk, then wakes who listens. One that is there already is not sent twice."""
        rows: Writes = [(self._push, _push_row(person, event, push)) for push in pushes]
        await self._writer.submit(Job(writes=rows, is_urgent=True))
        self._hub.ring(person.key_pair)

    def _hear(
        self, person: Person, event: Event, pack: LoadedPack, words: Words | None, pushes: Sequence[Push], writes: Writes, call: Call | None,
        after: After | None, done: str, *, reloads: bool = False,
    ) -> Heard:  # fmt: skip
        before = person.state, person.version
        event = capped(event)
        decision = decide(person.state, event, pack.pack)
        duties = ledger.duties_of(
            decision.owed, service=person.service, person=person.id, session=event.session, at=event.at
        )
        duties = [_at_once(duty, done) for duty in duties]
        state = _ENCODE(decision.state)
        version = person.version + 1
        cases = self._cases.of(event, duties, service=person.service, person=person.id, state=decision.state)
        of_case = self._cases.after(event, duties, service=person.service, person=person.id)
        job = Job(
            writes=[*self._rows(person, event, duties, words, pushes), *writes, *cases],
            leaves=[leaf_of(_entry(person, event, pack, decision, duties, words, state, done))],
            state=StateWrite(person.service, person.id, version, person.seal(state, "states", "sealed", person.id)),
            call=call,
            after=_both(after, of_case) if of_case else after,
            alone=call is not None,  # what it deletes is not put back by a job beside it
            is_urgent=any(duty.kind in FIRST_ON_THE_BOOKS for duty in duties),
        )
        # Only now, when nothing can be refused any more, does the state move.
        person.state, person.version = decision.state, version
        for duty in duties:
            if duty.kind in NOTICES and duty.state == "owed":
                person.pending[duty.id] = duty
        committed = self._writer.submit_and_give_way(job) if job.is_urgent else self._writer.submit(job)
        committed.add_done_callback(
            lambda future: self._settled(future, person, before, duties, pushed=bool(pushes), reloads=reloads)
        )
        return Heard(decision, duties, committed)

    def _settled(
        self, future: asyncio.Future[Any], person: Person, before: tuple[Any, int], duties: list[Duty], *, pushed: bool, reloads: bool,
    ) -> None:  # fmt: skip
        """What was not written did not happen: the cache goes, and the next word is decided on what the disk has."""
        if future.cancelled() or future.exception() is not None:
            for duty in duties:
                person.pending.pop(duty.id, None)
            is_refused = not future.cancelled() and isinstance(future.exception(), ConflictError | CallerError)
            if not (reloads and is_refused):
                self._people.forget(person)
            return
        for duty in duties:
            if isinstance(duty.owed, Escalate):
                _log.warning(
                    "person_needed",
                    duty=duty.id,
                    service=duty.service,
                    reason=duty.owed.reason,
                    urgency=duty.owed.urgency,
                )
            if duty.kind in CARE:
                self._hub.ring(desk_of(person.service))
        if pushed or person.state.takeover == "human":
            self._hub.ring(person.key_pair)
        if person.state.takeover != "none":
            self._hub.ring(desk_of(person.service))

    def _rows(
        self, person: Person, event: Event, duties: Sequence[Duty], words: Words | None, pushes: Sequence[Push]
    ) -> Writes:  # fmt: skip
        rows: Writes = [row for duty in duties for row in self._book.owe(duty)]
        rows += [_hold_row(duty) for duty in duties if isinstance(duty.owed, HoldRecords)]
        if words is not None:
            rows.append((_MESSAGE, _message_row(person, event, words)))
        rows += [(self._push, _push_row(person, event, push)) for push in pushes]
        return rows


def _both(first: After | None, second: After) -> After:
    return second if first is None else lambda connection: [*first(connection), *second(connection)]


def capped(event: Event) -> Event:
    """A text with a thousand phone numbers has one reading of each sort: an entry of the log has its limit."""
    readings = readings_of(event)
    if len(readings) <= MAX_READINGS:
        return event
    best: dict[tuple[str, str | None, bool], Reading] = {}
    for one in readings:
        key = one.signal, one.kind, one.is_unknown
        if key not in best or (rank(one.level), one.score) > (rank(best[key].level), best[key].score):
            best[key] = one
    return msgspec.structs.replace(event, readings=tuple(best.values()))


def _at_once(duty: Duty, done: str) -> Duty:
    """Duties that the decision itself carries out are done with it."""
    if duty.kind in AT_ONCE:
        return _ended(duty, WITH_DECISION)
    return _ended(duty, done) if done and duty.kind in NOTICES else duty


def _ended(duty: Duty, how: str) -> Duty:
    return Duty(
        duty.id,
        duty.service,
        duty.person,
        duty.session,
        duty.owed,
        duty.owed_us,
        duty.due_us,
        state="done",
        outcome=how,
    )


def _entry(
    person: Person, event: Event, pack: LoadedPack, decision: Decision, duties: Sequence[Duty], words: Words | None, state: bytes, done: str
) -> Decided:  # fmt: skip
    return Decided(
        service=person.service,
        event=event,  # type: ignore[arg-type]  # every Event subclass that exists is one of AnyEvent
        owed=decision.owed,  # type: ignore[arg-type]  # likewise
        rules=decision.rules,
        pack=f"{pack.pack.id}@{pack.pack.digest[:16]}",
        duties=tuple(duty.id for duty in duties),
        text=person.key.digest(words.text.encode("utf-8", "surrogatepass")).hex() if words else "",
        state=sha256(state).hexdigest()[:32],
        done=done,
    )


def _message_row(person: Person, event: Event, words: Words) -> dict[str, Any]:
    said = {"text": words.text, "session": words.raw_session, "companion": words.companion}
    body = _ENCODE(said | ({"staff": words.staff} if words.staff else {}))
    return {
        "service_id": person.service, "person_id": person.id, "message_id": words.id, "session_id": words.session,
        "role": words.role, "at_us": microseconds(event.at), "fingerprint": person.fingerprint(words.role, words.text),
        "sealed": person.seal(body, "messages", "sealed", words.id),
    }  # fmt: skip


def _push_row(person: Person, event: Event, push: Push) -> dict[str, Any]:
    at_us = microseconds(event.at)
    row = row_name(push.id, push.session, push.kind, at_us)
    return {
        "service_id": person.service, "person_id": person.id, "push_id": push.id, "session_id": push.session,
        "kind": push.kind, "at_us": at_us, "sealed": person.seal(_ENCODE(push.body), "pushes", "sealed", row),
    }  # fmt: skip


def _hold_row(duty: Duty) -> tuple[Any, dict[str, Any]]:
    kept = duty.owed.keep_for if isinstance(duty.owed, HoldRecords) else timedelta(0)
    topic = duty.owed.topic if isinstance(duty.owed, HoldRecords) else ""
    until = duty.owed_us + round(kept.total_seconds() * 1e6)
    row = {
        "hold_id": duty.id,
        "service_id": duty.service,
        "person_id": duty.person,
        "topic": topic,
        "from_us": duty.owed_us,
        "until_us": until,
    }
    return _HOLD, row

"""The drive of `shouban simulate`: each message read, decided on, and put on disk as the service itself would.

No model is asked, no notice shown, no contact called. Timers run in the virtual time of the person's own messages.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from shouban.core import events as e
from shouban.core.errors import CallerError, EvidenceError, ShoubanError
from shouban.core.obligations import WakeAt
from shouban.core.signals import Role
from shouban.db.writer import Job
from shouban.duties.ledger import Duty, done, open_duties
from shouban.evidence.log import Acted, leaf_of, microseconds
from shouban.gateway.context import Gateway
from shouban.gateway.hearing import Heard, Words
from shouban.gateway.people import Person
from shouban.gateway.talk import CONTEXT_TURNS
from shouban.offices.simulation.intake import Conversation, Said, conversation_of, moments, registered
from shouban.offices.simulation.tally import Tally, Turn
from shouban.offices.simulation.work import Input
from shouban.packs.pack import LoadedPack

# Conversations under way at once: enough for full group commits, few enough to stay small.
WINDOW: Final = 48
TIMER: Final = "WakeAt"
OUR_OWN: Final[dict[str, e.ContextRole]] = {"system": "system", "tool": "tool"}


@dataclass
class Simulation:
    """One run: a service of its own in the store, so that runs in one directory stay apart."""

    gateway: Gateway
    pack: LoadedPack
    service: str
    tally: Tally
    told: Callable[[], None]
    turns_of: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def talk(self, conversation: Conversation, before: asyncio.Task[None] | None) -> None:
        """One conversation, counted once all of it is on disk."""
        if before is not None:
            await asyncio.wait([before])
        person, is_new = await self._person(conversation)
        talk = _Talk(self, conversation, person, is_new=is_new)
        try:
            await talk.hear_all()
            self.tally.add(conversation.id, talk.turns, is_timed=conversation.is_timed)
        except EvidenceError as error:
            self.tally.refuse(conversation.line, f"stopped half-way and not counted: {error}")
        finally:
            self.gateway.people.forget(person)
            self.told()

    async def _person(self, conversation: Conversation) -> tuple[Person, bool]:
        """A person of the conversation's own, or the one whom an earlier conversation knew by the same id."""
        app_id = f"user:{conversation.user}" if conversation.user else f"line:{conversation.line}"
        found = await self.gateway.people.find(self.service, app_id) if conversation.user else None
        if found is not None:
            return found, False
        self.tally.persons += 1
        first = microseconds(moments(conversation.said, None)[0])
        return await self.gateway.people.make(self.service, app_id, {}, now_us=first), True


class _Talk:
    """One conversation being heard. `timers` are the ledger's rows of the person's standing timers, by key."""

    def __init__(self, simulation: Simulation, conversation: Conversation, person: Person, *, is_new: bool) -> None:
        self.turns: list[Turn] = []
        self._simulation = simulation
        self._conversation = conversation
        self._person = person
        self._is_new = is_new
        self._session = person.session(conversation.id)
        self._context: deque[tuple[Role, str]] = deque(maxlen=CONTEXT_TURNS)
        self._heard: list[Heard] = []
        self._timers: dict[str, str] = {}

    async def hear_all(self) -> None:
        """Everything of it in its order; returns, or raises, when nothing of it is under way any more."""
        try:
            times = await self._begin()
            for said, at in zip(self._conversation.said, times, strict=True):
                await self._run_timers(at)
                await self._say(said, at)
        finally:
            await self._on_disk()

    async def _begin(self) -> list[datetime]:
        times = moments(self._conversation.said, self._person.state.use.active_at)
        if self._is_new:
            for event in registered(self._conversation.profile, self._person.id, times[0]):
                await self._hear(event)
        else:
            self._timers = await asyncio.to_thread(self._standing)
        return times

    def _standing(self) -> dict[str, str]:
        with self._simulation.gateway.engine.connect() as connection:
            duties = open_duties(connection, service=self._person.service, person=self._person.id, kinds=[TIMER])
        return _timers_in(duties)

    async def _run_timers(self, until: datetime) -> None:
        """Timers due by then run at their own time and in their order, as the workers would have run them.

        All is on disk before and after: the row that ends and the row that may follow it have one key.
        """
        while due := sorted((at, key) for key, at in self._person.state.wakes.items() if at <= until):
            at, key = due[0]
            await self._on_disk()
            passed = e.TimePassed(at=at, person=self._person.id, session=self._session, key=key)
            await self._hear(passed, row=self._timers.pop(key, ""))
            await self._on_disk()

    async def _say(self, said: Said, at: datetime) -> None:
        role: Role = "companion" if said.role == "companion" else "user"
        readings = self._simulation.gateway.detectors.read(said.text, role=role, context=tuple(self._context))
        turn = f"{self._conversation.line}.{len(self.turns)}" if said.text else ""
        facts: dict[str, Any] = {
            "at": at,
            "person": self._person.id,
            "session": self._session,
            "turn": turn,
            "chars": len(said.text),
            "readings": readings,
        }
        words = Words(turn, said.role, said.text, self._session, self._conversation.id) if turn else None
        if said.role in OUR_OWN:
            await self._hear(e.ContextRead(role=OUR_OWN[said.role], **facts), words, said.role)
            return
        await self._hear((e.UserSpoke if role == "user" else e.CompanionSpoke)(**facts), words, said.role)
        self._context.append((role, said.text))

    async def _hear(self, event: e.Event, words: Words | None = None, role: str = "", *, row: str = "") -> None:
        writes = done(row, event.at, "the time has passed") if row else None
        heard = await self._simulation.gateway.hearing.hear(
            self._person, event, self._simulation.pack, words=words, writes=writes
        )
        self._heard.append(heard)
        self._timers |= _timers_in(heard.duties)
        self.turns.append(Turn(role, event.at, e.readings_of(event), heard.decision.owed))

    async def _on_disk(self) -> None:
        for one in self._heard:
            await one.committed
        self._heard.clear()


def _timers_in(duties: Iterable[Duty]) -> dict[str, str]:
    return {duty.owed.key: duty.id for duty in duties if isinstance(duty.owed, WakeAt)}


async def drive(source: Input, simulation: Simulation, limit: int | None) -> None:
    """Many conversations at once, a window of them; those of one person in their order."""
    await _note(simulation, "simulation_started")
    window = asyncio.Semaphore(WINDOW)
    try:
        async with asyncio.TaskGroup() as group:
            for conversation in _conversations(source, simulation.tally, limit):
                await window.acquire()
                task = group.create_task(simulation.talk(conversation, simulation.turns_of.get(conversation.user)))
                task.add_done_callback(lambda _: window.release())
                if conversation.user:
                    _remember(simulation.turns_of, conversation.user, task)
    except* ShoubanError as failed:
        raise failed.exceptions[0] from None
    await _note(simulation, "simulation_ended")


def _remember(turns_of: dict[str, asyncio.Task[None]], user: str, task: asyncio.Task[None]) -> None:
    """The user's latest conversation, until it has ended."""

    def forget(ended: asyncio.Task[None]) -> None:
        if turns_of.get(user) is ended:
            del turns_of[user]

    turns_of[user] = task
    task.add_done_callback(forget)


def _conversations(source: Input, tally: Tally, limit: int | None) -> Iterator[Conversation]:
    given = 0
    for number, line in source.lines(tally.refuse):
        try:
            conversation = conversation_of(line, number)
        except CallerError as error:
            tally.refuse(number, str(error))
            continue
        yield conversation
        given += 1
        if given == limit:
            return


async def _note(simulation: Simulation, act: str) -> None:
    """The log says of itself that it is a simulation's, of which law and by which detectors."""
    pack = simulation.pack.pack
    facts = {"pack": pack.id, "digest": pack.digest, "detectors": simulation.gateway.detectors.about()}
    entry = Acted(service=simulation.service, at=datetime.now(UTC), act=act, facts=facts)
    await simulation.gateway.writer.submit(Job(leaves=[leaf_of(entry)]))

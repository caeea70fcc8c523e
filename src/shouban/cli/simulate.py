"""`shouban simulate`: past conversations through detectors, core, ledger and log, to see what a law would have asked."""

from __future__ import annotations

import asyncio
import gc
import resource
import secrets
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from shouban.app import Store, build_gateway, open_store, signer_of
from shouban.cli.serve import set_up_log
from shouban.core import events as e
from shouban.core.errors import CallerError, EvidenceError, ShoubanError
from shouban.core.obligations import WakeAt
from shouban.core.signals import Role
from shouban.db.writer import Job
from shouban.duties.ledger import Duty, done, open_duties
from shouban.evidence.log import Acted, leaf_of, microseconds
from shouban.evidence.verify import verify_store
from shouban.gateway.context import Gateway
from shouban.gateway.hearing import Heard, Words
from shouban.gateway.people import Person
from shouban.gateway.talk import CONTEXT_TURNS
from shouban.offices.simulation.intake import Conversation, Said, conversation_of, moments, registered
from shouban.offices.simulation.model import Evidence, Report, RuleName, Run, Tally, Turn, report_of
from shouban.offices.simulation.pages import render_report
from shouban.offices.simulation.records import ledger_of
from shouban.offices.simulation.tables import print_report
from shouban.offices.simulation.work import Input, claim_directory, writable, write_whole
from shouban.packs.pack import LoadedPack
from shouban.packs.stack import load_pack
from shouban.settings import Settings
from shouban.web.language import Language

# Conversations under way at once: enough for full group commits, few enough to stay small.
WINDOW: Final = 48
TIMER: Final = "WakeAt"
TOLD_EVERY_SECONDS: Final = 0.2
OUR_OWN: Final[dict[str, e.ContextRole]] = {"system": "system", "tool": "tool"}


def simulate(
    file: Path,
    /,
    *,
    pack: str = "cn",
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    json: Path | None = None,
    html: Path | None = None,
    limit: int | None = None,
    language: Language = "zh",
    strict: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Drive past conversations through a law: what is seen, what is owed and why. No model is called.

    Example: `shouban simulate conversations.jsonl.gz --pack cn --html report.html`

    Parameters
    ----------
    file
        JSON lines, plain or gzipped (`-` is standard input): `{id, messages: [{role, content, at?}], user?}`.
    pack
        The law: a shipped pack, or a pack's directory.
    data
        Keep the store (sealed texts, ledger, log) in this directory; without it a temporary one is used and deleted.
    json
        Write the report here as JSON (`-`: to standard output, and nothing else).
    html
        Write the report here as one page with plots.
    limit
        Stop after so many conversations.
    language
        zh or en: the tables, and the page's first language.
    strict
        End with exit code 1 if any line had to be skipped.
    """
    if limit is not None and limit < 1:
        raise CallerError(f"`--limit` is {limit}; it must be at least 1", field="limit")
    writable(json, "--json")
    writable(html, "--html")
    set_up_log("warning")
    with _directory(data) as place:
        report = _simulated(Input(file), load_pack(pack), place, limit)
    if html is not None:
        write_whole(html, render_report(report, language).encode())
    if json is not None:
        write_whole(json, msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    if str(json) != "-":
        print_report(report, Console(highlight=False), language)
    return 1 if not report.evidence.is_whole or (strict and report.bad.count) else 0


@contextmanager
def _directory(data: Path | None) -> Iterator[Path]:
    if data is None:
        with tempfile.TemporaryDirectory(prefix="shouban-simulate-") as made:
            yield Path(made)
        return
    claim_directory(data)
    yield data


def _simulated(source: Input, pack: LoadedPack, place: Path, limit: int | None) -> Report:
    """Settings come from here alone: no variable of the environment can lead a simulation to a service's database or key."""
    tally = Tally()
    tally.bins.utc_offset = pack.pack.settings.utc_offset
    service = f"simulation-{secrets.token_hex(4)}"
    settings = Settings(data=str(place), companion_app=False)
    store = open_store(settings, environment={})
    try:
        gateway = build_gateway(settings, store)
        # The word lists are here to stay: the collector need not walk them again and again.
        gc.freeze()
        started = time.monotonic()
        with _progress(source, tally) as told:
            asyncio.run(_drive(source, Simulation(gateway, pack, service, tally, told), limit))
        seconds = time.monotonic() - started
        ledger, evidence = ledger_of(store.engine, service), _verified(store)
    finally:
        store.close()
    run = Run(
        pack.pack.id, pack.pack.digest, pack.pack.title_zh, pack.pack.title_en, datetime.now(UTC).replace(microsecond=0),
        round(seconds, 2), round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )  # fmt: skip
    rules = {rule.id: RuleName(rule.article, rule.title_zh, rule.title_en) for rule in pack.pack.rules}
    return report_of(tally, run, rules, ledger, evidence)


def _verified(store: Store) -> Evidence:
    """All that the directory holds, read anew and held against its log."""
    with store.engine.connect() as connection:
        found = verify_store(connection, store.master, lambda origin: signer_of(store.master, origin).verifier_key)
    first = next((f"{one.place}: {one.what}" for one in found.problems()), "")
    return Evidence(found.is_clean, found.size, first)


# --- the drive


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
            self.tally.add(conversation.id, talk.turns, is_new_person=is_new, is_timed=conversation.is_timed)
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


async def _drive(source: Input, simulation: Simulation, limit: int | None) -> None:
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


@contextmanager
def _progress(source: Input, tally: Tally) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, moved by the bytes of the file that were read; elsewhere nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("0 conversations", total=None)
        started = last = time.monotonic()

        def told() -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < TOLD_EVERY_SECONDS:
                return
            last = now
            speed = tally.conversations / (now - started)
            bar.update(
                task,
                total=source.size,
                completed=source.position,
                description=f"{tally.conversations} conversations, {speed:.0f}/s",
            )

        yield told

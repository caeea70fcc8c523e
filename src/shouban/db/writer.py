"""The one writer: many turns, one transaction. Nothing is acknowledged before its transaction is on disk.

Jobs that wait while a transaction is being written go into the next one together (group commit). A job that fails is
tried alone, so that it takes no other down with it. The tree of evidence grows in the same transaction, by `append`.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Executable, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, OperationalError

from shouban.core.errors import ConflictError, OperatorError
from shouban.db.engine import checkpoint, scrub
from shouban.db.prepared import Prepared
from shouban.db.schema import STATES

MAX_BATCH = 512
RETRY_FOR = 5.0
RETRY_STEP = 0.05
# A transaction waits this long for company: fewer, fuller ones cost less, and the reply under way goes out first.
# The waiting is the event loop's: a thread woken at once would take the interpreter from that reply. What must not wait
# says so (`Job.is_urgent`), and takes along what was waiting before it.
GATHER_SECONDS = 0.003
CHECKPOINT_SECONDS = 1.0
# So long the event loop stands still for a job on which somebody's help depends, and so long it does not once that was in vain.
GIVE_WAY_SECONDS = 0.02
NOT_AGAIN_SECONDS = 1.0
# Two processes that write the same persons may meet crosswise: PostgreSQL ends one of the two transactions, which may try again.
PASSING = ("locked", "connect", "shut", "starting up", "recovery mode", "deadlock")
LOCK_FIRST_STATES = text("SELECT pg_advisory_xact_lock(hashtext('shouban.states'))")


Call = Callable[[Connection], Any]


@dataclass(frozen=True)
class Leaf:
    """One entry of the log, before it has its place in the tree."""

    service: str
    person: str
    at_us: int
    data: bytes


@dataclass(frozen=True)
class StateWrite:
    """A person's new state; refused with `ConflictError` unless the stored version is `version - 1`."""

    service: str
    person: str
    version: int
    sealed: bytes

    @property
    def key(self) -> tuple[str, str]:
        return self.service, self.person


@dataclass
class Job:
    """What must be written together or not at all. `call`, if any, runs first, inside the transaction; `after` last, and gives further leaves.

    `is_urgent`: somebody's help waits for it; it is written at once.

    `alone`: in a transaction of its own, so that what `call` deletes is not put back by a job beside it.
    """

    writes: list[tuple[Executable, dict[str, Any]]] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    state: StateWrite | None = None
    call: Call | None = None
    after: Callable[[Connection], Sequence[Leaf]] | None = None
    alone: bool = False
    is_urgent: bool = False
    result: Any = None
    error: BaseException | None = None
    future: asyncio.Future[Any] | None = None
    loop: asyncio.AbstractEventLoop | None = None
    written: threading.Event | None = None  # set once it is on disk or has failed, for whoever stands still until then


Append = Callable[[Connection, Sequence[Leaf]], None]


class Writer:
    """A thread that owns the writing connection. `append` puts leaves into the tree inside the transaction."""

    def __init__(self, engine: Engine, append: Append) -> None:
        self._engine = engine
        self._append = append
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._gathered: list[Job] = []
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        insert = postgresql_insert if engine.dialect.name == "postgresql" else sqlite_insert
        upsert = insert(STATES)
        self._put_state = upsert.on_conflict_do_update(
            index_elements=["service_id", "person_id"],
            set_={"version": upsert.excluded.version, "sealed": upsert.excluded.sealed},
        )
        self._prepared = Prepared(engine)
        self._ended = threading.Event()
        self._owes_scrub = threading.Event()
        self._tidy = threading.Thread(target=self._empty_wal, name="checkpoints", daemon=True)
        self._gives_way_from = 0.0
        self.commits = 0

    def start(self) -> None:
        self._thread.start()
        if self._engine.dialect.name == "sqlite":
            self._tidy.start()

    def stop(self) -> None:
        """Writes what is queued, then ends."""
        self.hurry()
        self._queue.put(None)
        self._thread.join(timeout=30)
        self._ended.set()
        if self._tidy.is_alive():
            self._tidy.join(timeout=30)

    def hurry(self) -> None:
        """What waits for company goes now: somebody is only waiting for the disk."""
        if self._gathered:
            self._send_off()

    def _empty_wal(self) -> None:
        """Beside the commits, so that no commit has to: of a large database it would take ten milliseconds and more."""
        seen = 0
        while not self._ended.wait(CHECKPOINT_SECONDS):
            # Whatever keeps it from that (a full disk, a reader), a later one does it, or a commit itself.
            with contextlib.suppress(Exception):
                if self._owes_scrub.is_set() and scrub(self._engine):
                    self._owes_scrub.clear()
                elif self.commits != seen:
                    seen = self.commits
                    checkpoint(self._engine)

    def scrub(self) -> bool:
        """Overwrites what was deleted, now if no reader holds it, else as soon as they let go. Gives whether it is done."""
        if self._engine.dialect.name != "sqlite":
            return True
        self._owes_scrub.set()
        if scrub(self._engine):
            self._owes_scrub.clear()
        return not self._owes_scrub.is_set()

    def submit(self, job: Job) -> asyncio.Future[Any]:
        """Queues the job; the future holds `call`'s result once all of it is on disk."""
        job.loop = asyncio.get_running_loop()
        job.future = job.loop.create_future()
        self._gathered.append(job)
        if job.is_urgent:
            self._send_off()
        elif len(self._gathered) == 1:
            job.loop.call_later(GATHER_SECONDS, self._send_off)
        return job.future

    def submit_and_give_way(self, job: Job) -> asyncio.Future[Any]:
        """Queues an urgent job, and leaves the interpreter to the thread that writes it until it is on disk: the future given is done then.

        On a busy core that thread waits for the interpreter with each statement, behind everybody else's words. Where the disk is what is slow, standing
        still for it helps nobody: after `GIVE_WAY_SECONDS` in vain the loop goes on, and gives way to none for `NOT_AGAIN_SECONDS`.
        """
        now = time.monotonic()
        if now >= self._gives_way_from:
            job.written = threading.Event()
        future = self.submit(job)
        if job.written is not None:
            if job.written.wait(GIVE_WAY_SECONDS):
                _settle([job])
            else:
                self._gives_way_from = now + NOT_AGAIN_SECONDS
        return future

    def _send_off(self) -> None:
        """To the thread, in the order in which they came."""
        gathered, self._gathered = self._gathered, []
        for job in gathered:
            self._queue.put(job)

    def write(self, job: Job) -> Any:  # noqa: ANN401  # whatever the job's own call gives
        """The same for code without an event loop; waits."""
        job.written = threading.Event()
        self._queue.put(job)
        job.written.wait()
        if job.error:
            raise job.error
        return job.result

    def _run(self) -> None:
        ending = False
        while not ending:
            first = self._queue.get()
            batch: list[Job] = []
            ending = first is None
            if first is not None:
                batch.append(first)
            while len(batch) < MAX_BATCH and not ending:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                ending = more is None
                if more is not None:
                    batch.append(more)
            for part in _parts(batch):
                self._write_batch(part)
                _resolve(part)

    def _write_batch(self, batch: list[Job]) -> None:
        try:
            self._transact(batch)
        except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to the jobs' callers, and the thread must live
            if len(batch) == 1:
                batch[0].error = _cause(error)
                return
            for job in batch:
                job.error = None
                self._write_batch([job])

    def _transact(self, batch: list[Job]) -> None:
        give_up = time.monotonic() + RETRY_FOR
        while True:
            try:
                with self._engine.connect().execution_options(write=True) as connection, connection.begin():
                    self._fill(connection, batch)
            except OperationalError as error:
                if not _passes(error) or time.monotonic() > give_up:
                    raise
                time.sleep(RETRY_STEP)
            else:
                self.commits += 1
                return

    def _fill(self, connection: Connection, batch: list[Job]) -> None:
        jobs = self._without_conflicts(connection, batch)
        for job in jobs:
            if job.call is not None:
                job.result = job.call(connection)
        for statement, rows in _grouped(jobs):
            self._prepared.run(connection, statement, rows)
        states = {job.state.key: job.state for job in jobs if job.state}
        if states:
            self._prepared.run(connection, self._put_state, [_state_row(one) for _, one in sorted(states.items())])
        leaves = [leaf for job in jobs for leaf in (*job.leaves, *(job.after(connection) if job.after else ()))]
        if leaves:
            self._append(connection, leaves)

    def _without_conflicts(self, connection: Connection, batch: list[Job]) -> list[Job]:
        """The jobs whose person nobody else has changed meanwhile; the others get `ConflictError`."""
        keys = sorted({job.state.key for job in batch if job.state})
        if not keys:
            return batch
        if connection.dialect.name == "postgresql" and any(job.state and job.state.version == 1 for job in batch):
            # Before a person's first state there is no row to lock: two processes would both write it, and one be lost.
            connection.execute(LOCK_FIRST_STATES)
        found = connection.execute(
            select(STATES.c.service_id, STATES.c.person_id, STATES.c.version)
            .where(tuple_(STATES.c.service_id, STATES.c.person_id).in_(keys))
            .with_for_update()
        )
        versions = {(service, person): version for service, person, version in found}
        good = []
        for job in batch:
            job.error = None
            if job.state is None:
                good.append(job)
            elif versions.get(job.state.key, 0) == job.state.version - 1:
                versions[job.state.key] = job.state.version
                good.append(job)
            else:
                job.error = ConflictError("this person was changed elsewhere at the same time; ask again")
        return good


def _parts(batch: list[Job]) -> list[list[Job]]:
    """The batch in its order, cut before and after each job that wants a transaction of its own."""
    parts: list[list[Job]] = []
    for job in batch:
        if parts and not job.alone and not parts[-1][-1].alone:
            parts[-1].append(job)
        else:
            parts.append([job])
    return parts


def _state_row(one: StateWrite) -> dict[str, Any]:
    return {"service_id": one.service, "person_id": one.person, "version": one.version, "sealed": one.sealed}


def _grouped(jobs: list[Job]) -> list[tuple[Executable, list[dict[str, Any]]]]:
    """Rows by statement: inserts before updates before deletes, so that a row exists before it is changed."""
    groups: dict[int, tuple[Executable, list[dict[str, Any]]]] = {}
    for job in jobs:
        for statement, row in job.writes:
            groups.setdefault(id(statement), (statement, []))[1].append(row)
    return sorted(groups.values(), key=lambda group: _order(group[0]))


def _order(statement: Any) -> int:  # noqa: ANN401  # SQLAlchemy types the flags on its subclasses only
    return 0 if statement.is_insert else 1 if statement.is_update else 2


def _passes(error: OperationalError) -> bool:
    """Whether the fault may pass by itself: a lock held elsewhere, a connection lost, a server restarting."""
    said = str(error.orig).lower()
    return error.connection_invalidated or any(sign in said for sign in PASSING)


def _cause(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError):
        first = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
        cure = "; free some disk" if "full" in first else ""
        told = OperatorError(f"the database did not take the write ({first}){cure}")
        told.__cause__ = error
        return told
    return error


def _resolve(batch: list[Job]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in batch:
        if job.written is not None:
            job.written.set()
        if job.loop is not None:
            by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, jobs)


def _settle(jobs: list[Job]) -> None:
    for job in jobs:
        if job.future is None or job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)

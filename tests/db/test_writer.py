"""Group commit: what was acknowledged is on disk, whole; one bad job takes no other down."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update

import shouban.db.engine
import shouban.db.writer
from shouban.core.errors import ConflictError, OperatorError
from shouban.db.engine import connect, migrate, sqlite_url
from shouban.db.schema import LOG_ENTRIES, META, METADATA, STATES
from shouban.db.writer import Job, Leaf, StateWrite, Writer

PUT = insert(META)
CHANGE = update(META).where(META.c.key == bindparam("which")).values(value=bindparam("new"))
DROP = delete(META).where(META.c.key == bindparam("which"))


def append(connection: Connection, leaves: Sequence[Leaf]) -> None:
    """Numbers the leaves; the tree itself is the log's matter."""
    size = connection.execute(select(func.count()).select_from(LOG_ENTRIES)).scalar_one()
    rows = [
        {
            "leaf_index": size + n,
            "service_id": one.service,
            "person_id": one.person,
            "at_us": one.at_us,
            "leaf": one.data,
        }
        for n, one in enumerate(leaves)
    ]
    connection.execute(insert(LOG_ENTRIES), rows)


@contextmanager
def writing(url: str, grow: Callable[[Connection, Sequence[Leaf]], None] = append) -> Iterator[tuple[Writer, Engine]]:
    engine = connect(url)
    writer = Writer(engine, grow)
    writer.start()
    try:
        yield writer, engine
    finally:
        writer.stop()
        engine.dispose()


def put(key: str, value: str = "1", *, leaf: bytes = b"") -> Job:
    return Job(writes=[(PUT, {"key": key, "value": value})], leaves=[Leaf("s", "p", 1, leaf)] if leaf else [])


def state(version: int, person: str = "p") -> Job:
    sealed = f"{person}{version}".encode()
    return Job(leaves=[Leaf("s", person, version, sealed)], state=StateWrite("s", person, version, sealed))


async def submit_all(writer: Writer, jobs: Sequence[Job]) -> list[Any]:
    return await asyncio.gather(*(writer.submit(job) for job in jobs), return_exceptions=True)


def keys_in(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return {row.key: row.value for row in connection.execute(select(META))}


def leaves_in(engine: Engine) -> list[bytes]:
    with engine.connect() as connection:
        return [
            bytes(leaf)
            for leaf in connection.execute(select(LOG_ENTRIES.c.leaf).order_by(LOG_ENTRIES.c.leaf_index)).scalars()
        ]


def empty(engine: Engine) -> None:
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        for table in METADATA.sorted_tables:
            connection.execute(delete(table))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_every_job_is_written_whole_or_refused_and_none_takes_another_down(database_url: str, keys: list[int]) -> None:
    """Keys that come twice break their job: its row and its leaf are not there, and all others are."""
    with writing(database_url) as (writer, engine):
        empty(engine)
        told = asyncio.run(submit_all(writer, [put(str(key), leaf=f"{key}".encode()) for key in keys]))
        good = [key for key, outcome in zip(keys, told, strict=True) if not isinstance(outcome, Exception)]
        assert sorted(good) == sorted(set(keys))
        assert all(isinstance(outcome, OperatorError) for outcome in told if outcome is not None)
        assert keys_in(engine).keys() == {str(key) for key in keys}
        assert leaves_in(engine) == [f"{key}".encode() for key in good]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 5)), min_size=1, max_size=25))
def test_a_state_follows_the_one_before_it_or_is_a_conflict(database_url: str, versions: list[tuple[str, int]]) -> None:
    with writing(database_url) as (writer, engine):
        empty(engine)
        told = asyncio.run(submit_all(writer, [state(version, person) for person, version in versions]))
        expected: dict[str, int] = {}
        for (person, version), outcome in zip(versions, told, strict=True):
            follows = version == expected.get(person, 0) + 1
            assert isinstance(outcome, ConflictError) != follows
            if follows:
                expected[person] = version
        with engine.connect() as connection:
            rows = connection.execute(select(STATES)).all()
        assert {row.person_id: (row.version, bytes(row.sealed)) for row in rows} == {
            person: (version, f"{person}{version}".encode()) for person, version in expected.items()
        }
        assert len(leaves_in(engine)) == sum(expected.values())


def test_jobs_that_wait_go_into_one_transaction(database_url: str) -> None:
    with writing(database_url) as (writer, engine):
        going, free = threading.Event(), threading.Event()

        def hold(_: Connection) -> None:
            going.set()
            free.wait(10)

        async def run() -> list[Any]:
            first = writer.submit(Job(call=hold, is_urgent=True))
            await asyncio.to_thread(going.wait, 10)
            rest = [writer.submit(put(str(number))) for number in range(100)]
            free.set()
            return await asyncio.gather(first, *rest)

        asyncio.run(run())
        assert writer.commits == 2
        assert len(keys_in(engine)) == 100


def test_within_a_transaction_a_row_is_made_before_it_is_changed_and_changed_before_it_goes(database_url: str) -> None:
    with writing(database_url) as (writer, engine):
        job = Job(
            writes=[
                (DROP, {"which": "b"}),
                (CHANGE, {"which": "a", "new": "2"}),
                (PUT, {"key": "a", "value": "1"}),
                (PUT, {"key": "b", "value": "1"}),
            ]
        )
        writer.write(job)
        assert keys_in(engine) == {"a": "2"}


def test_a_failing_tree_writes_nothing_at_all(database_url: str) -> None:
    def refuse(_: Connection, leaves: Sequence[Leaf]) -> None:
        if any(leaf.data == b"bad" for leaf in leaves):
            raise OperatorError("no tree grows here")

    with writing(database_url, refuse) as (writer, engine):
        told = asyncio.run(submit_all(writer, [put("a", leaf=b"good"), put("b", leaf=b"bad"), put("c")]))
        assert [type(one) for one in told] == [type(None), OperatorError, type(None)]
        assert keys_in(engine).keys() == {"a", "c"}


def test_a_call_gives_its_result_and_its_error_to_its_own_caller(database_url: str) -> None:
    def give(_: Connection) -> int:
        return 42

    def fail(connection: Connection) -> None:
        connection.execute(PUT, [{"key": "half", "value": "1"}])
        raise ConflictError("asked for")

    with writing(database_url) as (writer, engine):
        told = asyncio.run(submit_all(writer, [Job(call=give), Job(call=fail), put("a")]))
        assert told[0] == 42
        assert isinstance(told[1], ConflictError)
        assert keys_in(engine).keys() == {"a"}
        assert writer.write(Job(call=give)) == 42
        with pytest.raises(ConflictError):
            writer.write(Job(call=fail))


def test_what_an_erasure_deletes_is_not_put_back_by_a_turn_beside_it(database_url: str) -> None:
    with writing(database_url) as (writer, engine):
        writer.write(state(1))

        def erase(connection: Connection) -> None:
            connection.execute(delete(STATES))

        told = asyncio.run(submit_all(writer, [state(2), Job(call=erase, alone=True), state(3), put("other")]))
        assert [type(one) for one in told] == [type(None), type(None), ConflictError, type(None)]
        with engine.connect() as connection:
            assert connection.execute(select(func.count()).select_from(STATES)).scalar_one() == 0


def test_what_is_queued_is_written_before_the_writer_stops(database_url: str) -> None:
    engine = connect(database_url)
    writer = Writer(engine, append)

    async def run() -> list[Any]:
        waiting = [writer.submit(put(str(number))) for number in range(20)]
        writer.start()
        await asyncio.to_thread(writer.stop)
        return await asyncio.gather(*waiting)

    asyncio.run(run())
    assert len(keys_in(engine)) == 20
    engine.dispose()


def test_what_is_urgent_goes_at_once_and_takes_along_what_waited(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shouban.db.writer, "GATHER_SECONDS", 3600.0)
    urgent = put("help")
    urgent.is_urgent = True

    async def submit() -> list[Any]:
        return await asyncio.wait_for(submit_all(writer, [put("before"), urgent]), timeout=20)

    with writing(database_url) as (writer, engine):
        asyncio.run(submit())
        assert set(keys_in(engine)) >= {"before", "help"}


def test_what_was_gathered_when_the_loop_ended_is_written_by_the_stop(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shouban.db.writer, "GATHER_SECONDS", 3600.0)

    async def submit() -> None:
        writer.submit(put("late"))

    with writing(database_url) as (writer, engine):
        asyncio.run(submit())
        writer.stop()
        assert "late" in keys_in(engine)


def test_two_processes_cannot_both_write_a_persons_first_state(postgresql_url: str) -> None:
    """Both have looked and seen no state; the one that comes second gets a conflict, and nothing is lost."""
    with ExitStack() as stack:
        writers = [stack.enter_context(writing(postgresql_url))[0] for _ in range(2)]
        seen = threading.Barrier(2)

        def meet(_: Connection) -> None:
            # With the lock on first states only one gets here at a time: then nobody is waited for.
            try:
                seen.wait(0.3)
            except threading.BrokenBarrierError:
                return

        def first(sealed: bytes) -> Job:
            return Job(state=StateWrite("s", "p", 1, sealed), call=meet)

        async def run() -> list[Any]:
            waiting = [writer.submit(first(bytes([number]))) for number, writer in enumerate(writers)]
            return await asyncio.gather(*waiting, return_exceptions=True)

        told = asyncio.run(run())
        assert sorted(type(one).__name__ for one in told) == ["ConflictError", "NoneType"]


def test_a_lock_held_elsewhere_is_waited_for(database_url: str) -> None:
    with writing(database_url) as (writer, engine):
        other = connect(database_url)
        with other.connect().execution_options(write=True) as connection:
            holding = connection.begin()
            connection.execute(PUT, [{"key": "a", "value": "theirs"}])
            threading.Timer(0.2, holding.rollback).start()
            writer.write(put("a", "ours"))
        assert keys_in(engine) == {"a": "ours"}
        other.dispose()


def test_what_was_deleted_is_overwritten_once_its_readers_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader holds the old pages; who asks is told that it is not done yet, and it is done after them."""
    monkeypatch.setattr(shouban.db.writer, "CHECKPOINT_SECONDS", 0.05)
    monkeypatch.setattr(shouban.db.engine, "BUSY_MS", 50)
    url = sqlite_url(tmp_path)
    migrated = connect(url)
    migrate(migrated)
    migrated.dispose()
    with writing(url) as (writer, engine):
        asyncio.run(submit_all(writer, [put("secret", "煤球")]))
        with engine.connect() as reader:
            assert reader.execute(select(META.c.value).where(META.c.key == "secret")).scalar_one() == "煤球"
            asyncio.run(submit_all(writer, [Job(writes=[(DROP, {"which": "secret"})])]))
            assert not writer.scrub()
            assert "煤球".encode() in _bytes_of(tmp_path)
        give_up = time.monotonic() + 10
        while "煤球".encode() in _bytes_of(tmp_path):
            assert time.monotonic() < give_up
            time.sleep(0.02)
        assert writer.scrub()


def test_two_who_scrub_at_once_are_both_told_the_truth(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    migrated = connect(url)
    migrate(migrated)
    migrated.dispose()
    with writing(url) as (writer, _), ThreadPoolExecutor(8) as pool:
        for n in range(20):
            asyncio.run(submit_all(writer, [put(f"k{n}")]))
            assert all(pool.map(lambda _: writer.scrub(), range(8)))
            assert (tmp_path / "shouban.db-wal").stat().st_size == 0


def _bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("shouban.db*"))


def urgent(key: str) -> Job:
    return replace(put(key, leaf=key.encode()), is_urgent=True)


def test_the_loop_gives_way_to_a_job_that_help_waits_for(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shouban.db.writer, "GIVE_WAY_SECONDS", 60.0)  # whatever the machine has to do beside this

    async def go(writer: Writer) -> list[str]:
        order: list[str] = []
        asyncio.get_running_loop().call_soon(order.append, "somebody else's words")
        future = writer.submit_and_give_way(urgent("help"))
        order.append("on disk" if future.done() else "not yet")
        await future
        with pytest.raises(OperatorError):
            await writer.submit_and_give_way(urgent("help"))  # there already
        await asyncio.sleep(0)
        return order

    with writing(database_url) as (writer, engine):
        empty(engine)
        assert asyncio.run(go(writer)) == ["on disk", "somebody else's words"]
        assert keys_in(engine) == {"help": "1"}


def test_the_loop_does_not_stand_still_for_a_slow_disk(database_url: str) -> None:
    opens = threading.Event()

    def slow(connection: Connection, leaves: Sequence[Leaf]) -> None:
        opens.wait(60)
        append(connection, leaves)

    async def go(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
        first = writer.submit_and_give_way(urgent("first"))
        assert not first.done()
        # Whoever stood still once more would find it done.
        monkeypatch.setattr(shouban.db.writer, "GIVE_WAY_SECONDS", 120.0)
        second = writer.submit_and_give_way(urgent("second"))
        assert not second.done()
        opens.set()
        await asyncio.gather(first, second)

    with writing(database_url, slow) as (writer, engine), pytest.MonkeyPatch.context() as monkeypatch:
        empty(engine)
        asyncio.run(go(writer, monkeypatch))
        assert keys_in(engine).keys() == {"first", "second"}

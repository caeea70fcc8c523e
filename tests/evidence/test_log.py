"""However the entries come in, they make one tree: its head, its tiles and its signature agree at every moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete
from tests.core.histories import START, histories
from tests.evidence.service import law

from shouban.core.decide import decide
from shouban.core.errors import EvidenceError
from shouban.core.events import UserSpoke
from shouban.core.state import PersonState
from shouban.db.engine import connect
from shouban.db.schema import METADATA
from shouban.db.writer import Job, Leaf, Writer
from shouban.evidence.chain import HASH_SIZE, Frontier, leaf_hash
from shouban.evidence.log import (
    Acted,
    Decided,
    Log,
    decode_entry,
    encode_entry,
    leaf_of,
    read_checkpoint,
    read_leaves,
    read_tile,
    size_of,
)
from shouban.evidence.note import Signer, open_checkpoint
from shouban.evidence.tiles import MAX_ENTRY_SIZE, check_tree

SIGNER = Signer.from_seed("shouban.log/test", bytes(32))
sizes = st.lists(st.one_of(st.integers(1, 5), st.integers(250, 260), st.just(512)), min_size=1, max_size=5)


@contextmanager
def fresh(url: str) -> Iterator[tuple[Engine, Log]]:
    engine = connect(url)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        for table in METADATA.sorted_tables:
            connection.execute(delete(table))
    yield engine, Log(engine, SIGNER)
    engine.dispose()


def leaves_from(start: int, count: int) -> list[Leaf]:
    return [Leaf("s", f"p{number % 3}", number, f"第{number}条".encode()) for number in range(start, start + count)]


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=sizes)
def test_batches_of_any_size_make_one_tree(database_url: str, sizes: list[int]) -> None:
    with fresh(database_url) as (engine, log):
        frontier, total = Frontier(), 0
        for count in sizes:
            leaves = leaves_from(total, count)
            with engine.connect().execution_options(write=True) as connection, connection.begin():
                log.append(connection, leaves)
            total += count
            frontier = frontier.extend(leaf_hash(leaf.data) for leaf in leaves)
            with engine.connect() as connection:
                signed = open_checkpoint(read_checkpoint(connection) or "", [log.verifier_key])
                assert (signed.size, signed.root) == (total, frontier.root())
                check_tree(
                    total, frontier.root(), lambda level, n, width: read_tile(connection, level, n)[: width * HASH_SIZE]
                )
                assert size_of(connection) == total


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.sampled_from([1, 1023, 1024, 1025, 2049]),
    start=st.integers(0, 2100),
    length=st.one_of(st.none(), st.integers(0, 2100)),
)
def test_entries_are_read_in_order_from_anywhere_to_anywhere(
    database_url: str, count: int, start: int, length: int | None
) -> None:
    with fresh(database_url) as (engine, log):
        leaves = leaves_from(0, count)
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            log.append(connection, leaves)
        stop = None if length is None else start + length
        with engine.connect() as connection:
            assert list(read_leaves(connection, start=start, stop=stop)) == list(enumerate(leaves))[start:stop]


def test_two_processes_grow_one_tree_together(postgresql_url: str) -> None:
    engines = [connect(postgresql_url) for _ in range(2)]
    writers = [Writer(engine, Log(engine, SIGNER).append) for engine in engines]

    def write(writer: Writer, start: int) -> None:
        for number in range(start, start + 40):
            writer.write(Job(leaves=leaves_from(number, 1)))

    threads = [threading.Thread(target=write, args=(writer, 1000 * place)) for place, writer in enumerate(writers)]
    for writer, thread in zip(writers, threads, strict=True):
        writer.start()
        thread.start()
    for writer, thread in zip(writers, threads, strict=True):
        thread.join()
        writer.stop()
    with engines[0].connect() as connection:
        found = [leaf for _, leaf in read_leaves(connection)]
        signed = open_checkpoint(read_checkpoint(connection) or "", [SIGNER.verifier_key])
    assert sorted(leaf.at_us for leaf in found) == [*range(40), *range(1000, 1040)]
    assert (signed.size, signed.root) == (80, Frontier().extend(leaf_hash(leaf.data) for leaf in found).root())
    for engine in engines:
        engine.dispose()


@given(histories())
def test_an_entry_read_back_says_what_was_written(events: list[UserSpoke]) -> None:
    state = PersonState()
    for event in events:
        decision = decide(state, event, law().pack)
        state = decision.state
        entry = Decided("s", event, decision.owed, decision.rules, "cn@0", ("d",), "text", "state")  # type: ignore[arg-type]  # every Obligation is one of AnyObligation
        assert decode_entry(encode_entry(entry), 0) == entry
        leaf = leaf_of(entry)
        assert (leaf.service, leaf.person) == ("s", event.person)
        assert datetime.fromtimestamp(0, UTC) + timedelta(microseconds=leaf.at_us) == event.at


def test_what_was_done_to_the_service_is_an_entry_too() -> None:
    entry = Acted(service="s", at=START, act="started", facts={"version": "1"})
    assert decode_entry(leaf_of(entry).data, 0) == entry


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"entry":"decided"}', b'{"entry":"dreamt","service":"s"}'])
def test_an_entry_in_no_form_we_know_is_named_by_its_index(data: bytes) -> None:
    with pytest.raises(EvidenceError, match="log entry 17"):
        decode_entry(data, 17)


def test_an_entry_too_large_for_a_tile_is_refused_before_it_is_written() -> None:
    with pytest.raises(EvidenceError, match=str(MAX_ENTRY_SIZE)):
        encode_entry(Acted(service="s", at=START, act="x" * MAX_ENTRY_SIZE))

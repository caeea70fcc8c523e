"""The log: every event, decision and outcome as a leaf of one Merkle tree, grown in the transaction that writes it.

A leaf holds no text and no name: a random pseudonym, readings, what was owed and why, and salted digests. So a person
can be erased, and every proof still stands. After each transaction the tree's head is signed (a C2SP checkpoint).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Executable, bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from shouban.core.errors import EvidenceError
from shouban.core.events import AnyEvent
from shouban.core.obligations import AnyObligation
from shouban.db.prepared import Prepared
from shouban.db.schema import LOG_ENTRIES, LOG_HEAD, LOG_TILES
from shouban.db.writer import Leaf
from shouban.evidence.chain import HASH_SIZE, Frontier, leaf_hash
from shouban.evidence.note import Checkpoint, Signer
from shouban.evidence.tiles import MAX_ENTRY_SIZE, TILE_WIDTH, hash_above

FORMAT: Final = 1
HEAD_ID: Final = 1
PAGE: Final = 1024


class Decided(msgspec.Struct, frozen=True, tag="decided", tag_field="entry", omit_defaults=True):
    """An event and what was decided on it. `text` and `state` are digests (hex); `pack` is `id@digest`.

    `duties` are the ledger's ids of what is owed, in its order, without `Allow`; `done` says how the notices among them
    were carried out, where they were given with the decision itself.
    """

    service: str
    event: AnyEvent
    owed: tuple[AnyObligation, ...]
    rules: tuple[str, ...]
    pack: str
    duties: tuple[str, ...] = ()
    text: str = ""
    state: str = ""
    done: str = ""
    format: int = FORMAT


class Acted(msgspec.Struct, frozen=True, tag="acted", tag_field="entry", omit_defaults=True):
    """Something done to the service or to data that is no event of a person's: a start, a pack, an erasure, an export.

    `facts["duties"]` names the duties it ended, `facts["how"]` how (otherwise `act` itself).
    """

    service: str
    at: datetime
    act: str
    person: str = ""
    facts: dict[str, Any] = {}
    format: int = FORMAT


Entry = Decided | Acted

_ENTRY = insert(LOG_ENTRIES)
_FIRST_HEAD = insert(LOG_HEAD)
_NEXT_HEAD = update(LOG_HEAD).where(LOG_HEAD.c.id == HEAD_ID).values(
    size=bindparam("size"), frontier=bindparam("frontier"), checkpoint=bindparam("checkpoint")
)  # fmt: skip
_HEAD = select(LOG_HEAD.c.size, LOG_HEAD.c.frontier).where(LOG_HEAD.c.id == HEAD_ID).with_for_update()
_DECODER = msgspec.json.Decoder(Entry)
_ENCODER = msgspec.json.Encoder()


def encode_entry(entry: Entry) -> bytes:
    data = _ENCODER.encode(entry)
    if len(data) > MAX_ENTRY_SIZE:
        raise EvidenceError(f"a log entry of {len(data)} bytes is over the limit of {MAX_ENTRY_SIZE}")
    return data


def decode_entry(data: bytes, index: int) -> Entry:
    try:
        entry: Entry = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EvidenceError(f"log entry {index} is not in a form this version knows ({error})") from error
    return entry


def leaf_of(entry: Entry) -> Leaf:
    """The entry as the writer takes it."""
    at, person = (entry.event.at, entry.event.person) if isinstance(entry, Decided) else (entry.at, entry.person)
    return Leaf(entry.service, person, microseconds(at), encode_entry(entry))


def microseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def moment(us: int) -> datetime:
    """The time, in UTC, of so many microseconds since 1970."""
    return datetime.fromtimestamp(us / 1e6, UTC)


def moment_if_any(us: int) -> datetime | None:
    """The same of a column in which 0 says that it has not happened."""
    return moment(us) if us else None


_LOCK_BEGINNING: Final = text("SELECT pg_advisory_xact_lock(hashtext('shouban.log'))")


class Log:
    """Appends inside the writer's transaction. `signer` signs each new head; its name is the log's origin."""

    def __init__(self, engine: Engine, signer: Signer) -> None:
        self._signer = signer
        self._prepared = Prepared(engine)
        make = postgresql_insert if engine.dialect.name == "postgresql" else sqlite_insert
        tile = make(LOG_TILES)
        self._put_tile: Executable = tile.on_conflict_do_update(
            index_elements=["level", "n"], set_={"hashes": tile.excluded.hashes}
        )

    @property
    def verifier_key(self) -> str:
        return self._signer.verifier_key

    def append(self, connection: Connection, leaves: Sequence[Leaf]) -> None:
        """Puts the leaves at the end of the tree. The head row is locked: many processes make one tree."""
        head = connection.execute(_HEAD).one_or_none()
        if head is None and connection.dialect.name == "postgresql":
            # Before the first entry there is no row to lock: two processes would both begin the tree.
            connection.execute(_LOCK_BEGINNING)
            head = connection.execute(_HEAD).one_or_none()
        frontier = Frontier() if head is None else unpack_frontier(head.size, head.frontier)
        hashes = [leaf_hash(leaf.data) for leaf in leaves]
        self._prepared.run(connection, _ENTRY, [_row(frontier.size + place, leaf) for place, leaf in enumerate(leaves)])
        tiles = _grown(connection, frontier.size, hashes)
        self._prepared.run(
            connection, self._put_tile, [{"level": level, "n": n, "hashes": data} for (level, n), data in tiles.items()]
        )
        self._put_head(connection, frontier.extend(hashes), is_new=head is None)

    def _put_head(self, connection: Connection, frontier: Frontier, *, is_new: bool) -> None:
        body = Checkpoint(self._signer.name, frontier.size, frontier.root()).body()
        row = {"size": frontier.size, "frontier": b"".join(frontier.hashes), "checkpoint": self._signer.sign(body)}
        if is_new:
            self._prepared.run(connection, _FIRST_HEAD, [{"id": HEAD_ID, **row}])
        else:
            self._prepared.run(connection, _NEXT_HEAD, [row])


def unpack_frontier(size: int, data: bytes) -> Frontier:
    return Frontier(size, tuple(data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE)))


def _row(index: int, leaf: Leaf) -> dict[str, Any]:
    return {
        "leaf_index": index,
        "service_id": leaf.service,
        "person_id": leaf.person,
        "at_us": leaf.at_us,
        "leaf": leaf.data,
    }


def _grown(connection: Connection, size: int, hashes: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """The tiles that change when `hashes` are appended to a tree of `size` leaves, from the lowest level up."""
    changed: dict[tuple[int, int], bytes] = {}
    level, start, fresh = 0, size, list(hashes)
    while fresh:
        full: list[bytes] = []
        while fresh:
            n, filled = divmod(start, TILE_WIDTH)
            data = read_tile(connection, level, n) if filled and (level, n) not in changed else b""
            take = fresh[: TILE_WIDTH - filled]
            data = data[: filled * HASH_SIZE] + b"".join(take)
            changed[level, n] = data
            if filled + len(take) == TILE_WIDTH:
                full.append(hash_above(data))
            start, fresh = start + len(take), fresh[len(take) :]
        level, start, fresh = level + 1, size // TILE_WIDTH ** (level + 1), full
    return changed


def read_tile(connection: Connection, level: int, n: int) -> bytes:
    found = connection.execute(
        select(LOG_TILES.c.hashes).where(LOG_TILES.c.level == level, LOG_TILES.c.n == n)
    ).scalar()
    return bytes(found) if found is not None else b""


def read_checkpoint(connection: Connection) -> str | None:
    return connection.execute(select(LOG_HEAD.c.checkpoint).where(LOG_HEAD.c.id == HEAD_ID)).scalar()


def read_leaves(connection: Connection, *, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Leaf]]:
    """The log in order, a page at a time."""
    while stop is None or start < stop:
        page = connection.execute(
            select(LOG_ENTRIES).where(LOG_ENTRIES.c.leaf_index >= start).order_by(LOG_ENTRIES.c.leaf_index).limit(PAGE)
        ).all()
        for row in page:
            if stop is not None and row.leaf_index >= stop:
                return
            yield row.leaf_index, Leaf(row.service_id, row.person_id, row.at_us, bytes(row.leaf))
        if len(page) < PAGE:
            return
        start = page[-1].leaf_index + 1


def size_of(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(LOG_ENTRIES)).scalar_one()

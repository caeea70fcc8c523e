"""Verifies a service's records: the log by itself, and every record beside it against the log.

The log proves itself: signature, tree, tiles. Everything else is proved by the log, or by the seal of a person's key:
a planted change of any byte is found. Nothing is written and nothing locked; all checks see one moment.
Not proved are working notes that say nothing of anybody: the leases of the ledger's rows and the numbers of pushes.
Open sign-ins are none of the records either (see `books`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import SQLAlchemyError

from shouban.core.errors import EvidenceError
from shouban.db.keys import MasterKey
from shouban.db.reading import damage_in, raw, raw_rows
from shouban.db.schema import LOG_ENTRIES, LOG_HEAD, LOG_TILES, META
from shouban.evidence.books import check_offices
from shouban.evidence.chain import Frontier, root_at
from shouban.evidence.claims import Claims, duties_in
from shouban.evidence.log import HEAD_ID, Decided, decode_entry, leaf_of
from shouban.evidence.note import open_checkpoint
from shouban.evidence.records import check_records
from shouban.evidence.report import Check, Report
from shouban.evidence.tiles import FetchTile, hash_reader, width_of
from shouban.evidence.walk import Walk

# Told how many entries were looked at since it was last told.
Step = Callable[[int], None]
# A check of further records that the log has claims on; layers above bring theirs.
Audit = Callable[[Connection, Claims], Iterable[Check]]

STEP: Final = 500


def verify_store(
    connection: Connection, master: MasterKey, verifier_key_of: Callable[[str], str], *, audits: Iterable[Audit] = (), step: Step = lambda _: None
) -> Report:  # fmt: skip
    """All checks on one snapshot. `verifier_key_of` gives the log's public key for its origin."""
    file = check_file(connection)
    meta, origin = check_meta(connection, master)
    claims = Claims()
    try:
        entries, tiles = Check("entries"), Check("tiles")
        frontier = _walk(connection, entries, tiles, claims, step)
        _find_strays(connection, tiles, frontier.size)
        head = check_head(connection, frontier, lambda: verifier_key_of(origin))
        checks = [file, meta, head, entries, tiles, *check_records(connection, master, claims)]
        checks += check_offices(connection, claims)
        checks += [check for audit in audits for check in audit(connection, claims)]
    finally:
        claims.close()
    return Report(origin, frontier.size, frontier.root().hex(), checks)


def check_file(connection: Connection) -> Check:
    check = Check("database file", looked=1)
    with check.guarding("database"):
        for line in damage_in(connection):
            check.blame("database", line)
    return check


def check_meta(connection: Connection, master: MasterKey) -> tuple[Check, str]:
    """Whether the master key is this database's; and the log's name, which only the signature proves."""
    check = Check("master key", looked=1)
    found: dict[Any, Any] = {}
    with check.guarding("meta"):
        found = {row.key: row.value for row in raw_rows(connection, raw(META.c.key, META.c.value))}
    if found.get("master") != master.check_value():
        check.blame("meta master", "the master key is not the one this database was made with, or its mark was altered")
    origin = found.get("origin")
    if not isinstance(origin, str):
        check.blame("meta origin", "the log's name is missing")
    for key in sorted(map(str, found.keys() - {"master", "origin"})):
        check.blame(f"meta {key}", "is nothing that a database of ours remembers")
    return check, str(origin or "")


def check_head(connection: Connection, frontier: Frontier, verifier_key: Callable[[], str]) -> Check:
    """The signed checkpoint, and what the log needs to grow on, against the tree of the entries."""
    check = Check("checkpoint", looked=1)
    with check.guarding("log_head"):
        rows = list(raw_rows(connection, raw(*LOG_HEAD.c)))
        if not rows and frontier.size == 0:
            return check
        if len(rows) != 1 or rows[0].id != HEAD_ID:
            check.blame("log_head", f"has {len(rows)} rows; it has one, with id {HEAD_ID}")
        for row in rows:
            _check_head_row(check, row, frontier, verifier_key)
    return check


def _check_head_row(check: Check, row: Row[Any], frontier: Frontier, verifier_key: Callable[[], str]) -> None:
    if row.size != frontier.size:
        check.blame("log_head size", f"says {row.size}; there are {frontier.size} entries")
    if row.frontier != b"".join(frontier.hashes):
        check.blame("log_head frontier", "is not that of the entries: the tree cannot grow on")
    with check.guarding("log_head checkpoint"):
        if not isinstance(row.checkpoint, str):
            raise EvidenceError("is no text")
        signed = open_checkpoint(row.checkpoint, [verifier_key()])
        if signed.size != frontier.size or signed.root != frontier.root():
            check.blame(
                "log_head checkpoint",
                f"is signed for {signed.size} entries of another root; the {frontier.size} entries there are hash to {frontier.root().hex()}",
            )


def check_earlier(note: str, verifier_key: Callable[[], str], size: int, fetch_tile: FetchTile) -> Check:
    """Whether a log of this size still begins with what a head says that was signed before, and kept elsewhere: in a case's file, or by a witness."""
    check = Check("earlier head", looked=1)
    with check.guarding("earlier checkpoint"):
        signed = open_checkpoint(note, [verifier_key()])
        if signed.size > size:
            check.blame(
                "earlier checkpoint", f"is signed for {signed.size} entries; there are {size}: the end was cut off"
            )
        elif (root := root_at(signed.size, hash_reader(size, fetch_tile))) != signed.root:
            check.blame(
                "earlier checkpoint", f"is of another log: the first {signed.size} entries hash to {root.hex()}"
            )
    return check


def _walk(connection: Connection, entries: Check, tiles: Check, claims: Claims, step: Step) -> Frontier:
    """Reads every entry once: for the tree, for its own form, and for what it claims."""

    def stored(level: int, n: int, _width: int) -> bytes:
        query = raw(LOG_TILES.c.hashes).where(LOG_TILES.c.level == level, LOG_TILES.c.n == n)
        found = connection.execute(query).scalar()
        return found if isinstance(found, bytes) else b""

    walk = Walk(stored, tiles)
    with entries.guarding("log_entries"):
        for row in _rows_in_order(connection):
            _check_row(row, walk.size, entries, claims)
            walk.add(row.leaf if isinstance(row.leaf, bytes) else b"")
            if walk.size % STEP == 0:
                step(STEP)
        step(walk.size % STEP)
    claims.flush()
    return walk.end()


def _rows_in_order(connection: Connection) -> Iterator[Row[Any]]:
    return raw_rows(connection, raw(*LOG_ENTRIES.c).order_by(LOG_ENTRIES.c.leaf_index))


def _check_row(row: Row[Any], expected: int, entries: Check, claims: Claims) -> None:
    place = f"log_entries {row.leaf_index}"
    entries.looked += 1
    if row.leaf_index != expected:
        entries.blame(place, f"stands where entry {expected} should")
    if not isinstance(row.leaf, bytes):
        entries.blame(place, "its leaf is not bytes")
        return
    with entries.guarding(place):
        entry = decode_entry(row.leaf, expected)
        leaf = leaf_of(entry)
        said = {"service_id": leaf.service, "person_id": leaf.person, "at_us": leaf.at_us}
        for column, value in said.items():
            if getattr(row, column) != value:
                entries.blame(place, f"`{column}` is not what the entry says")
        if isinstance(entry, Decided) and len(entry.duties) != len(duties_in(entry)):
            entries.blame(place, f"names {len(entry.duties)} duties; it owes {len(duties_in(entry))}")
        claims.note(expected, entry, row.leaf)


def _find_strays(connection: Connection, tiles: Check, size: int) -> None:
    """Tiles that a tree of this size does not have."""
    with tiles.guarding("log_tiles"):
        for row in raw_rows(connection, raw(LOG_TILES.c.level, LOG_TILES.c.n)):
            is_known = isinstance(row.level, int) and isinstance(row.n, int) and 0 <= row.level < 8 and row.n >= 0
            if not is_known or not width_of(row.level, row.n, size):
                tiles.blame(f"log_tiles {row.level}/{row.n}", f"is no tile of a tree of {size} entries")


def origin_of(connection: Connection) -> str:
    """The log's name as the database remembers it; the signature alone proves it."""
    try:
        found = connection.execute(select(META.c.value).where(META.c.key == "origin")).scalar()
    except SQLAlchemyError as error:
        raise EvidenceError("the log's name cannot be read from the database") from error
    if not isinstance(found, str):
        raise EvidenceError("the database does not know its log's name: it was never started, or altered")
    return found

"""The log as files that anyone can keep and verify: the C2SP tlog-tiles directory, or one person's entries with proofs.

Nothing in an export opens a text: it has what the log has, pseudonyms and digests. It is verified with the public key alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from shouban.core.errors import CallerError, EvidenceError
from shouban.db.schema import LOG_ENTRIES
from shouban.evidence.chain import HASH_SIZE, GetHash, empty_root
from shouban.evidence.log import decode_entry, read_checkpoint, read_leaves, read_tile
from shouban.evidence.note import Checkpoint, open_checkpoint
from shouban.evidence.proof import FILE_EXTENSION, make_proof, verify_proof
from shouban.evidence.report import Check, Report
from shouban.evidence.tiles import (
    TILE_WIDTH,
    FetchTile,
    Tile,
    decode_bundle,
    encode_bundle,
    entries_path,
    hash_reader,
    parse_entries_path,
    parse_tile_path,
    tile_path,
    tiles_between,
    width_of,
)
from shouban.evidence.walk import Walk

Step = Callable[[int], None]

CHECKPOINT: Final = "checkpoint"
KEY: Final = "key"
README: Final = "README.txt"
PROOFS: Final = "proofs"
TILES: Final = "tile"
ENTRIES: Final = f"{TILES}/entries/"
TEXT: Final = """\
守伴 Shouban: {what}
======================================================================

key          公钥（请与服务方公布的公钥核对）· the log's public key; compare it with the one the service has published
checkpoint   签名的检查点 · the signed head of the log: origin, size, root (C2SP tlog-checkpoint)
{parts}

核验 · To verify, with no database and no secret:

    shouban evidence verify --export . --key "$(cat key)"

Any other tool that knows RFC 6962 trees and the C2SP forms tlog-tiles, tlog-checkpoint and tlog-proof verifies it too:
hash each entry as SHA-256(0x00 || entry), join hashes as SHA-256(0x01 || left || right), compare with the root in
`checkpoint`, and check its Ed25519 signature with `key`.

记录中没有任何人的姓名和原话，只有随机代号和加盐摘要。
No entry holds a name or a word of anybody: pseudonyms are random, texts stand as salted digests.
"""
ALL_PARTS: Final = """\
tile/        树的哈希，每块 256 个 · the tree's hashes, 256 a tile
tile/entries/  全部条目，每条前有两字节长度 · every entry, each after its length in two bytes"""
PERSON_PARTS: Final = """\
proofs/      该用户的每一条记录及其证明 · one file for each entry of this person, with its proof (C2SP tlog-proof)"""


def export_log(connection: Connection, folder: Path, verifier_key: str, *, step: Step = lambda _: None) -> Checkpoint:
    """Writes the whole log as a static tlog-tiles directory. The checkpoint is written last: it vouches for the rest."""
    note, checkpoint = _head(connection, verifier_key)
    _make_empty(folder)
    for tile in tiles_between(0, checkpoint.size):
        data = read_tile(connection, tile.level, tile.n)[: tile.width * HASH_SIZE]
        if len(data) != tile.width * HASH_SIZE:
            raise EvidenceError(f"`{tile_path(*tile)}` is missing or cut; `shouban evidence verify` says what else is")
        _write(folder / tile_path(*tile), data)
    for n, entries in _bundles(connection, checkpoint.size):
        _write(folder / entries_path(n, len(entries)), encode_bundle(entries))
        step(len(entries))
    _write(folder / README, TEXT.format(what="合规记录 the log of evidence", parts=ALL_PARTS).encode())
    _write(folder / KEY, f"{verifier_key}\n".encode())
    _write(folder / CHECKPOINT, note.encode())
    return checkpoint


def export_person(
    connection: Connection, folder: Path, verifier_key: str, person: str, *, step: Step = lambda _: None
) -> int:
    """Writes the entries of one person, each with its proof, and nobody else's. Gives how many."""
    note, _ = _head(connection, verifier_key)
    indexes = list(
        connection.execute(
            select(LOG_ENTRIES.c.leaf_index).where(LOG_ENTRIES.c.person_id == person).order_by(LOG_ENTRIES.c.leaf_index)
        ).scalars()
    )
    if not indexes:
        raise CallerError(
            f"no entry of the log is about a person `{person[:64]}`; give the pseudonym, as entries name it",
            field="person",
        )
    _make_empty(folder)
    for index in indexes:
        proof = prove(connection, index, verifier_key)
        _write(folder / PROOFS / f"{index:012d}{FILE_EXTENSION}", proof.encode())
        step(1)
    _write(
        folder / README, TEXT.format(what=f"一位用户的记录 the entries of person {person}", parts=PERSON_PARTS).encode()
    )
    _write(folder / KEY, f"{verifier_key}\n".encode())
    _write(folder / CHECKPOINT, note.encode())
    return len(indexes)


def prove(connection: Connection, index: int, verifier_key: str) -> str:
    """The entry at `index` with its proof, as one text."""
    note, checkpoint = _head(connection, verifier_key)
    is_there = 0 <= index < checkpoint.size
    found = next(read_leaves(connection, start=index, stop=index + 1), None) if is_there else None
    if found is None:
        raise CallerError(f"the log has {checkpoint.size} entries; there is no entry `{index}`", field="index")
    get_hash = _reader(connection, checkpoint.size)
    return make_proof(found[1].data, index=index, checkpoint=note, get_hash=get_hash, verifier_key=verifier_key)


def verify_export(folder: Path, verifier_key: str, *, step: Step = lambda _: None) -> Report:
    """Verifies an export of either kind with the public key alone."""
    head = Check("checkpoint", looked=1)
    signed: Checkpoint | None = None
    with head.guarding(CHECKPOINT):
        signed = open_checkpoint(_read_text(folder / CHECKPOINT), [verifier_key])
    if signed is None:
        return Report("", 0, empty_root().hex(), [head])
    if (folder / PROOFS).is_dir():
        return Report(
            signed.origin, signed.size, signed.root.hex(), [head, _check_proofs(folder, verifier_key, signed, step)]
        )
    return _verify_tiles(folder, signed, head, step)


def tiles_in(folder: Path) -> FetchTile:
    """The tiles of an export as they lie there."""
    return lambda level, n, width: _read(folder / tile_path(level, n, width))


def tiles_of(connection: Connection) -> FetchTile:
    """The tiles of a service, each as wide as a tree of the size asked for has it."""
    return lambda level, n, width: read_tile(connection, level, n)[: width * HASH_SIZE]


def size_in(folder: Path) -> int | None:
    """How many entries the export says it has, before anything is proved: for a progress bar."""
    lines = _read_text(folder / CHECKPOINT).split("\n")
    return int(lines[1]) if len(lines) > 1 and lines[1].isdecimal() else None


# --- verifying


def _verify_tiles(folder: Path, signed: Checkpoint, head: Check, step: Step) -> Report:
    entries, tiles, files = Check("entries"), Check("tiles"), Check("files")

    def stored(level: int, n: int, width: int) -> bytes:
        path = folder / tile_path(level, n, width)
        return path.read_bytes() if path.is_file() else b""

    walk = Walk(stored, tiles)
    for n in range((signed.size + TILE_WIDTH - 1) // TILE_WIDTH):
        width = width_of(0, n, signed.size)
        place = entries_path(n, width)
        with entries.guarding(place):
            for entry in decode_bundle(_read(folder / place), width):
                entries.looked += 1
                with entries.guarding(f"entry {walk.size}"):
                    decode_entry(entry, walk.size)
                walk.add(entry)
        step(width)
    frontier = walk.end()
    if (frontier.size, frontier.root()) != (signed.size, signed.root):
        head.blame(
            CHECKPOINT, f"is signed for {signed.size} entries of another root than the {frontier.size} that are here"
        )
    _check_files(folder, signed.size, files)
    return Report(signed.origin, frontier.size, frontier.root().hex(), [head, entries, tiles, files])


def _check_files(folder: Path, size: int, files: Check) -> None:
    """No file may lie among the tiles that is not one of them."""
    for path in sorted((folder / TILES).rglob("*")):
        if path.is_dir():
            continue
        files.looked += 1
        name = path.relative_to(folder).as_posix()
        if not _belongs(name, size):
            files.blame(name, "is no file of this log")


def _belongs(name: str, size: int) -> bool:
    try:
        tile = Tile(0, *parse_entries_path(name)) if name.startswith(ENTRIES) else parse_tile_path(name)
    except EvidenceError:
        return False
    return tile.width == width_of(tile.level, tile.n, size)


def _check_proofs(folder: Path, verifier_key: str, signed: Checkpoint, step: Step) -> Check:
    check = Check("proofs")
    for path in sorted((folder / PROOFS).iterdir()):
        check.looked += 1
        with check.guarding(f"{PROOFS}/{path.name}"):
            proved = verify_proof(_read_text(path), verifier_key)
            decode_entry(proved.entry, proved.index)
            if path.name != f"{proved.index:012d}{FILE_EXTENSION}" or proved.checkpoint != signed:
                check.blame(
                    f"{PROOFS}/{path.name}",
                    f"proves entry {proved.index} of a log of {proved.checkpoint.size}, not what its name and the checkpoint say",
                )
        step(1)
    return check


# --- reading the log


def _head(connection: Connection, verifier_key: str) -> tuple[str, Checkpoint]:
    note = read_checkpoint(connection)
    if note is None:
        raise EvidenceError("the log is empty: nothing was ever recorded")
    return note, open_checkpoint(note, [verifier_key])


def _reader(connection: Connection, size: int) -> GetHash:
    return hash_reader(size, tiles_of(connection))


def _bundles(connection: Connection, size: int) -> Iterator[tuple[int, list[bytes]]]:
    bundle: list[bytes] = []
    n = 0
    for index, leaf in read_leaves(connection, stop=size):
        if index != n * TILE_WIDTH + len(bundle):
            raise EvidenceError(
                f"entry {n * TILE_WIDTH + len(bundle)} is missing; `shouban evidence verify` says what else is"
            )
        bundle.append(leaf.data)
        if len(bundle) == TILE_WIDTH:
            yield n, bundle
            n, bundle = n + 1, []
    if bundle:
        yield n, bundle


# --- files


def _make_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CallerError(f"`{folder}` is not empty; name a new folder with `--out`", field="out")
    folder.mkdir(parents=True, exist_ok=True)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"cannot be read ({error.strerror})") from error


def _read_text(path: Path) -> str:
    try:
        return _read(path).decode()
    except UnicodeDecodeError as error:
        raise EvidenceError("is not UTF-8: it was altered") from error

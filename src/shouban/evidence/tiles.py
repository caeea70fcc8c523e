"""The log as static files in the C2SP tlog-tiles form: where each tile lies, what it holds, and proofs made from tiles.

A tile is up to 256 consecutive hashes of tree level 8 x `level`; every hash of a tile above is the root of one full tile
below. Tiles come from anywhere and are trusted only as far as a proof or `check_tree` carries.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from shouban.core.errors import EvidenceError
from shouban.evidence.chain import HASH_SIZE, MAX_SIZE, GetHash, are_hashes, is_size, leaf_hash, root_at, root_of

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
MAX_LEVEL = 63
# An entry in a bundle is preceded by its length in two bytes.
MAX_ENTRY_SIZE = 2**16 - 1

# A partial tile has 1 to 255 hashes, a full one exactly 256: `width` tells which is wanted.
FetchTile: TypeAlias = Callable[[int, int, int], bytes]

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<n>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Tile(NamedTuple):
    level: int
    n: int
    width: int = TILE_WIDTH


class Bundle(NamedTuple):
    """The entries whose hashes are the tile `n` of level 0."""

    n: int
    width: int = TILE_WIDTH


class Place(NamedTuple):
    """Where a node of the tree is found: it is the root of `span` hashes of the tile, from `offset` on."""

    level: int
    n: int
    offset: int
    span: int


def tile_path(level: int, n: int, width: int = TILE_WIDTH) -> str:
    if not (is_size(level) and level <= MAX_LEVEL):
        raise EvidenceError(f"there is no tile level `{level}`; levels go from 0 to {MAX_LEVEL}")
    return f"tile/{level}/{_numbered(n, width)}"


def entries_path(n: int, width: int = TILE_WIDTH) -> str:
    return f"tile/entries/{_numbered(n, width)}"


def parse_tile_path(path: str) -> Tile:
    level, n, width = _parts(path)
    if level == "entries":
        raise EvidenceError(f"`{path}` names entries, not a tile of hashes; a tile is at `{tile_path(0, n, width)}`")
    tile = Tile(int(level), n, width)
    if tile_path(*tile) != path:
        raise EvidenceError(f"`{path}` is not how a tile is named; it is at `{tile_path(*tile)}`")
    return tile


def parse_entries_path(path: str) -> Bundle:
    level, n, width = _parts(path)
    if level != "entries" or entries_path(n, width) != path:
        raise EvidenceError(f"`{path}` is not how entries are named; they are at `{entries_path(n, width)}`")
    return Bundle(n, width)


def width_of(level: int, n: int, size: int) -> int:
    """How many hashes the tile has in a tree of that size; 0 where there is no such tile."""
    return max(0, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - n * TILE_WIDTH))


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """The tiles that a tree growing from size `old` to `new` adds or widens, the lowest level first."""
    if not (is_size(old) and is_size(new) and old <= new):
        raise EvidenceError(f"a log does not grow from size `{old}` to `{new}`")
    level = 0
    while new >> TILE_HEIGHT * level:
        before, after = old >> TILE_HEIGHT * level, new >> TILE_HEIGHT * level
        if before < after:
            for n in range(before // TILE_WIDTH, (after + TILE_WIDTH - 1) // TILE_WIDTH):
                yield Tile(level, n, width_of(level, n, new))
        level += 1


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    if not (are_hashes(hashes) and 1 <= len(hashes) <= TILE_WIDTH):
        raise EvidenceError(f"a tile is 1 to {TILE_WIDTH} hashes of {HASH_SIZE} bytes; these are not")
    return b"".join(hashes)


def hashes_in_tile(data: bytes, width: int = TILE_WIDTH) -> tuple[bytes, ...]:
    if not 1 <= width <= TILE_WIDTH or len(data) != width * HASH_SIZE:
        raise EvidenceError(f"a tile of width {width} is {width * HASH_SIZE} bytes; this one is {len(data)}")
    return tuple(data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE))


def hash_above(full_tile: bytes) -> bytes:
    """What stands for this full tile in the tile above it."""
    return root_of(hashes_in_tile(full_tile))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise EvidenceError(f"a bundle is 1 to {TILE_WIDTH} entries; these are {len(entries)}")
    for place, entry in enumerate(entries):
        if len(entry) > MAX_ENTRY_SIZE:
            raise EvidenceError(
                f"entry {place} of the bundle is {len(entry)} bytes; an entry of the log has at most {MAX_ENTRY_SIZE}"
            )
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def decode_bundle(data: bytes, width: int = TILE_WIDTH) -> tuple[bytes, ...]:
    entries: list[bytes] = []
    offset = 0
    while offset < len(data) and len(entries) < width:
        start = offset + 2
        # A length cut short reads as a smaller one; the entry then ends beyond the data all the same.
        offset = start + int.from_bytes(data[offset:start], "big")
        entries.append(data[start:offset])
    if not 1 <= width <= TILE_WIDTH or len(entries) != width or offset != len(data):
        raise EvidenceError(f"these {len(data)} bytes are not a bundle of {width} entries: it is cut, or altered")
    return tuple(entries)


def check_bundle(entries: Sequence[bytes], tile: bytes, *, n: int) -> None:
    """Raise, naming the first entry that is not the one whose hash the level 0 tile `n` holds."""
    for place, expected in enumerate(hashes_in_tile(tile, len(entries))):
        if leaf_hash(entries[place]) != expected:
            raise EvidenceError(f"entry {n * TILE_WIDTH + place} is not the one the log holds: it was altered")


def place_of(level: int, index: int) -> Place:
    """The tile, and the hashes in it, from which that node of the tree is had."""
    if not (is_size(level) and level <= MAX_LEVEL and is_size(index) and is_size(index << level)):
        raise EvidenceError(f"no tree has a node {index} of level {level}; the last entry is {MAX_SIZE - 1}")
    height = level % TILE_HEIGHT
    n, offset = divmod(index << height, TILE_WIDTH)
    return Place(level // TILE_HEIGHT, n, offset, 1 << height)


def hash_reader(size: int, fetch_tile: FetchTile) -> GetHash:
    """Any node of the tree of that size, from its tiles; a tile is fetched once, so let the reader go after its proof."""
    tiles: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def get_hash(level: int, index: int) -> bytes:
        place = place_of(level, index)
        if index + 1 << level > size:
            raise EvidenceError(f"a tree of size {size} has no node {index} of level {level}")
        key = (place.level, place.n)
        if key not in tiles:
            tiles[key] = _fetched(Tile(*key, width_of(*key, size)), fetch_tile)
        return root_of(tiles[key][place.offset : place.offset + place.span])

    return get_hash


def check_tree(size: int, root: bytes, fetch_tile: FetchTile) -> None:
    """Raise, naming the first tile that is wrong, unless the tiles of the tree of that size hash up to the root."""
    for above in tiles_between(0, size):
        if above.level > 0:
            _check_below(above, size, fetch_tile)
    if root_at(size, hash_reader(size, fetch_tile)) != root:
        raise EvidenceError(f"the tiles of the tree of size {size} do not hash up to its root: a tile was altered")


def _check_below(above: Tile, size: int, fetch_tile: FetchTile) -> None:
    for place, expected in enumerate(_fetched(above, fetch_tile)):
        below = Tile(above.level - 1, above.n * TILE_WIDTH + place)
        if root_of(_fetched(below, fetch_tile)) != expected:
            raise EvidenceError(
                f"`{tile_path(*below)}` does not hash to its place in `{tile_path(*above)}`: one was altered"
            )


def _fetched(tile: Tile, fetch_tile: FetchTile) -> tuple[bytes, ...]:
    data = fetch_tile(*tile)
    if len(data) != tile.width * HASH_SIZE:
        raise EvidenceError(f"`{tile_path(*tile)}` is {len(data)} bytes; it has {tile.width * HASH_SIZE}")
    return hashes_in_tile(data, tile.width)


def _numbered(n: int, width: int) -> str:
    if not is_size(n):
        raise EvidenceError(f"there is no tile number `{n}`; numbers go from 0 to {MAX_SIZE}")
    if not (is_size(width) and 1 <= width <= TILE_WIDTH):
        raise EvidenceError(f"a tile is not `{width}` hashes wide; widths go from 1 to {TILE_WIDTH}")
    last, rest = f"{n % 1000:03d}", n // 1000
    while rest:
        last, rest = f"x{rest % 1000:03d}/{last}", rest // 1000
    return last if width == TILE_WIDTH else f"{last}.p/{width}"


def _parts(path: str) -> tuple[str, int, int]:
    found = _PATH.fullmatch(path)
    if found is None:
        raise EvidenceError(
            "this is not the path of a tile; one looks like `tile/0/x001/234.p/5` or `tile/entries/000`"
        )
    return found["level"], int(found["n"].replace("x", "").replace("/", "")), int(found["width"] or TILE_WIDTH)

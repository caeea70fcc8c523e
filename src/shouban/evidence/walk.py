"""Grows the tree again from its entries, one by one, and holds each tile against the one that was stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shouban.evidence.chain import HASH_SIZE, Frontier, frontier_at, leaf_hash, root_of
from shouban.evidence.report import Check
from shouban.evidence.tiles import TILE_WIDTH, hash_above, place_of, tile_path

# The stored bytes of tile `n` of a level, `width` hashes wide as the tree has it; empty where there is none.
StoredTile = Callable[[int, int, int], bytes]

JOINED: Final = TILE_WIDTH * HASH_SIZE


class Walk:
    """Memory is one unfinished tile a level, whatever the size of the log."""

    def __init__(self, stored: StoredTile, tiles: Check) -> None:
        self.size = 0
        self._stored = stored
        self._tiles = tiles
        # By level: the number of the unfinished tile, and its hashes so far.
        self._open: list[tuple[int, bytearray]] = []

    def add(self, entry: bytes) -> None:
        self._push(0, leaf_hash(entry))
        self.size += 1

    def end(self) -> Frontier:
        """Holds the unfinished tiles too, and gives the frontier of the whole tree."""
        for level, (n, hashes) in enumerate(self._open):
            if hashes:
                self._hold(level, n, bytes(hashes))
        return frontier_at(self.size, self._node)

    def _push(self, level: int, node: bytes) -> None:
        if level == len(self._open):
            self._open.append((0, bytearray()))
        n, hashes = self._open[level]
        hashes += node
        if len(hashes) == JOINED:
            full = bytes(hashes)
            self._hold(level, n, full)
            self._open[level] = (n + 1, bytearray())
            self._push(level + 1, hash_above(full))

    def _hold(self, level: int, n: int, grown: bytes) -> None:
        width = len(grown) // HASH_SIZE
        place = tile_path(level, n, width)
        self._tiles.looked += 1
        with self._tiles.guarding(place):
            found = self._stored(level, n, width)
            if not found:
                self._tiles.blame(place, "is missing")
            elif found != grown:
                self._tiles.blame(place, "is not what the entries hash to")

    def _node(self, level: int, index: int) -> bytes:
        """A perfect subtree at the right edge: it lies in an unfinished tile, for a full one has gone up."""
        place = place_of(level, index)
        hashes = self._open[place.level][1]
        part = hashes[place.offset * HASH_SIZE : (place.offset + place.span) * HASH_SIZE]
        return root_of(bytes(part[start : start + HASH_SIZE]) for start in range(0, len(part), HASH_SIZE))

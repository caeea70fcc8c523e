"""Growing the tree again, entry by entry, gives its root and holds every stored tile against it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shouban.evidence.chain import HASH_SIZE, Frontier, leaf_hash
from shouban.evidence.report import Check
from shouban.evidence.tiles import TILE_WIDTH, hash_above, tile_path, tiles_between
from shouban.evidence.walk import Walk

sizes = st.one_of(st.integers(0, 40), st.integers(250, 520), st.just(65_537))
ENTRIES = [b"%d" % number for number in range(65_537)]
HASHES = [leaf_hash(entry) for entry in ENTRIES]


def tiles_of(size: int) -> dict[tuple[int, int], bytes]:
    """All tiles of a tree, by level and number."""
    tiles: dict[tuple[int, int], bytes] = {}
    level, hashes = 0, HASHES[:size]
    while hashes:
        whole = b"".join(hashes)
        step = TILE_WIDTH * HASH_SIZE
        mine = [whole[start : start + step] for start in range(0, len(whole), step)]
        tiles |= {(level, n): data for n, data in enumerate(mine)}
        level, hashes = level + 1, [hash_above(data) for data in mine if len(data) == step]
    return tiles


def walked(size: int, tiles: dict[tuple[int, int], bytes]) -> tuple[Frontier, Check]:
    check = Check("tiles")
    walk = Walk(lambda level, n, _: tiles.get((level, n), b""), check)
    for entry in ENTRIES[:size]:
        walk.add(entry)
    return walk.end(), check


@settings(max_examples=25)
@given(sizes)
def test_the_frontier_is_the_trees_own_and_every_tile_was_looked_at(size: int) -> None:
    frontier, check = walked(size, tiles_of(size))
    assert frontier == Frontier().extend(HASHES[:size])
    assert (check.looked, check.wrong) == (len(list(tiles_between(0, size))), 0)


@settings(max_examples=25)
@given(st.integers(1, 600), st.data())
def test_a_tile_that_is_another_or_gone_is_named(size: int, data: st.DataObject) -> None:
    tiles = tiles_of(size)
    level, n = data.draw(st.sampled_from(sorted(tiles)))
    width = len(tiles[level, n]) // HASH_SIZE
    changed = bytearray(tiles[level, n])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    tiles[level, n] = data.draw(st.sampled_from([bytes(changed), b"", tiles[level, n] + bytes(32)]))
    _, check = walked(size, tiles)
    assert [problem.place for problem in check.problems] == [tile_path(level, n, width)]

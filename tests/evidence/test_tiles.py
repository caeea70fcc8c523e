"""Tiles in the C2SP form: every name is written one way, every proof can be made from them, every flipped byte shows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouban.core.errors import EvidenceError
from shouban.evidence.chain import (
    MAX_SIZE,
    consistency_proof,
    frontier_at,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from shouban.evidence.tiles import (
    MAX_ENTRY_SIZE,
    MAX_LEVEL,
    TILE_WIDTH,
    Bundle,
    FetchTile,
    Place,
    Tile,
    check_bundle,
    check_tree,
    decode_bundle,
    encode_bundle,
    encode_tile,
    entries_path,
    hash_above,
    hash_reader,
    hashes_in_tile,
    parse_entries_path,
    parse_tile_path,
    place_of,
    tile_path,
    tiles_between,
    width_of,
)

SIZE = 66_000
ENTRIES = [f"第{number}条".encode() for number in range(SIZE)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]

levels = st.integers(min_value=0, max_value=MAX_LEVEL)
numbers = st.integers(min_value=0, max_value=MAX_SIZE)
widths = st.integers(min_value=1, max_value=TILE_WIDTH)
# Mostly small trees, and some with three levels of tiles.
sizes = st.integers(min_value=1, max_value=1200) | st.integers(min_value=65_500, max_value=SIZE)


def rows() -> list[list[bytes]]:
    """Each level of tiles as one row of hashes, made straight from the definition."""
    made = [LEAVES]
    while len(made[-1]) >= TILE_WIDTH:
        below = made[-1]
        full = len(below) // TILE_WIDTH
        made.append([root_of(below[n * TILE_WIDTH : (n + 1) * TILE_WIDTH]) for n in range(full)])
    return made


ROWS = rows()


def fetch(level: int, n: int, width: int) -> bytes:
    return encode_tile(ROWS[level][n * TILE_WIDTH : n * TILE_WIDTH + width])


def fetch_with(flipped: Tile, place: int, bit: int) -> FetchTile:
    """Tiles of which one has one bit flipped."""

    def fetch_changed(level: int, n: int, width: int) -> bytes:
        data = bytearray(fetch(level, n, width))
        if (level, n) == flipped[:2]:
            data[place % len(data)] ^= 1 << bit
        return bytes(data)

    return fetch_changed


@given(levels, numbers, widths)
def test_a_tile_has_one_path_and_it_is_read_back(level: int, n: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, n, width)) == Tile(level, n, width)
    assert parse_entries_path(entries_path(n, width)) == Bundle(n, width)


def test_paths_are_those_of_the_specification() -> None:
    assert tile_path(0, 0) == "tile/0/000"
    assert tile_path(3, 1_234_067) == "tile/3/x001/x234/067"
    assert tile_path(1, 17, 5) == "tile/1/017.p/5"
    assert tile_path(0, 1000, 255) == "tile/0/x001/000.p/255"
    assert entries_path(1_234_067, 8) == "tile/entries/x001/x234/067.p/8"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/5/",
        "tile/0/../000",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/entries/000",
        "tile/0/" + "x999/" * 6 + "999",
        "tile/0/" + "x001/" * 500 + "000",
    ],
)
def test_a_path_written_any_other_way_is_refused(path: str) -> None:
    with pytest.raises(EvidenceError):
        parse_tile_path(path)
    with pytest.raises(EvidenceError):
        parse_entries_path(path.replace("tile/0/", "tile/entries/") if path != "tile/entries/000" else "tile/0/000")


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_path_written_that_way_or_refused(text: str) -> None:
    try:
        tile = parse_tile_path(text)
    except EvidenceError:
        return
    assert tile_path(*tile) == text


def test_a_tile_that_can_not_be_has_no_path() -> None:
    for level, n, width in [(64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, MAX_SIZE + 1, 1), (0, 0, 0), (0, 0, 257)]:
        with pytest.raises(EvidenceError):
            tile_path(level, n, width)


def test_a_tree_of_70000_has_the_tiles_the_specification_counts() -> None:
    tiles = list(tiles_between(0, 70_000))
    assert tiles == [Tile(0, n) for n in range(273)] + [
        Tile(0, 273, 112),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert list(tiles_between(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_between(0, 0)) == []
    assert width_of(0, 274, 70_000) == 0


@given(st.integers(min_value=0, max_value=SIZE), st.integers(min_value=0, max_value=SIZE))
def test_growing_adds_exactly_the_tiles_whose_width_changes(first: int, second: int) -> None:
    old, new = sorted((first, second))
    changed = [tile for tile in tiles_between(0, new) if width_of(tile.level, tile.n, old) != tile.width]
    assert list(tiles_between(old, new)) == changed


def test_a_log_that_shrinks_has_no_new_tiles() -> None:
    with pytest.raises(EvidenceError, match="does not grow"):
        list(tiles_between(2, 1))


@settings(max_examples=40, deadline=None)
@given(sizes, st.data())
def test_proofs_made_from_tiles_hold(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    old = data.draw(st.integers(min_value=0, max_value=size))
    reader = hash_reader(size, fetch)
    root = frontier_at(size, reader).root()
    assert verify_inclusion(index, size, LEAVES[index], inclusion_proof(index, size, reader), root)
    old_root = frontier_at(old, reader).root()
    assert verify_consistency(old, size, old_root, root, consistency_proof(old, size, reader))


@settings(max_examples=8, deadline=None)
@given(sizes)
def test_the_root_from_tiles_is_the_root_of_the_entries(size: int) -> None:
    check_tree(size, root_of(LEAVES[:size]), fetch)


def test_a_proof_fetches_each_tile_once_and_few_of_them() -> None:
    fetched: list[Tile] = []

    def counted(level: int, n: int, width: int) -> bytes:
        fetched.append(Tile(level, n, width))
        return fetch(level, n, width)

    inclusion_proof(300, SIZE, hash_reader(SIZE, counted))
    assert len(fetched) == len(set(fetched)) <= 5
    assert all(width_of(tile.level, tile.n, SIZE) == tile.width for tile in fetched)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(min_value=1, max_value=1200), st.data(), st.integers(min_value=0), st.integers(min_value=0, max_value=7)
)
def test_one_flipped_bit_of_any_tile_is_found(size: int, data: st.DataObject, place: int, bit: int) -> None:
    tile = data.draw(st.sampled_from(list(tiles_between(0, size))))
    with pytest.raises(EvidenceError, match="altered"):
        check_tree(size, root_of(LEAVES[:size]), fetch_with(tile, place, bit))


def test_every_altered_hash_of_a_tree_of_two_levels_is_found() -> None:
    size = 258
    root = root_of(LEAVES[:size])
    for tile in tiles_between(0, size):
        for place in range(0, tile.width * 32, 1 if tile.width < TILE_WIDTH else 32):
            with pytest.raises(EvidenceError, match="altered"):
                check_tree(size, root, fetch_with(tile, place, 0))


def test_the_altered_tile_is_named() -> None:
    with pytest.raises(EvidenceError, match=r"`tile/0/001` does not hash to its place in `tile/1/000\.p/4`"):
        check_tree(1100, root_of(LEAVES[:1100]), fetch_with(Tile(0, 1), 40, 3))


def test_a_tile_of_another_length_is_refused() -> None:
    with pytest.raises(EvidenceError, match=r"`tile/0/000\.p/3` is 32 bytes; it has 96"):
        check_tree(3, root_of(LEAVES[:3]), lambda _level, _n, _width: LEAVES[0])
    for data, width in [(b"", 1), (LEAVES[0], 2), (LEAVES[0] + b"x", 1), (b"", 0), (LEAVES[0] * 257, 257)]:
        with pytest.raises(EvidenceError, match="a tile of width"):
            hashes_in_tile(data, width)
    for hashes in ([], [b"short"], LEAVES[:257]):
        with pytest.raises(EvidenceError, match="a tile is 1 to 256 hashes"):
            encode_tile(hashes)


@given(st.integers(min_value=0, max_value=20), st.integers(min_value=0, max_value=10_000))
def test_a_node_is_the_root_of_the_hashes_its_place_names(level: int, index: int) -> None:
    place = place_of(level, index)
    assert place.offset + place.span <= TILE_WIDTH
    start = (place.n * TILE_WIDTH + place.offset) << 8 * place.level
    assert start == index << level
    assert place.span << 8 * place.level == 1 << level


def test_nodes_lie_where_the_specification_puts_them() -> None:
    assert place_of(0, 257) == Place(0, 1, 1, 1)
    assert place_of(7, 3) == Place(0, 1, 128, 128)
    # The root of a full tile is read from the tile above.
    assert place_of(8, 3) == Place(1, 0, 3, 1)
    assert hash_above(fetch(0, 3, 256)) == hashes_in_tile(fetch(1, 0, 256))[3]


def test_a_node_outside_the_tree_is_refused() -> None:
    reader = hash_reader(5, fetch)
    for level, index in [(0, 5), (1, 2), (3, 0), (-1, 0), (0, -1), (63, 1), (64, 0), (2**62, 0)]:
        with pytest.raises(EvidenceError, match="node"):
            reader(level, index)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=TILE_WIDTH))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data, len(entries)) == tuple(entries)
    check_bundle(entries, encode_tile([leaf_hash(entry) for entry in entries]), n=0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=12), min_size=1, max_size=6), st.integers(min_value=1, max_value=255))
def test_every_changed_or_missing_byte_of_a_bundle_is_found(entries: list[bytes], change: int) -> None:
    data, tile = encode_bundle(entries), encode_tile([leaf_hash(entry) for entry in entries])
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= change
        for forged in (bytes(altered), data[:place], data + b"\x00"):
            with pytest.raises(EvidenceError, match="altered"):
                check_bundle(decode_bundle(forged, len(entries)), tile, n=0)


@given(st.binary(max_size=2000), st.integers(min_value=-1, max_value=300))
def test_any_bytes_are_a_bundle_written_that_way_or_refused(data: bytes, width: int) -> None:
    try:
        entries = decode_bundle(data, width)
    except EvidenceError:
        return
    assert encode_bundle(entries) == data


def test_the_altered_entry_is_named() -> None:
    entries = [*ENTRIES[512:520], b"other"]
    with pytest.raises(EvidenceError, match="entry 520 is not the one"):
        check_bundle(entries, fetch(0, 2, 9), n=2)


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    assert decode_bundle(encode_bundle([bytes(MAX_ENTRY_SIZE)]), 1) == (bytes(MAX_ENTRY_SIZE),)
    with pytest.raises(EvidenceError, match="entry 1 of the bundle is 65536 bytes"):
        encode_bundle([b"", bytes(MAX_ENTRY_SIZE + 1)])
    for entries in ([], [b""] * 257):
        with pytest.raises(EvidenceError, match="a bundle is 1 to 256 entries"):
            encode_bundle(entries)

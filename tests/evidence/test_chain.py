"""The tree against RFC 6962's definition, its well-known vectors, and every forgery of one bit."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouban.core.errors import EvidenceError
from shouban.evidence.chain import (
    MAX_SIZE,
    Frontier,
    consistency_proof,
    empty_root,
    frontier_at,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_at,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves and roots that the implementations of Certificate Transparency share.
KNOWN_LEAVES = [
    bytes.fromhex(data)
    for data in ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
]
KNOWN_ROOTS = [
    bytes.fromhex(root)
    for root in [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
]
KNOWN_HASHES = [leaf_hash(data) for data in KNOWN_LEAVES]
LEAVES = [leaf_hash(f"第{number}条".encode()) for number in range(300)]

sizes = st.integers(min_value=1, max_value=len(LEAVES))
hashes = st.binary(min_size=32, max_size=32)


@cache
def defined_root(start: int, end: int) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it."""
    if start == end:
        return sha256(b"").digest()
    if end - start == 1:
        return LEAVES[start]
    split = 1
    while split * 2 < end - start:
        split *= 2
    return sha256(b"\x01" + defined_root(start, start + split) + defined_root(start + split, end)).digest()


def stored(level: int, index: int) -> bytes:
    return defined_root(index << level, index + 1 << level)


def defined_path(index: int, start: int, end: int) -> list[bytes]:
    """PATH as RFC 6962 section 2.1.1 writes it."""
    if end - start == 1:
        return []
    split = 1
    while split * 2 < end - start:
        split *= 2
    middle = start + split
    if index < middle:
        return [*defined_path(index, start, middle), defined_root(middle, end)]
    return [*defined_path(index, middle, end), defined_root(start, middle)]


def defined_subproof(old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
    """SUBPROOF as RFC 6962 section 2.1.2 writes it."""
    if old == end:
        return [] if whole else [defined_root(start, end)]
    split = 1
    while split * 2 < end - start:
        split *= 2
    middle = start + split
    if old <= middle:
        return [*defined_subproof(old, start, middle, whole=whole), defined_root(middle, end)]
    return [*defined_subproof(old, middle, end, whole=False), defined_root(start, middle)]


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


def test_the_known_trees_have_the_known_roots() -> None:
    assert [root_of(KNOWN_HASHES[: size + 1]) for size in range(8)] == KNOWN_ROOTS
    assert root_of([]) == empty_root() == sha256(b"").digest()


def test_the_known_proofs_are_made() -> None:
    def known(level: int, index: int) -> bytes:
        return root_of(KNOWN_HASHES[index << level : index + 1 << level])

    assert [proof.hex() for proof in inclusion_proof(0, 8, known)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [proof.hex() for proof in consistency_proof(6, 8, known)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=len(LEAVES)), st.data())
def test_the_frontier_has_the_root_the_standard_defines_however_it_grew(size: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(min_value=0, max_value=size))
    one_by_one = Frontier()
    for leaf in LEAVES[:size]:
        one_by_one = one_by_one.append(leaf)
    assert one_by_one == Frontier().extend(LEAVES[:cut]).extend(LEAVES[cut:size]) == frontier_at(size, stored)
    assert one_by_one.root() == defined_root(0, size) == root_at(size, stored)


@settings(deadline=None)
@given(sizes, st.data())
def test_an_inclusion_proof_is_the_standards_and_holds(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    proof = inclusion_proof(index, size, stored)
    assert list(proof) == defined_path(index, 0, size)
    assert verify_inclusion(index, size, LEAVES[index], proof, defined_root(0, size))


@settings(deadline=None)
@given(sizes, st.data())
def test_a_consistency_proof_is_the_standards_and_holds(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(min_value=0, max_value=new))
    proof = consistency_proof(old, new, stored)
    if old:
        assert list(proof) == defined_subproof(old, 0, new, whole=True)
    assert verify_consistency(old, new, defined_root(0, old), defined_root(0, new), proof)


@settings(deadline=None)
@given(sizes, st.data())
def test_one_flipped_bit_or_another_place_breaks_an_inclusion_proof(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    bit = data.draw(st.integers(min_value=0, max_value=255))
    leaf, root, proof = LEAVES[index], defined_root(0, size), inclusion_proof(index, size, stored)
    assert not verify_inclusion(index, size, flipped(leaf, bit), proof, root)
    assert not verify_inclusion(index, size, leaf, proof, flipped(root, bit))
    assert not verify_inclusion(index, size, leaf, [*proof, LEAVES[0]], root)
    for other in range(size):
        assert verify_inclusion(other, size, leaf, proof, root) == (other == index)
    for place in range(len(proof)):
        forged = [*proof[:place], flipped(proof[place], bit), *proof[place + 1 :]]
        assert not verify_inclusion(index, size, leaf, forged, root)
        assert not verify_inclusion(index, size, leaf, [*proof[:place], *proof[place + 1 :]], root)


@settings(deadline=None)
@given(sizes, st.data())
def test_one_flipped_bit_breaks_a_consistency_proof(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(min_value=0, max_value=new))
    bit = data.draw(st.integers(min_value=0, max_value=255))
    before, after, proof = defined_root(0, old), defined_root(0, new), consistency_proof(old, new, stored)
    assert not verify_consistency(old, new, flipped(before, bit), after, proof)
    # Anything may grow out of an empty log: there is nothing to be consistent with.
    assert verify_consistency(old, new, before, flipped(after, bit), proof) == (old == 0)
    assert not verify_consistency(old, new, before, after, [*proof, LEAVES[0]])
    for place in range(len(proof)):
        forged = [*proof[:place], flipped(proof[place], bit), *proof[place + 1 :]]
        assert not verify_consistency(old, new, before, after, forged)
        assert not verify_consistency(old, new, before, after, [*proof[:place], *proof[place + 1 :]])


@given(st.integers(), st.integers(), hashes, st.lists(st.binary(max_size=33) | hashes, max_size=70), hashes)
def test_a_hostile_proof_is_answered_no(first: int, second: int, leaf: bytes, proof: list[bytes], root: bytes) -> None:
    assert not verify_inclusion(first, second, leaf, proof, root)
    grown = verify_consistency(first, second, leaf, root, proof)
    assert not grown or (first == second and leaf == root)


@pytest.mark.parametrize("wrong", [None, "x", 1.0, True, -1, 2**80, b"", object()])
def test_values_of_the_wrong_kind_are_answered_no(wrong: object) -> None:
    leaf = LEAVES[0]
    assert not verify_inclusion(wrong, 1, leaf, (), leaf)  # type: ignore[arg-type]  # what a forger may send
    assert not verify_inclusion(0, wrong, leaf, (), leaf)  # type: ignore[arg-type]  # likewise
    assert not verify_inclusion(0, 1, leaf, wrong, leaf)  # type: ignore[arg-type]  # likewise
    assert not verify_inclusion(0, 1, wrong, (), leaf)  # type: ignore[arg-type]  # likewise
    assert not verify_consistency(1, 1, leaf, leaf, wrong)  # type: ignore[arg-type]  # likewise
    assert not verify_consistency(1, 2, leaf, leaf, (wrong,))  # type: ignore[arg-type]  # likewise


def test_an_empty_log_begins_every_log_and_has_only_one_root() -> None:
    root = defined_root(0, 5)
    assert verify_consistency(0, 5, empty_root(), root, ())
    assert verify_consistency(0, 0, empty_root(), empty_root(), ())
    assert not verify_consistency(0, 5, root, root, ())
    assert not verify_consistency(0, 0, empty_root(), root, ())


def test_a_prover_who_asks_for_what_is_not_there_is_told_so() -> None:
    with pytest.raises(EvidenceError, match="there is no entry `5`"):
        inclusion_proof(5, 5, stored)
    with pytest.raises(EvidenceError, match="cannot be the beginning"):
        consistency_proof(6, 5, stored)
    with pytest.raises(EvidenceError, match="a hash has 32"):
        inclusion_proof(0, 2, lambda _level, _index: b"short")
    with pytest.raises(EvidenceError, match="a size lies from 0"):
        frontier_at(MAX_SIZE + 1, stored)


def test_a_frontier_that_does_not_fit_its_size_is_refused() -> None:
    for size, kept in [(1, ()), (0, (LEAVES[0],)), (2, (LEAVES[0], LEAVES[1])), (1, (b"short",))]:
        with pytest.raises(EvidenceError, match="what was stored is not"):
            Frontier(size, kept)
    with pytest.raises(EvidenceError, match="cannot have size"):
        Frontier(-1)
    with pytest.raises(EvidenceError, match="pass `leaf_hash"):
        Frontier().append(b"the entry itself")


def test_a_node_can_not_pass_for_a_leaf() -> None:
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])


def test_a_hundred_thousand_entries_are_appended_quickly() -> None:
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(100_000)]
    started = process_time()
    frontier = Frontier().extend(leaves)
    # Measured 0.1 s; the margin is for a busy build machine.
    assert process_time() - started < 0.5
    assert frontier.size == 100_000

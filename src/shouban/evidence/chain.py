"""The Merkle tree of RFC 6962 and RFC 9162 over SHA-256: its root, proofs that an entry is in it, proofs that it only grew.

A tree is named by its size. A node is named by level and index: it is the root of the perfect subtree over the leaves
from `index * 2**level` up to, not including, `(index + 1) * 2**level`; level 0 holds the leaf hashes. Whoever proves
brings `get_hash(level, index)`; whoever verifies needs nothing but the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from shouban.core.errors import EvidenceError

HASH_SIZE = 32
# Sizes stay in a signed 64-bit column, as in every other implementation of these formats.
MAX_SIZE = 2**63 - 1

GetHash: TypeAlias = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def empty_root() -> bytes:
    return sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All a growing tree must remember: the roots of its perfect subtrees, the largest (leftmost) first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not is_size(self.size):
            raise EvidenceError(f"a tree cannot have size `{self.size}`; a size lies from 0 to {MAX_SIZE}")
        if len(self.hashes) != self.size.bit_count() or not are_hashes(self.hashes):
            raise EvidenceError(
                f"the frontier of a tree of size {self.size} is {self.size.bit_count()} hashes of {HASH_SIZE} bytes; "
                f"what was stored is not"
            )

    def append(self, leaf: bytes) -> Frontier:
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """The frontier after these leaf hashes, in order."""
        hashes, size = list(self.hashes), self.size
        for leaf in leaves:
            _push(hashes, size, leaf)
            size += 1
        return Frontier(size, tuple(hashes))

    def root(self) -> bytes:
        return _fold(self.hashes) if self.hashes else empty_root()


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    return Frontier().extend(leaf_hashes).root()


def frontier_at(size: int, get_hash: GetHash) -> Frontier:
    """The frontier of the tree of that size, read back from stored nodes."""
    if not is_size(size):
        raise EvidenceError(f"a tree cannot have size `{size}`; a size lies from 0 to {MAX_SIZE}")
    return Frontier(size, tuple(_node(level, index, get_hash) for level, index in _perfect_subtrees(0, size)))


def root_at(size: int, get_hash: GetHash) -> bytes:
    return frontier_at(size, get_hash).root()


def inclusion_proof(index: int, size: int, get_hash: GetHash) -> tuple[bytes, ...]:
    """RFC 9162 section 2.1.3.1: the hashes that lead from leaf `index` to the root of the tree, the sibling first."""
    if not (is_size(index) and is_size(size) and index < size):
        raise EvidenceError(f"the log has {size} entries; there is no entry `{index}` to prove")
    start, end, proof = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_hash(middle, end, get_hash))
            end = middle
        else:
            proof.append(_range_hash(start, middle, get_hash))
            start = middle
    return tuple(reversed(proof))


def consistency_proof(old: int, new: int, get_hash: GetHash) -> tuple[bytes, ...]:
    """RFC 9162 section 2.1.4.1: the hashes that show the tree of size `old` to be the beginning of that of size `new`."""
    if not (is_size(old) and is_size(new) and old <= new):
        raise EvidenceError(f"a log of size `{old}` cannot be the beginning of one of size `{new}`")
    if old == 0:
        return ()
    start, end, proof = 0, new, []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_range_hash(middle, end, get_hash))
            end = middle
        else:
            proof.append(_range_hash(start, middle, get_hash))
            start = middle
    # Where the old tree is itself a subtree of the new one, the verifier has its root already.
    if start > 0:
        proof.append(_range_hash(start, end, get_hash))
    return tuple(reversed(proof))


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf hash stands at `index` in the tree of that size and root; anything malformed is `False`."""
    if not (is_size(index) and is_size(size) and index < size):
        return False
    if not (are_hashes((leaf, root)) and are_hashes(proof)):
        return False
    inner = (index ^ (size - 1)).bit_length()
    if len(proof) != inner + (index >> inner).bit_count():
        return False
    return _climb(_climb(leaf, proof[:inner], index), proof[inner:], -1) == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of size `new` begins with the tree of size `old`; anything malformed is `False`."""
    if not (is_size(old) and is_size(new) and old <= new):
        return False
    if not (are_hashes((old_root, new_root)) and are_hashes(proof)):
        return False
    if old == 0:
        return not proof and old_root == empty_root() and (new > 0 or new_root == old_root)
    if old == new:
        return not proof and old_root == new_root
    return _grew(old, new, old_root, new_root, tuple(proof))


def is_size(value: object) -> bool:
    """Whether this can be the size of a tree, or the index of an entry."""
    return type(value) is int and 0 <= value <= MAX_SIZE


def are_hashes(values: object) -> bool:
    """Whether this is a list or tuple of SHA-256 hashes and of nothing else."""
    if not isinstance(values, (list, tuple)):
        return False
    return all(type(value) is bytes and len(value) == HASH_SIZE for value in values)


def _grew(old: int, new: int, old_root: bytes, new_root: bytes, proof: tuple[bytes, ...]) -> bool:
    # The last perfect subtree of the old tree is where both climbs begin: `shift` is its level.
    shift = (old & -old).bit_length() - 1
    inner = ((old - 1) ^ (new - 1)).bit_length() - shift
    turns = (old - 1) >> shift
    seed = (old_root,) if old == 1 << shift else ()
    steps = seed + proof
    if len(steps) != 1 + inner + (turns >> inner).bit_count():
        return False
    start, low, high = steps[0], steps[1 : 1 + inner], steps[1 + inner :]
    # The old tree knows only the siblings to its left; the new one knows all of them.
    lefts = [sibling for height, sibling in enumerate(low) if turns >> height & 1]
    was = _climb(_climb(start, lefts, -1), high, -1)
    now = _climb(_climb(start, low, turns), high, -1)
    return was == old_root and now == new_root


def _climb(node: bytes, siblings: Sequence[bytes], turns: int) -> bytes:
    """One level up for each sibling, which stands on the left where `turns` has that level's bit (-1: always)."""
    for height, sibling in enumerate(siblings):
        node = node_hash(sibling, node) if turns >> height & 1 else node_hash(node, sibling)
    return node


def _push(hashes: list[bytes], size: int, leaf: bytes) -> None:
    """Add a leaf hash to the frontier of a tree of that size, joining the perfect subtrees it completes."""
    if len(leaf) != HASH_SIZE:
        raise EvidenceError(f"leaf {size} is {len(leaf)} bytes; a leaf hash has {HASH_SIZE}: pass `leaf_hash(entry)`")
    while size & 1:
        leaf = node_hash(hashes.pop(), leaf)
        size >>= 1
    hashes.append(leaf)


def _fold(hashes: Sequence[bytes]) -> bytes:
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def _split(count: int) -> int:
    """The largest power of two smaller than `count`: where RFC 6962 divides a tree of so many leaves."""
    return 1 << (count - 1).bit_length() - 1


def _range_hash(start: int, end: int, get_hash: GetHash) -> bytes:
    return _fold([_node(level, index, get_hash) for level, index in _perfect_subtrees(start, end)])


def _perfect_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The nodes that cover these leaves, left to right, the largest first; `start` is where the tree divides."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _node(level: int, index: int, get_hash: GetHash) -> bytes:
    node = get_hash(level, index)
    if len(node) != HASH_SIZE:
        raise EvidenceError(f"node {index} of level {level} is {len(node)} bytes; a hash has {HASH_SIZE}")
    return node

"""One entry of the log with its proof, in one text that anyone can verify offline with the log's verifier key.

The form is C2SP tlog-proof; the entry itself travels as its `extra` data, so nothing else need be fetched:

    c2sp.org/tlog-proof@v1
    extra <base64 of the entry>
    index <place in the log>
    <base64 of a hash of the inclusion proof, the leaf's sibling first>
    …
    (an empty line)
    <the signed checkpoint, word for word>

INVARIANT: nothing in the text is believed until the signature and the inclusion proof hold together.
"""

from __future__ import annotations

from dataclasses import dataclass

from shouban.core.errors import EvidenceError
from shouban.evidence.chain import GetHash, inclusion_proof, leaf_hash, verify_inclusion
from shouban.evidence.note import (
    Checkpoint,
    from_base64,
    from_decimal,
    open_checkpoint,
    to_base64,
)

HEADER = "c2sp.org/tlog-proof@v1"
FILE_EXTENSION = ".tlog-proof"
# The largest note, the largest entry of a bundle in base64, and 63 hashes fit well inside.
MAX_PROOF_SIZE = 2_000_000


@dataclass(frozen=True, slots=True)
class ProvedEntry:
    entry: bytes
    index: int
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class _Claim:
    entry: bytes
    index: int
    hashes: tuple[bytes, ...]
    note: str


def make_proof(entry: bytes, *, index: int, checkpoint: str, get_hash: GetHash, verifier_key: str) -> str:
    """The proof that the entry stands at `index` under this signed checkpoint; given out only if it holds."""
    if not entry:
        raise EvidenceError("an empty entry cannot be proved: the form has no place for it")
    size = open_checkpoint(checkpoint, [verifier_key]).size
    hashes = inclusion_proof(index, size, get_hash)
    lines = [HEADER, f"extra {to_base64(entry)}", f"index {index}", *map(to_base64, hashes), "", checkpoint]
    bundle = "\n".join(lines)
    verify_proof(bundle, verifier_key)
    return bundle


def verify_proof(bundle: str, verifier_key: str) -> ProvedEntry:
    """The entry that the log whose key this is has provably recorded; raises, saying what does not hold."""
    claim = _parse(bundle)
    checkpoint = open_checkpoint(claim.note, [verifier_key])
    leaf = leaf_hash(claim.entry)
    if not verify_inclusion(claim.index, checkpoint.size, leaf, claim.hashes, checkpoint.root):
        raise EvidenceError(
            f"the signed log of {checkpoint.size} entries does not hold this entry at index {claim.index}: "
            f"the entry, its index or the inclusion proof was altered"
        )
    return ProvedEntry(claim.entry, claim.index, checkpoint)


def _parse(bundle: str) -> _Claim:
    if len(bundle) > MAX_PROOF_SIZE:
        raise EvidenceError(f"the proof is larger than the {MAX_PROOF_SIZE} characters we read")
    head, blank, note = bundle.partition("\n\n")
    header, *lines = head.split("\n")
    if header != HEADER:
        raise EvidenceError(f"this is not a proof of ours: its first line is not `{HEADER}`")
    if not blank or len(lines) < 2:
        raise EvidenceError("the proof is cut: it has `extra`, `index`, hashes, an empty line, and the checkpoint")
    entry = from_base64(_field(lines[0], "extra"), "the entry in the proof")
    index = from_decimal(_field(lines[1], "index"), "the index in the proof")
    hashes = tuple(from_base64(line, f"hash {place} of the proof") for place, line in enumerate(lines[2:], start=1))
    if not entry:
        raise EvidenceError("the proof brings no entry: its `extra` line is empty")
    return _Claim(entry, index, hashes, note)


def _field(line: str, name: str) -> str:
    label, _, value = line.partition(" ")
    if label != name:
        raise EvidenceError(f"the proof has another line where `{name} …` stands: it was altered")
    return value

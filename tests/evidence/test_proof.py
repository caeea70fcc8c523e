"""A proof convinces without the log, and no proof of anything else passes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouban.core.errors import EvidenceError
from shouban.evidence.chain import GetHash, leaf_hash, root_of
from shouban.evidence.note import Checkpoint, Signer
from shouban.evidence.proof import HEADER, MAX_PROOF_SIZE, ProvedEntry, make_proof, verify_proof
from shouban.evidence.tiles import encode_tile, hash_reader

SIGNER = Signer.from_seed("log.example", bytes(range(32)))
KEY = SIGNER.verifier_key
ENTRIES = [f"提醒已送达 {number}".encode() for number in range(11)]


def log_of(entries: list[bytes]) -> tuple[str, GetHash]:
    """The signed checkpoint of a small log, and its nodes."""
    leaves = [leaf_hash(entry) for entry in entries]
    checkpoint = Checkpoint(SIGNER.name, len(entries), root_of(leaves))

    def fetch(level: int, n: int, width: int) -> bytes:
        return encode_tile(leaves[:width])

    return SIGNER.sign(checkpoint.body()), hash_reader(len(entries), fetch)


def proof_of(index: int, entries: list[bytes] = ENTRIES) -> str:
    note, get_hash = log_of(entries)
    return make_proof(entries[index], index=index, checkpoint=note, get_hash=get_hash, verifier_key=KEY)


def refused(bundle: str, key: str = KEY) -> bool:
    try:
        verify_proof(bundle, key)
    except EvidenceError:
        return True
    return False


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=40), st.data())
def test_every_entry_of_every_log_can_be_proved(entries: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(min_value=0, max_value=len(entries) - 1))
    proved = verify_proof(proof_of(index, entries), KEY)
    root = root_of([leaf_hash(entry) for entry in entries])
    assert proved == ProvedEntry(entries[index], index, Checkpoint(SIGNER.name, len(entries), root))


def test_a_proof_has_the_form_of_the_specification() -> None:
    lines = proof_of(4).split("\n")
    assert lines[0] == HEADER
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 4"
    assert all(len(line) == 44 for line in lines[3:7])
    assert lines[7:10] == ["", "log.example", "11"]
    assert lines[12].startswith("— log.example ")


@pytest.mark.parametrize("change", [0x01, 0x02, 0x20, 0x80])
def test_every_flipped_byte_of_a_proof_is_noticed(change: int) -> None:
    data = proof_of(4).encode()
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= change
        assert refused(altered.decode("utf-8", "surrogateescape")), f"byte {place}"
        assert refused(data[:place].decode("utf-8", "surrogateescape")), f"cut at {place}"


@settings(deadline=None)
@given(st.data())
def test_no_part_of_one_proof_serves_another(data: st.DataObject) -> None:
    ours = proof_of(4).split("\n")
    theirs = proof_of(data.draw(st.sampled_from([0, 3, 5, 10]))).split("\n")
    place = data.draw(st.integers(min_value=0, max_value=len(ours) - 1))
    mixed = [*ours[:place], *theirs[place:]]
    assert "\n".join(mixed) in ("\n".join(ours), "\n".join(theirs)) or refused("\n".join(mixed))


@given(st.text(max_size=300))
def test_any_text_is_refused_and_nothing_else_is_raised(text: str) -> None:
    assert refused(text)
    assert refused(f"{HEADER}\n{text}")
    assert refused(f"{HEADER}\nextra AA==\nindex 0\n\n{text}")


def test_the_key_of_another_log_does_not_verify_it() -> None:
    assert refused(proof_of(4), Signer.from_seed("log.example", bytes(32)).verifier_key)
    assert refused(proof_of(4), Signer.from_seed("other.example", bytes(range(32))).verifier_key)
    assert refused(proof_of(4), "not a key")


def test_the_reason_names_what_does_not_hold() -> None:
    good = proof_of(4)
    bad = [
        (good.replace(HEADER, "c2sp.org/tlog-proof@v2"), "its first line is not"),
        (good.replace("index 4", "index 5"), "does not hold this entry at index 5"),
        (good.replace("index 4", "index 04"), "the index in the proof is not a whole number"),
        (good.replace("index 4", "index 11"), "log of 11 entries does not hold"),
        (good.replace("extra ", "extra A"), "the entry in the proof is not base64"),
        (good.replace("extra ", "Extra "), "another line where `extra …` stands"),
        (good.split("\n\n", maxsplit=1)[0], "the proof is cut"),
        (good.replace("\n11\n", "\n12\n"), "the note was altered"),
        (f"{HEADER}\nextra \nindex 0\n\n", "brings no entry"),
        ("x" * (MAX_PROOF_SIZE + 1), "larger than"),
    ]
    for bundle, message in bad:
        with pytest.raises(EvidenceError, match=message):
            verify_proof(bundle, KEY)


def test_a_proof_that_would_not_hold_is_not_given_out() -> None:
    note, get_hash = log_of(ENTRIES)
    for entry, index, checkpoint, nodes, message in [
        (b"another", 4, note, get_hash, "does not hold this entry"),
        (ENTRIES[4], 5, note, get_hash, "does not hold this entry"),
        (ENTRIES[4], 11, note, get_hash, "there is no entry `11`"),
        (ENTRIES[4], 4, note, log_of([*ENTRIES[:10], b"altered"])[1], "does not hold this entry"),
        (ENTRIES[4], 4, note.replace("11", "12"), get_hash, "altered"),
        (b"", 0, log_of([b""])[0], get_hash, "an empty entry cannot be proved"),
    ]:
        with pytest.raises(EvidenceError, match=message):
            make_proof(entry, index=index, checkpoint=checkpoint, get_hash=nodes, verifier_key=KEY)

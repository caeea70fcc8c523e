"""Signed notes and checkpoints: those of other implementations are read, and no changed byte of ours passes."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shouban.core.errors import EvidenceError
from shouban.evidence.chain import MAX_SIZE, empty_root
from shouban.evidence.note import (
    MAX_NOTE_SIZE,
    MAX_SIGNATURES,
    Checkpoint,
    Signer,
    open_checkpoint,
    open_note,
    parse_checkpoint,
)

# The key and note that the implementations of signed notes share as their example.
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_NOTE = (
    f"{PETER_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

OURS = Signer.from_seed("log.example/守伴", bytes(range(32)))
THEIRS = Signer.from_seed("witness.example", bytes(32))
ROOT = sha256(b"root").digest()
CHECKPOINT = Checkpoint(OURS.name, 4711, ROOT)
NOTE = OURS.sign(CHECKPOINT.body())

_printable = st.characters(exclude_categories=["Cs"], exclude_characters=[chr(code) for code in range(32)])
lines = st.text(_printable, min_size=1, max_size=30)
texts = st.lists(st.text(_printable, max_size=30), min_size=1, max_size=6).map(lambda parts: "\n".join(parts) + "\n")
names = st.text(_printable, min_size=1, max_size=20).filter(
    lambda name: "+" not in name and not any(character.isspace() for character in name)
)


def refused(note: str, *keys: str) -> bool:
    try:
        open_note(note, keys or (OURS.verifier_key,))
    except EvidenceError:
        return True
    return False


def signature_line(note: str) -> str:
    return note.rpartition("\n\n")[2]


def test_the_note_of_the_reference_implementation_is_written_and_read() -> None:
    signer = Signer.from_seed("PeterNeumann", PETER_SEED)
    assert signer.verifier_key == PETER_KEY
    assert signer.sign(PETER_TEXT) == PETER_NOTE
    assert open_note(PETER_NOTE, [PETER_KEY]) == (PETER_TEXT, ("PeterNeumann",))


@settings(deadline=None)
@given(names, st.binary(min_size=32, max_size=32), texts)
def test_what_was_signed_is_read_back(name: str, seed: bytes, text: str) -> None:
    signer = Signer.from_seed(name, seed)
    assert open_note(signer.sign(text), [signer.verifier_key]) == (text, (name,))


@pytest.mark.parametrize("change", [0x01, 0x02, 0x20, 0x80])
def test_every_flipped_byte_of_a_note_is_noticed(change: int) -> None:
    data = NOTE.encode()
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= change
        assert refused(altered.decode("utf-8", "surrogateescape")), f"byte {place}"
        assert refused(data[:place].decode("utf-8", "surrogateescape")), f"cut at {place}"


@settings(deadline=None)
@given(st.data(), texts)
def test_no_other_character_or_text_passes(data: st.DataObject, other: str) -> None:
    place = data.draw(st.integers(min_value=0, max_value=len(NOTE) - 1))
    character = data.draw(st.characters())
    assume(character != NOTE[place])
    assert refused(NOTE[:place] + character + NOTE[place + 1 :])
    assert refused(NOTE[:place] + NOTE[place + 1 :])
    assert refused(NOTE + character)
    assert other == CHECKPOINT.body() or refused(f"{other}\n{signature_line(NOTE)}")


@given(st.text(max_size=200), st.lists(st.text(max_size=60), max_size=3))
def test_any_text_is_refused_and_nothing_else_is_raised(note: str, keys: list[str]) -> None:
    assert refused(note)
    assert refused(note + "\n\n— a " + note + "\n")
    assert refused(NOTE, *keys) or not keys


def test_only_known_keys_count_and_a_bad_signature_of_one_refuses_the_note() -> None:
    text = CHECKPOINT.body()
    both = NOTE + signature_line(THEIRS.sign(text))
    assert open_note(both, [OURS.verifier_key]).names == (OURS.name,)
    assert open_note(both, [THEIRS.verifier_key, OURS.verifier_key]).names == (OURS.name, THEIRS.name)
    wrong = NOTE + signature_line(THEIRS.sign("something else\n"))
    assert open_note(wrong, [OURS.verifier_key]).names == (OURS.name,)
    assert refused(wrong, OURS.verifier_key, THEIRS.verifier_key)
    assert refused(NOTE, THEIRS.verifier_key)
    with pytest.raises(EvidenceError, match="no key we know"):
        open_note(NOTE, [])


def test_a_repeated_signature_counts_once() -> None:
    assert open_note(NOTE + signature_line(NOTE), [OURS.verifier_key, OURS.verifier_key]).names == (OURS.name,)


def test_another_key_under_our_name_is_not_ours() -> None:
    impostor = Signer.from_seed(OURS.name, bytes(32))
    assert refused(impostor.sign(CHECKPOINT.body()))


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (CHECKPOINT.body(), "an empty line"),
        (NOTE[:-1], "every line ended"),
        (CHECKPOINT.body() + "\n", "every line ended"),
        (NOTE.replace("\n\n", "\n"), "an empty line"),
        (NOTE.replace("— ", "- "), "signature line 1"),
        (NOTE + "— nobody\n", "signature line 2"),
        (NOTE + "— nobody !!!!\n", "not base64"),
        (NOTE + "— nobody AAAA=\n", "not base64"),
        (NOTE + "— nobody AAAAAB==\n", "base64 as it is written"),
        (NOTE + "— nobody AAAAAA==\n", "too short"),
        (NOTE + "— no+body AAAAAAAA\n", "the name of a key"),
        (NOTE.replace("4711", "4712"), "does not hold"),
        (NOTE.replace("4711", "47\r11"), "control character"),
        (NOTE.replace("4711", "47\ud80011"), "valid UTF-8"),
        ("x" * MAX_NOTE_SIZE + NOTE, "larger than"),
        ("守" * (MAX_NOTE_SIZE // 3) + NOTE, "larger than"),
        (NOTE + "— nobody AAAAAAAA\n" * MAX_SIGNATURES, "we read at most"),
    ],
)
def test_a_malformed_note_is_refused_with_its_reason(note: str, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        open_note(note, [OURS.verifier_key])


def test_every_flipped_byte_of_a_verifier_key_is_noticed() -> None:
    for key in (OURS.verifier_key, PETER_KEY):
        data = key.encode()
        for place in range(len(data)):
            altered = bytearray(data)
            altered[place] ^= 1
            with pytest.raises(EvidenceError):
                open_note(NOTE, [OURS.verifier_key, altered.decode("utf-8", "surrogateescape")])


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "a verifier key is"),
        ("name+00000000", "a verifier key is"),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "the name of a key"),
        # Another length and another algorithm, each with the key id it would have.
        ("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==", "not"),
        ("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "not an Ed25519 key"),
        (PETER_KEY.replace("c74f20a3", "C74F20A3"), "does not have the key id"),
    ],
)
def test_a_malformed_verifier_key_is_refused_with_its_reason(key: str, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        open_note(NOTE, [OURS.verifier_key, key])


def test_a_signer_refuses_what_no_verifier_would_read() -> None:
    for text, message in [("", "newline"), ("cut", "newline"), ("a\tb\n", "control"), ("\udc80\n", "UTF-8")]:
        with pytest.raises(EvidenceError, match=message):
            OURS.sign(text)
    for name in ("", "a b", "a\u3000b", "a+b", "a\nb", "a\x00b", "a\ud800"):
        with pytest.raises(EvidenceError):
            Signer.from_seed(name, bytes(32))
    with pytest.raises(EvidenceError, match="an Ed25519 seed has 32"):
        Signer.from_seed("log", bytes(31))


def test_a_signer_does_not_show_its_key() -> None:
    assert "key" not in repr(OURS)


@given(lines, st.integers(min_value=1, max_value=MAX_SIZE), st.binary(min_size=32, max_size=32), st.lists(lines))
def test_a_checkpoint_is_read_back_as_it_was_written(origin: str, size: int, root: bytes, more: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(more))
    assert parse_checkpoint(checkpoint.body()) == checkpoint


@given(texts)
def test_any_text_is_a_checkpoint_written_that_way_or_refused(text: str) -> None:
    try:
        checkpoint = parse_checkpoint(text)
    except EvidenceError:
        return
    assert checkpoint.body() == text


def test_a_checkpoint_has_the_form_of_the_specification() -> None:
    root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    body = f"example.com/behind-the-sofa\n20852163\n{root}\n"
    assert parse_checkpoint(body) == Checkpoint("example.com/behind-the-sofa", 20_852_163, b64decode(root))


GOOD_ROOT = b64encode(ROOT).decode()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "log\n1\n",
        f"log\n1\n{GOOD_ROOT}",
        f"\n1\n{GOOD_ROOT}\n",
        f"log\n01\n{GOOD_ROOT}\n",
        f"log\n-1\n{GOOD_ROOT}\n",
        f"log\n1 \n{GOOD_ROOT}\n",
        f"log\n١\n{GOOD_ROOT}\n",
        f"log\n{MAX_SIZE + 1}\n{GOOD_ROOT}\n",
        f"log\n{'9' * 5000}\n{GOOD_ROOT}\n",
        "log\n1\nAAAA\n",
        f"log\n1\n{GOOD_ROOT}\n\n",
        f"log\n1\n{GOOD_ROOT}\nmore\n\nmore\n",
        f"log\n0\n{GOOD_ROOT}\n",
        f"log\x00\n1\n{GOOD_ROOT}\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(body: str) -> None:
    with pytest.raises(EvidenceError):
        parse_checkpoint(body)


def test_a_checkpoint_that_can_not_be_is_not_made() -> None:
    assert Checkpoint("log", 0, empty_root()).size == 0
    for origin, size, root, more in [
        ("", 1, ROOT, ()),
        ("a\nb", 1, ROOT, ()),
        ("log", -1, ROOT, ()),
        ("log", 1, b"short", ()),
        ("log", 1, ROOT, ("",)),
    ]:
        with pytest.raises(EvidenceError):
            Checkpoint(origin, size, root, more)


def test_a_checkpoint_is_opened_only_under_the_logs_own_signature() -> None:
    assert open_checkpoint(NOTE, [OURS.verifier_key]) == CHECKPOINT
    with pytest.raises(EvidenceError, match=r"was signed by `witness\.example`"):
        open_checkpoint(THEIRS.sign(CHECKPOINT.body()), [OURS.verifier_key, THEIRS.verifier_key])
    with pytest.raises(EvidenceError, match="a checkpoint has a line each"):
        open_checkpoint(OURS.sign("no checkpoint\n"), [OURS.verifier_key])

"""Signed notes and checkpoints in the C2SP forms: a text anyone can read, and who signed it with Ed25519.

Everything is read strictly: there is one way to write each note, so no byte can change unnoticed. Signatures of keys
we do not know are passed over, as the specification asks; a bad signature of a key we know refuses the whole note.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shouban.core.errors import EvidenceError
from shouban.evidence.chain import HASH_SIZE, MAX_SIZE, are_hashes, empty_root, is_size

# The limits of the reference implementation; the specification asks for 16 signatures at least.
MAX_NOTE_SIZE = 1_000_000
MAX_SIGNATURES = 100

# Both halves of an Ed25519 key: the seed we sign with, the public key others verify with.
KEY_SIZE = 32
_ED25519 = b"\x01"
_KEY_ID_SIZE = 4
_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x1f]")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


class OpenedNote(NamedTuple):
    text: str
    # The names of the known keys that signed it, in the order they signed.
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signer:
    """A name and the private key it signs with; the key never shows in logs or errors."""

    name: str
    key: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        _check_name(self.name)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Signer:
        if len(seed) != KEY_SIZE:
            raise EvidenceError(f"the signing key of `{name}` has {len(seed)} bytes; an Ed25519 seed has {KEY_SIZE}")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def verifier_key(self) -> str:
        """What a verifier must be given: `<name>+<key id>+<base64 of the public key>`."""
        public = self.key.public_key().public_bytes_raw()
        return f"{self.name}+{_key_id(self.name, public).hex()}+{to_base64(_ED25519 + public)}"

    def sign(self, text: str) -> str:
        """The text as a signed note."""
        if not text.endswith("\n"):
            raise EvidenceError("the text of a note ends with a newline; this one does not")
        signed = _encoded(text)
        key_id = _key_id(self.name, self.key.public_key().public_bytes_raw())
        return f"{text}\n{_DASH}{self.name} {to_base64(key_id + self.key.sign(signed))}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log signs: that at this size its tree has this root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line:
                raise EvidenceError("the origin and each extension of a checkpoint is one line, and not an empty one")
            _encoded(line)
        if not is_size(self.size):
            raise EvidenceError(f"a log cannot have size `{self.size}`; a size lies from 0 to {MAX_SIZE}")
        if not are_hashes((self.root,)):
            raise EvidenceError(f"the root of a checkpoint is a hash of {HASH_SIZE} bytes; this one is not")
        if self.size == 0 and self.root != empty_root():
            raise EvidenceError("the checkpoint of an empty log has a root that no empty log has")

    def body(self) -> str:
        """The text to be signed."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1]:
        raise EvidenceError("a checkpoint has a line each for origin, size and root, every one ended; this one has not")
    size = from_decimal(lines[1], "the size in the checkpoint")
    root = from_base64(lines[2], "the root in the checkpoint")
    return Checkpoint(lines[0], size, root, tuple(lines[3:-1]))


def open_note(note: str, verifier_keys: Iterable[str]) -> OpenedNote:
    """The text of a note that at least one of these keys signed, and none of them wrongly."""
    known = _known_keys(verifier_keys)
    text, signatures = _split(note)
    signed, names = text.encode(), []
    for name, signature in signatures:
        key_id, signature_bytes = signature[:_KEY_ID_SIZE], signature[_KEY_ID_SIZE:]
        public = known.get((name, key_id))
        if public is None:
            continue
        _check_signature(public, signature_bytes, signed, name)
        names.append(name)
    if not names:
        raise EvidenceError("no key we know has signed this note: check the verifier key, or the note was altered")
    return OpenedNote(text, tuple(dict.fromkeys(names)))


def open_checkpoint(note: str, verifier_keys: Iterable[str]) -> Checkpoint:
    """The checkpoint in a note that the log itself signed: one of the keys bears its origin's name."""
    text, names = open_note(note, verifier_keys)
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin not in names:
        raise EvidenceError(f"the checkpoint is of the log `{checkpoint.origin}`, but was signed by `{names[0]}`")
    return checkpoint


def to_base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def from_base64(text: str, what: str) -> bytes:
    """Strict: a text that would not be written again the same way is refused, so that no character is without effect."""
    try:
        data = b64decode(text, validate=True)
    except ValueError as error:
        raise EvidenceError(f"{what} is not base64: it was cut or altered") from error
    if to_base64(data) != text:
        raise EvidenceError(f"{what} is not base64 as it is written: it was altered")
    return data


def from_decimal(text: str, what: str) -> int:
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise EvidenceError(f"{what} is not a whole number from 0 to {MAX_SIZE}, written without leading zeros")
    return int(text)


def _split(note: str) -> tuple[str, tuple[tuple[str, bytes], ...]]:
    """The text of a note, and name and signature (with key id) of each that signed; only the form is checked."""
    if len(note) > MAX_NOTE_SIZE or len(_encoded(note)) > MAX_NOTE_SIZE:
        raise EvidenceError(f"the note is larger than the {MAX_NOTE_SIZE} bytes we read")
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise EvidenceError(
            "a signed note is a text, an empty line, and signature lines, every line ended; this is not"
        )
    lines = signatures[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise EvidenceError(f"the note has {len(lines)} signatures; we read at most {MAX_SIGNATURES}")
    return text + "\n", tuple(_signature(line, place) for place, line in enumerate(lines, start=1))


def _signature(line: str, place: int) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise EvidenceError(
            f"signature line {place} of the note is not `{_DASH}<name> <base64>`: it was cut or altered"
        )
    _check_name(name)
    signature = from_base64(encoded, f"the signature in line {place} of the note")
    if len(signature) <= _KEY_ID_SIZE:
        raise EvidenceError(f"the signature in line {place} of the note is too short: it was cut or altered")
    return name, signature


def _known_keys(verifier_keys: Iterable[str]) -> Mapping[tuple[str, bytes], bytes]:
    known: dict[tuple[str, bytes], bytes] = {}
    for verifier_key in verifier_keys:
        name, key_id, public = _parse_verifier_key(verifier_key)
        if known.setdefault((name, key_id), public) != public:
            raise EvidenceError(f"two verifier keys have the name `{name}` and one key id: give only the right one")
    return known


def _parse_verifier_key(verifier_key: str) -> tuple[str, bytes, bytes]:
    parts = verifier_key.split("+", 2)
    if len(parts) != 3:
        raise EvidenceError("a verifier key is `<name>+<key id>+<base64>`; this one is not")
    name, key_id, encoded = parts
    _check_name(name)
    data = from_base64(encoded, f"the verifier key of `{name}`")
    if len(data) != 1 + KEY_SIZE or not data.startswith(_ED25519):
        raise EvidenceError(f"the verifier key of `{name}` is not an Ed25519 key of a signed note")
    public = data[1:]
    if key_id != _key_id(name, public).hex():
        raise EvidenceError(f"the verifier key of `{name}` does not have the key id it says: it was altered")
    return name, _key_id(name, public), public


def _check_signature(public: bytes, signature: bytes, signed: bytes, name: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except (InvalidSignature, ValueError) as error:
        raise EvidenceError(f"the signature of `{name}` does not hold: the note was altered") from error


def _key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID_SIZE]


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise EvidenceError("the name of a key has neither space nor `+` and is not empty; this one does not fit")
    _encoded(name)


def _encoded(text: str) -> bytes:
    """The text in UTF-8, refused where a note may not hold it."""
    if _CONTROL.search(text.replace("\n", "")):
        raise EvidenceError("a note has no control character but newline; this one has")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise EvidenceError("a note is valid UTF-8; this one is not") from error

"""Keys: one for the service (the master), one for each person, and how a value is sealed with it.

A sealed value is `algorithm (1 byte) | nonce (12) | ciphertext | tag (16)`. Tenant, table, column and row are bound as
associated data: a value moved to another row does not open. Destroying a person's key erases what it sealed.
Sources: NIST SP 800-38D (GCM); GB/T 32907-2016 and RFC 8998 (SM4-GCM); NIST SP 800-108 for the derived keys (by HKDF, RFC 5869).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
import threading
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shouban.core.errors import EvidenceError, OperatorError

Algorithm = Literal["aes-256-gcm", "sm4-gcm"]
CODES: dict[Algorithm, int] = {"aes-256-gcm": 1, "sm4-gcm": 2}
NAMES: dict[int, Algorithm] = {code: name for name, code in CODES.items()}
NONCE = 12
TAG = 16
KEY = 32
POOL = 4096
MASTER_FILE = Path("keys") / "master.key"


class Cipherer(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes: ...


class Sm4Gcm:
    """SM4 in GCM; `cryptography` has the block cipher and the mode, but no one-shot AEAD for it."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key[:16])

    def encrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        encryptor = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(aad)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        decryptor = Cipher(self._algorithm, modes.GCM(nonce, data[-TAG:])).decryptor()
        decryptor.authenticate_additional_data(aad)
        return decryptor.update(data[:-TAG]) + decryptor.finalize()


class PersonKey:
    """What one person's values are sealed with, and their texts and sessions digested with."""

    def __init__(self, key: bytes, algorithm: Algorithm) -> None:
        self.raw = key
        self._algorithm = algorithm
        self._ciphers: dict[Algorithm, Cipherer] = {}
        self._salt = derived(key, b"digest")

    def seal(self, data: bytes, *place: str) -> bytes:
        """`place`: tenant, table, column, row; the same words are needed to open."""
        nonce = random_bytes(NONCE)
        sealed = self._cipher(self._algorithm).encrypt(nonce, data, bound(place))
        return bytes((CODES[self._algorithm],)) + nonce + sealed

    def open(self, sealed: bytes, *place: str) -> bytes:
        """Raises `EvidenceError` where the value was changed, moved, or sealed with another key."""
        algorithm = NAMES.get(sealed[0]) if len(sealed) > NONCE + TAG else None
        if algorithm is None:
            raise EvidenceError(f"the sealed value at `{'/'.join(place)}` is damaged")
        try:
            return self._cipher(algorithm).decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], bound(place))
        except InvalidTag as error:
            raise EvidenceError(
                f"the sealed value at `{'/'.join(place)}` does not open: changed, moved, or another key"
            ) from error

    def digest(self, data: bytes) -> bytes:
        """A salted digest (keyed BLAKE2b, RFC 7693, 32 bytes): proves a text to who has the key, tells nothing without it."""
        return blake2b(data, digest_size=KEY, key=self._salt).digest()

    def session_name(self, raw: str) -> str:
        """A talk's pseudonym: the app's own id for it may name somebody."""
        return self.digest(b"session\0" + raw.encode())[:10].hex()

    def fingerprint(self, role: str, text: bytes) -> bytes:
        """What tells that a text of this role was read before."""
        return self.digest(role.encode() + b"\0" + text)[:16]

    def _cipher(self, algorithm: Algorithm) -> Cipherer:
        if algorithm not in self._ciphers:
            self._ciphers[algorithm] = AESGCM(self.raw) if algorithm == "aes-256-gcm" else Sm4Gcm(self.raw)
        return self._ciphers[algorithm]


class MasterKey:
    """Wraps the persons' keys, and makes the blind index by which an app's id is found."""

    def __init__(self, key: bytes, algorithm: Algorithm = "aes-256-gcm") -> None:
        if len(key) != KEY:
            raise OperatorError(f"the master key has {len(key)} bytes; it must have {KEY}")
        self.algorithm: Algorithm = algorithm
        self._wrapper = PersonKey(derived(key, b"wrap"), algorithm)
        self._index = derived(key, b"index")
        self._key = key

    def new_person(self) -> PersonKey:
        return PersonKey(secrets.token_bytes(KEY), self.algorithm)

    def wrap(self, key: PersonKey, service: str, person: str) -> bytes:
        return self._wrapper.seal(key.raw, service, "person_keys", "wrapped", person)

    def unwrap(self, wrapped: bytes, service: str, person: str) -> PersonKey:
        return PersonKey(self._wrapper.open(wrapped, service, "person_keys", "wrapped", person), self.algorithm)

    def lookup(self, service: str, app_id: str) -> str:
        return hmac.digest(self._index, f"{service}\0{app_id}".encode(), "sha256").hex()

    def check_value(self) -> str:
        """What a database remembers of its master key, to refuse a wrong one."""
        return derived(self._key, b"check").hex()

    def derive(self, purpose: bytes) -> bytes:
        return derived(self._key, purpose)


_pool = threading.local()


def random_bytes(size: int) -> bytes:
    """Random bytes of the operating system, fetched by the page: each call there gives up the interpreter lock."""
    left: bytes = getattr(_pool, "left", b"")
    if len(left) < size or getattr(_pool, "process", 0) != os.getpid():
        left = os.urandom(POOL)
        _pool.process = os.getpid()
    _pool.left = left[size:]
    return left[:size]


def derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY, salt=b"shouban", info=purpose).derive(key)


def row_name(*columns: object) -> str:
    """A row named with its plain columns: what is bound cannot be changed apart from the sealed value."""
    return "/".join(map(str, columns))


def bound(place: tuple[str, ...]) -> bytes:
    return "\0".join(place).encode()


def load_master(data: Path, environment: Mapping[str, str], algorithm: Algorithm = "aes-256-gcm") -> MasterKey:
    """From `SHOUBAN_MASTER_KEY` (base64, 32 bytes), else from `DIR/keys/master.key`, which is made on the first start."""
    given = environment.get("SHOUBAN_MASTER_KEY")
    if given:
        return MasterKey(_decode(given, "SHOUBAN_MASTER_KEY"), algorithm)
    path = data / MASTER_FILE
    if not path.exists():
        write_secret(path, new_secret())
    return MasterKey(_decode(path.read_text().strip(), str(path)), algorithm)


def new_secret() -> str:
    """A master key as a file or the environment holds it: base64 of 32 random bytes."""
    return base64.b64encode(secrets.token_bytes(KEY)).decode()


def master_in(text: str, where: str, algorithm: Algorithm = "aes-256-gcm") -> MasterKey:
    """The key that stands in `text`; `where` names its place in an error."""
    return MasterKey(_decode(text.strip(), where), algorithm)


def read_master(data: Path, environment: Mapping[str, str]) -> MasterKey:
    """The same for who only reads: a key that is not there is an error, and none is made."""
    if not environment.get("SHOUBAN_MASTER_KEY") and not (data / MASTER_FILE).is_file():
        raise OperatorError(
            f"there is no `{data / MASTER_FILE}`; give the service's own `--data`, or its `SHOUBAN_MASTER_KEY`"
        )
    return load_master(data, environment)


def write_secret(path: Path, text: str) -> None:
    """Writes a file only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    put_in_place(fresh, path)


def put_in_place(fresh: Path, path: Path) -> None:
    """A file in the place of another, also after the power has gone: the directory is on disk when this returns."""
    fresh.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise OperatorError(f"`{where}` is not base64; it must hold {KEY} bytes in base64") from error
    if len(key) != KEY:
        raise OperatorError(f"`{where}` holds {len(key)} bytes; it must hold {KEY} bytes in base64")
    return key

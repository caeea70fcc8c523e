"""The shipped encoder: a small transformer that reads again what the linear models are in doubt about.

Two layers of 128, taught by one ten times its size, the lower layers of multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672;
MIT licence) trained further on the project's data (`training/encoder.py`, `training/student.py`). All of it is kept at eight bits a
weight. It reads a message with up to three turns before it in half a millisecond on one core, so it is asked in the doubtful band only.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from shouban.core.signals import Role
from shouban.detectors.normalise import fold, normalise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float32]

# So many of the latest turns are read, so much of each, and so many pieces of them and of the text.
TURNS: Final = 3
TURN_CHARS: Final = 60
TURN_PIECES: Final = 40
TEXT_CHARS: Final = 160
TEXT_PIECES: Final = 72
START: Final = 0
END: Final = 2
UNKNOWN: Final = 3
_LOOKED_AT: Final = 500
# A text of which so little is left without separators is disguised.
_DISGUISED: Final = 0.7
_LONGEST_PIECE: Final = 16
_BEGINS: Final = -1
_SPACE: Final = "\u2581"
_SPEAKER: Final[dict[Role, str]] = {"user": "b: ", "companion": "a: "}


class Matrix(msgspec.Struct, frozen=True):
    """Weights as bytes, a row an input; `scales` (float32) has one factor a column."""

    rows: int
    weights: bytes
    scales: bytes


class Layer(msgspec.Struct, frozen=True):
    """One layer of the transformer; vectors as float32 bytes."""

    attend: Matrix
    attend_bias: bytes
    gather: Matrix
    gather_bias: bytes
    first_norm: tuple[bytes, bytes]
    widen: Matrix
    widen_bias: bytes
    narrow: Matrix
    narrow_bias: bytes
    second_norm: tuple[bytes, bytes]


class StoredEncoder(msgspec.Struct, frozen=True):
    """The encoder as it is shipped. `words` holds a row a piece (`word_form`): a half-precision factor and weights of eight bits."""

    version: str
    width: int
    attention_heads: int
    pieces: tuple[str, ...]
    scores: bytes
    folding: dict[str, str]
    words: bytes
    places: bytes
    norm: tuple[bytes, bytes]
    layers: tuple[Layer, ...]
    questions: dict[Role, tuple[str, ...]]
    answers: Matrix
    answers_bias: bytes


class Tokenizer:
    """Cuts a text into pieces: the most likely segmentation under a unigram model (Kudo 2018, arXiv:1804.10959)."""

    def __init__(self, pieces: Sequence[str], scores: Sequence[float], folding: dict[str, str]) -> None:
        places = {piece: place for place, piece in enumerate(pieces) if piece and place > UNKNOWN}
        # What pieces begin with, too: where a text goes on as none does, no longer one is looked for.
        beginnings = {piece[:end]: _BEGINS for piece in places for end in range(1, len(piece))}
        self._places = beginnings | places
        self._scores = scores
        self._unknown = min(scores) - 10
        self._folding = str.maketrans(folding)

    def pieces(self, text: str) -> list[int]:
        text = f" {text.translate(self._folding)}"
        while "  " in text:
            text = text.replace("  ", " ")
        return self._best(text.replace(" ", _SPACE))

    def _best(self, text: str) -> list[int]:
        """Viterbi over the places between characters."""
        length, places, scores = len(text), self._places, self._scores
        best = [-math.inf] * (length + 1)
        best[0] = 0.0
        back = [(0, UNKNOWN)] * (length + 1)
        for start in range(length):
            reached = best[start]
            if reached + self._unknown > best[start + 1]:
                best[start + 1], back[start + 1] = reached + self._unknown, (start, UNKNOWN)
            for end in range(start + 1, min(length, start + _LONGEST_PIECE) + 1):
                piece = places.get(text[start:end])
                if piece is None:
                    break
                if piece != _BEGINS and reached + scores[piece] > best[end]:
                    best[end], back[end] = reached + scores[piece], (start, piece)
        return _traced(back)


def _traced(back: Sequence[tuple[int, int]]) -> list[int]:
    found, at = [], len(back) - 1
    while at > 0:
        at, piece = back[at]
        found.append(piece)
    return found[::-1]


def input_pieces(
    tokenizer: Tokenizer, text: str, role: Role, context: Sequence[tuple[Role, str]]
) -> tuple[list[int], list[int]]:
    """What is read before the text (whose words they are, and the latest turns), and the text itself."""
    turns = [
        piece for who, said in context[-TURNS:] for piece in tokenizer.pieces(_SPEAKER[who] + fold(said[-TURN_CHARS:]))
    ]
    before = [START, *tokenizer.pieces(f"query: {role}"), END, *turns[-TURN_PIECES:], END]
    return before, [*tokenizer.pieces(readable(text))[:TEXT_PIECES], END]


def readable(text: str) -> str:
    """The folded text; where separators between characters disguise it, without them."""
    normalised = normalise(text[:_LOOKED_AT])
    plain = normalised.squeezed if len(normalised.squeezed) < _DISGUISED * len(normalised.text) else normalised.text
    return plain[:TEXT_CHARS]


def word_form(width: int) -> Any:  # noqa: ANN401  # numpy's own type of a row
    """How a word vector is kept: a factor, and its weights."""
    import numpy as np  # noqa: PLC0415  # as below

    return np.dtype([("factor", "<f2"), ("weights", "i1", width)])


class Encoder:
    """The encoder made ready."""

    def __init__(self, stored: StoredEncoder) -> None:
        # Before NumPy is loaded: several threads over matrices this small wait for one another, on a busy machine for half a second.
        for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
            os.environ.setdefault(threads, "1")
        import numpy as np  # noqa: PLC0415  # a service that switches the encoder off never loads it

        self.version = stored.version
        self.questions = stored.questions
        self._np = np
        self._width, self._heads = stored.width, stored.attention_heads
        self._tokenizer = Tokenizer(
            stored.pieces, np.frombuffer(stored.scores, np.float32).tolist(), dict(stored.folding)
        )
        self._words = np.frombuffer(stored.words, word_form(stored.width))
        self._places = self._vector(stored.places).reshape(-1, stored.width)
        self._norm = self._pair(stored.norm)
        self._layers = [self._layer(layer) for layer in stored.layers]
        self._answers = self._matrix(stored.answers)
        self._answers_bias = self._vector(stored.answers_bias)

    def answers(self, text: str, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[list[float], bool]:
        """The weight of evidence of each question of the role, before calibration; and whether it has read all of the text."""
        np = self._np
        before, own = input_pieces(self._tokenizer, text, role, context)
        states = self._encoded([*before, *own])
        pooled = np.concatenate([states.mean(axis=0), states[len(before) :].mean(axis=0)])
        first = 0 if role == "user" else len(self.questions["user"])
        last = first + len(self.questions[role])
        found: list[float] = (pooled @ self._answers[:, first:last] + self._answers_bias[first:last]).tolist()
        return found, len(text) <= TEXT_CHARS and len(own) <= TEXT_PIECES

    def _encoded(self, pieces: Sequence[int]) -> Floats:
        states = self._normed(self._vectors(pieces) + self._places[: len(pieces)], self._norm)
        for layer in self._layers:
            states = self._through(layer, states)
        return states

    def _vectors(self, pieces: Sequence[int]) -> Floats:
        found = self._words[list(pieces)]
        vectors: Floats = found["weights"].astype(self._np.float32) * found["factor"].astype(self._np.float32)[:, None]
        return vectors

    def _through(self, layer: dict[str, Any], states: Floats) -> Floats:
        np, heads = self._np, self._heads
        length, size = len(states), self._width // heads
        mixed = (states @ layer["attend"] + layer["attend_bias"]).reshape(length, 3, heads, size).transpose(1, 2, 0, 3)
        weights = mixed[0] @ mixed[1].transpose(0, 2, 1) * np.float32(1 / math.sqrt(size))
        weights = np.exp(weights - weights.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        seen = (weights @ mixed[2]).transpose(1, 0, 2).reshape(length, -1)
        states = self._normed(states + seen @ layer["gather"] + layer["gather_bias"], layer["first_norm"])
        wide = _gelu(np, states @ layer["widen"] + layer["widen_bias"])
        return self._normed(states + wide @ layer["narrow"] + layer["narrow_bias"], layer["second_norm"])

    def _normed(self, states: Floats, norm: tuple[Floats, Floats]) -> Floats:
        centred = states - states.mean(axis=-1, keepdims=True)
        spread = self._np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + 1e-12)
        found: Floats = centred / spread * norm[0] + norm[1]
        return found

    def _layer(self, stored: Layer) -> dict[str, Any]:
        return {
            "attend": self._matrix(stored.attend), "attend_bias": self._vector(stored.attend_bias),
            "gather": self._matrix(stored.gather), "gather_bias": self._vector(stored.gather_bias), "first_norm": self._pair(stored.first_norm),
            "widen": self._matrix(stored.widen), "widen_bias": self._vector(stored.widen_bias),
            "narrow": self._matrix(stored.narrow), "narrow_bias": self._vector(stored.narrow_bias), "second_norm": self._pair(stored.second_norm),
        }  # fmt: skip

    def _matrix(self, stored: Matrix) -> Floats:
        weights = self._np.frombuffer(stored.weights, self._np.int8).reshape(stored.rows, -1)
        found: Floats = weights.astype(self._np.float32) * self._vector(stored.scales)
        return found

    def _vector(self, stored: bytes) -> Floats:
        return self._np.frombuffer(stored, self._np.float32)

    def _pair(self, stored: tuple[bytes, bytes]) -> tuple[Floats, Floats]:
        return self._vector(stored[0]), self._vector(stored[1])


def _gelu(np: Any, values: Floats) -> Floats:  # noqa: ANN401  # numpy itself
    """Hendrycks and Gimpel 2016 (arXiv:1606.08415), by its tanh form; in place."""
    bent = 0.044715 * values
    bent *= values
    bent *= values
    bent += values
    bent *= 0.7978845608
    np.tanh(bent, out=bent)
    bent += 1
    values *= 0.5
    values *= bent
    return values


def load(packed: bytes) -> StoredEncoder:
    return msgspec.msgpack.decode(zlib.decompress(packed), type=StoredEncoder)


def packed(stored: StoredEncoder) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(stored), 9)


@cache
def shipped_encoder() -> Encoder:
    """The encoder beside this module, read once a process."""
    return Encoder(load(resources.files("shouban.detectors").joinpath("models", "encoder.model").read_bytes()))

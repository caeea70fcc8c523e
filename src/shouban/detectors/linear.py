"""A linear model over runs of characters: which runs stand in a text, what they weigh, and how a sum becomes a probability.

A row of weights is one large integer, sixteen bits a head: adding integers adds all heads at once. The automaton finds
which runs stand in a text; their rows are summed, the sum is scaled by the text's length, and a logistic curve fitted on
held-out data (Platt 1999) makes it a probability.
"""

from __future__ import annotations

import lzma
import math
from array import array
from collections.abc import Sequence
from typing import Final

import msgspec
from ahocorasick_rs import AhoCorasick, Implementation

from shouban.core.signals import Level, Role

LONGEST_RUN: Final = 5
# Sixteen bits hold the sum of so many bytes.
_AT_ONCE: Final = 256
_ZERO: Final = 128
READS: Final = 2
IN_DOUBT: Final = 1
# Of a head that states none, the doubtful band begins at this share of its threshold.
_DOUBT_SHARE: Final = 0.4


class Together(msgspec.Struct, frozen=True):
    """How the sums of the linear model and of the encoder are one probability, and from where on it reads, or is in doubt."""

    linear: float
    encoder: float
    offset: float
    threshold: float
    doubt: float

    def probability(self, value: float, encoded: float) -> float:
        return _logistic(self.linear * value + self.encoder * encoded + self.offset)


class Head(msgspec.Struct, frozen=True):
    """One question: is `signal` there at `level` or more. `slope` and `offset` make a sum a probability; at `threshold` it reads.

    Between `doubt` and `threshold` the model does not know: there a slower judge may be asked. From the sum `asks` on the encoder is,
    and `together` counts.
    """

    signal: str
    level: int
    bias: float
    scale: float
    context_scale: float
    slope: float
    offset: float
    threshold: float
    doubt: float = 0.0
    asks: float | None = None
    together: Together | None = None

    def probability(self, value: float) -> float:
        return _logistic(self.slope * value + self.offset)


class Stored(msgspec.Struct, frozen=True):
    """A model as it is shipped: rows of one byte a head, in the order of the vocabulary."""

    role: Role
    version: str
    heads: tuple[Head, ...]
    runs: tuple[str, ...]
    weights: bytes
    idf: tuple[float, ...]
    context_runs: tuple[tuple[int, ...], tuple[int, ...]]
    context_weights: tuple[bytes, bytes]


def load(packed: bytes) -> Stored:
    return msgspec.msgpack.decode(lzma.decompress(packed), type=Stored)


def packed(stored: Stored) -> bytes:
    return lzma.compress(msgspec.msgpack.encode(stored), preset=6)


class Model:
    """A model made ready: an automaton over its runs, and rows of weights as integers."""

    def __init__(self, stored: Stored) -> None:
        self.heads = stored.heads
        self.version = stored.version
        # The head of each signal that says whether it is there at all: the lowest of level 2 or more. Heads stand in order.
        self.places = {
            head.signal: at for at, head in reversed([*enumerate(stored.heads)]) if head.level >= Level.MEDIUM
        }
        self.main = frozenset(self.places.values())
        # Where the encoder is asked: the places of questions worth it, and from what sum on.
        self.asking = [(place, head.asks) for place, head in enumerate(stored.heads) if head.asks is not None]
        size = len(stored.heads)
        self._bytes = 2 * size
        self._scales = [head.scale for head in stored.heads]
        self._automaton = AhoCorasick(stored.runs, implementation=Implementation.ContiguousNFA, store_patterns=False)
        self._rows = _rows(stored.weights, size)
        self._squares = [weight * weight for weight in stored.idf]
        self._context = [
            dict(zip(places, _rows(weights, size), strict=True))
            for places, weights in zip(stored.context_runs, stored.context_weights, strict=True)
        ]

    def sums(self, text: str, before: Sequence[float]) -> list[float]:
        """The weight of evidence for each head, before calibration; `before` is what the turns before give (`evidence_of`)."""
        found = self._found(text)
        total = self._added([self._rows[place] for place in found])
        length = self._length(found)
        return [given + value * scale / length for given, scale, value in zip(before, self._scales, total, strict=True)]

    def evidence_of(self, context: tuple[str, str]) -> list[float]:
        """What each head starts from: its bias, and the weight of what person and companion said before."""
        sums = [head.bias for head in self.heads]
        for rows, said in zip(self._context, context, strict=True):
            if said:
                self._add_context(sums, rows, said)
        return sums

    def probabilities(self, text: str, context: tuple[str, str] = ("", "")) -> list[float]:
        sums = self.sums(text, self.evidence_of(context))
        return [head.probability(value) for head, value in zip(self.heads, sums, strict=True)]

    def _found(self, text: str) -> set[int]:
        return {place for place, _, _ in self._automaton.find_matches_as_indexes(text, overlapping=True)}

    def _length(self, found: set[int]) -> float:
        return math.sqrt(sum([self._squares[place] for place in found])) or 1.0

    def _add_context(self, sums: list[float], rows: dict[int, int], said: str) -> None:
        every = self._found(said)
        length = self._length(every)
        for at, value in enumerate(self._added([rows[place] for place in rows.keys() & every])):
            sums[at] += value * self.heads[at].context_scale / length

    def _added(self, rows: list[int]) -> list[int]:
        """The sum of bytes, head by head; each byte stands for itself less `_ZERO`."""
        totals = [-_ZERO * len(rows)] * len(self.heads)
        for start in range(0, len(rows), _AT_ONCE):
            lanes = array("H", sum(rows[start : start + _AT_ONCE]).to_bytes(self._bytes, "little"))
            totals = [total + lane for total, lane in zip(totals, lanes, strict=True)]
        return totals


def _rows(weights: bytes, size: int) -> list[int]:
    """Each row of `size` bytes as one integer with sixteen bits for each."""
    lanes = bytearray(2 * len(weights))
    lanes[::2] = weights
    return [int.from_bytes(lanes[at : at + 2 * size], "little") for at in range(0, len(lanes), 2 * size)]


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def judged(head: Head, value: float) -> tuple[float, int]:
    probability = head.probability(value)
    doubt = head.doubt or head.threshold * _DOUBT_SHARE
    return probability, READS if probability >= head.threshold else IN_DOUBT if probability >= doubt else 0


def judged_together(head: Head, value: float, encoded: float) -> tuple[float, int]:
    if head.together is None:
        return judged(head, value)
    both = head.together
    probability = both.probability(value, encoded)
    return probability, READS if probability >= both.threshold else IN_DOUBT if probability >= both.doubt else 0

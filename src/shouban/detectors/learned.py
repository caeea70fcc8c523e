"""The shipped models: linear over runs of characters, read in microseconds; in doubt the encoder reads again.

A row of weights is one large integer, sixteen bits a head: adding integers adds all heads at once. The automaton finds
which runs stand in a text; their rows are summed, the sum is scaled by the text's length, and a logistic curve fitted on
held-out data (Platt 1999) makes it a probability. Where one of the questions worth it is in doubt or answered with yes, the
encoder (`encoder.py`) reads the same window, and both together make the probability of every question. A long text, and every reply, is read in windows of sentences, so that a
stream read sentence by sentence says the same as the whole. How they were made: `training/`; figures: `docs/detection.md`.
"""

from __future__ import annotations

import lzma
import math
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Final

import msgspec
from ahocorasick_rs import AhoCorasick, Implementation

from shouban.core.signals import Level, Reading, Role, rank
from shouban.detectors.ages import AgeDetector
from shouban.detectors.encoder import Encoder, shipped_encoder
from shouban.detectors.exits import ExitDetector
from shouban.detectors.humanity import HumanityDetector
from shouban.detectors.normalise import Normalised, fold, normalise, squeeze
from shouban.detectors.words import shipped_words

LONGEST_RUN: Final = 5
# So many of the latest turns are looked at, and so much of each.
CONTEXT_TURNS: Final = 4
CONTEXT_CHARS: Final = 120
# A person's message up to this length is one window; of a longer one, and of every reply, as many whole sentences are one as
# make at least so many characters. A sentence without an end is cut at so many.
WHOLE: Final = {"user": 200, "companion": 0}
LEAST_WINDOW: Final = 30
# Sixteen bits hold the sum of so many bytes.
_AT_ONCE: Final = 256
_ZERO: Final = 128
# Under this name a text's notes hold what was nearly read of it, signal by signal with its probability.
DOUBTS: Final = "doubts"
# And under this one, how improbable each signal is that both models, having read all of a person's message, do not find in it.
PROBABLE: Final = "probable"
# A text of very many windows is judged by the linear models alone from then on: reading must end.
MOST_ENCODED: Final = 40
# A doubt about these is a hint: many of them make a talk drift (`core.drift`), one is nothing.
_HINTED: Final = frozenset({"intimacy_request", "kin_request"})
_HINT_FROM: Final = 0.15
_READS: Final = 2
_DOUBTS: Final = 1
# Of a head that states none, the doubtful band begins at this share of its threshold.
_DOUBT_SHARE: Final = 0.4
_RULES: Final = (ExitDetector(), HumanityDetector(), AgeDetector())
# Beside the hints of the word lists, in Unicode's private use area.
_RULE_MARKS: Final = {signal: chr(0xF000 + place) for place, signal in enumerate(sorted({one for rule in _RULES for one in rule.signals}))}  # fmt: skip
_FIRST_MARK: Final = "\ue000"
_PRIVATE: Final = re.compile("[\ue000-\uf8ff]+")
_END: Final = re.compile(r"[。！？!?\n…]")
_LONGEST: Final = 160
# Origin, faith, illness, sex, age, whom somebody loves: said of oneself or of one's own before a message.
_SOMEBODY: Final = re.compile(
    r"\s*(?=[^，,。！？!?\n]{0,14}(?:人|族|女的|男的|女生|男生|女孩|男孩|同性恋|双性恋|跨性别|喜欢男|喜欢女|信佛|信教|基督|天主|伊斯兰|穆斯林|抑郁|双相|焦虑|糖尿|血糖|血压|艾滋|感染|肝炎|癌|哮喘|癫痫|自闭|谱系|轮椅|听不见|听障|看不见"
    r"|残疾|不方便|农村|村里|这边|那边|老家|东北|新疆|西藏|岁|十了|多了|出头|毕业|中年|老头|老太|老汉|药))"
    r"(?:我|俺|作为|人到|刚|老|阿拉|咱)[^，,。！？!?\n]{0,16}[，,]\s*(?=.{4})"
)
_SENTENCE: Final = re.compile(r"[^。！？!?\n…]{1,160}[。！？!?\n…～~]*|[。！？!?\n…～~]+")


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


def seen_text(normalised: Normalised, role: Role) -> str:
    """A text as the models see it: folded, without separators, its ends and marks as characters, and what lists and rules say of it."""
    return _marked(normalised.text, normalised.squeezed) + shipped_words().hints(normalised, role) + _told(normalised, role)  # fmt: skip


def _told(normalised: Normalised, role: Role) -> str:
    """What the rules read, one private character a signal: a rule is right more often in some words than in others."""
    if role != "user":
        return ""
    return "".join(sorted({_RULE_MARKS[one.signal] for rule in _RULES for one in rule.read(normalised, role, ())}))


def _marked(folded: str, squeezed: str) -> str:
    marks = "".join(mark for mark in "?!(*" if mark in folded)
    return f"^{_PRIVATE.sub('', squeezed).strip()}${marks}"


def context_text(context: Sequence[tuple[Role, str]], role: Role) -> str:
    """What `role` said in the latest turns, the newest last."""
    said = [text[-CONTEXT_CHARS:] for who, text in context[-CONTEXT_TURNS:] if who == role]
    return "".join(_marked(folded, squeeze(folded)) for folded in map(fold, said))


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


class LearnedDetector:
    """What the shipped models say of a text and the turns before it."""

    name = "model"
    prompt = True

    def __init__(self, models: Sequence[tuple[Role, Model]], encoder: Callable[[], Encoder] | None = None) -> None:
        self._models = dict(models)
        self._encoder = encoder
        self.roles: frozenset[Role] = frozenset(self._models)
        self.signals = frozenset(head.signal for model in self._models.values() for head in model.heads)
        versions = sorted({model.version for model in self._models.values()})
        self.version = "/".join(versions) + ("+encoder" if encoder else "")

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        follower = self.follow(role, context)
        found = strongest(
            [one for window, start in windows(normalised, role) for one in follower.judged(window, start)]
        )
        normalised.notes[DOUBTS] = {
            signal: score for signal, score in follower.doubts.items() if not _has(found, signal)
        }
        if follower.encoded == 1 and role == "user" and len(normalised.original) <= WHOLE[role]:
            normalised.notes[PROBABLE] = follower.probable
        return found

    def score(self, text: str, role: Role, context: Sequence[tuple[Role, str]] = ()) -> dict[str, float]:
        """How probable each signal is at level 2 or more (or at its only level), whatever the thresholds; for measuring."""
        best: dict[str, float] = {}
        model = self._models[role]
        follower = self.follow(role, context)
        for window, _ in windows(normalise(text), role):
            for at, (probability, _) in enumerate(follower.judgements(window)):
                if at in model.main:
                    signal = model.heads[at].signal
                    best[signal] = max(best.get(signal, 0.0), probability)
        return best

    def follow(self, role: Role, context: Sequence[tuple[Role, str]]) -> Follower:
        """A reader for one streamed text: it reads each sentence once, when the next one has begun."""
        return Follower(self, role, self._models[role], context, self._encoder)


class Follower:
    """One text on its way. INVARIANT: the windows it judges are those of the whole text (`windows`), but for the last."""

    def __init__(
        self, detector: LearnedDetector, role: Role, model: Model, context: Sequence[tuple[Role, str]], encoder: Callable[[], Encoder] | None
    ) -> None:  # fmt: skip
        self._detector = detector
        self._encoder = encoder
        self._role = role
        self._model = model
        self._context = context
        self._evidence: list[float] | None = None
        self._open = ""
        self._window = ""
        self._at = 0
        self._found: list[Reading] = []
        self.doubts: dict[str, float] = {}
        # How often the encoder was asked, and what both found improbable in the window it read last.
        self.encoded = 0
        self.probable: dict[str, float] = {}

    def feed(self, chunk: str) -> tuple[Reading, ...]:
        """The readings of the sentences that `chunk` brings to their end."""
        self._open += chunk
        found: tuple[Reading, ...] = ()
        if WHOLE[self._role]:
            return found
        for sentence in self._ended():
            found += self._judge(sentence)
        return found

    def finish(self) -> tuple[Reading, ...]:
        """The strongest of all that was judged, what stands open at the end included."""
        rest = self._window + self._open
        if rest:
            self._found += [
                one
                for window, start in windows(normalise(rest), self._role)
                for one in self.judged(window, self._at + start)
            ]
        self._window = self._open = ""
        return strongest(self._found)

    def judged(self, window: Normalised, start: int) -> tuple[Reading, ...]:
        """What the models read in one window, which begins at `start` of the text."""
        model = self._model
        judgements = self.judgements(window)
        alarms: dict[str, tuple[int, float]] = {}
        for place, (head, (probability, standing)) in enumerate(zip(model.heads, judgements, strict=True)):
            if standing == _READS:
                main = model.places[head.signal]
                alarms[head.signal] = head.level, max(probability, judgements[main][0])
            elif standing == _DOUBTS and place in model.main:
                self.doubts[head.signal] = max(self.doubts.get(head.signal, 0.0), probability)
                if head.signal in _HINTED and probability >= _HINT_FROM:
                    alarms[head.signal] = Level.LOW, probability
        span = start, start + len(window.original)
        name, version = self._detector.name, self._detector.version
        return tuple(
            Reading(one, Level(level), round(score, 3), name, version, span) for one, (level, score) in alarms.items()
        )

    def judgements(self, window: Normalised) -> list[tuple[float, int]]:
        """Of every question: how probable, and whether it reads, is in doubt, or neither."""
        model = self._model
        seen = seen_text(window, self._role)
        sums = model.sums(seen, self._before())
        # What a list or a rule has said of a message is looked at again as well: its marks stand at the end.
        told = self._role == "user" and seen[-1:] >= _FIRST_MARK
        alone = [_judged(head, value) for head, value in zip(model.heads, sums, strict=True)]
        likely = told or any(sums[place] >= asks for place, asks in model.asking)
        if self._encoder is None or not likely or self.encoded >= MOST_ENCODED:
            return alone
        encoded, is_whole = self._encoder().answers(window.original, self._role, self._context)
        found = [
            _judged_together(head, value, again) for head, value, again in zip(model.heads, sums, encoded, strict=True)
        ]
        self.encoded += 1
        if not is_whole:
            # What it has not read it cannot take back.
            return [max(pair, key=lambda one: (one[1], one[0])) for pair in zip(alone, found, strict=True)]
        # Only what both have learned to judge, and neither reads nor doubts, is improbable.
        self.probable = {
            signal: found[place][0]
            for signal, place in model.places.items()
            if not found[place][1] and model.heads[place].together is not None
        }
        return found

    def _before(self) -> list[float]:
        """The turns before are read once, when the first window is."""
        if self._evidence is None:
            said = context_text(self._context, "user"), context_text(self._context, "companion")
            self._evidence = self._model.evidence_of(said)
        return self._evidence

    def _ended(self) -> Iterator[str]:
        """The sentences after which another has begun."""
        if len(self._open) < 2 or not (_END.search(self._open, 0, len(self._open) - 1) or len(self._open) > _LONGEST):
            return
        matches = list(_SENTENCE.finditer(self._open))
        for match in matches[:-1]:
            yield match.group()
        self._open = self._open[matches[-1].start() :]

    def _judge(self, sentence: str) -> tuple[Reading, ...]:
        self._window += sentence
        if len(self._window) < LEAST_WINDOW:
            return ()
        window, start = self._window, self._at
        self._window = ""
        self._at += len(window)
        found = self.judged(normalise(window), start)
        self._found += found
        return found


def windows(normalised: Normalised, role: Role) -> list[tuple[Normalised, int]]:
    """What is judged of a whole text, and where each begins: a short message at once, else as many sentences as make a window.

    Who somebody says to be may take nothing away from what they say: it is judged without that as well.
    """
    text = normalised.original
    if not normalised.squeezed:
        return []
    if len(text) <= WHOLE[role]:
        somebody = _SOMEBODY.match(text)
        rest = [(normalise(text[somebody.end() :]), somebody.end())] if somebody else []
        return [(normalised, 0), *rest]
    found: list[tuple[Normalised, int]] = []
    start = 0
    for match in _SENTENCE.finditer(text):
        if match.end() - start >= LEAST_WINDOW or match.end() == len(text):
            found.append((normalise(text[start : match.end()]), start))
            start = match.end()
    return found


def strongest(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Of each signal the highest reading, the first of equals."""
    best: dict[str, Reading] = {}
    for one in readings:
        known = best.get(one.signal)
        if known is None or (rank(one.level), one.score) > (rank(known.level), known.score):
            best[one.signal] = one
    return tuple(best.values())


def _judged(head: Head, value: float) -> tuple[float, int]:
    probability = head.probability(value)
    doubt = head.doubt or head.threshold * _DOUBT_SHARE
    return probability, _READS if probability >= head.threshold else _DOUBTS if probability >= doubt else 0


def _judged_together(head: Head, value: float, encoded: float) -> tuple[float, int]:
    if head.together is None:
        return _judged(head, value)
    both = head.together
    probability = both.probability(value, encoded)
    return probability, _READS if probability >= both.threshold else _DOUBTS if probability >= both.doubt else 0


def _has(found: Sequence[Reading], signal: str) -> bool:
    return any(one.signal == signal and rank(one.level) >= Level.MEDIUM for one in found)


@cache
def shipped_models(*, encoder: bool = True) -> LearnedDetector:
    """The models beside this module, read once a process; without the `encoder` they take 60 MB less and see less."""
    folder = resources.files("shouban.detectors").joinpath("models")
    stored = [load(folder.joinpath(f"{role}.model").read_bytes()) for role in ("companion", "user")]
    return LearnedDetector([(one.role, Model(one)) for one in stored], shipped_encoder if encoder else None)

"""The shipped models: linear over runs of characters, read in microseconds; in doubt the encoder reads again.

Where one of the questions worth it is in doubt or answered with yes, the encoder (`encoder.py`) reads the same window as
the linear model (`linear.py`), and both together make the probability of every question. A long text, and every reply, is
read in windows of sentences, so that a stream read sentence by sentence says the same as the whole. How they were made: `training/`; figures: `docs/detection.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Final

from shouban.core.signals import Level, Reading, Role, rank
from shouban.detectors.ages import AgeDetector
from shouban.detectors.encoder import Encoder, shipped_encoder
from shouban.detectors.exits import ExitDetector
from shouban.detectors.humanity import HumanityDetector
from shouban.detectors.linear import IN_DOUBT, READS, Model, judged, judged_together, load
from shouban.detectors.normalise import Normalised, fold, normalise, squeeze
from shouban.detectors.words import shipped_words

# So many of the latest turns are looked at, and so much of each.
CONTEXT_TURNS: Final = 4
CONTEXT_CHARS: Final = 120
# A person's message up to this length is one window; of a longer one, and of every reply, as many whole sentences are one as
# make at least so many characters. A sentence without an end is cut at so many.
WHOLE: Final = {"user": 200, "companion": 0}
LEAST_WINDOW: Final = 30
# Under this name a text's notes hold what was nearly read of it, signal by signal with its probability.
DOUBTS: Final = "doubts"
# And under this one, how improbable each signal is that both models, having read all of a person's message, do not find in it.
PROBABLE: Final = "probable"
# A text of very many windows is judged by the linear models alone from then on: reading must end.
MOST_ENCODED: Final = 40
# A doubt about these is a hint: many of them make a talk drift (`core.drift`), one is nothing.
_HINTED: Final = frozenset({"intimacy_request", "kin_request"})
_HINT_FROM: Final = 0.15
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
        normalised.notes.update(follower.notes(found))
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
        self._doubts: dict[str, float] = {}
        # How often the encoder was asked, and what both found improbable in the window it read last.
        self._encoded = 0
        self._improbable: dict[str, float] = {}
        self._windows = 0

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

    def notes(self, found: Sequence[Reading]) -> dict[str, dict[str, float]]:
        """What was nearly read beside `found`; and, where all of a person's message was one window that both models read, what is improbable."""
        told = {DOUBTS: {signal: score for signal, score in self._doubts.items() if not _has(found, signal)}}
        if self._encoded == 1 and self._windows == 1 and self._role == "user":
            told[PROBABLE] = self._improbable
        return told

    def judged(self, window: Normalised, start: int) -> tuple[Reading, ...]:
        """What the models read in one window, which begins at `start` of the text."""
        model = self._model
        self._windows += 1
        judgements = self.judgements(window)
        alarms: dict[str, tuple[int, float]] = {}
        for place, (head, (probability, standing)) in enumerate(zip(model.heads, judgements, strict=True)):
            if standing == READS:
                main = model.places[head.signal]
                alarms[head.signal] = head.level, max(probability, judgements[main][0])
            elif standing == IN_DOUBT and place in model.main:
                self._doubts[head.signal] = max(self._doubts.get(head.signal, 0.0), probability)
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
        likely = told or any(sums[place] >= asks for place, asks in model.asking)
        if self._encoder is None or not likely or self._encoded >= MOST_ENCODED:
            return _alone(model, sums)
        encoded, is_whole = self._encoder().answers(window.original, self._role, self._context)
        found = [
            judged_together(head, value, again) for head, value, again in zip(model.heads, sums, encoded, strict=True)
        ]
        self._encoded += 1
        if not is_whole:
            # What it has not read it cannot take back.
            pairs = zip(_alone(model, sums), found, strict=True)
            return [max(pair, key=lambda one: (one[1], one[0])) for pair in pairs]
        # Only what both have learned to judge, and neither reads nor doubts, is improbable.
        self._improbable = {
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


def _alone(model: Model, sums: Sequence[float]) -> list[tuple[float, int]]:
    """What the linear model says by itself."""
    return [judged(head, value) for head, value in zip(model.heads, sums, strict=True)]


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


def _has(found: Sequence[Reading], signal: str) -> bool:
    return any(one.signal == signal and rank(one.level) >= Level.MEDIUM for one in found)


@cache
def shipped_models(*, encoder: bool = True) -> LearnedDetector:
    """The models beside this module, read once a process; without the `encoder` they take 10 MB less and see less."""
    folder = resources.files("shouban.detectors").joinpath("models")
    stored = [load(folder.joinpath(f"{role}.model").read_bytes()) for role in ("companion", "user")]
    return LearnedDetector([(one.role, Model(one)) for one in stored], shipped_encoder if encoder else None)

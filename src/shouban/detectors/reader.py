"""The one door to all detectors: a text, or a stream of it, goes in; readings come out, whatever happens inside.

Rules: a detector that fails or is late reads `unknown` on every signal it covers, never nothing; a reading of level
none is not given.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Final, Protocol

import structlog

from shouban.core.signals import UNKNOWN, Level, Reading, Role, rank
from shouban.detectors.ages import AgeDetector
from shouban.detectors.exits import ExitDetector
from shouban.detectors.humanity import HumanityDetector
from shouban.detectors.imported import imported_words
from shouban.detectors.learned import DOUBTS, PROBABLE, shipped_models
from shouban.detectors.normalise import Normalised, normalise
from shouban.detectors.personal import PersonalDataDetector
from shouban.detectors.stream import Following, StreamReader, Windowed
from shouban.detectors.words import shipped_words

Context = Sequence[tuple[Role, str]]
Readings = tuple[Reading, ...]
Doubts = dict[str, float]
# Plug-ins that hang keep their thread; beyond this many at once a plug-in is not asked and reads unknown.
_MOST_WAITED_FOR: Final = 16

# What of lists and rules both models together may overrule, at what level, and below what probability they do.
_OVERRULED: Final[dict[tuple[str, str], Level]] = {
    ("exits", "exit_intent"): Level.HIGH, ("humanity", "asks_if_human"): Level.HIGH,
    **{("words", signal): Level.MEDIUM for signal in ("crisis", "emotion", "minor_cue", "elder_cue", "intimacy_request", "kin_request", "professional_advice", "jailbreak", "dependence", "prohibited.insult", "prohibited.gambling", "prohibited.sexual", "prohibited.violence", "prohibited.crime")},
}  # fmt: skip
# A parting that is more than this share of the message is one, whatever the models think.
_MOST_OF: Final = 0.6
_NO: Final = 0.1
_IMPROBABLE: Final = {"crisis": 0.04}

_log = structlog.get_logger(__name__)


class Detector(Protocol):
    """What a detector must have.

    One that also satisfies `Windowed` or `Following` is read while a text streams, others at its end. One with `prompt = True` does
    little, linear work and is read in place; under a deadline any other is waited for in a thread of its own.
    """

    name: str
    version: str
    signals: frozenset[str]
    roles: frozenset[Role]

    def read(self, normalised: Normalised, role: Role, context: Context) -> tuple[Reading, ...]: ...


class Detectors:
    """Detectors read together; `deadline` in seconds bounds the wait for those that are not prompt."""

    def __init__(
        self, detectors: Sequence[Detector], *, deadline: float | None = None, problems: Sequence[str] = ()
    ) -> None:
        self._detectors = tuple(detectors)
        self._deadline = deadline
        self._waiting = threading.BoundedSemaphore(_MOST_WAITED_FOR)
        self.problems = tuple(problems)
        # How often the models overruled a list or a rule, by signal, since the start: an operator sees when they do it too often.
        self.overruled: Counter[str] = Counter()
        self.covers: frozenset[str] = frozenset().union(*(detector.signals for detector in detectors))
        self._by_role: dict[Role, tuple[Detector, ...]] = {
            "user": tuple(d for d in self._detectors if "user" in d.roles),
            "companion": tuple(d for d in self._detectors if "companion" in d.roles),
        }
        self._following = {
            role: tuple(d for d in own if isinstance(d, Following)) for role, own in self._by_role.items()
        }
        self._unfollowed = {
            role: tuple(d for d in own if not isinstance(d, Following)) for role, own in self._by_role.items()
        }
        self._windowed = {role: tuple(d for d in own if isinstance(d, Windowed)) for role, own in self._by_role.items()}

    def about(self) -> list[dict[str, object]]:
        return [{"name": d.name, "version": d.version, "signals": sorted(d.signals)} for d in self._detectors]

    def read(self, text: str, *, role: Role, context: Context = ()) -> tuple[Reading, ...]:
        return self._read(text, role=role, context=context, of=self._by_role[role])

    def read_with_doubts(self, text: str, *, role: Role, context: Context = ()) -> tuple[Readings, Doubts]:
        """As `read`; and each signal of which a detector does not know whether it is there, with its probability.

        Where another detector has seen the signal there is no doubt left.
        """
        normalised = normalise(text)
        readings = self._read_normalised(normalised, role=role, context=context, of=self._by_role[role])
        doubts: Doubts = normalised.notes.get(DOUBTS, {})
        if not doubts:
            return readings, doubts
        seen = {one.signal for one in readings if rank(one.level) >= Level.MEDIUM}
        return readings, {signal: score for signal, score in doubts.items() if signal not in seen}

    def _read(self, text: str, *, role: Role, context: Context, of: tuple[Detector, ...]) -> Readings:
        return self._read_normalised(normalise(text), role=role, context=context, of=of)

    def _read_normalised(
        self, normalised: Normalised, *, role: Role, context: Context, of: tuple[Detector, ...]
    ) -> Readings:
        readings: list[Reading] = []
        ends = None if self._deadline is None else monotonic() + self._deadline
        for detector in of:
            readings.extend(self._read_by(detector, normalised, role, context, ends))
        probable: dict[str, float] = normalised.notes.get(PROBABLE, {})
        if not probable:
            return tuple(readings)
        stand = tuple(one for one in readings if not is_overruled(one, probable, len(normalised.original)))
        if len(stand) < len(readings):
            self.overruled.update({one.signal for one in readings} - {one.signal for one in stand})
        return stand

    def stream(self, role: Role, context: Context = ()) -> StreamReader:
        """A reader for a text that arrives in pieces, in answer to `context`."""
        whole = partial(self._read, role=role, context=context, of=self._unfollowed[role])
        return StreamReader(
            role, self._windowed[role], self._following[role], whole=whole, failed=failed, context=context
        )

    def _read_by(
        self, detector: Detector, normalised: Normalised, role: Role, context: Context, ends: float | None
    ) -> tuple[Reading, ...]:
        try:
            if ends is None or getattr(detector, "prompt", False):
                return tuple(reading for reading in detector.read(normalised, role, context) if reading.level)
            return self._waited_for(lambda: detector.read(normalised, role, context), detector, ends)
        except Exception as error:  # noqa: BLE001 whatever a plug-in raises, its signals read unknown
            return failed(detector, error)

    def _waited_for(self, ask: Callable[[], Readings], detector: Detector, ends: float) -> Readings:
        """The answer, if it comes in time; what the detector raises is raised here."""
        left = ends - monotonic()
        if left <= 0 or not self._waiting.acquire(blocking=False):
            return unknown(detector)
        answers: SimpleQueue[Readings | Exception] = SimpleQueue()
        threading.Thread(target=self._answer, args=(ask, answers), daemon=True).start()
        try:
            answer = answers.get(timeout=left)
        except Empty:
            return unknown(detector)
        if isinstance(answer, Exception):
            raise answer
        return tuple(reading for reading in answer if reading.level)

    def _answer(self, ask: Callable[[], Readings], answers: SimpleQueue[Readings | Exception]) -> None:
        try:
            answers.put(ask())
        except Exception as error:  # noqa: BLE001 it is raised where the answer is awaited
            answers.put(error)
        finally:
            self._waiting.release()


def is_overruled(reading: Reading, probable: dict[str, float], length: int) -> bool:
    """Whether a word of a list or a rule says nothing here, by both models' account: a joke about dying, a parting in a story.

    Fail closed: only what `_OVERRULED` names can be; a level 3 of a list, a low level, a denial (which has no place in the text), a
    message that is nothing but a parting, and whatever the models do not know or doubt all stand.
    """
    level, span = _OVERRULED.get((reading.detector, reading.signal)), reading.span
    if level is None or span is None or reading.level != level:
        return False
    if reading.detector == "exits" and span[1] - span[0] > _MOST_OF * length:
        return False
    return probable.get(reading.signal, 1.0) < _IMPROBABLE.get(reading.signal, _NO)


def unknown(detector: Detector | Windowed | Following) -> tuple[Reading, ...]:
    """What is read where a detector gave no answer."""
    return tuple(Reading(signal, UNKNOWN, 0.0, detector.name, detector.version) for signal in sorted(detector.signals))


def failed(detector: Detector | Windowed | Following, error: Exception) -> tuple[Reading, ...]:
    """As `unknown`, and the operator is told; not the error's words, which may hold the user's."""
    _log.warning("detector failed", detector=detector.name, error=type(error).__name__)
    return unknown(detector)


def first_tier() -> list[Detector]:
    """Word lists and rules alone, without the models."""
    return [shipped_words(), ExitDetector(), HumanityDetector(), AgeDetector(), PersonalDataDetector()]


def build_detectors(*, words_dir: Path | None = None, encoder: bool = True) -> Detectors:
    """What ships: word lists, rules and models, with the provider's imported words where `words_dir` holds lists."""
    shipped = [*first_tier(), shipped_models(encoder=encoder)]
    if words_dir is None or not words_dir.is_dir():
        return Detectors(shipped)
    imported, problems = imported_words(words_dir)
    return Detectors([*shipped, imported] if imported else shipped, problems=problems)

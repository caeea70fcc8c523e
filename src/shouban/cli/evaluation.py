"""What `shouban eval` measures: each signal on each source by itself, never one pooled number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

import msgspec

from shouban.cli.opinions import Opinions
from shouban.core.signals import SIGNALS, Level, Reading
from shouban.detectors.labelled import BENIGN_CHAT, Case
from shouban.detectors.learned import LearnedDetector
from shouban.detectors.measures import average_precision, calibration_error, cut_at, f1, interval, share_above
from shouban.detectors.reader import Detectors, Doubts

# A signal is there from this level on; where fewer texts hold it, a figure would say nothing.
THERE: Final = Level.MEDIUM
FEWEST: Final = 5
LEVELS: Final = 5
# Of the table of figures (`rows_of`).
HEADINGS: Final = (
    "signal",
    "source",
    "there/cases",
    "PR-AUC (95 %)",
    "recall",
    "precision",
    "F1",
    "false alarms",
    "recall @1 %",
    "recall @0.1 %",
    "ECE",
)
ADVISED_HEADINGS: Final = (
    "signal",
    "source",
    "asked/cases",
    "no answer",
    "recall",
    "with judge",
    "precision",
    "with judge",
    "false alarms",
    "with judge",
)
WITH_JUDGE: Final = "with judge"
FALSE_SHARES: Final = {"at_1_percent": 0.01, "at_0.1_percent": 0.001}


class Advised(msgspec.Struct):
    """What changes where a second opinion was asked: of how many cases, how many of them got none, and the shares with it."""

    asked: int
    unread: int
    recall: float | None
    precision: float | None
    false_alarms: float | None


class Figures(msgspec.Struct, omit_defaults=True):
    """One signal on one source. `confusion[judged][read]` counts levels; shares are in [0, 1]."""

    signal: str
    source: str
    cases: int
    there: int
    recall: float | None = None
    false_alarms: float | None = None
    precision: float | None = None
    f1: float | None = None
    average_precision: float | None = None
    interval: tuple[float, float] | None = None
    tiers: dict[str, float] = {}
    recall_at: dict[str, float] = {}
    calibration_error: float | None = None
    reliability: list[tuple[float, float, int]] = []
    confusion: list[list[int]] = []
    with_judge: Advised | None = None


class Evaluation(msgspec.Struct):
    """All that was measured, and of what."""

    cases: dict[str, int]
    figures: list[Figures]
    benign: dict[str, dict[str, float]]
    microseconds: dict[str, float]
    detectors: list[dict[str, object]]


@dataclass
class _Judged:
    """The cases of one signal on one source: judged level, level read, and scores by tier."""

    levels: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    scores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    advised: list[int] = field(default_factory=list)
    asked: int = 0
    unread: int = 0


def evaluate(
    cases: Sequence[Case],
    detectors: Detectors,
    models: LearnedDetector,
    *,
    signals: frozenset[str],
    told: Callable[[], None],
    opinions: Opinions | None = None,
) -> Evaluation:
    """Reads every case by itself and counts. `told` is called once a case; `opinions` are asked where the detectors doubt."""
    judged: defaultdict[tuple[str, str], _Judged] = defaultdict(_Judged)
    benign: defaultdict[str, Counter[str]] = defaultdict(Counter)
    everyday: defaultdict[str, list[float]] = defaultdict(list)
    taken: list[tuple[int, float]] = []
    for case in cases:
        began = perf_counter()
        readings, doubts = detectors.read_with_doubts(case.text, role=case.role, context=case.context)
        taken.append((len(case.text), perf_counter() - began))
        _count(case, readings, models.score(case.text, case.role, case.context), signals, judged, everyday)
        if opinions is not None:
            _advise(case, readings, doubts if case.role == "user" else {}, opinions, signals, judged)
        if not case.levels and not case.whole:
            benign[case.source].update({one.signal for one in readings if _level(one) >= THERE} & _absent_in(case))
        told()
    sizes = Counter(case.source for case in cases)
    cuts = {
        signal: {name: cut_at(scores, share) for name, share in FALSE_SHARES.items()}
        for signal, scores in everyday.items()
    }
    return Evaluation(
        cases=dict(sizes),
        figures=[
            _figures(signal, source, one, cuts.get(signal, {})) for (signal, source), one in sorted(judged.items())
        ],
        benign={
            source: {signal: count / sizes[source] for signal, count in sorted(counts.items())}
            for source, counts in sorted(benign.items())
        },
        microseconds=_microseconds(taken),
        detectors=detectors.about(),
    )


def _count(
    case: Case, readings: Iterable[Reading], model: dict[str, float], signals: frozenset[str],
    judged: dict[tuple[str, str], _Judged], everyday: dict[str, list[float]],
) -> None:  # fmt: skip
    read = list(readings)
    for signal in signals:
        level = case.level_of(signal)
        if level is None or case.role not in SIGNALS[signal]:
            continue
        mine = [one for one in read if one.signal == signal]
        listed = max(
            (one.score for one in mine if one.detector != LearnedDetector.name and _level(one) >= THERE), default=0.0
        )
        learned = model.get(signal, 0.0)
        if case.source in BENIGN_CHAT:
            everyday[signal].append(max(listed, learned))
        one = judged[signal, case.source]
        one.levels.append(level)
        one.read.append(max((_level(each) for each in mine), default=0))
        for tier, score in (("lists and rules", listed), ("models", learned), ("together", max(listed, learned))):
            one.scores[tier].append(score)


def _advise(
    case: Case, readings: Sequence[Reading], doubts: Doubts, opinions: Opinions, signals: frozenset[str],
    judged: dict[tuple[str, str], _Judged],
) -> None:  # fmt: skip
    """Adds what a second opinion makes of the case; must follow `_count`. Where nobody was asked, what was read stands."""
    doubts = {signal: score for signal, score in doubts.items() if signal in signals}
    asked = opinions.asked(doubts)
    second = opinions.read(case.text, doubts, case.context)
    for signal in signals:
        if case.level_of(signal) is None or case.role not in SIGNALS[signal]:
            continue
        one = judged[signal, case.source]
        said = [each for each in second if each.signal == signal]
        one.asked += signal in asked
        one.unread += any(each.is_unknown for each in said)
        one.advised.append(max((_level(each) for each in (*readings, *said) if each.signal == signal), default=0))
        heard = max((each.score for each in said if _level(each) >= THERE), default=0.0)
        one.scores[WITH_JUDGE].append(max(one.scores["together"][-1], heard))


def _figures(signal: str, source: str, judged: _Judged, cuts: dict[str, float]) -> Figures:
    there = [level >= THERE for level in judged.levels]
    alarms = [level >= THERE for level in judged.read]
    hits = sum(a and b for a, b in zip(there, alarms, strict=True))
    found = Figures(signal=signal, source=source, cases=len(there), there=sum(there), confusion=_confusion(judged))
    if judged.advised:
        found.with_judge = _advised(judged, there)
    absent = len(there) - sum(there)
    if absent:
        found.false_alarms = (sum(alarms) - hits) / absent
    if sum(there) < FEWEST:
        return found
    together = judged.scores["together"]
    found.recall = hits / sum(there)
    found.precision = hits / sum(alarms) if sum(alarms) else None
    found.f1 = f1(sum(there), sum(alarms), hits)
    found.recall_at = {
        name: share_above([s for s, t in zip(together, there, strict=True) if t], cut) for name, cut in cuts.items()
    }
    if absent:
        scored = list(zip(together, there, strict=True))
        found.average_precision = average_precision(scored)
        found.interval = interval(scored, average_precision)
        found.tiers = {
            tier: average_precision(list(zip(scores, there, strict=True))) for tier, scores in judged.scores.items()
        }
        found.calibration_error, found.reliability = calibration_error(
            list(zip(judged.scores["models"], there, strict=True))
        )
    return found


def _advised(judged: _Judged, there: Sequence[bool]) -> Advised:
    alarms = [level >= THERE for level in judged.advised]
    hits = sum(a and b for a, b in zip(there, alarms, strict=True))
    present, raised, absent = sum(there), sum(alarms), len(there) - sum(there)
    return Advised(
        asked=judged.asked,
        unread=judged.unread,
        recall=hits / present if present >= FEWEST else None,
        precision=hits / raised if raised and present >= FEWEST else None,
        false_alarms=(raised - hits) / absent if absent else None,
    )


def _confusion(judged: _Judged) -> list[list[int]]:
    table = [[0] * LEVELS for _ in range(LEVELS)]
    for level, read in zip(judged.levels, judged.read, strict=True):
        table[level][read] += 1
    return table


def _level(reading: Reading) -> int:
    """A detector that was silent is no alarm of a text; silence is counted elsewhere."""
    return 0 if reading.level == "unknown" else int(reading.level)


def _absent_in(case: Case) -> set[str]:
    return {signal for signal in SIGNALS if case.level_of(signal) == 0}


def _microseconds(taken: Sequence[tuple[int, float]]) -> dict[str, float]:
    """The median time of a text by its length, in microseconds."""
    found = {}
    for name, least, most in (
        ("up to 20 characters", 1, 20),
        ("40 to 60 characters", 40, 60),
        ("over 200 characters", 201, 10**9),
    ):
        inside = sorted(seconds for length, seconds in taken if least <= length <= most)
        if inside:
            found[name] = round(inside[len(inside) // 2] * 1e6, 1)
    return found


def rows_of(figures: Iterable[Figures]) -> Iterator[tuple[str, ...]]:
    """The table as text; what could not be measured is a dash."""
    for one in figures:
        area = (
            "–"
            if one.average_precision is None or one.interval is None
            else f"{one.average_precision:.3f} ({one.interval[0]:.2f}–{one.interval[1]:.2f})"
        )
        yield (
            one.signal, one.source, f"{one.there}/{one.cases}", area, _share(one.recall), _share(one.precision), _share(one.f1),
            _share(one.false_alarms), _share(one.recall_at.get("at_1_percent")), _share(one.recall_at.get("at_0.1_percent")),
            "–" if one.calibration_error is None else f"{one.calibration_error:.3f}",
        )  # fmt: skip


def advised_rows_of(figures: Iterable[Figures]) -> Iterator[tuple[str, ...]]:
    """Where a second opinion was asked: each share without it and with it."""
    for one in figures:
        more = one.with_judge
        if more is not None and more.asked:
            yield (
                one.signal, one.source, f"{more.asked}/{one.cases}", str(more.unread), _share(one.recall), _share(more.recall),
                _share(one.precision), _share(more.precision), _share(one.false_alarms), _share(more.false_alarms),
            )  # fmt: skip


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}" if value < 0.1 else f"{value:.0%}"

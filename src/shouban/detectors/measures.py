"""How good a detector is, in figures: average precision, recall at a share of false alarms, calibration, intervals.

Sources: Davis and Goadrich 2006 (precision and recall), Naeini et al. 2015 (expected calibration error), Efron 1979 (bootstrap).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import groupby

Scored = Sequence[tuple[float, bool]]


def average_precision(scored: Scored) -> float:
    """The area under the curve of precision over recall; `scored` are scores with whether it is there. Ties count together."""
    total = sum(there for _, there in scored)
    if not total:
        return 0.0
    area, seen, hit = 0.0, 0, 0
    for _, tied in groupby(sorted(scored, key=lambda one: -one[0]), key=lambda one: one[0]):
        there = [one[1] for one in tied]
        seen += len(there)
        hit += sum(there)
        area += sum(there) / total * hit / seen
    return area


def cut_at(everyday: Sequence[float], false_share: float) -> float:
    """The lowest score above which no more than `false_share` of everyday texts lie."""
    ordered = sorted(everyday, reverse=True)
    return ordered[min(int(len(ordered) * false_share), len(ordered) - 1)] if ordered else 1.0


def share_above(scores: Sequence[float], cut: float) -> float:
    return sum(score > cut for score in scores) / len(scores) if scores else 0.0


def f1(there: int, alarms: int, hits: int) -> float:
    """From the number of texts where it is, of alarms, and of alarms that are right."""
    return 2 * hits / (there + alarms) if there + alarms else 0.0


def calibration_error(scored: Scored, *, bins: int = 10) -> tuple[float, list[tuple[float, float, int]]]:
    """The expected calibration error, and of each bin: its mean score, the share that is there, how many."""
    found: list[tuple[float, float, int]] = []
    for number in range(bins):
        inside = [
            one
            for one in scored
            if number / bins <= one[0] < (number + 1) / bins or (number + 1 == bins and one[0] == 1.0)
        ]
        if inside:
            found.append(
                (sum(one[0] for one in inside) / len(inside), sum(one[1] for one in inside) / len(inside), len(inside))
            )
    total = sum(count for _, _, count in found)
    return (sum(abs(mean - share) * count for mean, share, count in found) / total if total else 0.0), found


def interval(
    scored: Scored, figure: Callable[[Scored], float], *, rounds: int = 100, seed: int = 0
) -> tuple[float, float]:
    """The middle 95 % of a figure over samples drawn with replacement."""
    chance = random.Random(seed)  # noqa: S311  # no secret: the same data gives the same interval
    values = sorted(figure(chance.choices(scored, k=len(scored))) for _ in range(rounds))
    return values[int(rounds * 0.025)], values[min(rounds - 1, int(rounds * 0.975))]

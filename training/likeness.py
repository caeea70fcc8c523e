"""How alike the lines of the corpus are: the same, nearly the same, made by one template, or parted though they belong together.

`python -m training.likeness` prints what it found and ends with 1 where a line of one split nearly stands in another.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from shouban.detectors.labelled import Case
from shouban.detectors.normalise import normalise
from training.corpus import read_corpus

RUN: Final = 5
# Two lines are nearly the same when they share this much of their runs of five characters (Jaccard).
NEARLY: Final = 0.6
# Runs that stand in more lines than this are common speech.
COMMON: Final = 60
LEAST_RUNS: Final = 4


class Pair(NamedTuple):
    share: float
    one: Case
    other: Case


def runs_of(case: Case) -> frozenset[str]:
    text = normalise(case.text).squeezed
    return frozenset(text[at : at + RUN] for at in range(len(text) - RUN + 1))


def near_duplicates(cases: Sequence[Case]) -> Iterator[Pair]:
    """Pairs of lines of one role that are nearly the same, whatever stands before them."""
    runs = [runs_of(case) for case in cases]
    lines: defaultdict[str, list[int]] = defaultdict(list)
    for at, found in enumerate(runs):
        for run in found:
            lines[run].append(at)
    for at, found in enumerate(runs):
        if len(found) < LEAST_RUNS:
            continue
        shared = Counter(other for run in found if len(lines[run]) <= COMMON for other in lines[run] if other < at)
        for other, count in shared.items():
            share = count / len(found | runs[other])
            if share >= NEARLY and cases[at].role == cases[other].role:
                yield Pair(share, cases[other], cases[at])


def template_likeness(cases: Sequence[Case]) -> float:
    """The mean share of a line's runs that stand in another line too."""
    runs = [found for case in cases if (found := runs_of(case))]
    counts = Counter(run for found in runs for run in found)
    return sum(sum(counts[run] > 1 for run in found) / len(found) for found in runs) / len(runs) if runs else 0.0


def main() -> int:
    cases = read_corpus()
    same = Counter((case.role, case.context, case.text) for case in cases)
    repeated = sum(count - 1 for count in same.values())
    pairs = list(near_duplicates(cases))
    parted = [pair for pair in pairs if pair.one.split != pair.other.split and pair.one.levels == pair.other.levels]
    print(f"{len(cases)} lines; {repeated} the same as another; {len(pairs)} pairs nearly the same, {len(parted)} of them parted by a split")  # fmt: skip
    print(f"of a line's runs of {RUN} characters {template_likeness(cases):.1%} stand in another line")
    for pair in parted[:40]:
        print(f"{pair.share:.2f} {pair.one.source} {pair.one.split}: {pair.one.text} | {pair.other.source} {pair.other.split}: {pair.other.text}")  # fmt: skip
    return 1 if repeated or parted else 0


if __name__ == "__main__":
    sys.exit(main())

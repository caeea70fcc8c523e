"""How far the two readings of the corpus agree: Krippendorff's alpha (2011) for presence, and for levels as intervals.

`python -m training.agreement` compares `corpora/second/reading.txt` (`role, context, text, labels of the second reader`, who saw no
labels) with the labels that stand in the corpus.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from shouban.core.signals import SIGNALS
from shouban.detectors.labelled import ROLES, lines_of, parse_line
from training.corpus import ROOT

SECOND: Final = ROOT / "second" / "reading.txt"
Pair = tuple[int, int]


def alpha(pairs: Sequence[Pair], distance: Callable[[int, int], float]) -> float:
    """Krippendorff's alpha of two readers who read every unit: one less observed by expected disagreement."""
    values = [value for pair in pairs for value in pair]
    counts: defaultdict[int, int] = defaultdict(int)
    for value in values:
        counts[value] += 1
    observed = sum(distance(*pair) for pair in pairs) / len(pairs)
    total = len(values)
    expected = sum(counts[a] * counts[b] * distance(a, b) for a in counts for b in counts) / (total * (total - 1))
    return 1 - observed / expected if expected else 1.0


def presence(a: int, b: int) -> float:
    return float((a >= 2) != (b >= 2))


def interval(a: int, b: int) -> float:
    return float((a - b) ** 2)


def both_readings() -> dict[str, list[Pair]]:
    """Of each signal the two levels of every line whose role it is read in."""
    first = {}
    for file in sorted(ROOT.glob("*/*.tsv")):
        for _, raw in lines_of(file):
            case = parse_line(raw, lang=file.parent.name, name=file.stem)
            role, _, _, context, text = (column.strip() for column in raw.split("\t"))
            first[role, context, text] = case.levels
    pairs: dict[str, list[Pair]] = {signal: [] for signal in SIGNALS}
    for raw in SECOND.read_text(encoding="utf-8").splitlines():
        role, context, text, labels = raw.split("\t")
        levels = {
            name: int(level) for name, level in (label.split("=") for label in labels.split(",") if label != "none")
        }
        for signal, found in pairs.items():
            if ROLES[role] in SIGNALS[signal]:
                found.append((first[role, context, text].get(signal, 0), levels.get(signal, 0)))
    return pairs


HEADING: Final = "| signal | lines | first | second | both | alpha, presence | alpha, level |"


def rows() -> Iterator[str]:
    """The table, a row a signal that both together found ten times or more."""
    for signal, pairs in sorted(both_readings().items()):
        one, two = sum(a >= 2 for a, _ in pairs), sum(b >= 2 for _, b in pairs)
        if one + two >= 10:
            both = sum(a >= 2 and b >= 2 for a, b in pairs)
            yield f"| `{signal}` | {len(pairs)} | {one} | {two} | {both} | {alpha(pairs, presence):.2f} | {alpha(pairs, interval):.2f} |"


def main() -> int:
    print(HEADING, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |", *rows(), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

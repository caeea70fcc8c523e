"""What the models see: runs of one to five characters of a text as it is searched, its marks, and the same of the turns before.

The shipped detector (`shouban.detectors.learned`) finds the same runs with one automaton.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from shouban.core.signals import Role
from shouban.detectors.learned import context_text, seen_text
from shouban.detectors.linear import LONGEST_RUN
from shouban.detectors.normalise import normalise

Views = tuple[str, str, str]


@dataclass(frozen=True)
class Example:
    """A text with its turns before; `targets` of each head are its weight of evidence: (is it there, how much it counts)."""

    text: str
    context: tuple[tuple[Role, str], ...]
    targets: dict[str, tuple[int, float]]
    source: str
    lang: str = "zh"


def views(text: str, context: Sequence[tuple[Role, str]], role: Role) -> Views:
    """The text as searched, what the person said before, and what the companion said before."""
    return seen_text(normalise(text), role), context_text(context, "user"), context_text(context, "companion")


def runs(text: str) -> set[str]:
    return {text[at : at + size] for size in range(1, LONGEST_RUN + 1) for at in range(len(text) - size + 1)}


def vocabulary(texts: Iterable[str], *, least: int) -> list[str]:
    """The runs that stand in at least so many texts."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(runs(text))
    return sorted(run for run, count in found.items() if count >= least and run.strip())


def matrix(texts: Sequence[str], places: dict[str, int], idf: np.ndarray | None = None) -> csr_matrix:
    """One row a text: 1 where the run stands in it; with `idf` weighted and scaled to length one."""
    indices: list[int] = []
    ends = [0]
    for text in texts:
        indices.extend(place for run in runs(text) if (place := places.get(run)) is not None)
        ends.append(len(indices))
    data: np.ndarray = np.ones(len(indices), dtype=np.float32)
    rows = csr_matrix((data, np.array(indices, dtype=np.int32), np.array(ends)), shape=(len(texts), len(places)))
    rows.sort_indices()
    if idf is None:
        return rows
    rows = rows.multiply(idf).tocsr()
    norms = (
        np.sqrt(rows.multiply(rows).sum(axis=1)).A1
        if hasattr(rows.sum(axis=1), "A1")
        else np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    )
    norms[norms == 0] = 1
    return csr_matrix(rows.multiply(1 / norms[:, None]))

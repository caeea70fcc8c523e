"""Trained without a source, tested on it: what a model learned of people, and what only of a source.

`python -m training.crossed` prints a row a question and source, for the linear models; the encoder is too slow to be trained so often.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from shouban.core.signals import Role
from shouban.detectors.measures import average_precision
from training.features import Example
from training.train import Features, examples_of, fit, head_name, tabled


class Crossing(NamedTuple):
    role: Role
    signal: str
    level: int
    without: str


CROSSINGS: Final = (
    Crossing("user", "crisis", 2, "psysuicide"), Crossing("user", "crisis", 2, "corpus"), Crossing("user", "crisis", 3, "corpus-zh-crisis_f"),
    Crossing("user", "crisis", 3, "corpus-zh-counsel_b"), Crossing("user", "crisis", 2, "corpus-en"), Crossing("user", "prohibited.discrimination", 2, "cold"),
    Crossing("user", "exit_intent", 3, "corpus-zh-intents_b"), Crossing("user", "asks_if_human", 3, "corpus-zh-intents_b"),
    Crossing("user", "kin_request", 2, "corpus-zh-intents_b"), Crossing("user", "property_risk", 2, "corpus-zh-property_c"),
    Crossing("user", "minor_cue", 2, "corpus-zh-age_d"), Crossing("user", "dependence", 2, "corpus-zh-feeling_b"),
    *(Crossing("companion", f"manipulation.{name}", 2, "corpus-zh-manipulation_f") for name in ("exit_obstruction", "guilt", "isolation", "dependence", "sycophancy", "false_promise")),
)  # fmt: skip


def crossed(crossings: Sequence[Crossing]) -> Iterator[tuple[Crossing, int, int, float, float]]:
    """Of each: positives and texts of the source, average precision trained with its train split and without the source."""
    known: dict[Role, dict[str, list[Example]]] = {}
    for crossing in crossings:
        role = crossing.role
        if role not in known:
            known[role] = examples_of(role)
        train = known[role]["train"] + known[role]["dev"]
        test = [one for one in known[role]["test"] if one.source.startswith(crossing.without)]
        others = [one for one in train if not one.source.startswith(crossing.without)]
        answers, with_it = _scored(crossing, train, test)
        _, without_it = _scored(crossing, others, test)
        there = [bool(one) for one in answers]
        yield crossing, sum(there), len(there), *(average_precision(list(zip(map(float, scores), there, strict=True))) for scores in (with_it, without_it))  # type: ignore[misc]  # two scores, always  # fmt: skip


def _scored(crossing: Crossing, train: Sequence[Example], test: Sequence[Example]) -> tuple[np.ndarray, np.ndarray]:
    """The answers of the test texts that have one, and what a model of this single question says of them."""
    name = head_name(crossing.signal, crossing.level)
    features = Features(train, crossing.role)
    data, judged = tabled(train, crossing.role, (name,)), tabled(test, crossing.role, (name,))
    weights, biases = fit(features.of(train), data, (name,))
    counted = judged.weights[:, 0] > 0
    sums = (features.of(test) @ weights.T + biases)[:, 0]
    return judged.answers[counted, 0], sums[counted]


def main() -> int:
    print("| signal | tested on | there / texts | trained with it | without it |\n| --- | --- | ---: | ---: | ---: |")
    for crossing, there, texts, with_it, without_it in crossed(CROSSINGS):
        print(f"| `{crossing.signal}` ≥ {crossing.level} | {crossing.without} | {there} / {texts} | {with_it:.2f} | {without_it:.2f} |", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())

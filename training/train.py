"""Trains the shipped models: `python -m training.train [--out FOLDER]`. Deterministic: the same data gives the same bytes.

One linear question a head over runs of characters and the same of the turns before (`features`), fitted by logistic
regression (L2, liblinear's coordinate descent), one byte a weight; calibrated and given its threshold on the dev split.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

from shouban.core.signals import MANIPULATION, PROHIBITED, Role
from shouban.detectors.labelled import Case, split_of
from shouban.detectors.learned import Head, Stored, packed
from training.corpus import read_corpus
from training.costs import cost_of
from training.features import Example, matrix, views, vocabulary
from training.sources import BY_ROLE, everyday_chat

OUT: Final = Path(__file__).resolve().parents[1] / "src/shouban/detectors/models"
LEAST: Final = 3
KEPT: Final[dict[Role, int]] = {"user": 32_000, "companion": 20_000}
KEPT_CONTEXT: Final = 6_000
CONTEXT_WEIGHT: Final = 0.6
# A line counts this much for a signal it does not name.
UNNAMED: Final = 0.5
STRENGTH: Final = 12.0
_PROHIBITED: Final = tuple(f"prohibited.{name}" for name in PROHIBITED if name != "state")
HEADS: Final[dict[Role, tuple[tuple[str, int], ...]]] = {
    "user": (
        ("crisis", 1), ("crisis", 2), ("crisis", 3), ("crisis", 4), ("crisis_other", 2), ("crisis_other", 3), ("emotion", 2), ("emotion", 3),
        ("dependence", 2), ("dependence", 3), ("withdrawal", 2), ("withdrawal", 3), ("exit_intent", 3), ("asks_if_human", 3),
        ("minor_cue", 2), ("minor_cue", 4), ("adult_cue", 2), ("adult_cue", 4), ("elder_cue", 2), ("elder_cue", 4), ("kin_request", 2), ("kin_request", 3),
        ("intimacy_request", 2), ("intimacy_request", 3), ("property_risk", 2), ("property_risk", 3), ("professional_advice", 2), ("professional_advice", 3),
        ("jailbreak", 2), ("jailbreak", 3), *((name, level) for name in _PROHIBITED for level in (2, 3)),
    ),
    "companion": (
        *((f"manipulation.{name}", level) for name in MANIPULATION for level in (2, 3)), ("professional_advice", 2), ("professional_advice", 3),
        *((name, level) for name in _PROHIBITED for level in (2, 3)),
    ),
}  # fmt: skip


def head_name(signal: str, level: int) -> str:
    return f"{signal}>={level}"


def from_line(line: Case, role: Role) -> Example:
    """A line of the corpus answers every head: what it names fully, the rest as absent with less weight."""
    targets = {}
    for signal, level in HEADS[role]:
        named = signal in line.levels or signal in line.absent
        targets[head_name(signal, level)] = (
            int(line.levels.get(signal, 0) >= level),
            1.0 if named or (not line.levels and not line.absent) else UNNAMED,
        )
    return Example(line.text, line.context, targets, line.source, line.lang)


@dataclass
class Data:
    """Examples with their features; `answers` and `weights` have a column a head, weight 0 where a source says nothing."""

    examples: Sequence[Example]
    answers: np.ndarray
    weights: np.ndarray


def tabled(examples: Sequence[Example], role: Role) -> Data:
    names = [head_name(*head) for head in HEADS[role]]
    answers: np.ndarray = np.zeros((len(examples), len(names)), dtype=np.int8)
    weights: np.ndarray = np.zeros((len(examples), len(names)), dtype=np.float32)
    for row, example in enumerate(examples):
        for column, name in enumerate(names):
            answers[row, column], weights[row, column] = _target(example, name)
    return Data(examples, answers, weights)


def _target(example: Example, name: str) -> tuple[int, float]:
    exact = example.targets.get(name)
    if exact is not None:
        return exact
    for prefix, target in example.targets.items():
        if (
            prefix.endswith("*")
            and name.startswith(prefix[:-1])
            and (prefix != "crisis*" or not name.startswith("crisis_other"))
        ):
            return target
    return 0, 0.0


class Features:
    """The vocabulary of a model, and the matrix of any examples over it."""

    def __init__(self, examples: Sequence[Example], role: Role) -> None:
        self._role = role
        seen = [views(example.text, example.context, role) for example in examples]
        self._set([one[0] for one in seen], vocabulary((view for one in seen for view in one), least=LEAST))

    def _set(self, texts: Sequence[str], runs: list[str]) -> None:
        self.runs = runs
        self.places = {run: place for place, run in enumerate(runs)}
        counts = np.asarray(matrix(texts, self.places).sum(axis=0)).ravel()
        self.idf = (np.log((1 + len(texts)) / (1 + counts)) + 1).astype(np.float32)

    def narrow(self, kept: np.ndarray) -> None:
        """Only the runs of these places stay."""
        self.runs = [self.runs[place] for place in kept]
        self.places = {run: place for place, run in enumerate(self.runs)}
        self.idf = self.idf[kept]

    def of(self, examples: Sequence[Example]) -> csr_matrix:
        seen = [views(example.text, example.context, self._role) for example in examples]
        parts = [matrix([one[view] for one in seen], self.places, self.idf) for view in range(3)]
        return hstack([parts[0], parts[1] * CONTEXT_WEIGHT, parts[2] * CONTEXT_WEIGHT]).tocsr()


def fit(features: csr_matrix, data: Data, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Weights (a row a head) and biases."""
    weights = np.zeros((len(names), features.shape[1]), dtype=np.float32)
    biases: np.ndarray = np.full(len(names), -6.0, dtype=np.float32)
    for column, _ in enumerate(names):
        counted = data.weights[:, column] > 0
        answers = data.answers[counted, column]
        if answers.sum() < 5:
            continue
        share = answers.sum() / len(answers)
        balance = np.where(answers == 1, min(8.0, (0.3 / share) ** 0.5 if share < 0.3 else 1.0), 1.0)
        model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=200, random_state=0)
        model.fit(features[counted], answers, sample_weight=data.weights[counted, column] * balance)
        weights[column], biases[column] = model.coef_[0], model.intercept_[0]
    return weights, biases


def narrowed(features: Features, weights: np.ndarray, kept: int) -> np.ndarray:
    """The runs whose weights matter most over all heads, as places in the vocabulary, in order."""
    size = len(features.runs)
    strength = sum(np.abs(weights[:, view * size : (view + 1) * size]).max(axis=0) for view in range(3))
    places: np.ndarray = np.sort(np.argsort(-strength, kind="stable")[:kept])
    return places


def stored(role: Role, features: Features, weights: np.ndarray, biases: np.ndarray, curves: Sequence[Curve]) -> Stored:
    """The model as it is shipped: one byte a weight, rows of the context only where they weigh something."""
    size = len(features.runs)
    text = weights[:, :size] * features.idf
    context = [weights[:, size * (1 + view) : size * (2 + view)] * features.idf * CONTEXT_WEIGHT for view in range(2)]
    scales = np.maximum(np.abs(text).max(axis=1), 1e-6) / 127
    context_scales = np.maximum(np.maximum(np.abs(context[0]).max(axis=1), np.abs(context[1]).max(axis=1)), 1e-6) / 127
    heads = [
        Head(
            signal,
            level,
            float(biases[at]),
            float(scales[at]),
            float(context_scales[at]),
            curve.slope,
            curve.offset,
            curve.threshold,
        )
        for at, ((signal, level), curve) in enumerate(zip(HEADS[role], curves, strict=True))
    ]
    kept = [np.sort(np.argsort(-np.abs(one).max(axis=0), kind="stable")[:KEPT_CONTEXT]) for one in context]
    rows = [_bytes(one[:, places], context_scales) for one, places in zip(context, kept, strict=True)]
    version = f"1-{blake2b(b''.join(rows) + _bytes(text, scales) + repr(curves).encode(), digest_size=4).hexdigest()}"
    return Stored(
        role=role, version=version, heads=tuple(heads), runs=tuple(features.runs), weights=_bytes(text, scales),
        idf=tuple(float(round(one, 4)) for one in features.idf),
        context_runs=(tuple(map(int, kept[0])), tuple(map(int, kept[1]))), context_weights=(rows[0], rows[1]),
    )  # fmt: skip


def _bytes(weights: np.ndarray, scales: np.ndarray) -> bytes:
    """Rows of the vocabulary, a byte a head, 128 being nothing."""
    return bytes(np.clip(np.rint(weights / scales[:, None]) + 128, 1, 255).astype(np.uint8).T.tobytes())


@dataclass(frozen=True)
class Curve:
    """How a sum becomes a probability, and from where on it is an alarm."""

    slope: float
    offset: float
    threshold: float


def curves(sums: np.ndarray, dev: Data, everyday: np.ndarray, role: Role) -> list[Curve]:
    """Platt's curve on the dev split, and the threshold of least cost that everyday chat can bear (`costs.py`)."""
    found = []
    for column, (signal, level) in enumerate(HEADS[role]):
        counted = dev.weights[:, column] > 0
        answers, values = dev.answers[counted, column], sums[counted, column]
        if answers.sum() < 5:
            found.append(Curve(1.0, 0.0, 2.0))
            continue
        platt = LogisticRegression(C=10.0, max_iter=500).fit(
            values[:, None], answers, sample_weight=dev.weights[counted, column]
        )
        slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
        cost = cost_of(signal, level)
        cut = max(
            cheapest(values, answers, dev.weights[counted, column], cost.miss),
            float(np.quantile(everyday[:, column], 1 - cost.everyday)),
        )
        found.append(Curve(slope, offset, round(max(cost.floor, float(1 / (1 + np.exp(-(slope * cut + offset))))), 4)))
    return found


def cheapest(values: np.ndarray, answers: np.ndarray, weights: np.ndarray, miss: float) -> float:
    """The cut at which misses, `miss` times as dear as false alarms, and false alarms together cost least."""
    order = np.argsort(-values, kind="stable")
    hit = np.where(answers[order] == 1, weights[order], 0.0)
    false = np.where(answers[order] == 0, weights[order], 0.0)
    cost = miss * (hit.sum() - hit.cumsum()) + false.cumsum()
    best = int(np.argmin(cost))
    return float(values[order][best])


def examples_of(role: Role) -> dict[str, list[Example]]:
    """Examples by split. Of the open data a fifth is held back, by the text itself."""
    found: dict[str, list[Example]] = {"train": [], "dev": [], "test": []}
    for line in read_corpus():
        if line.role == role:
            found[line.split].append(from_line(line, role))
    for example in BY_ROLE[role]():
        found[split_of(example.text, kind="open")].append(example)
    return found


def train(role: Role) -> Stored:
    """The model of one role, from the data to the bytes."""
    examples = examples_of(role)
    data = tabled(examples["train"], role)
    names = [head_name(*head) for head in HEADS[role]]
    features = Features(examples["train"], role)
    weights, _ = fit(features.of(examples["train"]), data, names)
    features.narrow(narrowed(features, weights, KEPT[role]))
    weights, biases = fit(features.of(examples["train"]), data, names)
    dev = tabled(examples["dev"], role)
    everyday = [Example(text, (), {}, "everyday") for text in everyday_chat(role)]
    on_dev, on_chat = (features.of(some) @ weights.T + biases for some in (dev.examples, everyday))
    return stored(role, features, weights, biases, curves(on_dev, dev, on_chat, role))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    out: Path = parser.parse_args().out
    for role in ("user", "companion"):
        model = train(role)
        data = packed(model)
        (out / f"{role}.model").write_bytes(data)
        print(f"{role}: {model.version}, {len(model.heads)} heads, {len(model.runs)} runs, {len(data) / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Trains the shipped models: `python -m training.train [--out FOLDER] [--encoder FILE]`. Deterministic: the same data gives the same bytes on one machine.

With `--encoder` the encoder is taken as it stands, and what is quick is fitted anew: the linear models, and the curves of both (minutes).

Two readers. One linear question a head over runs of characters and the same of the turns before (`features`), fitted by
logistic regression (L2, liblinear's coordinate descent), one byte a weight. And an encoder (`encoder`), asked in doubt. Both are
calibrated and given their thresholds on the dev split, alone and together.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from shouban.core.signals import MANIPULATION, PROHIBITED, Role
from shouban.detectors import encoder as shipped
from shouban.detectors.labelled import Case, share, split_of
from shouban.detectors.linear import Head, Stored, Together, packed
from training.corpus import read_corpus
from training.costs import FORM_ONLY, asked_for, cost_of
from training.disguised import said_otherwise
from training.encoder import FIRST, SECOND, Corpus, Params, Row, balance_of, sums_of, train_encoder
from training.features import Example, matrix, views, vocabulary
from training.pretrained import Pretrained, read_pretrained
from training.sources import BY_ROLE, everyday_chat, said_by_somebody, unlabelled
from training.student import Cutter, Lesson, stored_student, teach, train_student

OUT: Final = Path(__file__).resolve().parents[1] / "src/shouban/detectors/models"
LEAST: Final = 3
KEPT: Final[dict[Role, int]] = {"user": 34_000, "companion": 24_000}
KEPT_CONTEXT: Final = 6_000
CONTEXT_WEIGHT: Final = 0.6
# A line counts this much for a signal it does not name.
UNNAMED: Final = 0.5
STRENGTH: Final = 12.0
# So much of the open data trains the encoder, which is slow: it is less like what people tell a companion.
OPEN_SHARE: Final = 0.35
_NEARLY: Final = 0.03
# A piece that the student's texts hold so often has a vector of its own.
STUDENT_LEAST: Final = 3
# A question that was not learned (average precision on the dev split) reads nothing: there the lists stand alone.
LEARNED: Final = 0.3
NEVER: Final = 2.0
ROLES: Final[tuple[Role, ...]] = ("user", "companion")
Examples = Mapping[Role, Mapping[str, list[Example]]]
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


def names_of(role: Role) -> tuple[str, ...]:
    return tuple(head_name(*head) for head in HEADS[role])


def tabled(examples: Sequence[Example], role: Role, names: Sequence[str] | None = None) -> Data:
    names = names_of(role) if names is None else names
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
            signal, level, float(biases[at]), float(scales[at]), float(context_scales[at]), curve.slope, curve.offset, curve.threshold,
            curve.doubt, curve.asks, curve.together,
        )
        for at, ((signal, level), curve) in enumerate(zip(HEADS[role], curves, strict=True))
    ]  # fmt: skip
    kept = [np.sort(np.argsort(-np.abs(one).max(axis=0), kind="stable")[:KEPT_CONTEXT]) for one in context]
    rows = [_bytes(one[:, places], context_scales) for one, places in zip(context, kept, strict=True)]
    version = f"2-{blake2b(b''.join(rows) + _bytes(text, scales) + repr(curves).encode(), digest_size=4).hexdigest()}"
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
    """How a sum becomes a probability, from where on it is an alarm or in doubt, and from what sum on the encoder is asked."""

    slope: float
    offset: float
    threshold: float
    doubt: float = 0.0
    asks: float | None = None
    together: Together | None = None


@dataclass(frozen=True)
class Sums:
    """What both readers say of some examples, before calibration: a row an example, a column a question."""

    linear: np.ndarray
    encoder: np.ndarray


def curves(dev: Sums, data: Data, everyday: Sums, role: Role) -> list[Curve]:
    """Platt's curves on the dev split, and thresholds of least cost that everyday chat can bear (`costs.py`)."""
    return [
        Curve(1.0, 0.0, NEVER) if (role, signal) in FORM_ONLY else _curve(dev, data, everyday, column, signal, level)
        for column, (signal, level) in enumerate(HEADS[role])
    ]


def _curve(dev: Sums, data: Data, everyday: Sums, column: int, signal: str, level: int) -> Curve:
    counted = data.weights[:, column] > 0
    answers, weights = data.answers[counted, column], data.weights[counted, column]
    if answers.sum() < 5:
        return Curve(1.0, 0.0, NEVER)
    alone = dev.linear[counted, column][:, None]
    both = np.stack([dev.linear[counted, column], dev.encoder[counted, column]], axis=1)
    chat = np.stack([everyday.linear[:, column], everyday.encoder[:, column]], axis=1)
    of_alone, of_both = _platt(alone, answers, weights), _platt(both, answers, weights)
    if average_precision_score(answers, of_both(both), sample_weight=weights) < LEARNED:
        return Curve(float(of_alone.weights[0]), of_alone.offset, NEVER)
    cut = partial(_threshold, answers=answers, weights=weights, signal=signal, level=level)
    threshold = cut(of_alone(alone), of_alone(chat[:, :1]))
    asks, share_asking = None, asked_for(signal)
    if share_asking:
        alarms_at = (np.log(threshold / (1 - threshold)) - of_alone.offset) / max(float(of_alone.weights[0]), 1e-6)
        # Whatever the linear model would read is read again.
        asks = min(_asks(alone[:, 0], answers, everyday.linear[:, column], share_asking), round(float(alarms_at), 4))
    # Where the encoder is not asked, nothing is read by both: only chat that asks can raise an alarm together.
    together_at = cut(of_both(both), of_both(chat))
    linear, encoder = map(float, of_both.weights)
    together = Together(linear, encoder, of_both.offset, together_at, _doubt(of_both(both), answers, together_at))
    return Curve(float(of_alone.weights[0]), of_alone.offset, threshold, _doubt(of_alone(alone), answers, threshold), asks, together)  # fmt: skip


@dataclass(frozen=True)
class Platt:
    """A logistic curve over one or two sums (Platt 1999)."""

    weights: np.ndarray
    offset: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        found: np.ndarray = 1 / (1 + np.exp(-np.clip(values @ self.weights + self.offset, -30, 30)))
        return found


def _platt(values: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> Platt:
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit(values, answers, sample_weight=weights)
    return Platt(np.maximum(fitted.coef_[0], 0.0), float(fitted.intercept_[0]))


def _threshold(scores: np.ndarray, chat: np.ndarray, *, answers: np.ndarray, weights: np.ndarray, signal: str, level: int) -> float:  # fmt: skip
    cost = cost_of(signal, level)
    cut = max(cheapest(scores, answers, weights, cost.miss), float(np.quantile(chat, 1 - cost.everyday)), cost.floor)
    return round(min(cut, 0.99), 4)


def _asks(sums: np.ndarray, answers: np.ndarray, chat: np.ndarray, most: float) -> float:
    """Low enough to see 98 in a hundred of what is there, if everyday chat does not ask more often than it may."""
    return round(max(float(np.quantile(sums[answers == 1], 0.02)), float(np.quantile(chat, 1 - most))), 4)


def _doubt(scores: np.ndarray, answers: np.ndarray, threshold: float) -> float:
    """Where the doubtful band begins: below it lies one in twenty of what is there."""
    return round(min(0.9 * threshold, max(0.02, float(np.quantile(scores[answers == 1], 0.05)))), 4)


def cheapest(values: np.ndarray, answers: np.ndarray, weights: np.ndarray, miss: float) -> float:
    """The cut at which misses, `miss` times as dear as false alarms, and false alarms together cost least; of those that cost nearly as
    little the one that sees most: the dev split is small.
    """
    order = np.argsort(-values, kind="stable")
    hit = np.where(answers[order] == 1, weights[order], 0.0)
    false = np.where(answers[order] == 0, weights[order], 0.0)
    cost = miss * (hit.sum() - hit.cumsum()) + false.cumsum()
    nearly = np.flatnonzero(cost <= (1 + _NEARLY) * cost.min())
    return float(values[order][nearly[-1]])


def examples_of(role: Role) -> dict[str, list[Example]]:
    """Examples by split. Of the open data a quarter is held back, by the text itself."""
    found: dict[str, list[Example]] = {"train": [], "dev": [], "test": []}
    for line in read_corpus():
        if line.role == role:
            example = from_line(line, role)
            found[line.split].append(example)
            if line.split == "train":
                found["train"] += said_by_somebody(example)
    for example in BY_ROLE[role]():
        found[split_of(example.text, kind="open")].append(example)
    return found


@dataclass(frozen=True)
class Linear:
    """The linear model of one role, fitted."""

    features: Features
    weights: np.ndarray
    biases: np.ndarray

    def sums(self, examples: Sequence[Example]) -> np.ndarray:
        found: np.ndarray = self.features.of(examples) @ self.weights.T + self.biases
        return found


def train_linear(role: Role, examples: Sequence[Example]) -> Linear:
    data, names, features = tabled(examples, role), names_of(role), Features(examples, role)
    weights, _ = fit(features.of(examples), data, names)
    features.narrow(narrowed(features, weights, KEPT[role]))
    weights, biases = fit(features.of(examples), data, names)
    return Linear(features, weights, biases)


def rows_of(corpus: Corpus, role: Role, examples: Sequence[Example]) -> list[Row]:
    data = tabled(examples, role)
    return [corpus.row(one, role, data.answers[at], data.weights[at]) for at, one in enumerate(examples)]


def for_encoder(examples: Sequence[Example], open_share: float = OPEN_SHARE) -> list[Example]:
    """What the encoder is trained on: the corpus, psysuicide, and a part of the rest."""
    return [one for one in examples if _is_own(one) or share(one.text, "encoder") < open_share]


def otherwise(role: Role, examples: Sequence[Example], part: float, salt: str) -> list[Example]:
    """A part of a person's lines said otherwise; a companion's words are nobody's disguise."""
    if role != "user":
        return []
    return [said_otherwise(one, salt) for one in examples if _is_own(one) and share(one.text, salt) < part]


def _is_own(example: Example) -> bool:
    return example.source.startswith("corpus") or example.source == "psysuicide"


def second_course(role: Role, examples: Sequence[Example]) -> list[Example]:
    """Half of a person's lines, said otherwise, beside lines as they stand: what is meant hangs neither on who speaks nor on disguise."""
    plain = [one for one in for_encoder(examples, OPEN_SHARE / 3) if share(one.text, "second") < 0.5]
    return plain + otherwise(role, examples, 0.6, "second")


def told(line: str) -> None:
    print(line, flush=True)


def train_teacher(examples: Examples, pretrained: Pretrained, corpus: Corpus) -> Params:
    """The encoder that teaches, after both courses."""
    rows = [row for role in ROLES for row in rows_of(corpus, role, for_encoder(examples[role]["train"]))]
    first = train_encoder(pretrained, rows, FIRST, told)
    rows = [row for role in ROLES for row in rows_of(corpus, role, second_course(role, examples[role]["train"]))]
    return train_encoder(pretrained, rows, SECOND, told, first)


def to_teach(role: Role, examples: Sequence[Example]) -> list[Example]:
    """What the student sees: all that is labelled, a part of a person's lines said otherwise, and what nobody has labelled."""
    return [*examples, *otherwise(role, examples, 0.5, "student"), *unlabelled(role)]


def taught_by(params: Params, examples: Examples, pretrained: Pretrained, corpus: Corpus) -> shipped.StoredEncoder:
    """The student, as it ships."""
    seen = {role: to_teach(role, examples[role]["train"]) for role in ROLES}
    rows = {role: rows_of(corpus, role, seen[role]) for role in ROLES}
    kept = corpus.kept_pieces(STUDENT_LEAST)
    words = pretrained.matrix("emb.word", pretrained.width)
    sums = teach(params, words, [*rows["user"], *rows["companion"]], pretrained.attention_heads, told)
    cutter, size = Cutter(pretrained, kept), len(names_of("user"))
    lessons: list[Lesson] = []
    for role in ROLES:
        asked: np.ndarray = np.zeros(sums.shape[1], np.float32)
        asked[slice(0, size) if role == "user" else slice(size, None)] = 1
        for example, row in zip(seen[role], rows[role], strict=True):
            lessons.append(Lesson(cutter.row(example, role, row.answers, row.weights), sums[len(lessons)], asked))
    labelled = [one.row for one in lessons if one.row.weights.any()]
    learned = train_student(words[kept], lessons, balance_of(labelled), told)
    return stored_student(pretrained, kept, cutter.folding, learned, {role: names_of(role) for role in ROLES})


def train_role(role: Role, examples: Mapping[str, list[Example]], reader: shipped.Encoder) -> Stored:
    """The linear model of a role, with curves and thresholds for it alone and beside the encoder."""
    linear = train_linear(role, examples["train"] + otherwise(role, examples["train"], 0.3, "linear"))
    dev, everyday = examples["dev"], [Example(text, (), {}, "everyday") for text in everyday_chat(role)]
    sums = [Sums(linear.sums(some), sums_of(reader, some, role)) for some in (dev, everyday)]
    found = curves(sums[0], tabled(dev, role), sums[1], role)
    model = stored(role, linear.features, linear.weights, linear.biases, found)
    told(f"{role}: {model.version}, {len(found)} questions, {len(linear.features.runs)} runs")
    return model


def train_student_of(examples: Examples) -> shipped.StoredEncoder:
    pretrained = read_pretrained()
    corpus = Corpus(pretrained, {role: names_of(role) for role in ROLES})
    return taught_by(train_teacher(examples, pretrained, corpus), examples, pretrained, corpus)


def train(ready: Path | None = None) -> tuple[dict[Role, Stored], shipped.StoredEncoder]:
    """The models of both roles and the encoder, from the data to what ships; `ready` is an encoder to be taken as it stands."""
    examples = {role: examples_of(role) for role in ROLES}
    student = shipped.load(ready.read_bytes()) if ready else train_student_of(examples)
    reader = shipped.Encoder(student)
    return {role: train_role(role, examples[role], reader) for role in ROLES}, student


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--encoder", type=Path)
    wish = parser.parse_args()
    out: Path = wish.out
    models, encoder = train(wish.encoder)
    ready = {f"{role}.model": packed(model) for role, model in models.items()}
    for name, data in {**ready, "encoder.model": shipped.packed(encoder)}.items():
        (out / name).write_bytes(data)
        print(f"{name}: {len(data) / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

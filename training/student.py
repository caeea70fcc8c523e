"""The student: a transformer a tenth of the encoder's size, taught to say what the encoder says (Hinton et al. 2015, arXiv:1503.02531).

It sees what the encoder was trained on, and several times as many texts that nobody has labelled: there the encoder's word is
all there is. It begins with the encoder's word vectors, cut to their main axes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import optax

from shouban.core.signals import Role
from shouban.detectors.encoder import StoredEncoder, Tokenizer, input_pieces
from training.encoder import (
    LENGTHS,
    Course,
    Padded,
    Params,
    Row,
    batches,
    length_of,
    optimizer_of,
    padded,
    stored_layers,
    sums_in,
)
from training.features import Example
from training.pretrained import Pretrained

WIDTH: Final = 128
LAYERS: Final = 2
HEADS: Final = 4
BATCH: Final = 128
COURSE: Final = Course(7.0, 1.5e-3, 2e-3)
# How much the encoder's word counts beside the label's.
TAUGHT: Final = 0.7


@dataclass(frozen=True)
class Lesson:
    """One text as the student sees it, what the labels say of it (weight 0: nothing), and the encoder's sums."""

    row: Row
    sums: np.ndarray
    asked: np.ndarray


class Cutter:
    """Cuts texts as the shipped student will: over the pruned vocabulary."""

    def __init__(self, pretrained: Pretrained, kept: Sequence[int]) -> None:
        pieces = [pretrained.pieces[place] for place in kept]
        chars = set("".join(pieces))
        self.folding = {char: into for char, into in pretrained.folding.items() if set(into) <= chars}
        self._tokenizer = Tokenizer(pieces, pretrained.scores[list(kept)].tolist(), self.folding)
        self._known: dict[str, list[int]] = {}

    def pieces(self, text: str) -> list[int]:
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._tokenizer.pieces(text)
        return known

    def row(self, example: Example, role: Role, answers: np.ndarray, weights: np.ndarray) -> Row:
        before, own = input_pieces(self, example.text, role, example.context)  # type: ignore[arg-type]  # cuts as a tokenizer does, once a text
        return Row([*before, *own], len(before), answers, weights)


def teach(
    params: Params, words: np.ndarray, rows: Sequence[Row], heads: int, told: Callable[[str], None]
) -> np.ndarray:
    """What the encoder says of each row: its sums."""
    found: np.ndarray = np.zeros((len(rows), len(rows[0].answers)), np.float32)
    ready, vectors = jax.tree.map(jnp.asarray, params), jnp.asarray(words)
    say = jax.jit(lambda inputs: sums_in(ready, vectors, inputs, heads, None))
    by_length: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        by_length.setdefault(length_of(row), []).append(place)
    began, done = time.time(), 0
    for length, places in sorted(by_length.items()):
        for start in range(0, len(places), BATCH):
            some = places[start : start + BATCH]
            filled = some + [some[0]] * (BATCH - len(some))
            found[some] = np.asarray(say(padded([rows[place] for place in filled], length)))[: len(some)]
            done += len(some)
        told(f"teacher: {done} of {len(rows)} texts, {time.time() - began:.0f} s")
    return found


def _start(vectors: np.ndarray, questions: int) -> Params:
    """Word vectors on the main axes of the encoder's; the layers by chance (Glorot and Bengio 2010)."""
    chance = np.random.default_rng(0)
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    words = centred @ axes[:, ::-1][:, :WIDTH]
    words *= 0.6 / words.std()

    def matrix(inputs: int, outputs: int) -> np.ndarray:
        found: np.ndarray = chance.normal(size=(inputs, outputs)) * np.sqrt(2 / (inputs + outputs))
        return found.astype(np.float32)

    def flat(size: int, value: float = 0.0) -> np.ndarray:
        return np.full(size, value, np.float32)

    layers = [
        {
            "attend": matrix(WIDTH, 3 * WIDTH), "attend_bias": flat(3 * WIDTH), "gather": matrix(WIDTH, WIDTH), "gather_bias": flat(WIDTH),
            "first_norm": (flat(WIDTH, 1.0), flat(WIDTH)), "widen": matrix(WIDTH, 4 * WIDTH), "widen_bias": flat(4 * WIDTH),
            "narrow": matrix(4 * WIDTH, WIDTH), "narrow_bias": flat(WIDTH), "second_norm": (flat(WIDTH, 1.0), flat(WIDTH)),
        }
        for _ in range(LAYERS)
    ]  # fmt: skip
    found: Params = {
        "words": words.astype(np.float32), "places": (chance.normal(size=(LENGTHS[-1], WIDTH)) * 0.02).astype(np.float32),
        "norm": (flat(WIDTH, 1.0), flat(WIDTH)), "layers": layers,
        "answers": (chance.normal(size=(2 * WIDTH, questions)) * 0.02).astype(np.float32), "answers_bias": flat(questions, -3.0),
    }  # fmt: skip
    return found


def train_student(
    vectors: np.ndarray,
    lessons: Sequence[Lesson],
    balance: np.ndarray,
    told: Callable[[str], None],
    course: Course = COURSE,
) -> Params:
    """The parameters after the course. `vectors` are the encoder's word vectors of the pieces that ship."""
    params: Params = jax.tree.map(jnp.asarray, _start(vectors, len(lessons[0].sums)))
    rows = [one.row for one in lessons]
    steps = int(course.epochs * len(rows) / BATCH)
    optimizer = optimizer_of(params, steps, course)
    state = optimizer.init(params)

    def loss(params: Params, inputs: Padded, answers: np.ndarray, weights: np.ndarray, sums: np.ndarray, asked: np.ndarray, key: jax.Array) -> jax.Array:  # fmt: skip
        said = sums_in(params, params["words"], inputs, HEADS, key)
        labelled = jnp.where(answers == 1, balance * jax.nn.softplus(-said), jax.nn.softplus(said)) * weights
        likely = jax.nn.sigmoid(sums)
        taught = (likely * jax.nn.softplus(-said) + (1 - likely) * jax.nn.softplus(said)) * asked
        return ((1 - TAUGHT) * labelled + TAUGHT * taught).sum() / len(answers)

    def step(params: Params, state: Any, *given: Any) -> tuple[Params, Any, jax.Array]:  # noqa: ANN401  # the optimizer's own tree
        value, slope = jax.value_and_grad(loss)(params, *given)
        change, state = optimizer.update(slope, state, params)
        return optax.apply_updates(params, change), state, value

    stepped = jax.jit(step, donate_argnums=(0, 1))
    chance, key, done, began, total = np.random.default_rng(1), jax.random.key(0), 0, time.time(), 0.0
    while done < steps:
        for length, places in batches(rows, chance, BATCH):
            if done == steps:
                break
            key, one = jax.random.split(key)
            some = [lessons[place] for place in places]
            params, state, value = stepped(
                params, state, padded([lesson.row for lesson in some], length), np.array([lesson.row.answers for lesson in some]),
                np.array([lesson.row.weights for lesson in some]), np.array([lesson.sums for lesson in some]), np.array([lesson.asked for lesson in some]), one,
            )  # fmt: skip
            total, done = total + float(value), done + 1
            if done % 500 == 0:
                told(f"student: {done} of {steps} steps, loss {total / 500:.3f}, {time.time() - began:.0f} s")
                total = 0.0
    found: Params = jax.tree.map(np.asarray, params)
    return found


def stored_student(
    pretrained: Pretrained,
    kept: Sequence[int],
    folding: dict[str, str],
    params: Params,
    questions: dict[Role, tuple[str, ...]],
) -> StoredEncoder:
    """The student as it ships: eight bits a weight, its word vectors too."""
    return stored_layers(
        params, width=WIDTH, heads=HEADS, pieces=tuple(pretrained.pieces[place] for place in kept), scores=pretrained.scores[list(kept)],
        folding=folding, words=params["words"], questions=questions,
    )  # fmt: skip

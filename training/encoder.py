"""Trains the encoder that teaches: the lower layers of multilingual-e5-small, on every question of both roles at once.

Deterministic on one machine: fixed seeds, one device; another processor may round otherwise. Word vectors are not trained.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from shouban.core.signals import Role
from shouban.detectors.encoder import (
    END,
    Encoder,
    Layer,
    Matrix,
    StoredEncoder,
    Tokenizer,
    input_pieces,
    word_form,
)
from training.features import Example
from training.pretrained import Pretrained, kept_pieces

LAYERS: Final = 4
BATCH: Final = 32
WARM: Final = 0.08
DROPPED: Final = 0.1
MOST_BALANCE: Final = 6.0
# Texts are padded to one of these lengths.
LENGTHS: Final = (24, 32, 40, 56, 80, 128)
ROLES: Final[tuple[Role, ...]] = ("user", "companion")
Params = dict[str, Any]


@dataclass(frozen=True)
class Course:
    """How long to train, and how fast the layers and the answers may move."""

    epochs: float
    rate: float
    answer_rate: float


FIRST: Final = Course(2.5, 2.5e-4, 1.5e-3)
# On lines said otherwise, from what the first has given.
SECOND: Final = Course(0.8, 8e-5, 4e-4)


@dataclass(frozen=True)
class Row:
    """One example as pieces: `own` is where the text itself begins; answers and weights over the questions of both roles."""

    pieces: list[int]
    own: int
    answers: np.ndarray
    weights: np.ndarray


class Corpus:
    """Examples of both roles as rows over a pruned vocabulary."""

    def __init__(self, pretrained: Pretrained, questions: dict[Role, tuple[str, ...]]) -> None:
        self._pretrained = pretrained
        self._questions = questions
        self._tokenizer = Tokenizer(pretrained.pieces, pretrained.scores.tolist(), pretrained.folding)
        self._pieces: dict[str, list[int]] = {}

    def row(self, example: Example, role: Role, answers: np.ndarray, weights: np.ndarray) -> Row:
        before, own = input_pieces(self, example.text, role, example.context)  # type: ignore[arg-type]  # cuts as a tokenizer does, once a text
        size = sum(map(len, self._questions.values()))
        first = 0 if role == "user" else len(self._questions["user"])
        wide: np.ndarray = np.zeros(size, np.int8)
        heavy: np.ndarray = np.zeros(size, np.float32)
        wide[first : first + len(answers)], heavy[first : first + len(answers)] = answers, weights
        return Row([*before, *own], len(before), wide, heavy)

    def pieces(self, text: str) -> list[int]:
        known = self._pieces.get(text)
        if known is None:
            known = self._pieces[text] = self._tokenizer.pieces(text)
        return known

    def kept_pieces(self, least: int) -> list[int]:
        """The pieces that texts cut so far hold so often, and single characters: what ships."""
        return kept_pieces(
            self._pretrained, Counter(piece for pieces in self._pieces.values() for piece in pieces), least
        )


def _start(pretrained: Pretrained, questions: int) -> Params:
    chance = np.random.default_rng(0)
    layers = [_layer(pretrained, number) for number in range(LAYERS)]
    return {
        "places": pretrained.vector("emb.pos").reshape(-1, pretrained.width) + pretrained.vector("emb.type")[: pretrained.width],
        "norm": (pretrained.vector("emb.ln.w"), pretrained.vector("emb.ln.b")),
        "layers": layers,
        "answers": (chance.normal(size=(2 * pretrained.width, questions)) * 0.02).astype(np.float32),
        "answers_bias": np.full(questions, -3.0, np.float32),
    }  # fmt: skip


def _layer(pretrained: Pretrained, number: int) -> Params:
    vector, matrix = partial(_vector_of, pretrained, number), partial(_matrix_of, pretrained, number)
    width = pretrained.width
    return {
        "attend": np.concatenate([matrix(one, width) for one in "qkv"]).T.copy(), "attend_bias": np.concatenate([vector(f"{one}.b") for one in "qkv"]),
        "gather": matrix("ao", width).T.copy(), "gather_bias": vector("ao.b"), "first_norm": (vector("aln.w"), vector("aln.b")),
        "widen": matrix("fi", width).T.copy(), "widen_bias": vector("fi.b"), "narrow": matrix("fo", pretrained.inner).T.copy(), "narrow_bias": vector("fo.b"),
        "second_norm": (vector("oln.w"), vector("oln.b")),
    }  # fmt: skip


def _vector_of(pretrained: Pretrained, number: int, name: str) -> np.ndarray:
    return pretrained.vector(f"l{number}.{name}")


def _matrix_of(pretrained: Pretrained, number: int, name: str, inputs: int) -> np.ndarray:
    return pretrained.matrix(f"l{number}.{name}.w", inputs)


def _normed(states: jax.Array, norm: tuple[jax.Array, jax.Array]) -> jax.Array:
    centred = states - states.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * norm[0] + norm[1]


def _dropped(states: jax.Array, key: jax.Array | None) -> jax.Array:
    if key is None:
        return states
    return states * jax.random.bernoulli(key, 1 - DROPPED, states.shape) / (1 - DROPPED)


def _through(layer: Params, states: jax.Array, hidden: jax.Array, heads: int, key: jax.Array | None) -> jax.Array:
    count, length, width = states.shape
    first, second = (None, None) if key is None else jax.random.split(key)
    mixed = (states @ layer["attend"] + layer["attend_bias"]).reshape(count, length, 3, heads, width // heads)
    weights = jnp.einsum("blhd,bmhd->bhlm", mixed[:, :, 0], mixed[:, :, 1]) / np.sqrt(width // heads) + hidden
    seen = jnp.einsum("bhlm,bmhd->blhd", jax.nn.softmax(weights, -1), mixed[:, :, 2]).reshape(count, length, width)
    states = _normed(states + _dropped(seen @ layer["gather"] + layer["gather_bias"], first), layer["first_norm"])
    wide = jax.nn.gelu(states @ layer["widen"] + layer["widen_bias"])
    return _normed(states + _dropped(wide @ layer["narrow"] + layer["narrow_bias"], second), layer["second_norm"])


class Padded(NamedTuple):
    """Rows of one length; `there` and `own` mark the pieces, and those of the text itself."""

    pieces: np.ndarray
    there: np.ndarray
    own: np.ndarray


def sums_in(params: Params, words: jax.Array, padded: Padded, heads: int, key: jax.Array | None) -> jax.Array:
    """The weight of evidence of every question."""
    pieces, there, own = padded
    layers = len(params["layers"])
    keys = [None] * layers if key is None else [*jax.random.split(key, layers)]
    hidden = (1 - there)[:, None, None, :] * -1e9
    states = _normed(words[pieces] + params["places"][: pieces.shape[1]], params["norm"])
    for layer, one in zip(params["layers"], keys, strict=True):
        states = _through(layer, states, hidden, heads, one)
    pooled = [(states * mark[..., None]).sum(1) / mark.sum(1, keepdims=True) for mark in (there, own)]
    return jnp.concatenate(pooled, -1) @ params["answers"] + params["answers_bias"]


def padded(rows: Sequence[Row], length: int) -> Padded:
    pieces: np.ndarray = np.full((len(rows), length), END, np.int32)
    there: np.ndarray = np.zeros((len(rows), length), np.float32)
    own: np.ndarray = np.zeros((len(rows), length), np.float32)
    for at, row in enumerate(rows):
        size = len(row.pieces)
        pieces[at, :size], there[at, :size], own[at, row.own : size] = row.pieces, 1, 1
    return Padded(pieces, there, own)


def length_of(row: Row) -> int:
    return next(length for length in LENGTHS if len(row.pieces) <= length)


def batches(rows: Sequence[Row], chance: np.random.Generator, size: int = BATCH) -> Iterator[tuple[int, list[int]]]:
    """The places of rows of like length together, in the order of chance."""
    waiting: dict[int, list[int]] = {length: [] for length in LENGTHS}
    for place in map(int, chance.permutation(len(rows))):
        length = length_of(rows[place])
        waiting[length].append(place)
        if len(waiting[length]) == size:
            yield length, waiting[length]
            waiting[length] = []


def train_encoder(
    pretrained: Pretrained,
    rows: Sequence[Row],
    course: Course,
    told: Callable[[str], None],
    start: Params | None = None,
) -> Params:
    """The parameters after the course over the rows (AdamW, Loshchilov and Hutter 2019; linear warm-up and decay)."""
    words = jnp.asarray(pretrained.matrix("emb.word", pretrained.width))
    params: Params = jax.tree.map(jnp.asarray, start or _start(pretrained, len(rows[0].answers)))
    balance = balance_of(rows)
    steps = int(course.epochs * len(rows) / BATCH)
    optimizer = optimizer_of(params, steps, course)
    state = optimizer.init(params)

    def loss(params: Params, inputs: Padded, answers: np.ndarray, weights: np.ndarray, key: jax.Array) -> jax.Array:
        sums = sums_in(params, words, inputs, pretrained.attention_heads, key)
        each = jnp.where(answers == 1, balance * jax.nn.softplus(-sums), jax.nn.softplus(sums))
        return (each * weights).sum() / len(answers)

    def step(params: Params, state: Any, inputs: Padded, answers: np.ndarray, weights: np.ndarray, key: jax.Array) -> tuple[Params, Any, jax.Array]:  # noqa: ANN401  # the optimizer's own tree  # fmt: skip
        value, slope = jax.value_and_grad(loss)(params, inputs, answers, weights, key)
        change, state = optimizer.update(slope, state, params)
        return optax.apply_updates(params, change), state, value

    stepped = jax.jit(step)
    chance, key, done, began, total = np.random.default_rng(1), jax.random.key(0), 0, time.time(), 0.0
    while done < steps:
        for length, places in batches(rows, chance):
            if done == steps:
                break
            some = [rows[place] for place in places]
            key, one = jax.random.split(key)
            answers, weights = np.array([row.answers for row in some]), np.array([row.weights for row in some])
            params, state, value = stepped(params, state, padded(some, length), answers, weights, one)
            total, done = total + float(value), done + 1
            if done % 200 == 0:
                told(f"encoder: {done} of {steps} steps, loss {total / 200:.3f}, {time.time() - began:.0f} s")
                total = 0.0
    found: Params = jax.tree.map(np.asarray, params)
    return found


def balance_of(rows: Sequence[Row]) -> np.ndarray:
    """What is rare counts more, within bounds."""
    answers = sum((row.answers * row.weights).astype(np.float64) for row in rows)
    share = (np.asarray(answers) + 1) / (np.asarray(sum(row.weights.astype(np.float64) for row in rows)) + 1)
    found: np.ndarray = np.minimum(MOST_BALANCE, np.where(share < 0.3, np.sqrt(0.3 / share), 1.0)).astype(np.float32)
    return found


def optimizer_of(params: Params, steps: int, course: Course) -> optax.GradientTransformation:
    warm = int(steps * WARM)
    rate = optax.join_schedules([optax.linear_schedule(0, 1, warm), optax.linear_schedule(1, 0, steps - warm)], [warm])
    of_head = jax.tree_util.tree_map_with_path(
        lambda path, _: "head" if path[0].key.startswith("answers") else "body", params
    )
    rates = {
        name: optax.adamw(partial(_scaled, rate, most), weight_decay=0.01)
        for name, most in (("body", course.rate), ("head", course.answer_rate))
    }
    return optax.chain(optax.clip_by_global_norm(2.0), optax.multi_transform(rates, of_head))


def _scaled(rate: Callable[[int], float], most: float, step: int) -> float:
    return rate(step) * most


def stored_layers(
    params: Params, *, width: int, heads: int, pieces: tuple[str, ...], scores: np.ndarray, folding: dict[str, str], words: np.ndarray,
    questions: dict[Role, tuple[str, ...]],
) -> StoredEncoder:  # fmt: skip
    """A transformer as it ships, at eight bits a weight; word vectors have a factor each."""
    factors = np.maximum(np.abs(words).max(axis=1), 1e-6) / 127
    vectors = np.zeros(len(words), word_form(width))
    vectors["factor"], vectors["weights"] = factors, np.rint(words / factors[:, None])
    answers = _matrix(params["answers"])
    version = blake2b(answers.weights + params["layers"][0]["widen"].tobytes(), digest_size=4).hexdigest()
    return StoredEncoder(
        version=f"2-{version}", width=width, attention_heads=heads, pieces=pieces, scores=_bytes(scores), folding=folding,
        words=vectors.tobytes(), places=_bytes(params["places"]), norm=_pair(params["norm"]), layers=tuple(map(_stored, params["layers"])),
        questions=questions, answers=answers, answers_bias=_bytes(params["answers_bias"]),
    )  # fmt: skip


def _stored(layer: Params) -> Layer:
    return Layer(
        attend=_matrix(layer["attend"]), attend_bias=_bytes(layer["attend_bias"]), gather=_matrix(layer["gather"]),
        gather_bias=_bytes(layer["gather_bias"]), first_norm=_pair(layer["first_norm"]), widen=_matrix(layer["widen"]),
        widen_bias=_bytes(layer["widen_bias"]), narrow=_matrix(layer["narrow"]), narrow_bias=_bytes(layer["narrow_bias"]),
        second_norm=_pair(layer["second_norm"]),
    )  # fmt: skip


def _matrix(weights: np.ndarray) -> Matrix:
    scales = np.maximum(np.abs(weights).max(axis=0), 1e-8) / 127
    return Matrix(len(weights), np.rint(weights / scales).astype(np.int8).tobytes(), _bytes(scales))


def _bytes(values: np.ndarray) -> bytes:
    return bytes(np.ascontiguousarray(values, np.float32).tobytes())


def _pair(norm: tuple[np.ndarray, np.ndarray]) -> tuple[bytes, bytes]:
    return _bytes(norm[0]), _bytes(norm[1])


def sums_of(encoder: Encoder, examples: Sequence[Example], role: Role) -> np.ndarray:
    """What the shipped encoder says of examples: one row each."""
    answers = [encoder.answers(one.text, role, one.context)[0] for one in examples]
    return np.array(answers, np.float32).reshape(len(examples), -1)

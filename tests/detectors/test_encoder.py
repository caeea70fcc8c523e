"""The encoder reads what ships in a few milliseconds, takes any text, and computes what its definition says."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib import resources
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouban.core.signals import Role
from shouban.detectors.encoder import (
    END,
    START,
    TEXT_PIECES,
    TURN_PIECES,
    UNKNOWN,
    Encoder,
    Layer,
    Matrix,
    StoredEncoder,
    Tokenizer,
    input_pieces,
    load,
    packed,
    readable,
    shipped_encoder,
    word_form,
)

WIDTH, HEADS, WIDE, PLACES = 64, 2, 96, 128
PIECES = (
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "\u2581",
    "我",
    "不",
    "想",
    "不想",
    "query",
    ":",
    "user",
    "companion",
    "a",
    "b",
    "活",
)
QUESTIONS: dict[Role, tuple[str, ...]] = {"user": ("x", "y"), "companion": ("z",)}
MEGABYTES = 12


def made(seed: int = 0) -> StoredEncoder:
    """A small encoder of random weights."""
    chance = np.random.default_rng(seed)

    def vector(size: int, about: float = 0.0) -> bytes:
        return bytes((about + chance.normal(size=size) * 0.1).astype(np.float32).tobytes())

    def matrix(rows: int, columns: int) -> Matrix:
        weights = chance.integers(-127, 128, size=(rows, columns), dtype=np.int8)
        return Matrix(rows, weights.tobytes(), bytes(np.full(columns, 0.004, np.float32).tobytes()))

    def layer() -> Layer:
        return Layer(
            attend=matrix(WIDTH, 3 * WIDTH), attend_bias=vector(3 * WIDTH), gather=matrix(WIDTH, WIDTH), gather_bias=vector(WIDTH),
            first_norm=(vector(WIDTH, 1), vector(WIDTH)), widen=matrix(WIDTH, WIDE), widen_bias=vector(WIDE),
            narrow=matrix(WIDE, WIDTH), narrow_bias=vector(WIDTH), second_norm=(vector(WIDTH, 1), vector(WIDTH)),
        )  # fmt: skip

    words = np.zeros(len(PIECES), word_form(WIDTH))
    words["factor"] = 0.003
    words["weights"] = chance.integers(-127, 128, size=(len(words), WIDTH))
    scores = np.linspace(-1, -3, len(PIECES)).astype(np.float32).tobytes()
    return StoredEncoder(
        version="t", width=WIDTH, attention_heads=HEADS, pieces=PIECES, scores=scores, folding={"Ａ": "a"}, words=words.tobytes(),
        places=vector(PLACES * WIDTH), norm=(vector(WIDTH, 1), vector(WIDTH)), layers=(layer(), layer()), questions=QUESTIONS,
        answers=matrix(2 * WIDTH, 3), answers_bias=vector(3),
    )  # fmt: skip


# --- a second writing of the same definition, number by number


def reference(stored: StoredEncoder, pieces: Sequence[int], own: int) -> list[float]:
    def floats(raw: bytes) -> list[float]:
        return [float(one) for one in np.frombuffer(raw, np.float32)]

    def rows(matrix: Matrix) -> list[list[float]]:
        scales = floats(matrix.scales)
        flat = np.frombuffer(matrix.weights, np.int8)
        width = len(scales)
        return [
            [int(flat[at * width + column]) * scales[column] for column in range(width)] for at in range(matrix.rows)
        ]

    def times(vector: Sequence[float], matrix: list[list[float]], bias: Sequence[float]) -> list[float]:
        return [sum(a * row[at] for a, row in zip(vector, matrix, strict=True)) + one for at, one in enumerate(bias)]

    def normed(vector: Sequence[float], norm: tuple[bytes, bytes]) -> list[float]:
        mean = sum(vector) / len(vector)
        spread = math.sqrt(sum((one - mean) ** 2 for one in vector) / len(vector) + 1e-12)
        return [
            (one - mean) / spread * w + b for one, w, b in zip(vector, floats(norm[0]), floats(norm[1]), strict=True)
        ]

    def word(piece: int) -> list[float]:
        size = 2 + WIDTH
        kept = stored.words[piece * size : (piece + 1) * size]
        factor = float(np.frombuffer(kept[:2], np.float16)[0])
        return [(byte - 256 if byte > 127 else byte) * factor for byte in kept[2:]]

    places = floats(stored.places)
    states = [
        normed([a + places[at * WIDTH + i] for i, a in enumerate(word(piece))], stored.norm)
        for at, piece in enumerate(pieces)
    ]
    size = WIDTH // HEADS
    for layer in stored.layers:
        mixed = [times(state, rows(layer.attend), floats(layer.attend_bias)) for state in states]
        seen = []
        for query in mixed:
            gathered: list[float] = []
            for head in range(HEADS):
                q = query[head * size : (head + 1) * size]
                marks = [
                    sum(a * b for a, b in zip(q, other[WIDTH + head * size :][:size], strict=True)) / math.sqrt(size)
                    for other in mixed
                ]
                exps = [math.exp(mark - max(marks)) for mark in marks]
                shares = [one / sum(exps) for one in exps]
                gathered += [
                    sum(share * other[2 * WIDTH + head * size + i] for share, other in zip(shares, mixed, strict=True))
                    for i in range(size)
                ]
            seen.append(gathered)
        added = [times(one, rows(layer.gather), floats(layer.gather_bias)) for one in seen]
        states = [
            normed([a + b for a, b in zip(*pair, strict=True)], layer.first_norm)
            for pair in zip(states, added, strict=True)
        ]
        wide = [
            [
                0.5 * x * (1 + math.tanh(0.7978845608 * (x + 0.044715 * x**3)))
                for x in times(state, rows(layer.widen), floats(layer.widen_bias))
            ]
            for state in states
        ]
        more = [times(one, rows(layer.narrow), floats(layer.narrow_bias)) for one in wide]
        states = [
            normed([a + b for a, b in zip(*pair, strict=True)], layer.second_norm)
            for pair in zip(states, more, strict=True)
        ]
    pooled = [sum(state[i] for state in some) / len(some) for some in (states, states[own:]) for i in range(WIDTH)]
    return times(pooled, rows(stored.answers), floats(stored.answers_bias))


@pytest.mark.parametrize("role", ["user", "companion"])
def test_the_numbers_are_those_of_the_definition(role: Role) -> None:
    stored = made()
    encoder = Encoder(load(packed(stored)))
    context: list[tuple[Role, str]] = [("user", "我想"), ("companion", "不")]
    tokenizer = Tokenizer(PIECES, [float(one) for one in np.frombuffer(stored.scores, np.float32)], stored.folding)
    before, own = input_pieces(tokenizer, "我不想活", role, context)
    expected = reference(stored, [*before, *own], len(before))
    wanted = expected[:2] if role == "user" else expected[2:]
    assert encoder.answers("我不想活", role, context)[0] == pytest.approx(wanted, abs=1e-3)


# --- cutting into pieces


def test_the_likeliest_pieces_are_taken_and_what_is_unknown_stands_alone() -> None:
    tokenizer = Tokenizer(PIECES, [-1.0] * len(PIECES), {})
    cut = [PIECES[piece] for piece in tokenizer.pieces("我不想☃")]
    assert cut == ["\u2581", "我", "不想", "<unk>"]


@given(st.text(max_size=60))
def test_any_text_is_cut(text: str) -> None:
    pieces = Tokenizer(PIECES, [-1.0] * len(PIECES), {"Ａ": "a"}).pieces(text)
    assert all(UNKNOWN <= piece < len(PIECES) for piece in pieces)
    assert len(pieces) <= len(text) + 1


@given(
    text=st.text("ab", max_size=9),
    words=st.dictionaries(st.text("ab\u2581", min_size=1, max_size=4), st.integers(-9, -1), min_size=1, max_size=8),
)
def test_no_other_segmentation_is_likelier(text: str, words: dict[str, int]) -> None:
    """Against every way to cut the text there is."""
    named = ["<s>", "<pad>", "</s>", "<unk>", *words]
    scores = [0.0] * 4 + [float(one) for one in words.values()]
    unknown = min(scores) - 10

    def best(rest: str) -> float:
        if not rest:
            return 0.0
        whole = [words[rest[:end]] + best(rest[end:]) for end in range(1, len(rest) + 1) if rest[:end] in words]
        return max([*whole, unknown + best(rest[1:])])

    cut = Tokenizer(named, scores, {}).pieces(text)
    assert sum(unknown if piece == UNKNOWN else scores[piece] for piece in cut) == best(f"\u2581{text}")


def test_what_is_read_has_its_bounds() -> None:
    tokenizer = Tokenizer(PIECES, [-1.0] * len(PIECES), {})
    before, own = input_pieces(tokenizer, "我" * 5000, "user", [("user", "想" * 5000)] * 9)
    assert before[0] == START
    assert own[-1] == END
    assert len(own) <= TEXT_PIECES + 1
    assert len(before) <= TURN_PIECES + 12


def test_separators_between_characters_are_looked_through() -> None:
    assert readable("我*不*想*活*了") == "我不想活了"
    assert readable("今天,我很好。") == "今天,我很好。"


# --- what ships


def test_all_models_together_are_small() -> None:
    folder = resources.files("shouban.detectors").joinpath("models")
    sizes = {file.name: len(file.read_bytes()) for file in folder.iterdir() if file.name.endswith(".model")}
    assert set(sizes) == {"user.model", "companion.model", "encoder.model"}
    assert sum(sizes.values()) <= MEGABYTES * 1_000_000


@settings(max_examples=30)
@given(st.text(max_size=300), st.sampled_from(["user", "companion"]))
def test_the_shipped_encoder_takes_any_text_and_always_says_the_same(text: str, role: Role) -> None:
    encoder = shipped_encoder()
    answers, _ = encoder.answers(text, role, [("companion", text)])
    assert len(answers) == len(encoder.questions[role])
    assert all(math.isfinite(one) for one in answers)
    assert answers == encoder.answers(text, role, [("companion", text)])[0]


def test_it_minds_the_turns_before() -> None:
    encoder = shipped_encoder()
    alone, is_whole = encoder.answers("都安排好了", "user", [])
    danger, _ = encoder.answers(
        "都安排好了", "user", [("user", "这几天一直在想怎么结束"), ("companion", "你现在安全吗？")]
    )
    travel, _ = encoder.answers("都安排好了", "user", [("user", "周末带爸妈去杭州玩"), ("companion", "酒店订了吗？")])
    assert is_whole
    assert not encoder.answers("好" * 400, "user", [])[1]
    place = encoder.questions["user"].index("crisis>=2")
    assert danger[place] > travel[place]
    assert danger[place] != alone[place]


def test_a_long_text_takes_no_longer_than_its_bound() -> None:
    encoder = shipped_encoder()
    taken: Callable[[str], float] = lambda text: min(_seconds(encoder, text) for _ in range(5))  # noqa: E731  # used twice below
    assert taken("今天天气很好" * 5000) < 20 * taken("今天天气很好" * 30)


def _seconds(encoder: Any, text: str) -> float:
    began = perf_counter()
    encoder.answers(text, "user", [])
    return perf_counter() - began

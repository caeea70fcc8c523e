"""A model small enough to add up by hand: two questions, four runs."""

from __future__ import annotations

from shouban.detectors.linear import Head, Model, Stored, load, packed

HEADS = (Head("crisis", 2, -1.0, 0.5, 0.25, 1.0, 0.0, 0.5), Head("exit_intent", 3, 0.5, 0.1, 0.1, 2.0, -1.0, 0.5))
RUNS = ("甲", "乙", "甲乙", "丙")
WEIGHTS = [[3, -2], [-1, 5], [7, 0], [0, -4]]
IDF = (1.0, 1.5, 2.0, 0.5)


def small() -> Model:
    stored = Stored(
        role="user", version="t", heads=HEADS, runs=RUNS, weights=bytes(w + 128 for row in WEIGHTS for w in row), idf=IDF,
        context_runs=((1,), ()), context_weights=(bytes([128 + 4, 128]), b""),
    )  # fmt: skip
    return Model(load(packed(stored)))

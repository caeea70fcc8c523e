"""A real and tiny classifier in ONNX, made on the spot: 死 is danger, 累 is half of it, 妈 is kin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

LETTERS: Final = {"?": 0, "死": 1, "累": 2, "妈": 3}
# What each letter weighs for the two outputs: danger, and kin.
WEIGHTS: Final = [[-4.0, -4.0], [4.0, -4.0], [0.5, -4.0], [-4.0, 4.0]]
HEADS: Final[list[dict[str, Any]]] = [
    {"output": 0, "signal": "crisis", "level": 2, "threshold": 0.5},
    {"output": 0, "signal": "crisis", "level": 3, "threshold": 0.9, "slope": 1.0, "offset": 0.0},
    {"output": 1, "signal": "kin_request", "level": 3},
]


def make_folder(folder: Path) -> Path:
    """A folder in which nothing is wrong."""
    folder.mkdir()
    make_model(folder / "model.onnx")
    tokenizer = Tokenizer(WordLevel(LETTERS, unk_token="?"))
    tokenizer.pre_tokenizer = Split(Regex("."), "isolated")
    tokenizer.save(str(folder / "tokenizer.json"))
    write_heads(folder, {"roles": ["user"], "heads": HEADS, "max_tokens": 16})
    return folder


def make_model(file: Path, *, name: str = "input_ids", axis: int = 1) -> None:
    """The largest weight of any letter, output by output: an embedding of two numbers and a maximum over the text."""
    nodes = [
        helper.make_node("Gather", ["weights", name], ["rows"]),
        helper.make_node("ReduceMax", ["rows", "axes"], ["out"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, [1, None])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, None])],
        [numpy_helper.from_array(np.array(WEIGHTS, dtype=np.float32), "weights"), numpy_helper.from_array(np.array([axis], dtype=np.int64), "axes")],
    )  # fmt: skip
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(file))


def write_heads(folder: Path, document: Any) -> None:
    (folder / "heads.json").write_text(json.dumps(document))

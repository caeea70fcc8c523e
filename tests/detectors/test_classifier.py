"""A classifier in ONNX: a real, tiny one, made here; what is wrong with a folder is told by name; a failure reads unknown."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from tests.detectors.tiny import HEADS, make_folder, make_model, write_heads

from shouban.core.errors import OperatorError
from shouban.core.signals import Level
from shouban.detectors.classifier import MOST_WAITING, Classifier, Head, load_classifier
from shouban.detectors.opinion import Opinion

ALL: Final = frozenset({"crisis", "kin_request"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "tiny")


def ask(classifier: Classifier, text: str, signals: frozenset[str] = ALL) -> Opinion:
    async def run() -> Opinion:
        try:
            return await classifier.ask(text, signals)
        finally:
            await classifier.close()

    return asyncio.run(run())


def levels(opinion: Opinion) -> dict[str, int | str]:
    return {one.signal: one.level for one in opinion.readings}


# --- reading


@pytest.mark.parametrize(
    ("text", "found"),
    [("死", {"crisis": 3}), ("累", {"crisis": 2}), ("妈", {"kin_request": 3}), ("死妈", {"crisis": 3, "kin_request": 3}), ("好", {})],
)  # fmt: skip
def test_the_highest_level_whose_head_reads_is_the_reading(folder: Path, text: str, found: dict[str, int]) -> None:
    opinion = ask(load_classifier(folder, deadline=10), text)
    assert (levels(opinion), opinion.outcome) == (found, "answered")


def test_a_text_longer_than_the_model_may_read_is_unknown_for_danger_may_stand_in_the_rest(folder: Path) -> None:
    opinion = ask(load_classifier(folder, deadline=10), "好" * 20 + "死")
    assert opinion.outcome == "failed"
    assert set(levels(opinion).values()) == {"unknown"}


def test_only_what_was_asked_about_is_read(folder: Path) -> None:
    assert levels(ask(load_classifier(folder, deadline=10), "死妈", frozenset({"kin_request"}))) == {"kin_request": 3}


def test_a_reading_has_its_probability_and_the_version_of_the_folder(folder: Path) -> None:
    (reading,) = ask(load_classifier(folder, deadline=10), "累").readings
    assert reading.score == pytest.approx(0.622, abs=0.001)
    assert reading.detector == "classifier"
    assert reading.version.startswith("tiny@")
    before = reading.version
    write_heads(folder, {"heads": HEADS[:1]})
    assert load_classifier(folder, deadline=10).version != before


def test_halves_of_a_pair_and_what_no_tokenizer_knows_are_read(folder: Path) -> None:
    assert ask(load_classifier(folder, deadline=10), "\ud800死\x00").outcome == "answered"


# --- not reading


def test_numbers_that_are_none_read_unknown(folder: Path) -> None:
    opinion = ask(load_classifier(folder, deadline=10), "")
    assert (levels(opinion), opinion.outcome) == ({"crisis": "unknown", "kin_request": "unknown"}, "failed")


def never(text: str) -> Sequence[float]:
    raise ValueError("a model fell over")


def test_a_model_that_fails_reads_unknown() -> None:
    opinion = ask(Classifier([Head(0, "crisis", 2)], "1", never, 5), "死", frozenset({"crisis"}))
    assert (levels(opinion), opinion.outcome) == ({"crisis": "unknown"}, "failed")


def test_a_model_that_is_late_reads_unknown_and_so_does_one_text_too_many() -> None:
    gate = threading.Event()

    def slow(text: str) -> Sequence[float]:
        gate.wait(10)
        return [9.0]

    async def run() -> tuple[list[Opinion], Opinion, Opinion]:
        classifier = Classifier([Head(0, "crisis", 2)], "1", slow, 0.05)
        crisis = frozenset({"crisis"})
        asks = [asyncio.ensure_future(classifier.ask("死", crisis)) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        more = await classifier.ask("死", crisis)
        late = await asyncio.gather(*asks)
        gate.set()
        later = await Classifier([Head(0, "crisis", 2)], "1", slow, 5).ask("死", crisis)
        await classifier.close()
        return late, more, later

    late, more, later = asyncio.run(run())
    assert {one.outcome for one in late} == {"late"}
    assert {tuple(levels(one).items()) for one in late} == {(("crisis", "unknown"),)}
    assert more.outcome == "busy"
    assert later.readings[0].level == Level.MEDIUM


# --- what is wrong with a folder


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "heads.json"])
def test_a_file_that_is_missing_or_garbage_is_told_by_name(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xff\x00garbage")
    with pytest.raises(OperatorError, match=name):
        load_classifier(folder, deadline=1)
    (folder / name).unlink()
    with pytest.raises(OperatorError, match=rf"{name}. cannot be read"):
        load_classifier(folder, deadline=1)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "heads"),
        ({"heads": []}, "heads"),
        ({"heads": HEADS, "roles": ["companion"]}, "roles"),
        ({"heads": HEADS, "max_token": 8}, "max_token"),
        ({"heads": [{**HEADS[0], "signal": "crysis"}]}, "did you mean `crisis`"),
        ({"heads": [{**HEADS[0], "signal": "manipulation.guilt"}]}, "names signal `manipulation.guilt`"),
        ({"heads": [{**HEADS[0], "level": 5}]}, "level"),
        ({"heads": [{**HEADS[0], "threshold": 1.0}]}, "threshold"),
        ({"heads": [{**HEADS[0], "slope": -1}]}, "slope"),
        ({"heads": [{**HEADS[0], "output": 2}]}, "names output 2; `model.onnx` has 2"),
    ],
)
def test_heads_that_do_not_fit_say_what_is_wrong(folder: Path, document: Any, told: str) -> None:
    write_heads(folder, document)
    with pytest.raises(OperatorError, match=told):
        load_classifier(folder, deadline=1)


def test_a_model_of_another_shape_is_refused_at_the_start(folder: Path) -> None:
    make_model(folder / "model.onnx", name="pixels")
    with pytest.raises(OperatorError, match="input `pixels`"):
        load_classifier(folder, deadline=1)
    make_model(folder / "model.onnx", axis=0)
    with pytest.raises(OperatorError, match="one row of numbers"):
        load_classifier(folder, deadline=1)


@pytest.mark.parametrize("library", ["onnxruntime", "tokenizers"])
def test_without_the_libraries_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(OperatorError, match=r"shouban\[onnx\]"):
        load_classifier(folder, deadline=1)

"""Labelled texts: a line that is wrong is named, a pair is never parted, and nobody's silence is taken for a judgement."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.likeness import near_duplicates, template_likeness

from shouban.core.errors import OperatorError
from shouban.core.signals import SIGNALS
from shouban.detectors.labelled import (
    HELD_BACK,
    LabelError,
    case_of_row,
    lines_of,
    parse_line,
    read_labelled,
    split_of,
)

CORPORA = Path(__file__).resolve().parents[2] / "corpora"
GOOD = "u\tcrisis=4,-exit_intent\tindirect,p:c1\tu:你好‖c:我在\t不用等我了"


def parsed(raw: str) -> object:
    return parse_line(raw, lang="zh", name="x")


def test_a_line_says_what_is_there_what_is_not_and_what_came_before() -> None:
    case = parse_line(GOOD, lang="zh", name="x")
    assert case.levels == {"crisis": 4}
    assert case.level_of("exit_intent") == 0
    assert case.context == (("user", "你好"), ("companion", "我在"))
    assert case.tags == {"indirect"}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("u\tcrisis=4\t\t不用等我了", "4 columns"), ("x\tnone\t\t\t好", "role `x`"), ("u\tnone\t\t\t ", "no text"), ("u\tcrysis=4\t\t\t好", "did you mean `crisis`"),
        ("c\tcrisis=2\t\t\t好", "not read in the words of a companion"), ("u\tcrisis=5\t\t\t好", "neither"), ("u\texit_intent=2\t\t\t好", "neither"),
        ("u\tcrisis=2,-crisis\t\t\t好", "both present and absent"), ("u\temotion=3\t\t\t气", "needs a tag `kind:"), ("u\tnone\tindirekt\t\t好", "no tag `indirekt`"),
        ("u\tnone\t\tx:hm\t好", "does not begin with"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named(raw: str, says: str) -> None:
    with pytest.raises(LabelError, match=says.replace("(", r"\(")):
        parsed(raw)


def test_the_file_and_the_line_are_named_too(tmp_path: Path) -> None:
    file = tmp_path / "x.tsv"
    file.write_text(f"role\tlabels\ttags\tcontext\ttext\n{GOOD}\nu\tnone\t\t\t\n")
    with pytest.raises(OperatorError, match=r"x\.tsv:3: no text"):
        list(read_labelled(tmp_path))
    with pytest.raises(OperatorError, match="neither a directory nor"):
        list(read_labelled(tmp_path / "x.csv"))


def test_every_line_of_our_corpus_is_as_the_guide_asks() -> None:
    cases = list(read_labelled(CORPORA))
    assert sum(case.lang == "zh" for case in cases) >= 9000
    assert sum(case.lang == "en" for case in cases) >= 2000
    shown = {signal for case in cases for signal in case.levels}
    assert shown == set(SIGNALS) - {"prohibited.state"}


def test_no_two_lines_of_the_corpus_are_the_same_and_no_pair_is_parted() -> None:
    seen: set[str] = set()
    families: dict[tuple[str, str], set[str]] = {}
    for file in sorted(CORPORA.glob("*/*.tsv")):
        for _, raw in lines_of(file):
            case = parse_line(raw, lang=file.parent.name, name=file.stem)
            role, _, tags, context, text = raw.split("\t")
            assert f"{role}\t{context}\t{text}" not in seen, raw
            seen.add(f"{role}\t{context}\t{text}")
            for tag in tags.split(","):
                if tag.startswith("p:"):
                    families.setdefault((case.source, tag), set()).add(case.split)
    assert all(len(splits) == 1 for splits in families.values())


def test_no_line_of_one_split_nearly_stands_in_another() -> None:
    """If this fails: `python -m training.likeness` names the lines; tie them by one `p:` tag, or write another."""
    cases = list(read_labelled(CORPORA))
    parted = [pair for pair in near_duplicates(cases) if pair.one.split != pair.other.split and pair.one.levels == pair.other.levels]  # fmt: skip
    assert not parted, [(one.one.text, one.other.text) for one in parted]
    assert template_likeness(cases) < 0.35


def test_what_was_written_last_is_only_tested_on() -> None:
    late = [case for case in read_labelled(CORPORA) if case.source.split("-")[-1] in HELD_BACK]
    assert len(late) > 1000
    assert {case.split for case in late} == {"test"}


@given(st.text())
def test_a_text_is_always_in_the_same_split(text: str) -> None:
    assert split_of(text, kind="open") == split_of(text, kind="open")


def test_rows_of_public_data_say_only_what_they_were_judged_for(tmp_path: Path) -> None:
    rows = [
        {"text": "不想活了", "task": "crisis", "label": 3}, {"text": "看电影吗", "task": "benign_chat", "label": "none", "context": ["在吗"]},
        {"text": "四川人都这样", "task": "offensive", "label": 1}, {"text": "x", "task": "fraud", "label": "fraud"},
    ]  # fmt: skip
    with gzip.open(tmp_path / "cold.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write("\n".join(json.dumps(row) for row in rows))
    crisis, chat, offensive = read_labelled(tmp_path)
    assert crisis.level_of("crisis") == 3
    assert crisis.level_of("exit_intent") is None
    assert chat.level_of("prohibited.crime") == 0
    assert chat.level_of("adult_cue") is None
    assert chat.context == (("companion", "在吗"),)
    assert offensive.level_of("prohibited.discrimination") == 2
    assert not list(case_of_row({"text": 3, "task": "crisis", "label": 1}, "x"))

"""`shouban eval`: figures of labelled texts, each signal on each source by itself, in a table, a page and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shouban.cli.main import main

LINES = """role\tlabels\ttags\tcontext\ttext
u\tcrisis=4\t\t\t我要自杀，今晚就走
u\tcrisis=3\t\t\t想割腕
u\tcrisis=2\t\t\t我不想活了
u\tcrisis=2\t\t\t真想一睡不醒
u\tcrisis=3\t\t\t怎么自杀
u\t-crisis\t\t\t笑死我了
u\t-crisis\t\t\t累死我了，加班到十点
u\tnone\t\t\t今天天气很好
"""
CHAT = [
    {"text": text, "task": "benign_chat", "label": "none"}
    for text in ("看电影吗", "吃了吗", "周末去爬山", "这首歌好听")
]


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["eval", *words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "zh"
    folder.mkdir(parents=True)
    (folder / "small.tsv").write_text(LINES, encoding="utf-8")
    (folder / "kdconv.jsonl").write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in CHAT), encoding="utf-8"
    )
    return folder


def test_each_signal_has_a_row_a_source(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "eval.json"
    code = run(
        "--data",
        str(data),
        "--split",
        "all",
        "--signal",
        "crisis",
        "--json",
        str(out),
        "--html",
        str(tmp_path / "eval.html"),
    )
    assert code == 0
    assert "crisis" in capsys.readouterr().out
    found = json.loads(out.read_text())
    figures = {(one["signal"], one["source"]): one for one in found["figures"]}
    assert set(figures) == {("crisis", "corpus-zh-small"), ("crisis", "kdconv")}
    small = figures["crisis", "corpus-zh-small"]
    assert (small["there"], small["cases"]) == (5, 8)
    assert small["recall"] == 1.0
    assert small["false_alarms"] == 0.0
    assert small["average_precision"] == 1.0
    assert set(small["tiers"]) == {"lists and rules", "models", "together"}
    assert sum(map(sum, small["confusion"])) == 8
    assert figures["crisis", "kdconv"]["false_alarms"] == 0.0
    page = (tmp_path / "eval.html").read_text(encoding="utf-8")
    assert "corpus-zh-small" in page
    assert "<script" not in page


def test_nothing_of_that_split_is_an_error_that_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.tsv").write_text("role\tlabels\ttags\tcontext\ttext\n")
    code = run("--data", str(tmp_path))
    assert code != 0
    assert "no labelled text of split `test`" in capsys.readouterr().err


def test_a_signal_that_is_none_is_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run("--data", str(data), "--signal", "crysis")
    assert code == 2
    assert "did you mean `crisis`" in capsys.readouterr().err


def test_a_line_that_is_wrong_is_named_with_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.tsv").write_text("u\tcrisis=9\t\t\tx\n")
    code = run("--data", str(tmp_path))
    assert code != 0
    assert "bad.tsv:1" in capsys.readouterr().err

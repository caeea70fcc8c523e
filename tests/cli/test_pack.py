"""`shouban pack` tells what the packs ask for, and its exit code says whether all is well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shouban.cli.pack import app


def run(*tokens: str) -> Any:
    return app(list(tokens), result_action="return_value", exit_on_error=False)


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_list_names_the_shipped_packs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--json") == 0
    packs = {one["id"]: one for one in printed(capsys)}
    assert packs["cn"]["stack"] == ["cn-2025-draft", "cn-2026-order21"]
    assert len(packs["cn-2026-order21"]["digest"]) == 64
    assert run("list") == 0
    assert "cn-2026-order21" in capsys.readouterr().out


def test_show_tells_law_numbers_and_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "cn-2026-order21", "--json") == 0
    shown = printed(capsys)
    assert shown["laws"][0]["in_force_from"] == "2026-07-15"
    assert shown["settings"]["idle_limit"] == "15m"
    assert shown["unknown"]["crisis"] == "high"
    assert run("show", "cn", "--language", "en") == 0
    assert "Say that this" in capsys.readouterr().out


def test_check_is_clean_on_the_shipped_packs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check") == 0
    out = capsys.readouterr().out
    assert "cn: good" in out
    assert "D028" in out
    assert run("check", "cn") == 0
    assert "12356" in capsys.readouterr().out


def test_check_of_a_broken_pack_names_the_line_and_ends_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pack.yaml").write_text("id: x\nversion: '1'\ntitel: y\n", encoding="utf-8")
    assert run("check", str(tmp_path)) == 1
    assert "pack.yaml:3: unknown key `titel`; did you mean `title`?" in capsys.readouterr().out
    assert run("check", str(tmp_path), "--json") == 1
    assert printed(capsys)[0]["problems"]


def test_explain_says_article_condition_obligations_and_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "cn-2026-order21.two-hours", "--json") == 0
    zh, en = printed(capsys)
    assert (zh["article"], zh["evidence"]) == ("第十八条", "提醒事件与时钟状态")
    assert en["condition"] == "use since the last reminder on two-hours is at least 2h"
    assert run("explain", "cn-2026-order21.two-hours") == 0
    assert "第十八条" in capsys.readouterr().out


def test_diff_lists_what_changes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("diff", "cn-2025-draft", "cn-2026-order21", "--json") == 0
    assert "under-14-consent" in [change["name"] for change in printed(capsys)]
    assert run("diff", "cn", "cn") == 0
    assert "no difference" in capsys.readouterr().out


@pytest.mark.parametrize("tokens", [("show", "cm"), ("explain", "nothing"), ("diff", "cn", "cm"), ("check", "cm")])
def test_a_name_that_is_not_there_ends_with_two(tokens: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*tokens) == 2
    assert "there is no" in capsys.readouterr().err


def test_a_providers_words_are_imported_and_bad_lines_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "words.txt").write_text("六合彩包赢\n网上开赌场\n", encoding="utf-8")
    asked = ("import-words", str(tmp_path / "words.txt"), "--class", "gambling", "--data", str(tmp_path))
    assert run(*asked) == 0
    assert "2 words added" in capsys.readouterr().out
    assert (tmp_path / "words").is_dir()
    (tmp_path / "words.txt").write_bytes("新词汇一号\n".encode() + b"\xff\xfe\n")
    assert run(*asked, "--json") == 1
    assert printed(capsys)["refused"][0][0] == 2


def test_a_word_file_that_is_not_there_is_the_callers_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import-words", str(tmp_path / "no.txt"), "--class", "gambling", "--data", str(tmp_path)) == 2
    assert run("import-words", __file__, "--class", "gambing", "--data", str(tmp_path)) == 2
    assert "gambling" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["list", "show", "check", "explain", "diff", "import-words"])
def test_every_command_helps_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    app([command, "--help"], result_action="return_value")
    assert f"Example: shouban pack {command}" in capsys.readouterr().out

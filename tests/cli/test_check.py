"""`shouban check`: the form of design §7, line by line."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.serving import LISTED, ROOT, cached_detectors, cached_law

import shouban.cli.check
from shouban.cli.main import main


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law and detectors are the real ones, read once a test run."""
    monkeypatch.setattr(shouban.cli.check, "load_pack", cached_law)
    monkeypatch.setattr(shouban.cli.check, "build_detectors", cached_detectors)


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["check", *words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def lines_of(capture: pytest.CaptureFixture[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capture.readouterr().out.splitlines()]


def checked(capture: pytest.CaptureFixture[bytes], tmp_path: Path, *lines: Any, code: int = 0) -> list[dict[str, Any]]:
    file = tmp_path / "in.jsonl"
    file.write_bytes(
        b"\n".join(line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines)
    )
    assert run("--json", "--file", str(file)) == code
    return lines_of(capture)


def test_each_line_is_answered_by_one_line_of_readings_obligations_and_safe_text(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    found = checked(
        capsysbinary,
        tmp_path,
        {"text": "我不想活了"},
        {"text": "今天天气真好"},
        {"text": "我的手机13812345678", "id": 7},
    )
    assert all({"readings", "obligations", "safe_text"} <= set(line) for line in found)
    assert found[0]["readings"][0] | {"signal": "crisis", "level": 2} == found[0]["readings"][0]
    assert "12356" in found[0]["safe_text"]
    assert ([one["obligation"] for one in found[1]["obligations"]], found[1]["safe_text"]) == (
        ["Allow"],
        "今天天气真好",
    )
    assert (found[2]["safe_text"], found[2]["id"]) == ("我的手机〔手机号〕", 7)


def test_role_context_and_profile_count(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    context = [{"role": "user", "text": "早上好"}, {"role": "companion", "text": "早"}]
    asks: list[Any] = [{"text": "再见", "role": role, "context": context} for role in ("user", "companion")]
    asks += [{"text": "做我女朋友吧", "user": {"age_band": band}} for band in ("adult", "14_15")]
    owed = [{one["obligation"] for one in line["obligations"]} for line in checked(capsysbinary, tmp_path, *asks)]
    assert "EndSession" in owed[0]
    assert "EndSession" not in owed[1]
    assert "ReplaceReply" not in owed[2]
    assert "ReplaceReply" in owed[3]


def test_each_line_is_judged_on_its_own(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    alone = checked(capsysbinary, tmp_path, {"text": "你好", "user": "u"})
    after = checked(
        capsysbinary, tmp_path, {"text": "我写好遗书了，今晚就去死", "user": "u"}, {"text": "你好", "user": "u"}
    )
    assert after[1] == alone[0]


def test_bad_lines_are_told_with_their_number_and_answered_in_their_place(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(b'{"text": "a"}\n{"txt": "b"}\n\n\xff\n{"text": "c"}\n')
    assert run("--json", "--file", str(file)) == 1
    out, err = capsysbinary.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    assert [line.get("line") for line in found] == [None, 2, 4, None]
    assert f"{file}:2:".encode() in err
    assert b"text" in err


def test_a_dash_is_standard_input(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO('{"text": "再见"}\n'.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run("--json", "--file", "-") == 0
    assert lines_of(capsysbinary)[0]["readings"][0]["signal"] == "exit_intent"


def test_it_works_as_the_command_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shouban", "check", "--json", "--file", "-"],
        input='{"text": "我不想活了"}\n{"text": "你好"}\n'.encode(), capture_output=True, timeout=60, check=False, cwd=ROOT, env={"PYTHONPATH": "src", "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["obligations"][0]["obligation"] for line in done.stdout.splitlines()][1] == "Allow"


def test_texts_may_be_given_as_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("我不想活了", "你好") == 0
    out = capsys.readouterr().out
    assert "crisis: 2" in out
    assert "→ ShowHelp  because" in out
    assert "→ Allow" in out


def test_a_providers_own_words_are_read_too(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "gambling.txt").write_text(LISTED)
    assert run("--json", "--data", str(tmp_path), LISTED) == 0
    assert "prohibited.gambling" in {one["signal"] for one in lines_of(capsysbinary)[0]["readings"]}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "give texts"),
        (["x", "--file", "y"], "not both"),
        (["--file", "/nonexistent.jsonl"], "cannot be read"),
        (["x", "--role", "boss"], "--role"),
        (["x", "--pack", "mars"], "no pack `mars`"),
        (["x", "--jsn"], "jsn"),
    ],
)
def test_a_call_that_does_not_fit_ends_with_two_and_a_line(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert run(*words) == 2
    err = capsys.readouterr().err
    assert told in err
    assert "Traceback" not in err


def test_an_empty_file_is_answered_with_nothing(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    assert checked(capsysbinary, tmp_path) == []

"""`shouban care drill` as it is called: a table for people, JSON for machines, and an exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.duties.test_contact import hook

from shouban.cli import care
from shouban.cli.drill import Step
from shouban.core.errors import CallerError

GOOD = Step("template", "预设回复", "Template", good=True, ms=12.3, goal_ms=50.0, said="12356")
BAD = Step("desk", "关怀台", "Desk", good=False, ms=1_200.0, goal_ms=1_000.0)


def played(monkeypatch: pytest.MonkeyPatch, *steps: Step) -> None:
    monkeypatch.setattr(care, "play", lambda _data, _pack: list(steps))


def test_json_says_whether_all_went_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    played(monkeypatch, GOOD)
    assert care.drill(json=True) == 0
    assert json.loads(capsys.readouterr().out) == {
        "good": True, "steps": [{"step": "template", "ms": 12.3, "goal_ms": 50.0, "good": True, "said": "12356"}],
    }  # fmt: skip
    played(monkeypatch, GOOD, BAD)
    assert care.drill(json=True) == 1


@pytest.mark.parametrize(("language", "word"), [("zh", "关怀台"), ("en", "Desk")])
def test_the_table_is_in_the_readers_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str, word: str
) -> None:
    played(monkeypatch, GOOD, BAD)
    assert care.drill(language=language) == 1  # type: ignore[arg-type]  # one of the two
    shown = capsys.readouterr().out
    assert word in shown
    assert "1,200 ms" in shown
    assert "✗" in shown


def test_the_command_refuses_a_directory_in_use_with_code_2(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    ended = subprocess.run([sys.executable, "-m", "shouban", "care", "drill", "--data", str(tmp_path)], capture_output=True, text=True, check=False)  # fmt: skip
    assert ended.returncode == 2
    assert "not empty" in ended.stderr


def test_a_test_page_rings_each_address_and_says_what_became_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with hook() as phone:
        monkeypatch.setenv("SHOUBAN_ON_CALL", f"{phone.url},http://127.0.0.1:9/nobody")
        monkeypatch.setenv("SHOUBAN_PUBLIC_URL", "https://care.example")
        assert care.page() == 1, "one of the two was not reached"
        [told] = phone.told
    assert "演练" in told["title"]
    assert "https://care.example/care" in told["text"]
    shown = capsys.readouterr().out
    assert "1: ✓" in shown
    assert "2: ✗" in shown


def test_where_nobody_is_named_the_page_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHOUBAN_ON_CALL", raising=False)
    with pytest.raises(CallerError, match="on_call"):
        care.page()

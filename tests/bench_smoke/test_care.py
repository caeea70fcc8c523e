"""`python -m bench.care` and `python -m bench.takeovers` run from end to end with little; how fast anything is, is not asked here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(tmp_path: Path, *words: str) -> tuple[dict[str, Any], str]:
    figures, table = tmp_path / "figures.json", tmp_path / "table.md"
    table.write_text("# Performance\n", encoding="utf-8")
    command = [sys.executable, "-m", *words, "--json", str(figures), "--markdown", str(table)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert finished.returncode == 0, finished.stderr
    return json.loads(figures.read_text(encoding="utf-8")), table.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_crisis_is_measured_from_the_words_to_the_phone(tmp_path: Path) -> None:
    found, written = run(tmp_path, "bench.care", "--rates", "5", "--seconds", "2", "--desks", "3", "--cases", "6")
    (load,) = found["loads"]
    assert load["failed"] == 0
    assert len(load["template"]) == len(load["desk"]) == len(load["contact"]) >= 2
    assert all(0 < one < 20_000 for name in ("template", "desk", "contact") for one in load[name])
    assert found["desks"]["cases"] == 6
    assert written.startswith("# Performance\n")
    assert "3 open desks over 6 cases" in written


@pytest.mark.slow
def test_no_word_of_the_model_follows_a_takeover_also_over_a_kill(tmp_path: Path) -> None:
    found, written = run(tmp_path, "bench.takeovers", "--takeovers", "6", "--kill-each", "5")
    assert found["takeovers"] >= 6
    assert found["words_before"] > 0
    assert found["kills"] >= 1
    assert (found["late"], found["after_restart"], found["lost"]) == (0, 0, 0)
    assert "0 words of the model after a takeover" in written

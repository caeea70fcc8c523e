"""`python -m bench.people` runs from end to end with few people; how fast anything is, is not asked here."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CALLS = {"registration", "login", "purchase, allowed", "purchase, a minor's", "chat, past the day's limit"}


@pytest.mark.slow
def test_the_calls_are_measured_over_two_databases_of_registered_people(tmp_path: Path) -> None:
    figures, table = tmp_path / "people.json", tmp_path / "people.md"
    table.write_text("# Performance\n", encoding="utf-8")
    command = [sys.executable, "-m", "bench.people", "--users", "120", "--beside", "60", "--requests", "3"]
    command += ["--json", str(figures), "--markdown", str(table)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert finished.returncode == 0, finished.stderr
    report = json.loads(figures.read_text(encoding="utf-8"))
    for side, users in (("large", 120), ("small", 60)):
        found = report[side]
        assert found["users"] == users
        assert set(found["figures"]) == CALLS
        values = [value for call in found["figures"].values() for value in call.values()]
        values += [found[measure] for measure in ("fill_seconds", "database_mb", "memory_mb", "peak_mb")]
        assert all(math.isfinite(value) and value > 0 for value in values)
    written = table.read_text(encoding="utf-8")
    assert written.startswith("# Performance\n")
    assert "| registration |" in written
    assert "10 ms" in finished.stdout

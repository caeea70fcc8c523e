"""`python -m bench` runs from end to end; how fast anything is, is not asked here."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_bench_measures_the_reference_against_nothing_in_between(tmp_path: Path) -> None:
    figures, table = tmp_path / "bench.json", tmp_path / "bench.md"
    command = [sys.executable, "-m", "bench", "--only", "direct,aiohttp", "--quick"]
    command += ["--json", str(figures), "--markdown", str(table)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert finished.returncode == 0, finished.stderr
    report = json.loads(figures.read_text(encoding="utf-8"))
    reference = report["targets"]["aiohttp"]
    assert reference["errors"] == {}
    for measure in ("requests_per_s", "chunks_per_s", "cpu_us_per_chunk", "first_words_ms", "memory_mb"):
        assert math.isfinite(reference["figures"][measure])
        assert reference["figures"][measure] > 0
    assert {goal["verdict"] for goal in report["goals"]} == {"not measured"}
    assert "| aiohttp |" in table.read_text(encoding="utf-8")

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shouban.cli.simulate import simulate
from shouban.core.errors import CallerError, OperatorError
from shouban.offices.simulation.model import Report
from shouban.offices.simulation.work import MARK

EVIL = "<img src=x onerror=alert(1)>"
GOOD = [
    {
        "id": "plain",
        "messages": [{"role": "user", "content": "unmistakable-secret-words"}, {"role": "assistant", "content": "好"}],
    },
    {"id": EVIL, "messages": [{"role": "user", "content": "我不想活了", "at": "2026-08-03T10:00:00+08:00"}]},
    {"id": "again", "messages": [{"role": "user", "content": "再见"}], "user": "u"},
    {"id": "again", "messages": [{"role": "user", "content": "晚安"}], "user": "u"},
]
BAD = [
    b"not json",
    b'{"id": "x"}',
    b'{"id": "x", "messages": [{"role": "robot", "content": "unmistakable-secret-words"}]}',
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """One run over good and bad lines, gzipped, with every output."""
    folder = tmp_path_factory.mktemp("simulate")
    lines = [json.dumps(one).encode() for one in GOOD]
    (folder / "in.jsonl.gz").write_bytes(gzip.compress(b"\n".join([BAD[0], *lines, *BAD[1:]])))
    code = simulate(
        folder / "in.jsonl.gz", data=folder / "data", json=folder / "out.json", html=folder / "out.html", strict=True
    )
    return folder, code


def report_in(folder: Path) -> Report:
    return msgspec.json.decode((folder / "out.json").read_bytes(), type=Report)


def test_strict_ends_with_1_and_every_bad_line_is_told_with_its_number(made: tuple[Path, int]) -> None:
    folder, code = made
    report = report_in(folder)
    assert code == 1
    assert (report.bad.count, [one.line for one in report.bad.lines]) == (3, [1, 6, 7])


def test_the_totals_of_the_json_add_up_to_the_ledger(made: tuple[Path, int]) -> None:
    report = report_in(made[0])
    assert (report.totals.conversations, report.totals.persons, report.totals.messages) == (4, 3, 5)
    assert (
        sum(one.count for one in report.owed)
        == report.totals.owed
        == report.ledger.owed + report.ledger.done + report.ledger.failed
    )
    assert {one.obligation: one.count for one in report.owed}["Disclose"] == 4
    assert all(sum(one.owed.values()) == one.count for one in report.rules)
    assert all(one.article and one.title_zh and one.title_en for one in report.rules)
    assert report.totals.by_role == {"companion": 1, "user": 4}
    assert sum(one.messages for one in report.timeline.bins) == 1


def test_the_evidence_is_verified_at_the_end(made: tuple[Path, int]) -> None:
    report = report_in(made[0])
    assert report.evidence.is_whole, report.evidence.why
    assert report.evidence.entries > report.totals.messages


def test_neither_report_holds_anybodys_words_and_a_hostile_id_is_only_text(made: tuple[Path, int]) -> None:
    page = (made[0] / "out.html").read_text(encoding="utf-8")
    assert "unmistakable-secret-words" not in page + (made[0] / "out.json").read_text(encoding="utf-8")
    assert EVIL not in page
    assert "&lt;img src=x" in page


def test_the_kept_directory_is_a_simulations_own_and_may_be_used_again(made: tuple[Path, int]) -> None:
    folder, _ = made
    assert (folder / "data" / MARK).is_file()
    again(folder, data=folder / "data")
    assert report_in(folder / "again").totals.persons == 1


def again(folder: Path, **options: Any) -> int:
    (folder / "again").mkdir(exist_ok=True)
    (folder / "again" / "in.jsonl").write_text(json.dumps(GOOD[2]))
    return simulate(folder / "again" / "in.jsonl", json=folder / "again" / "out.json", **options)


def test_a_service_s_directory_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "shouban.db").write_bytes(b"a service's")
    with pytest.raises(OperatorError, match="no simulation made it"):
        again(tmp_path, data=tmp_path / "service")
    assert (tmp_path / "service" / "shouban.db").read_bytes() == b"a service's"


def test_the_environment_cannot_lead_it_to_a_service_s_database_or_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOUBAN_DATABASE", "postgresql://127.0.0.1:1/none")
    monkeypatch.setenv("SHOUBAN_MASTER_KEY", "not a key")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert again(tmp_path) == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["again"]


def test_a_call_that_cannot_end_well_is_refused_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "in").write_text(json.dumps(GOOD[0]))
    with pytest.raises(CallerError, match="--limit"):
        simulate(tmp_path / "in", limit=0)
    with pytest.raises(CallerError, match="--html"):
        simulate(tmp_path / "in", html=tmp_path / "none" / "out.html")
    with pytest.raises(CallerError, match="no pack"):
        simulate(tmp_path / "in", pack="nowhere")
    with pytest.raises(CallerError, match="cannot be read"):
        simulate(tmp_path / "none")

"""`shouban evidence`, as an operator, a court and a machine use it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.core.histories import START
from tests.evidence.planting import Plant, plant_in_file
from tests.evidence.service import SmallService

from shouban.cli.main import main
from shouban.core import events as e


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service that one person has used for three hours."""
    folder = tmp_path_factory.mktemp("service")
    with SmallService(folder) as service:
        service.live("小雨", [e.UserSpoke(at=START + timedelta(minutes=10 * n), session="phone") for n in range(18)])
    return folder


class Told:
    """How a command ended, and what it printed."""

    def __init__(self, code: Any, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Command:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str | Path) -> Told:
        with pytest.raises(SystemExit) as ended:
            main(["evidence", *map(str, words)])
        return Told(ended.value.code, *self._capsys.readouterr())


@pytest.fixture
def evidence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    for name in ("SHOUBAN_DATABASE", "SHOUBAN_DATA", "SHOUBAN_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


def damaged(data: Path, folder: Path) -> Path:
    """A copy of the service in which one byte of one message is another."""
    (folder / "keys").mkdir(parents=True)
    (folder / "keys" / "master.key").write_text((data / "keys" / "master.key").read_text())
    (folder / "shouban.db").write_bytes((data / "shouban.db").read_bytes())
    assert plant_in_file(folder / "shouban.db", Plant("messages", "sealed", row=3, byte=20))
    return folder


def test_a_whole_service_is_clean_for_people_and_for_machines(evidence: Command, data: Path) -> None:
    told = evidence("verify", "--data", data)
    assert (told.code, told.err) == (0, "")
    assert "clean" in told.out
    found = evidence("verify", "--data", data, "--json").json
    assert found["clean"] is True
    assert {check["name"] for check in found["checks"]} >= {
        "checkpoint",
        "entries",
        "tiles",
        "messages",
        "states",
        "ledger",
        "holds",
        "pushes",
    }


def test_one_changed_byte_is_found_and_named(evidence: Command, data: Path, tmp_path: Path) -> None:
    told = evidence("verify", "--data", damaged(data, tmp_path / "damaged"))
    assert told.code == 1
    assert "messages default/" in told.out
    found = evidence("verify", "--data", tmp_path / "damaged", "--json")
    assert (found.code, found.json["clean"]) == (1, False)
    assert [check["name"] for check in found.json["checks"] if check["wrong"]] == ["messages"]


def test_an_entry_is_proved_and_the_proof_holds_with_the_public_key_alone(
    evidence: Command, data: Path, tmp_path: Path
) -> None:
    assert evidence("prove", "3", "--data", data, "--out", "3.tlog-proof").code == 0
    key = evidence("export", "--data", data, "--out", "log").out.strip().rpartition(" ")[2]
    told = evidence("prove", "--check", "3.tlog-proof", "--key", key)
    assert told.code == 0
    assert told.out.startswith("proved: entry 3 of the ")
    assert json.loads(told.out.splitlines()[1])["entry"] == "decided"
    assert evidence("prove", "--check", "3.tlog-proof", "--key", "log/key").code == 0
    proof = tmp_path / "3.tlog-proof"
    proof.write_text(proof.read_text().replace("index 3", "index 4"))
    assert evidence("prove", "--check", "3.tlog-proof", "--key", key).code == 1
    assert evidence("prove", "3", "--data", data).out.startswith("c2sp.org/tlog-proof@v1\n")


def test_an_export_is_verified_without_the_service(evidence: Command, data: Path, tmp_path: Path) -> None:
    key = evidence("export", "--data", data, "--out", "log").out.strip().rpartition(" ")[2]
    assert evidence("verify", "--export", "log", "--key", key).code == 0
    believed = evidence("verify", "--export", "log", "--json")
    assert (believed.code, believed.json["clean"]) == (0, True)
    assert "compare it" in believed.err
    tile = next((tmp_path / "log" / "tile" / "0").iterdir())
    content = next(tile.iterdir()) if tile.is_dir() else tile
    content.write_bytes(content.read_bytes()[:-1] + b"\0")
    assert evidence("verify", "--export", "log", "--key", key).code == 1


def test_the_log_still_begins_with_a_head_that_somebody_kept(evidence: Command, tmp_path: Path) -> None:
    folder, told = tmp_path / "grown", [e.UserSpoke(at=START + timedelta(minutes=n), session="phone") for n in range(6)]
    with SmallService(folder) as service:
        service.live("小雨", told[:3])
    evidence("export", "--data", folder, "--out", "kept")
    with SmallService(folder) as service:
        service.live("小雨", told[3:])
    key = evidence("export", "--data", folder, "--out", "now").out.strip().rpartition(" ")[2]
    assert evidence("verify", "--data", folder, "--checkpoint", "kept/checkpoint").code == 0
    assert evidence("verify", "--export", "now", "--key", key, "--checkpoint", "kept/checkpoint").code == 0
    cut_off = evidence("verify", "--export", "kept", "--key", key, "--checkpoint", "now/checkpoint", "--json")
    assert (cut_off.code, [one["name"] for one in cut_off.json["checks"] if one["wrong"]]) == (1, ["earlier head"])
    assert evidence("verify", "--data", folder, "--checkpoint", "kept/key").code == 1, "it is no signed head"
    assert evidence("verify", "--data", folder, "--checkpoint", "nowhere").code == 2


def test_one_persons_entries_are_exported_by_pseudonym(evidence: Command, data: Path) -> None:
    evidence("export", "--data", data, "--out", "log")
    evidence("prove", "3", "--data", data, "--out", "p")
    person = json.loads(evidence("prove", "--check", "p", "--key", "log/key").out.splitlines()[1])["event"]["person"]
    assert evidence("export", "--data", data, "--out", "mine", "--person", person).code == 0
    assert evidence("verify", "--export", "mine", "--key", "log/key").code == 0
    assert evidence("export", "--data", data, "--out", "none", "--person", "小雨").code == 2


def test_replay_finds_nothing_under_the_same_law_and_tells_what_another_would_ask(
    evidence: Command, data: Path
) -> None:
    same = evidence("replay", "--data", data, "--json")
    assert (same.code, same.json["differences"]) == (0, 0)
    assert same.json["decisions"] > 18
    other = evidence("replay", "--data", data, "--pack", "cn-2025-draft", "--json")
    assert other.code == 0
    assert other.json["differences"] > 0
    assert {one["name"] for one in other.json["rules"] if one["dropped"]} >= {
        "cn-2026-order21.two-hours-clock → WakeAt"
    }
    told = evidence("replay", "--data", data, "--pack", "cn-2025-draft")
    assert "come out otherwise" in told.out
    assert "replayed with `cn-2025-draft@" in told.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verify", "--data", "nowhere"], "master.key"),
        (["verify", "--export", "nowhere"], "no folder"),
        (["verify", "--key", "k"], "--export"),
        (["prove"], "INDEX"),
        (["prove", "--check", "nowhere"], "--key"),
        (["prove", "--check", "nowhere", "--key", "a+b+c"], "nowhere"),
        (["prove", "three"], "three"),
        (["export", "--data", "nowhere", "--out", "x"], "master.key"),
        (["replay", "--data", "nowhere", "--pack", "cm"], "no pack `cm`"),
        (["shred"], "shred"),
    ],
)
def test_a_call_that_is_wrong_says_what_would_be_right(evidence: Command, words: list[str], said: str) -> None:
    told = evidence(*words)
    assert told.code == 2
    assert said in told.err
    assert not Path("nowhere").exists()


@pytest.mark.parametrize("command", ["verify", "prove", "export", "replay"])
def test_every_command_has_help_with_an_example(evidence: Command, command: str) -> None:
    told = evidence(command, "--help")
    assert told.code == 0
    assert f"shouban evidence {command}" in " ".join(told.out.split())
    assert "--data" in told.out

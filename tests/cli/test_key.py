"""A new master key: everything opens as before, the log says so, the old key opens nothing, and what cuts it off leaves no half."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.duties.test_contact import hook
from tests.faults.books import shouban
from tests.gateway.serving import Served, fresh, noon, serving, settings_for
from tests.offices.guardians.family import linked
from tests.web.signing import PASSWORD, enter, staff

from shouban.cli.main import main
from shouban.db.engine import connect
from shouban.db.keys import new_secret
from shouban.db.rotation import NEXT_FILE

SAID = "我养了一只叫煤球的猫"


def lived(office: Served) -> tuple[str, str]:
    """A person with words, an account, a family; and whose key certificates are signed with."""
    user, name = fresh("小明"), fresh("care")
    office.register(user, at=noon())
    office.chat(SAID, user=user, at=noon(minutes=1))
    staff(office, name, "care")
    with hook() as phone:
        linked(office, phone, "14_15")
    return user, name


def rotate(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["key", "rotate", *words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def verify(data: Path, *words: str) -> int:
    return shouban("evidence", "verify", "--data", str(data), *words).returncode


def test_all_opens_under_the_new_key_and_the_log_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        user, name = lived(office)
        before = office.get("/log/key").text.strip()
    old = (tmp_path / "keys/master.key").read_text()
    assert rotate("--data", str(tmp_path)) == 0
    assert "2 people, " in capsys.readouterr().out
    assert (tmp_path / "keys/master.key").read_text() != old
    assert verify(tmp_path) == 0
    with serving(settings_for(tmp_path, encoder=False)) as office:
        assert [text for role, text in office.messages(user) if role == "user"] == [SAID]
        assert enter(office, name, PASSWORD).get("/office").status_code == 200
        entries = b"".join(office.entries())
        after = office.get("/log/key").text.strip()
        assert after != before
        assert b"key_rotated" in entries
        assert before.encode() in entries
        assert after.encode() in entries
        office.log_size()
    (tmp_path / "keys/master.key").write_text(old)
    assert verify(tmp_path) == 1, "the old key opens nothing any more"
    assert shouban("serve", "--port", "0", "--data", str(tmp_path)).returncode == 2


def test_cut_off_after_its_transaction_the_next_start_takes_the_new_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        user, _ = lived(office)
    old = (tmp_path / "keys/master.key").read_text()
    assert rotate("--data", str(tmp_path)) == 0
    os.rename(tmp_path / "keys/master.key", tmp_path / NEXT_FILE)  # noqa: PTH104  # as the cut leaves it
    (tmp_path / "keys/master.key").write_text(old)
    with serving(settings_for(tmp_path, encoder=False)) as office:
        assert [text for role, text in office.messages(user) if role == "user"] == [SAID]
    assert not (tmp_path / NEXT_FILE).exists()
    (tmp_path / NEXT_FILE).write_text(new_secret())  # cut off before it: this key was never the database's
    with serving(settings_for(tmp_path, encoder=False)) as office:
        assert office.messages(user)


def test_cut_off_and_asked_for_again_it_is_finished_and_no_other_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        user, _ = lived(office)
    old = (tmp_path / "keys/master.key").read_text()
    assert rotate("--data", str(tmp_path)) == 0
    new = (tmp_path / "keys/master.key").read_text()
    (tmp_path / NEXT_FILE).write_text(new)
    (tmp_path / "keys/master.key").write_text(old)
    capsys.readouterr()
    assert rotate("--data", str(tmp_path)) == 0
    assert "no other was made" in capsys.readouterr().out
    assert (tmp_path / "keys/master.key").read_text() == new
    assert rotate("--data", str(tmp_path)) == 0, "and again, anew"
    assert (tmp_path / "keys/master.key").read_text() != new
    with serving(settings_for(tmp_path, encoder=False)) as office:
        assert [text for role, text in office.messages(user) if role == "user"] == [SAID]


def test_killed_at_any_moment_the_next_start_opens(tmp_path: Path) -> None:
    """Killed before its transaction, in it, and after: whichever key the database has is the one that is found."""
    with serving(settings_for(tmp_path, encoder=False)) as office:
        user, _ = lived(office)
    for place in ("change_mark", "rewrap_people", "rekey_accounts", "put_in_place"):
        code = f"import os; import shouban.cli.key as key; key.{place} = lambda *words: os._exit(9); from shouban.cli.main import main; main(['key', 'rotate', '--data', {str(tmp_path)!r}])"
        assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 9
        with serving(settings_for(tmp_path, encoder=False)) as office:
            assert [text for role, text in office.messages(user) if role == "user"] == [SAID], place
    assert verify(tmp_path) == 0


def test_a_wrong_key_changes_nothing(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        user, _ = lived(office)
    right = (tmp_path / "keys/master.key").read_text()
    (tmp_path / "keys/master.key").write_text(new_secret())
    assert rotate("--data", str(tmp_path)) == 2
    assert not (tmp_path / NEXT_FILE).exists()
    (tmp_path / "keys/master.key").write_text(right)
    with serving(settings_for(tmp_path, encoder=False)) as office:
        assert office.messages(user)
        assert rotate("--data", str(tmp_path)) == 2, "not while it is served"


def test_a_key_of_the_environment_is_followed_by_one_of_the_environment(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = new_secret(), new_secret()
    monkeypatch.setenv("SHOUBAN_MASTER_KEY", first)
    assert rotate("--data", str(tmp_path)) == 2, "the new one is missing"
    monkeypatch.setenv("SHOUBAN_NEW_MASTER_KEY", base64.b64encode(b"short").decode())
    assert rotate("--data", str(tmp_path)) == 2
    monkeypatch.delenv("SHOUBAN_MASTER_KEY")
    monkeypatch.delenv("SHOUBAN_NEW_MASTER_KEY")
    with serving(settings_for(tmp_path, database=postgresql_url, encoder=False)) as office:
        user, _ = lived(office)
    monkeypatch.setenv("SHOUBAN_MASTER_KEY", (tmp_path / "keys/master.key").read_text().strip())
    monkeypatch.setenv("SHOUBAN_NEW_MASTER_KEY", second)
    assert rotate("--data", str(tmp_path), "--database", postgresql_url) == 0
    monkeypatch.delenv("SHOUBAN_MASTER_KEY")
    (tmp_path / "keys/master.key").write_text(second)
    with serving(settings_for(tmp_path, database=postgresql_url, encoder=False)) as office:
        assert office.messages(user)
    assert verify(tmp_path, "--database", postgresql_url) == 0


def test_on_postgresql_no_key_is_changed_under_a_service_and_none_writes_under_the_old_one(
    tmp_path: Path, postgresql_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--data", str(tmp_path), "--database", postgresql_url)
    settings = settings_for(tmp_path, database=postgresql_url, encoder=False)
    with serving(settings) as office:
        user, _ = lived(office)
        assert rotate(*words) == 2
        assert "stop every process of it first" in capsys.readouterr().err
        _cut_all(postgresql_url)  # as a restart of the database does, and with them go the locks
        assert rotate(*words) == 0
        told = office.post("/v1/users", {"id": fresh("late")})
        assert told.status_code >= 500
        assert "master key was changed" in told.text
    with serving(settings) as office:
        assert [text for role, text in office.messages(user) if role == "user"] == [SAID]
    assert verify(tmp_path, "--database", postgresql_url) == 0


def _cut_all(url: str) -> None:
    engine = connect(url)
    with engine.connect() as connection:
        ends = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        assert connection.exec_driver_sql(ends).scalar_one() > 0
    engine.dispose()

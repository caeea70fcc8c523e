"""The parts joined: a directory opened by one process, with its own key, and a service that starts and stops."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from tests.gateway.serving import KEY, fresh, service, serving, settings_for

from shouban.app import build_app, first_admin, open_store, service_keys
from shouban.core.errors import CallerError, OperatorError
from shouban.gateway.context import key_digest
from shouban.settings import Settings


def settings(data: Path, **more: object) -> Settings:
    return Settings(data=str(data), **more)  # type: ignore[arg-type]  # a test's own keywords


# --- the directory


def test_the_first_start_makes_the_directory_and_keeps_it_to_its_owner(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "data"
    open_store(settings(data), {}).close()
    assert stat.S_IMODE((data / "keys" / "master.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((data / "keys").stat().st_mode) == 0o700
    assert (data / "shouban.db").exists()


def test_one_directory_is_opened_by_one_process(tmp_path: Path) -> None:
    store = open_store(settings(tmp_path), {})
    with pytest.raises(OperatorError, match="in use by process"):
        open_store(settings(tmp_path), {})
    store.close()
    open_store(settings(tmp_path), {}).close()


def test_many_processes_may_share_postgresql(tmp_path: Path, postgresql_url: str) -> None:
    stores = [open_store(settings(tmp_path, database=postgresql_url), {}) for _ in range(2)]
    assert all(store.is_shared for store in stores)
    assert stores[0].signer.verifier_key == stores[1].signer.verifier_key
    for store in stores:
        store.close()


def test_a_database_is_not_opened_with_another_master_key(tmp_path: Path) -> None:
    open_store(settings(tmp_path), {}).close()
    other = base64.b64encode(b"k" * 32).decode()
    with pytest.raises(OperatorError, match="not the one this database was made with"):
        open_store(settings(tmp_path), {"SHOUBAN_MASTER_KEY": other})
    open_store(settings(tmp_path), {}).close()


@pytest.mark.parametrize("key", ["short", "?", base64.b64encode(b"x").decode()])
def test_a_master_key_that_is_none_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(OperatorError, match="SHOUBAN_MASTER_KEY"):
        open_store(settings(tmp_path), {"SHOUBAN_MASTER_KEY": key})


@pytest.mark.parametrize(
    ("url", "told"),
    [("mysql://x/y", "mysql"), ("nonsense", "URL"), ("postgresql://nobody@127.0.0.1:9/none", "cannot be opened")],
)
def test_a_database_that_cannot_be_opened_is_told_in_words(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(OperatorError, match=told):
        open_store(settings(tmp_path, database=url), {})


def test_a_directory_that_cannot_be_made_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OperatorError, match="--data"):
        open_store(settings(tmp_path / "file" / "data"), {})


def test_either_cipher_opens_what_the_other_has_sealed(tmp_path: Path) -> None:
    user = fresh()
    with serving(settings_for(tmp_path, cipher="sm4-gcm")) as served:
        served.chat("你好", user=user)
    with serving(settings_for(tmp_path)) as served:
        assert ("user", "你好") in served.messages(user)


# --- keys


def test_a_key_that_was_made_is_given_once_and_kept_as_a_digest(tmp_path: Path) -> None:
    keys, made = service_keys(settings(tmp_path), tmp_path)
    assert keys["default"] == key_digest(made["default"]).hex()
    assert made["default"].encode() not in (tmp_path / "keys" / "services.json").read_bytes()
    again, nothing = service_keys(settings(tmp_path), tmp_path)
    assert (again, nothing) == (keys, {})


def test_a_key_that_was_given_is_not_shown_and_replaces_the_old_one(tmp_path: Path) -> None:
    service_keys(settings(tmp_path), tmp_path)
    keys, made = service_keys(settings(tmp_path, service_key=KEY), tmp_path)
    assert (keys["default"], made) == (key_digest(KEY).hex(), {})


def test_the_administrators_password_is_kept_hashed(tmp_path: Path) -> None:
    shown = first_admin(settings(tmp_path), tmp_path)
    assert shown is not None
    kept = json.loads((tmp_path / "keys" / "admin.json").read_text())["password"]
    assert shown not in kept
    Argon2id.verify_phc_encoded(shown.encode(), kept)
    assert first_admin(settings(tmp_path), tmp_path) is None
    assert first_admin(settings(tmp_path, admin_password="pw"), tmp_path) is None
    Argon2id.verify_phc_encoded(b"pw", json.loads((tmp_path / "keys" / "admin.json").read_text())["password"])


# --- the service


def test_what_starts_is_in_the_log(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path)) as served:
        started = json.loads(served.entries()[0])
        assert (started["entry"], started["act"], started["facts"]["pack"]) == ("acted", "started", "cn")
        assert {one["name"] for one in started["facts"]["detectors"]} >= {"words", "exits", "humanity", "personal"}
    with serving(settings_for(tmp_path)) as served:
        assert [json.loads(entry)["act"] for entry in served.entries()] == ["started", "started"]


def test_a_law_that_is_not_there_is_told_before_anything_is_served(tmp_path: Path) -> None:
    store = open_store(settings(tmp_path), {})
    wrong = settings(tmp_path, pack="cn-2027")
    with pytest.raises(CallerError, match="no pack `cn-2027`"):
        build_app(wrong, store, {"default": key_digest(KEY).hex()})
    store.close()


def test_the_reference_page_is_not_served_where_it_is_not_wanted(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, companion_app=False)) as served:
        assert served.get("/", key="").status_code == 404
        assert served.post("/app/api/say", {"text": "你好"}).status_code == 404
        assert served.chat("你好").status == 200


def test_the_page_speaks_for_the_first_service_with_a_key_of_its_own(tmp_path: Path) -> None:
    services = [service("a", "scripted"), service("b", "scripted")]
    with serving(settings_for(tmp_path, services=services)) as served:
        started = served.post("/app/api/start", {"companion": "xiaohe"}, key="")
        assert started.status_code == 200
        said = served.ask("POST", "/app/api/say", {"text": "你好"}, key="")
        assert said.status_code == 200
        user = started.json()["user"]
        assert served.get(f"/v1/users/{user}", key="sk-a").status_code == 200
        assert served.get(f"/v1/users/{user}", key="sk-b").status_code == 404

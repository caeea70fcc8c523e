"""The gateway's own routes beside chat: models, health, figures, the public log, and the API's description."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.gateway.serving import KEY, Served, fresh, serving, settings_for
from tests.postgres import PostgresServer

from shouban.evidence.log import decode_entry
from shouban.evidence.tiles import TILE_WIDTH, entries_path


def test_it_says_that_it_lives_and_is_ready_to_anybody(world: Served) -> None:
    assert world.get("/healthz", key="").json() == {"status": "ok"}
    assert world.get("/readyz", key="").json() == {"status": "ready", "problems": []}


def test_it_is_not_ready_while_the_database_is_gone(
    tmp_path: Path, postgresql_url: str, postgres_server: PostgresServer
) -> None:
    with serving(settings_for(tmp_path, database=postgresql_url)) as served:
        assert served.get("/readyz").status_code == 200
        postgres_server.drop_database(postgresql_url.rsplit("/", 1)[1])
        answer = served.get("/readyz")
        assert answer.status_code == 503
        assert "the database" in answer.json()["problems"][0]
        assert served.get("/healthz").status_code == 200


def test_the_models_of_the_service_are_passed_through(world: Served) -> None:
    assert [one["id"] for one in world.get("/v1/models").json()["data"]] == ["faulty"]
    assert world.get("/v1/models", key="").status_code == 401


def test_what_is_not_there_is_refused_in_openais_shape(world: Served) -> None:
    missing = world.get("/v1/nothing")
    assert missing.status_code == 404
    assert set(missing.json()["error"]) == {"message", "type", "code", "param"}
    wrong = world.ask("PUT", "/v1/users", {})
    assert wrong.status_code == 405
    assert "POST" in wrong.headers["allow"]


def test_the_api_describes_itself(world: Served) -> None:
    document = world.get("/openapi.json", key="").json()
    assert document["openapi"].startswith("3.")
    paths = set(document["paths"])
    assert {
        "/v1/chat/completions",
        "/v1/models",
        "/v1/events",
        "/v1/check",
        "/v1/users",
        "/v1/users/{app_id}",
        "/v1/purchases/check",
        "/v1/companions",
    } <= paths
    assert {"/v1/users/{app_id}/" + verb for verb in ("login", "exit", "mode", "consents", "contacts", "data")} <= paths
    assert world.get("/docs", key="").status_code == 200


# --- the public log


def test_anybody_can_verify_the_log_from_its_hashes_alone(world: Served) -> None:
    before = world.log_size()
    world.chat("你好")
    assert world.log_size() > before


def test_entries_match_their_hashes_and_need_the_services_own_key(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path)) as served:
        user = fresh()
        served.chat("你好", user=user)
        entries = served.entries()
        assert all(decode_entry(entry, index) for index, entry in enumerate(entries))
        assert served.person_id(user).encode() in entries[-1]
        assert served.get(f"/log/{entries_path(0, len(entries))}", key="").status_code == 401


def test_entries_of_several_services_are_shown_to_none_of_them(world: Served) -> None:
    width = min(world.log_size(), TILE_WIDTH)
    for key in (KEY, "sk-other"):
        answer = world.get(f"/log/{entries_path(0, width)}", key=key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_yours")


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/999",
        "tile/9/000",
        "tile/x/000",
        "tile/0/../../etc/passwd",
        "tile/0/000.p/0",
        "tile/0/0",
        "tile/entries/999",
    ],
)
def test_a_tile_that_is_not_there_is_not_found(world: Served, path: str) -> None:
    answer = world.get(f"/log/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]

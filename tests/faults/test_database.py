"""The database held by others, gone and back, of another key, or damaged: nothing acknowledged is lost, and we say what is wrong."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from tests.faults.books import shouban, verified
from tests.faults.load import Load
from tests.faults.nursery import Nursery
from tests.gateway.serving import KEY, Served, fresh
from tests.postgres import PostgresServer
from tests.upstreams.faulty import FaultyUpstream

from shouban.db.keys import read_master

MINE: Final = {"SHOUBAN_SERVICE_KEY": KEY}
BACK_WITHIN: Final = 15.0


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Another process (this one) holds the database for writing."""
    with closing(sqlite3.connect(data / "shouban.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def refused_clearly(status: int, body: str) -> bool:
    """503 in OpenAI's error shape, with a reason that no driver's word alone gives."""
    if status == 200:  # the answer had begun: the refusal is its last event
        told = [line.removeprefix("data: ") for line in body.splitlines() if '"error"' in line]
        assert told, body
        status, body = 503, told[-1]
    error = json.loads(body)["error"]
    return (
        status == 503
        and error["type"] == "server_error"
        and error["code"] == "service_unavailable"
        and len(error["message"]) > 20
    )


def test_while_the_database_is_held_for_a_moment_requests_wait(
    tmp_path: Path, children: Nursery, model: FaultyUpstream
) -> None:
    served = children.serve(tmp_path, "--upstream", model.url, environment=MINE).served
    users = [fresh() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        with held(tmp_path):
            waiting = [pool.submit(served.chat, "走路 bdfg", user=user, stream=user == users[0]) for user in users]
            time.sleep(1)
            assert not [one for one in waiting if one.done()], "a turn was acknowledged that could not be written"
        assert [one.result().status for one in waiting] == [200] * 4
    assert all(len(served.messages(user)) == 2 for user in users)


def test_while_the_database_is_held_for_long_requests_are_refused_and_then_served_again(
    tmp_path: Path, children: Nursery, model: FaultyUpstream
) -> None:
    child = children.serve(tmp_path, "--upstream", model.url, environment=MINE)
    served, user = child.served, fresh()
    assert served.chat("走路 bdfg", user=user).status == 200
    with held(tmp_path):
        reply = served.chat("走路 kpq", user=user)
        assert refused_clearly(reply.status, reply.body.decode())
        assert "我听到了" not in reply.body.decode()
    assert served.chat("走路 vwx", user=user).status == 200
    assert [text for role, text in served.messages(user) if role == "user"] == ["走路 bdfg", "走路 vwx"]
    child.kill()
    assert not verified(tmp_path).problems()


def test_postgresql_may_stop_and_come_back_under_load(
    tmp_path: Path, postgresql_url: str, postgres_server: PostgresServer, children: Nursery, model: FaultyUpstream
) -> None:
    child = children.serve(tmp_path, "--upstream", model.url, "--database", postgresql_url, environment=MINE)
    load = Load([child.served.url], "http://127.0.0.1:9/nobody", clients=8)
    asyncio.run(_stop_and_start_under(load, postgres_server))
    # Who asked while it was away waited, or was refused in so many words.
    assert all(refused_clearly(status, body) for status, body in load.refused if status), load.refused[:5]
    _wait_until_served(child.served)
    kept = {user: set(child.served.messages(user)) for user in {one.user for one in load.turns}}
    assert not [one for one in load.turns if ("user", one.said) not in kept[one.user]]
    assert child.served.get("/readyz").status_code == 200
    child.kill()
    assert not verified(tmp_path, postgresql_url).problems()


async def _stop_and_start_under(load: Load, server: PostgresServer) -> None:
    talking = asyncio.create_task(load.run())
    await asyncio.sleep(1)
    before = len(load.turns)
    assert before
    await asyncio.to_thread(server.stop)
    await asyncio.sleep(0.5)
    server.start()  # not in a thread: the server would die with it
    give_up = time.monotonic() + BACK_WITHIN
    back = len(load.turns)
    while len(load.turns) < back + 10:
        assert time.monotonic() < give_up, "nobody was served again"
        await asyncio.sleep(0.05)
    talking.cancel()
    with suppress(asyncio.CancelledError):
        await talking


def _wait_until_served(served: Served) -> None:
    give_up = time.monotonic() + BACK_WITHIN
    while served.chat("走路 bdfg").status != 200:
        assert time.monotonic() < give_up, "nobody was served again"


def test_while_postgresql_is_away_every_path_says_so(
    tmp_path: Path, postgresql_url: str, postgres_server: PostgresServer, children: Nursery, model: FaultyUpstream
) -> None:
    served = children.serve(tmp_path, "--upstream", model.url, "--database", postgresql_url, environment=MINE).served
    user = fresh()
    served.register(user)
    postgres_server.stop()
    try:
        assert served.get("/healthz").status_code == 200
        ready = served.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["problems"]
        asked = [
            ("GET", f"/v1/users/{user}", None), ("GET", f"/v1/users/{user}/data", None), ("GET", "/log/checkpoint", None),
            ("GET", f"/v1/events?user={user}", None), ("GET", "/v1/users/nobody", None),
        ]  # fmt: skip
        answers = {(method, path): served.ask(method, path, body) for method, path, body in asked}
        assert [place for place, one in answers.items() if not refused_clearly(one.status_code, one.text)] == []
        assert served.get("/metrics").status_code in {200, 503}
    finally:
        postgres_server.start()
    _wait_until_served(served)


def test_a_wrong_master_key_is_refused_and_named(tmp_path: Path, children: Nursery) -> None:
    child = children.serve(tmp_path, environment=MINE)
    assert child.served.chat("你好").status == 200
    child.kill()
    other = base64.b64encode(secrets.token_bytes(32)).decode()
    told = shouban("serve", "--port", "0", "--data", str(tmp_path), environment={"SHOUBAN_MASTER_KEY": other})
    assert told.returncode == 2
    assert "the master key is not the one this database was made with" in told.stderr
    assert "keys/master.key" in told.stderr
    assert "Traceback" not in told.stderr
    assert other not in told.stderr + told.stdout
    file = tmp_path / "keys" / "master.key"
    right = file.read_text()
    file.write_text("not a key")
    told = shouban("evidence", "verify", "--data", str(tmp_path))
    assert told.returncode == 2
    assert "master.key" in told.stderr
    file.write_text(right)
    assert not verified(tmp_path).problems()


@pytest.mark.parametrize(("table", "column"), [("states", "sealed"), ("persons", "sealed"), ("person_keys", "wrapped")])
def test_a_damaged_row_stops_one_person_only_and_is_found(
    tmp_path: Path, children: Nursery, model: FaultyUpstream, table: str, column: str
) -> None:
    child = children.serve(tmp_path, "--upstream", model.url, environment=MINE)
    hurt, other = fresh("hurt"), fresh("other")
    for user in (hurt, other):
        child.served.chat("走路 bdfg", user=user)
    child.kill()
    damage(tmp_path, hurt, table, column)
    asked = len(model.requests)
    served = children.serve(tmp_path, "--upstream", model.url, environment=MINE).served
    for stream in (False, True):
        reply = served.chat("走路 kpq", user=hurt, stream=stream)
        assert refused_clearly(reply.status, reply.body.decode())
        assert table in reply.body.decode()
    assert served.get(f"/v1/users/{hurt}").status_code == 503
    assert len(model.requests) == asked, "a person whose state cannot be read must not reach the model"
    assert served.chat("走路 kpq", user=other).status == 200
    assert [one for one in verified(tmp_path).problems() if table in one.place]


def test_a_damaged_message_stops_the_copy_and_not_the_talk(
    tmp_path: Path, children: Nursery, model: FaultyUpstream
) -> None:
    child = children.serve(tmp_path, "--upstream", model.url, environment=MINE)
    user = fresh()
    child.served.chat("走路 bdfg", user=user)
    child.kill()
    damage(tmp_path, user, "messages", "sealed")
    served = children.serve(tmp_path, "--upstream", model.url, environment=MINE).served
    assert served.chat("走路 kpq", user=user).status == 200
    copy = served.get(f"/v1/users/{user}/data")
    assert refused_clearly(copy.status_code, copy.text)
    assert shouban("evidence", "verify", "--data", str(tmp_path)).returncode == 1


def damage(data: Path, user: str, table: str, column: str) -> None:
    """Flips one bit of the person's value."""
    lookup = read_master(data, {}).lookup("default", user)
    with closing(sqlite3.connect(data / "shouban.db")) as connection, connection:
        (person,) = connection.execute("SELECT person_id FROM persons WHERE lookup = ?", (lookup,)).fetchone()
        found: Any = connection.execute(
            f"SELECT rowid, {column} FROM {table} WHERE person_id = ?", (person,)
        ).fetchone()
        hurt = bytes(found[1][:-1]) + bytes([found[1][-1] ^ 1])
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (hurt, found[0]))

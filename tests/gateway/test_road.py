"""What offices do over the road: take over, copy, erase; and what of it reaches whom."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from tests.evidence.service import verified
from tests.gateway.serving import KEY, PLAN, Served, fresh, guardian, noon, serving, serving_process, settings_for
from tests.web.signing import run

from shouban.core import events as e
from shouban.db.schema import LEDGER, LOG_ENTRIES, METADATA
from shouban.evidence.note import open_note
from shouban.gateway.road import Road

PLAIN_TABLES = ("messages", "pushes", "states", "person_keys", "persons")


def erased(world: Served, user: str, scope: str = "all") -> dict[str, Any]:
    answer = world.ask("DELETE", f"/v1/users/{user}/data?scope={scope}")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


# --- a copy


def test_a_copy_holds_all_that_was_said_and_all_that_is_known(world: Served) -> None:
    user = fresh()
    world.register(user, nickname="小明")
    world.chat("你好", user=user, session="s")
    copy = world.get(f"/v1/users/{user}/data").json()
    assert copy["user"]["id"] == user
    assert copy["user"]["nickname"] == "小明"
    assert copy["user"]["contacts"][0]["name"] == "王芳"
    assert [(one["role"], one["session"]) for one in copy["messages"]] == [("user", "s"), ("companion", "s")]
    assert copy["state"]["age_band"] == "adult"


# --- erasure


SECRET = "三文鱼味的月亮糖"


def files_with(data: Path, *needles: bytes) -> list[str]:
    """Every file of the service in which one of these stands."""
    found = [file for file in (*data.rglob("*"), data.with_suffix(".out")) if file.is_file()]
    return [str(file) for file in found if any(needle in file.read_bytes() for needle in needles)]


def sealed_in(data: Path) -> list[bytes]:
    """All that is sealed of the one person there is, in every table that has it, the wrapped key included."""
    found: list[bytes] = []
    with closing(sqlite3.connect(data / "shouban.db")) as connection:
        for table in METADATA.sorted_tables:
            for column in {"sealed", "wrapped"} & set(table.c.keys()) if "person_id" in table.c else ():
                found += [row[0] for row in connection.execute(f"SELECT {column} FROM {table.name}")]
    return found


def test_after_erasure_no_file_holds_a_persons_words_nor_what_was_sealed_of_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving_process(data, environment={"SHOUBAN_SERVICE_KEY": KEY}) as served:
        user = fresh()
        served.register(user, nickname=SECRET, contacts=[guardian(name=SECRET)])
        served.chat(f"我最喜欢{SECRET}，别告诉别人", user=user)
        served.post(f"/v1/users/{user}/appeals", {"reason": SECRET})
        served.post(f"/v1/users/{user}/human", {"action": "take_over", "staff": "li"})
        served.post(f"/v1/users/{user}/human", {"action": "say", "staff": "li", "text": f"在，{SECRET}"})
        assert SECRET in served.get(f"/v1/users/{user}/data").text
        assert served.get("/metrics").status_code == 200
        sealed = sealed_in(data)
        assert len(sealed) >= 6
        assert files_with(data, *sealed), "this looks where they stand"
        assert served.ask("DELETE", f"/v1/users/{user}/data").status_code == 200
        assert not files_with(data, SECRET.encode(), *sealed)
        assert SECRET not in served.get("/metrics").text
    assert not files_with(data, SECRET.encode(), SECRET.encode("utf-16-le"), user.encode(), *sealed)


@pytest.mark.parametrize("scope", ["all", "history"])
def test_an_erasure_that_was_cut_off_is_finished_at_the_next_start(tmp_path: Path, scope: str) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as served:
        user = fresh()
        served.register(user)
        served.chat("你好", user=user)
        person = served.person_id(user)
        assert served.app is not None
        road = Road(served.app.gateway, served.app.store.signer)
        run(_begin(road, person, scope))  # the process ends before the rest
        assert served.rows("persons", person) == 1
    with serving(settings_for(tmp_path, encoder=False)) as served:
        assert served.rows("persons", person) == (0 if scope == "all" else 1)
        with served.engine.connect() as connection:
            owed = connection.execute(select(LEDGER.c.state).where(LEDGER.c.kind == "Erase")).scalars().all()
        assert owed == ["done"]
    report = verified(tmp_path)
    assert report.is_clean, report.problems()


async def _begin(road: Road, person: str, scope: Any) -> None:
    found = await road.by_id("default", person)
    assert found is not None
    await road.act(found, e.ErasureRequested(at=road.now(), person=person, scope=scope, by="user"))


def test_erasing_leaves_nothing_in_any_table_and_the_log_whole(tmp_path: Path, database_url: str) -> None:
    with serving(settings_for(tmp_path, database=database_url)) as served:
        user, other = fresh(), fresh()
        for one in (user, other):
            served.register(one, contacts=[guardian()])
            served.chat("你好", user=one)
        person = served.person_id(user)
        size = served.log_size()
        gone = erased(served, user)
        assert all(gone["rows"][table] >= 1 for table in ("messages", "states", "person_keys", "persons"))
        assert {table: served.rows(table, person) for table in PLAIN_TABLES} == dict.fromkeys(PLAIN_TABLES, 0)
        assert served.log_size() > size
        assert served.get(f"/v1/users/{user}").status_code == 404
        assert served.get(f"/v1/users/{user}/data").status_code == 404
        assert len(served.messages(other)) == 2


def test_the_certificate_is_signed_by_the_log_and_names_what_was_erased(world: Served) -> None:
    user = fresh()
    world.chat("你好", user=user)
    person = world.person_id(user)
    gone = erased(world, user)
    verifier = world.get("/log/key", key="").text.strip()
    assert gone["verifier_key"] == verifier
    text = open_note(gone["certificate"], [verifier]).text
    assert person in text
    assert "\nall\n" in text
    assert user not in text


def test_who_was_erased_may_come_back_as_somebody_new(world: Served) -> None:
    user = fresh()
    world.register(user, "14_15")
    world.chat("你好", user=user)
    before = world.person_id(user)
    erased(world, user)
    world.register(user)
    assert world.person_id(user) != before
    assert world.messages(user) == []
    assert "人工智能" in world.chat("你好", user=user, at=noon(minutes=1)).text


def test_a_timer_of_somebody_erased_ends_quietly(world: Served) -> None:
    user = fresh()
    world.chat("你好", user=user)
    person = world.person_id(user)
    erased(world, user)
    world.chat("你好", at=noon(hours=3))
    with world.engine.connect() as connection:
        ledger = METADATA.tables["ledger"]
        states = connection.execute(
            select(ledger.c.kind, ledger.c.state, ledger.c.outcome).where(
                ledger.c.person_id == person, ledger.c.kind == "WakeAt"
            )
        ).all()
    assert [(row.state, row.outcome) for row in states] == [("done", "the person was erased")]
    world.log_size()


@pytest.mark.parametrize("scope", ["session", "companion", "message"])
def test_a_part_may_be_erased_and_the_rest_stays(world: Served, scope: str) -> None:
    user = fresh()
    world.chat("留下的话", user=user, session="keep", companion="xiaohe")
    world.chat("要删的话", user=user, session="drop", companion="a-che", at=noon(minutes=1))
    message = next(
        one["id"] for one in world.get(f"/v1/users/{user}/data").json()["messages"] if one["text"] == "要删的话"
    )
    target = {"session": "drop", "companion": "a-che", "message": message}[scope]
    gone = erased(world, user, f"{scope}:{target}")
    assert gone["rows"]["messages"] == (1 if scope == "message" else 2)
    texts = [text for _, text in world.messages(user)]
    assert "留下的话" in texts
    assert "要删的话" not in texts
    assert world.get(f"/v1/users/{user}").status_code == 200
    world.log_size()


@pytest.mark.parametrize("scope", ["everything", "session", "session:", "message", ""])
def test_a_scope_that_names_nothing_erases_nothing(world: Served, scope: str) -> None:
    user = fresh()
    world.chat("你好", user=user)
    answer = world.ask("DELETE", f"/v1/users/{user}/data?scope={scope}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "scope")
    assert len(world.messages(user)) == 2


def test_an_erasure_erases_one_person_of_one_service(world: Served) -> None:
    user = fresh()
    world.chat("你好", user=user)
    world.chat("你好", user=user, key="sk-other")
    erased(world, user)
    assert len(world.messages(user, key="sk-other")) == 2


def test_the_log_holds_no_name_and_no_word(world: Served) -> None:
    user = fresh("zhangsan")
    world.register(user, nickname="小明明")
    world.chat("一句很私密的话", user=user, session="secret-session")
    with world.engine.connect() as connection:
        leaves = b"".join(bytes(row.leaf) for row in connection.execute(select(LOG_ENTRIES)))
    for secret in (user, "小明明", "私密", "secret-session", "王芳"):
        assert secret.encode() not in leaves


# --- a human


def test_only_who_has_taken_over_may_speak(world: Served) -> None:
    user = fresh()
    world.register(user)
    said = world.post(f"/v1/users/{user}/human", {"action": "say", "staff": "李", "text": "我在。"})
    assert (said.status_code, said.json()["error"]["code"]) == (409, "not_taken_over")
    assert world.messages(user) == []


def test_a_takeover_answers_the_call_for_a_person(world: Served) -> None:
    user = fresh()
    world.register(user)
    world.chat(PLAN, user=user)
    assert world.get(f"/v1/users/{user}").json()["takeover"] == "requested"
    assert "同事" in world.chat("嗯", user=user, at=noon(seconds=10)).text
    world.post(f"/v1/users/{user}/human", {"action": "take_over", "staff": "李"}, at=noon(seconds=30))
    assert {row.state for row in world.ledger(user, kinds=["Escalate"])} == {"done"}
    world.post(f"/v1/users/{user}/human", {"action": "hand_back", "staff": "李"}, at=noon(minutes=5))
    assert world.get(f"/v1/users/{user}").json()["takeover"] == "none"


def test_a_call_that_nobody_answers_shows_as_overdue(world: Served) -> None:
    user = fresh()
    world.register(user)
    world.chat(PLAN, user=user)
    rows = world.ledger(user, kinds=["Escalate"])
    assert {row.state for row in rows} == {"owed"}
    assert min(row.due_us - row.owed_us for row in rows) == 60_000_000


# --- what is heard at the road's side


def test_a_person_who_was_never_registered_can_be_acted_on_by_nobody(world: Served) -> None:
    for method, path, body in [
        ("POST", "exit", {}),
        ("POST", "login", {}),
        ("POST", "mode", {"mode": "minor"}),
        ("POST", "human", {"action": "take_over", "staff": "李"}),
        ("POST", "consents", {"purpose": "training"}),
        ("GET", "data", None),
        ("DELETE", "data", None),
    ]:
        answer = world.ask(method, f"/v1/users/{fresh()}/{path}", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "user_not_found"), path


def test_every_road_wants_the_service_key(world: Served) -> None:
    user = fresh()
    world.register(user)
    for key in ("", "wrong", "sk-other"):
        for method, path, body in [
            ("GET", "", None),
            ("PATCH", "", {"nickname": "x"}),
            ("GET", "/data", None),
            ("DELETE", "/data", None),
            ("POST", "/exit", {}),
        ]:
            status = world.ask(method, f"/v1/users/{user}{path}", body, key=key).status_code
            assert status == (404 if key == "sk-other" else 401)
    assert world.get(f"/v1/users/{user}", key=KEY).json()["registered"]


def test_killed_in_the_middle_of_erasures_each_is_whole_after_the_next_start(tmp_path: Path) -> None:
    data, chance, asked = tmp_path / "data", Random(20260715), []
    for after in range(3):
        with serving_process(data, environment={"SHOUBAN_SERVICE_KEY": KEY}) as served:
            assert served.process is not None
            assert not _erasures_owed(data), "what was begun before the kill is finished"
            users = [fresh() for _ in range(8)]
            for user in users:
                served.register(user)
                served.chat("你好", user=user)
            with ThreadPoolExecutor(len(users)) as pool:
                answers = [pool.submit(_status_of_erasing, served, user) for user in users]
                sleep(chance.uniform(0.005, 0.05) * (after + 1))
                served.process.kill()
            asked += [user for user, answer in zip(users, answers, strict=True) if answer.result() == 200]
    with serving_process(data, environment={"SHOUBAN_SERVICE_KEY": KEY}) as served:
        assert not _erasures_owed(data)
        assert [served.get(f"/v1/users/{user}").status_code for user in asked] == [404] * len(asked)
    report = verified(data)
    assert report.is_clean, report.problems()


def _status_of_erasing(served: Served, user: str) -> int:
    try:
        return served.ask("DELETE", f"/v1/users/{user}/data").status_code
    except httpx.TransportError:
        return 0


def _erasures_owed(data: Path) -> int:
    with closing(sqlite3.connect(data / "shouban.db")) as connection:
        found = connection.execute("SELECT count(*) FROM ledger WHERE kind = 'Erase' AND state = 'owed'").fetchone()
    return int(found[0])

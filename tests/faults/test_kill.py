"""`kill -9` under load, at any moment: nothing acknowledged is lost, nothing owed is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from tests.faults.books import Books, books_of, shouban, verified
from tests.faults.load import Load, Turn
from tests.faults.nursery import Child, Nursery
from tests.gateway.serving import KEY, Served
from tests.upstreams.faulty import FaultyUpstream, running

KILLS: Final = {"sqlite": 22, "postgresql": 6}
# A machine under load may acknowledge little between two kills: it is killed on until some danger was acknowledged.
MOST_KILLS: Final = 60
VERIFIED_EACH: Final = 3
KEPT_FROM: Final = 0.05
KEPT_TO: Final = 0.5
DUE_WITHIN: Final = 20.0


@pytest.fixture
def contact() -> Iterator[FaultyUpstream]:
    """The webhook of everybody's guardian; it takes what comes."""
    with running(FaultyUpstream()) as started:
        yield started


def test_killed_at_any_moment_nothing_acknowledged_is_lost_and_nothing_is_done_twice(
    tmp_path: Path, database_url: str, children: Nursery, model: FaultyUpstream, contact: FaultyUpstream
) -> None:
    kind = database_url.partition(":")[0]
    database = database_url if kind == "postgresql" else ""
    flags = ["--upstream", model.url, *(["--database", database] if database else [])]

    def start() -> Child:
        return children.serve(tmp_path, *flags, environment={"SHOUBAN_SERVICE_KEY": KEY})

    load = Load([], f"{contact.url}/guardian")
    survivor = _kill_again_and_again(
        start, load, kills=KILLS[kind], check=lambda: verified(tmp_path, database).problems()
    )
    assert not _missing(survivor.served, load.turns, load.registered)
    if not database:  # on PostgreSQL a dead worker's lease runs out first (`LEASE_FOR`): what it held is owed still
        _wait_until_all_are_told(tmp_path)
    _dangers_were_carried_out_once(books_of(tmp_path, database), survivor.served, load.turns, contact)
    survivor.kill()
    told = shouban("evidence", "verify", "--data", str(tmp_path), *(["--database", database] if database else []))
    assert told.returncode == 0, told.stdout + told.stderr
    dangers = sum(one.is_danger for one in load.turns)
    print(f"{kind}: {KILLS[kind]} kills, {len(load.turns)} turns acknowledged ({dangers} in danger), none lost")  # noqa: T201  # the figure, with -s
    assert len(load.turns) > KILLS[kind]
    assert dangers


def _kill_again_and_again(start: Callable[[], Child], load: Load, *, kills: int, check: Callable[[], object]) -> Child:
    """Gives the server that was started after the last kill."""
    chance = random.Random(20260715)
    child = start()
    kill = 0
    while kill < kills or (kill < MOST_KILLS and not any(one.is_danger for one in load.turns)):
        load.urls = [child.served.url]
        before = len(load.turns)
        asyncio.run(_talk_until_killed(load, child, chance.uniform(KEPT_FROM, KEPT_TO)))
        assert kill % VERIFIED_EACH or not check()
        kill += 1
        child = start()
        assert not _missing(child.served, load.turns[before:], [])
    assert not load.refused, load.refused[:3]
    return child


async def _talk_until_killed(load: Load, child: Child, seconds: float) -> None:
    talking = asyncio.create_task(load.run())
    await asyncio.sleep(seconds)
    await asyncio.to_thread(child.kill)
    await asyncio.sleep(0.05)  # what was on its way to the clients when it died is read
    talking.cancel()
    with suppress(asyncio.CancelledError):
        await talking


def _missing(served: Served, turns: list[Turn], registered: list[str]) -> list[Turn | str]:
    """What was acknowledged and is not there."""
    said_by: dict[str, set[tuple[str, str]]] = {
        user: set(served.messages(user)) for user in {one.user for one in turns}
    }
    lost: list[Turn | str] = [one for one in turns if ("user", one.said) not in said_by[one.user]]
    lost += [one for one in turns if not one.is_danger and not _reply_is_kept(one, said_by[one.user])]
    return lost + [one for one in registered if served.get(f"/v1/users/{one}").status_code != 200]


def _reply_is_kept(turn: Turn, kept: set[tuple[str, str]]) -> bool:
    word = turn.said.split()[-1]
    assert word in turn.reply, turn
    return ("companion", f"嗯，我听到了 {word}。") in kept


def _wait_until_all_are_told(data: Path) -> None:
    give_up = time.monotonic() + DUE_WITHIN
    while [one for one in books_of(data).duties.values() if one.kind == "NotifyGuardian" and one.state == "owed"]:
        assert time.monotonic() < give_up, "a guardian was not told"
        time.sleep(0.2)


def _dangers_were_carried_out_once(books: Books, served: Served, turns: list[Turn], contact: FaultyUpstream) -> None:
    told: defaultdict[str, set[str]] = defaultdict(set)
    for request in contact.requests:
        told[request.document["user"]].add(request.document["idempotency_key"])
    once = books.turns
    copies = {user: served.get(f"/v1/users/{user}/data").json()["messages"] for user in {one.user for one in turns}}
    for turn in turns:
        ids = [one["id"] for one in copies[turn.user] if one["text"] == turn.said]
        assert [once[one] for one in ids] == [1], turn
        if turn.is_danger:
            owed = books.owed_by(ids[0])
            assert {one.kind for one in owed} >= {"Escalate", "NotifyGuardian", "ShowHelp"}, turn
            calls = {one.id: one.state for one in owed if one.kind == "NotifyGuardian"}
            assert {call for call, state in calls.items() if state == "done"} <= told[turn.user] <= set(calls), turn
            assert set(calls.values()) <= {"done", "owed"}
            mine = [one.push_id for one in books.pushes if one.person_id == owed[0].person]
            assert _pushed(served, turn.user, len(mine)) == mine, turn
            assert set(mine) >= {one.id for one in owed if one.kind == "ShowHelp"}, turn
    assert not [duty for duty, times in books.done.items() if times > 1], "a duty was done twice"
    notices = [(one.person_id, one.push_id) for one in books.pushes if one.kind == "notice"]
    assert len(notices) == len(set(notices))
    assert {push for _, push in notices} <= set(books.duties), "a notice was shown under an id that no duty has"


def _pushed(served: Served, user: str, number: int) -> list[str]:
    """The ids of what is on the person's event stream, from its beginning."""
    with served.listening(user, last_id="0") as listener:
        return [listener.next()["id"] for _ in range(number)]

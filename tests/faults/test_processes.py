"""Two processes: on one SQLite directory the second refuses; on one PostgreSQL database both see one person, and one law."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.faults.books import books_of, shouban, verified
from tests.faults.load import DANGER
from tests.faults.nursery import Nursery
from tests.gateway.serving import KEY, Reply, Served, fresh, noon
from tests.postgres import PostgresServer
from tests.upstreams.faulty import FaultyUpstream

from shouban.core.events import DutyDone, TimePassed

VIRTUAL = {"SHOUBAN_SERVICE_KEY": KEY, "SHOUBAN_CLOCK": "virtual", "SHOUBAN_HUMAN_WAIT": "0.3"}


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    name = postgres_server.make_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of keys that both servers have."""
    return tmp_path_factory.mktemp("both")


@pytest.fixture(scope="module")
def pair(home: Path, database: str, children: Nursery, model: FaultyUpstream) -> Iterator[list[Served]]:
    """Two servers on one database; what they have written together verifies in the end."""
    flags = ["--upstream", model.url, "--database", database, "--delivery", "aware"]
    both = [children.serve(home, *flags, environment=VIRTUAL) for _ in range(2)]
    yield [child.served for child in both]
    for child in both:
        child.kill()
    assert not verified(home, database).problems()


def test_a_second_process_on_one_directory_refuses_and_says_who_is_there(
    tmp_path: Path, children: Nursery, model: FaultyUpstream
) -> None:
    first = children.serve(tmp_path, "--upstream", model.url, environment=VIRTUAL)
    told = shouban("serve", "--port", "0", "--data", str(tmp_path))
    assert told.returncode == 2
    assert f"is in use by process {first.pid}" in told.stderr
    assert "--data" in told.stderr
    assert "--database" in told.stderr
    assert "Traceback" not in told.stderr
    assert first.served.chat("你好 bdfg").status == 200


def test_a_directory_left_by_a_killed_process_opens_at_once(tmp_path: Path, children: Nursery) -> None:
    children.serve(tmp_path, environment=VIRTUAL).kill()
    assert children.serve(tmp_path, environment=VIRTUAL).served.chat("你好").status == 200


def test_talking_to_both_in_turn_is_one_clock_with_one_reminder(pair: list[Served]) -> None:
    user = fresh()
    minutes = range(0, 230, 10)
    replies = [
        pair[step % 2].chat(f"走路 bdfg{'kpq' * (step + 1)}", user=user, at=noon(minutes=at))
        for step, at in enumerate(minutes)
    ]
    assert [reply.status for reply in replies] == [200] * len(minutes)
    reminded = [minute for minute, reply in zip(minutes, replies, strict=True) if "reminder" in reply.kinds]
    assert reminded == [120]
    assert [reply.shouban[0]["state"]["use_seconds"] for reply in replies] == [60 * minute for minute in minutes]
    kept = pair[0].messages(user)
    assert kept == pair[1].messages(user)
    assert len(kept) == 2 * len(minutes)


def test_history_that_one_process_has_read_is_not_kept_again_by_the_other(pair: list[Served]) -> None:
    """Apps send the talk so far with each turn, and a balancer sends each turn elsewhere."""
    user = fresh()
    talk: list[dict[str, str]] = []
    for turn in range(6):
        talk.append({"role": "user", "content": f"走路 bdfg{'kpq' * (turn + 1)}"})
        reply = pair[turn % 2].chat(*talk, user=user, at=noon(minutes=turn))
        talk.append({"role": "assistant", "content": reply.text})
    assert [text for _, text in pair[0].messages(user)] == [one["content"] for one in talk]


def test_who_was_erased_through_one_process_is_gone_at_the_other(pair: list[Served]) -> None:
    here, there = pair
    user = fresh()
    for served in pair:
        assert served.chat("走路 bdfg", user=user).status == 200
    assert here.ask("DELETE", f"/v1/users/{user}/data", at=noon()).status_code == 200
    assert there.get(f"/v1/users/{user}").status_code == 404
    assert there.chat("走路 kpq", user=user).status == 200
    assert [text for role, text in here.messages(user) if role == "user"] == ["走路 kpq"]


def test_a_contact_changed_through_one_process_is_the_others_contact_too(pair: list[Served]) -> None:
    here, there = pair
    user = fresh()
    here.register(user)
    assert there.get(f"/v1/users/{user}").json()["contacts"][0]["name"] == "王芳"
    contacts = [{"kind": "guardian", "name": "李明", "relation": "father", "channels": ["mailto:l@example.org"]}]
    assert here.post(f"/v1/users/{user}/contacts", {"contacts": contacts}, at=noon()).status_code == 200
    assert [one["name"] for one in there.get(f"/v1/users/{user}").json()["contacts"]] == ["李明"]


def test_a_reminder_that_one_process_owes_is_given_by_the_other(pair: list[Served]) -> None:
    """The timer rings in one process while the person is talking to the other."""
    here, there = pair
    user = fresh()
    for minute in range(0, 120, 10):
        here.chat("走路 bdfg", user=user, at=noon(minutes=minute))
    assert _ring(there, minutes=121)
    reply = here.chat("走路 kpq", user=user, at=noon(minutes=121))
    assert "reminder" in reply.kinds
    again = there.chat("走路 vwx", user=user, at=noon(minutes=122))
    assert "reminder" not in again.kinds


def test_talking_to_both_at_once_loses_no_turn_and_keeps_one_state(
    pair: list[Served], home: Path, database: str
) -> None:
    user = fresh()
    words = [f"走路 bdfg{'kpqvwxz'[number % 7] * (number + 1)}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(
            pool.map(lambda told: pair[told[0] % 2].chat(told[1], user=user, stream=told[0] % 3 == 0), enumerate(words))
        )
    taken = [
        word
        for word, reply in zip(words, replies, strict=True)
        if reply.status == 200 and (not reply.is_stream or reply.is_done)
    ]
    refused = [reply for reply in replies if reply.status != 200]
    assert all(reply.error and "again" in reply.error["message"] for reply in refused)
    assert len(taken) >= len(words) // 2
    kept = {text for role, text in pair[0].messages(user) if role == "user"}
    assert set(taken) <= kept
    books = books_of(home, database)
    assert not [duty for duty, times in books.done.items() if times > 1]
    assert [len(reply.kinds) for reply in replies if "disclosure" in reply.kinds]


def test_a_takeover_at_one_process_silences_the_others_next_reply(pair: list[Served], model: FaultyUpstream) -> None:
    here, there = pair
    user = fresh()
    for served in pair:
        assert _model_spoke(served.chat("走路 bdfg", user=user))
    here.post(f"/v1/users/{user}/human", {"action": "take_over", "staff": "李"}, at=noon(minutes=1))
    asked = len(model.requests)
    for stream in (True, False):
        reply = there.chat("走路 kpq", user=user, stream=stream, at=noon(minutes=1))
        assert not _model_spoke(reply)
        assert reply.shouban[0]["state"]["takeover"] == "human"
    again = there.chat("走路 kpq", {"role": "assistant", "content": "嗯"}, user=user, at=noon(minutes=1))
    assert not _model_spoke(again)
    assert len(model.requests) == asked


def test_a_person_called_by_one_process_is_not_talked_over_by_the_other(
    pair: list[Served], model: FaultyUpstream
) -> None:
    here, there = pair
    user = fresh()
    there.chat("走路 bdfg", user=user)
    there.chat("走路 kpq", user=user)
    assert "help" in here.chat(DANGER, user=user).kinds
    asked = len(model.requests)
    assert not _model_spoke(there.chat("走路 vwx", user=user, stream=True))
    assert len(model.requests) == asked


def test_each_timer_rings_in_one_process_only(pair: list[Served], home: Path, database: str) -> None:
    users = [fresh() for _ in range(6)]
    for number, user in enumerate(users):
        for minute in range(0, 120, 10):
            pair[number % 2].chat("走路 bdfg", user=user, at=noon(minutes=minute))
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda number: _ring(pair[number % 2], minutes=121), range(16)))
    books = books_of(home, database)
    rings = [
        (entry.event.person, entry.event.key, entry.event.at)
        for entry in books.entries
        if isinstance(entry.event, TimePassed)
    ]
    assert len({person for person, _, _ in rings}) >= len(users)
    assert len(rings) == len(set(rings))
    done = [entry.event.duty for entry in books.entries if isinstance(entry.event, DutyDone)]
    assert len(done) == len(set(done))


def _ring(served: Served, *, minutes: int) -> bool:
    """Lets the timers ring that are due by then; nobody in particular asks."""
    return served.post("/v1/check", {"role": "user", "text": "走路"}, at=noon(minutes=minutes)).status_code == 200


def _model_spoke(reply: Reply) -> bool:
    assert reply.status == 200, reply.body
    return "我听到了" in reply.text

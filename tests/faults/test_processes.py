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
from tests.upstreams.faulty import FaultyUpstream

from shouban.core.events import DutyDone, TimePassed

VIRTUAL = {"SHOUBAN_SERVICE_KEY": KEY, "SHOUBAN_CLOCK": "virtual", "SHOUBAN_HUMAN_WAIT": "2"}


@pytest.fixture
def pair(tmp_path: Path, postgresql_url: str, children: Nursery, model: FaultyUpstream) -> Iterator[list[Served]]:
    """Two servers on one database, with one directory of keys."""
    flags = ["--upstream", model.url, "--database", postgresql_url, "--delivery", "aware"]
    both = [children.serve(tmp_path, *flags, environment=VIRTUAL) for _ in range(2)]
    yield [child.served for child in both]
    for child in both:
        child.kill()
    assert not verified(tmp_path, postgresql_url).problems()


def test_a_second_process_on_one_directory_refuses_and_says_who_is_there(tmp_path: Path, children: Nursery, model: FaultyUpstream) -> None:
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
    replies = [pair[step % 2].chat(f"走路 bdfg{'kpq' * (step + 1)}", user=user, at=noon(minutes=at)) for step, at in enumerate(minutes)]
    assert [reply.status for reply in replies] == [200] * len(minutes)
    reminded = [minute for minute, reply in zip(minutes, replies, strict=True) if "reminder" in reply.kinds]
    assert reminded == [120]
    assert [reply.shouban[0]["state"]["use_seconds"] for reply in replies] == [60 * minute for minute in minutes]
    kept = pair[0].messages(user)
    assert kept == pair[1].messages(user)
    assert len(kept) == 2 * len(minutes)


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


def test_talking_to_both_at_once_loses_no_turn_and_keeps_one_state(pair: list[Served], tmp_path: Path, postgresql_url: str) -> None:
    user = fresh()
    words = [f"走路 bdfg{'kpqvwxz'[number % 7] * (number + 1)}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda told: pair[told[0] % 2].chat(told[1], user=user, stream=told[0] % 3 == 0), enumerate(words)))
    taken = [word for word, reply in zip(words, replies, strict=True) if reply.status == 200 and (not reply.is_stream or reply.is_done)]
    refused = [reply for reply in replies if reply.status != 200]
    assert all(reply.error and "again" in reply.error["message"] for reply in refused)
    assert len(taken) >= len(words) // 2
    kept = {text for role, text in pair[0].messages(user) if role == "user"}
    assert set(taken) <= kept
    books = books_of(tmp_path, postgresql_url)
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


def test_a_person_called_by_one_process_is_not_talked_over_by_the_other(pair: list[Served], model: FaultyUpstream) -> None:
    here, there = pair
    user = fresh()
    there.chat("走路 bdfg", user=user)
    there.chat("走路 kpq", user=user)
    assert "help" in here.chat(DANGER, user=user).kinds
    asked = len(model.requests)
    assert not _model_spoke(there.chat("走路 vwx", user=user, stream=True))
    assert len(model.requests) == asked


def test_what_a_human_says_through_one_process_answers_the_call_at_the_other(pair: list[Served]) -> None:
    here, there = pair
    user = fresh()
    there.chat("走路 bdfg", user=user)
    here.post(f"/v1/users/{user}/human", {"action": "take_over", "staff": "李"}, at=noon(minutes=1))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(there.chat, "有人吗 kpq", user=user, at=noon(minutes=1))
        here.post(f"/v1/users/{user}/human", {"action": "say", "staff": "李", "text": "我在，我是小李。"}, at=noon(minutes=1))
        assert "我是小李" in waiting.result().text


def test_each_timer_rings_in_one_process_only(pair: list[Served], tmp_path: Path, postgresql_url: str) -> None:
    users = [fresh() for _ in range(6)]
    for number, user in enumerate(users):
        for minute in range(0, 120, 10):
            pair[number % 2].chat("走路 bdfg", user=user, at=noon(minutes=minute))
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda number: _ring(pair[number % 2], minutes=121), range(16)))
    books = books_of(tmp_path, postgresql_url)
    rings = [(entry.event.person, entry.event.key, entry.event.at) for entry in books.entries if isinstance(entry.event, TimePassed)]
    assert sorted({person for person, _, _ in rings}) == sorted({entry.event.person for entry in books.entries})
    assert len(rings) == len(set(rings))
    done = [entry.event.duty for entry in books.entries if isinstance(entry.event, DutyDone)]
    assert len(done) == len(set(done))


def _ring(served: Served, *, minutes: int) -> bool:
    """Lets the timers ring that are due by then; nobody in particular asks."""
    return served.post("/v1/check", {"role": "user", "text": "走路"}, at=noon(minutes=minutes)).status_code == 200


def _model_spoke(reply: Reply) -> bool:
    assert reply.status == 200, reply.body
    return "我听到了" in reply.text

"""What an open desk is sent: within a second of the words, the same reading to all, and nothing more once the sign-in has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from tests.gateway.serving import PLAN, Served, eventually, fresh, noon, serving, settings_for
from tests.offices.care_desk.desk import carer, do, in_danger, shown
from tests.web.signing import run, sign_ins_of

from shouban.db.schema import SEATS
from shouban.offices.care_desk.live import frame_of


class Desk:
    """An open stream of a desk."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.iter_lines()

    def until(self, name: str, holds: str = "", seconds: float = 5.0) -> dict[str, Any]:
        """The first event of this name in which this stands."""
        give_up = time.monotonic() + seconds
        event = ""
        for line in self._lines:
            assert time.monotonic() < give_up, f"no {name} with {holds}"
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: ") and event == name and holds in line:
                found: dict[str, Any] = json.loads(line[6:])
                return found
        raise AssertionError("the stream has ended")


@contextmanager
def opened(client: httpx.Client, address: str) -> Iterator[Desk]:
    with client.stream("GET", address) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Desk(answer)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("live"), encoder=False)) as served:
        yield served


def test_who_says_a_plan_is_on_every_open_desk_within_a_second(office: Served) -> None:
    _, first = carer(office)
    _, second = carer(office)
    with opened(first, "/care/events") as one, opened(second, "/care/events") as other:
        one.until("queue")
        other.until("queue")
        user = fresh("小明")
        office.register(user, at=noon())
        began = time.monotonic()
        office.chat(PLAN, user=user, at=noon())
        place = office.person_id(user)
        for desk in (one, other):
            found = desk.until("queue", place)
            assert found["urgent"]
        assert time.monotonic() - began < 5, "a bound for slow machines; the bench measures the second"


def test_what_is_said_comes_to_the_open_case_and_its_lease_is_renewed(office: Served) -> None:
    user, address = in_danger(office)
    _, client = carer(office)
    do(client, address, "claim")
    do(client, address, "take")
    with opened(client, f"{address}/events") as desk:
        desk.until("talk")
        office.chat("我听着呢", user=user, at=noon(seconds=9), session="talk")
        assert "我听着呢" in desk.until("talk", "我听着呢")["html"]
        seated = office.engine.connect().execute(SEATS.select()).all()
        assert any(row.case_id for row in seated)
    assert eventually(lambda: not office.engine.connect().execute(SEATS.select().where(SEATS.c.case_id != "")).all())


def test_a_colleague_who_looks_is_shown_and_sees_no_words(office: Served) -> None:
    _, address = in_danger(office)
    _, first = carer(office)
    name, second = carer(office, "小周")
    do(first, address, "claim")
    with opened(second, f"{address}/events") as desk:
        assert "遗书" not in desk.until("talk")["html"]
        assert eventually(lambda: name in shown(first, address))


def test_whose_account_was_taken_away_is_sent_nothing_more(office: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shouban.offices.care_desk.live.BEAT_SECONDS", 0.1)
    name, client = carer(office)
    with opened(client, "/care/events") as desk:
        desk.until("queue")
        sign_ins = sign_ins_of(office)
        account = next(one for one in run(sign_ins.accounts("default")) if one.private.name == name)
        assert office.app is not None
        run(sign_ins.change(account, at=office.app.gateway.clock.now(), by="test", state="disabled"))
        assert desk.until("signed_out") == {}


def test_a_frame_is_one_event_of_one_line() -> None:
    assert frame_of("talk", {"html": "一\n二"}) == 'event: talk\ndata: {"html":"一\\n二"}\n\n'.encode()

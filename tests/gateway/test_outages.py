"""The gateway finds by itself that the model is gone, announces it to everybody who listens, and takes it down when the model is back."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path

import pytest
from tests.gateway.serving import Served, answering, eventually, fresh, noon, serving, settings_for
from tests.upstreams.behaviours import refuse, says
from tests.upstreams.faulty import FaultyUpstream, running

from shouban.core.errors import OperatorError
from shouban.gateway.outages import Outages, can_connect


def state(office: Served) -> str:
    return str(office.client.get("/status.json").json()["state"])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def dead() -> str:
    return f"http://127.0.0.1:{free_port()}/v1"


class Listening:
    """Somebody answers at that port, until the block ends."""

    def __init__(self, url: str) -> None:
        self._port = int(url.split(":")[2].split("/", maxsplit=1)[0])

    def __enter__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", self._port))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            connection.close()

    def __exit__(self, *_: object) -> None:
        self._server.close()


def test_a_model_that_is_gone_is_announced_at_once_and_taken_down_when_it_is_back(tmp_path: Path, dead: str) -> None:
    with serving(settings_for(tmp_path, dead, encoder=False)) as office:
        user, other = fresh(), fresh()
        for one in (user, other):
            office.register(one, at=noon())
        assert state(office) == "ok"
        with office.listening(other) as events:
            office.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=1))
            told = events.until("announcement")[-1]
            assert told["kind"] == "outage"
            assert "12356" in told["text"]["zh"]
            assert state(office) == "outage"
            with Listening(dead):
                assert events.until("announcement_ended")[-1]["id"] == told["id"]
        assert eventually(lambda: state(office) == "ok")
        page = office.client.get("/status").text
        assert "服务正常" in page
        assert "系统自动" in page or "以往的公告" in page
        feed = office.client.get("/status/feed.xml").text
        assert feed.count("<item>") == 1
        assert "已撤下" in feed


def test_who_begins_to_listen_during_an_outage_is_told_first(tmp_path: Path, dead: str) -> None:
    with serving(settings_for(tmp_path, dead, encoder=False)) as office:
        user = fresh()
        office.register(user, at=noon())
        office.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=1))
        assert eventually(lambda: state(office) == "outage")
        for _ in range(2):
            with office.listening(user) as events:
                assert events.until("announcement")[-1]["kind"] == "outage"


def test_a_single_stumble_is_no_outage_and_three_in_a_row_are(tmp_path: Path) -> None:
    with (
        running(FaultyUpstream(refuse(503))) as model,
        serving(settings_for(tmp_path, model.url, encoder=False)) as office,
    ):
        for place in range(2):
            office.chat("今天食堂的鸡腿没有了", at=noon(minutes=place))
        assert state(office) == "ok"
        office.chat("今天食堂的鸡腿没有了", at=noon(minutes=3))
        assert eventually(lambda: state(office) == "outage")
        with answering(model, says("好的")):
            assert office.chat("在吗", at=noon(minutes=4)).status == 200
        assert eventually(lambda: state(office) == "ok")


def test_requests_that_the_model_finds_wrong_are_no_outage(tmp_path: Path) -> None:
    with (
        running(FaultyUpstream(refuse(400))) as model,
        serving(settings_for(tmp_path, model.url, encoder=False)) as office,
    ):
        for place in range(5):
            office.chat("今天食堂的鸡腿没有了", at=noon(minutes=place))
        assert state(office) == "ok"


def test_an_outage_outlives_the_process_that_found_it(tmp_path: Path, dead: str) -> None:
    with serving(settings_for(tmp_path, dead, encoder=False)) as office:
        office.chat("今天食堂的鸡腿没有了", at=noon())
        assert eventually(lambda: state(office) == "outage")
    with serving(settings_for(tmp_path, dead, encoder=False)) as office:
        assert state(office) == "outage"
        with Listening(dead):
            assert eventually(lambda: state(office) == "ok")


def test_two_processes_announce_one_outage(tmp_path: Path, postgresql_url: str, dead: str) -> None:
    settings = settings_for(tmp_path, dead, database=postgresql_url, encoder=False)
    with serving(settings) as here, serving(settings) as there:
        user = fresh()
        here.register(user, at=noon())
        with there.listening(user) as events:
            threads = [
                threading.Thread(target=one.chat, args=("今天食堂的鸡腿没有了",), kwargs={"at": noon()})
                for one in (here, there)
            ]
            for thread in threads:
                thread.start()
            assert events.until("announcement")[-1]["kind"] == "outage"
            for thread in threads:
                thread.join(10)
        assert eventually(lambda: len(here.client.get("/status.json").json()["notices"]) == 1)
        with Listening(dead):
            assert eventually(lambda: state(here) == state(there) == "ok", 8)
        assert here.client.get("/status/feed.xml").text.count("<item>") == 1


def test_an_announcement_that_cannot_be_kept_is_tried_again(dead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shouban.gateway.outages.EACH_SECONDS", 0.01)
    told: list[tuple[str, bool]] = []

    async def live() -> None:
        is_told = asyncio.Event()

        async def fails_first(service: str, is_out: bool) -> None:
            told.append((service, is_out))
            if len(told) < 3:
                raise OperatorError("the disk is full")
            is_told.set()

        outages = Outages()
        outages.told = fails_first
        outages.failed("one", "dead", dead)
        await asyncio.wait_for(is_told.wait(), 5)
        await asyncio.sleep(0.05)
        assert outages.is_out("one")
        assert not await can_connect(dead)
        await outages.stop()

    asyncio.run(live())
    assert told == [("one", True)] * 3

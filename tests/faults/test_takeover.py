"""Takeovers made by one process while another streams, with the database stopped and started among them: no word of the model follows one."""

from __future__ import annotations

import random
import re
import threading
import time
from pathlib import Path

from tests.faults.books import verified
from tests.faults.nursery import Nursery
from tests.gateway.serving import KEY, Served, fresh
from tests.gateway.test_halting import stamped
from tests.postgres import PostgresServer
from tests.upstreams.faulty import FaultyUpstream, running

MINE = {"SHOUBAN_SERVICE_KEY": KEY, "SHOUBAN_HUMAN_WAIT": "0"}
SPOKEN = re.compile(r"\[([\d.]+)\]")
PEOPLE = 12
WITHIN = 40.0


class Talk:
    """Somebody who reads a reply in one process, and is taken over in another."""

    def __init__(self, here: Served, there: Served, chance: random.Random) -> None:
        self._here, self._there = here, there
        self._wait = 0.2 + chance.random() * 1.5
        self.user = fresh()
        self.text = ""
        self.taken: float | None = None
        here.register(self.user)
        self.threads = [threading.Thread(target=self._read), threading.Thread(target=self._take)]

    def _read(self) -> None:
        self.text = self._here.chat("今天食堂的鸡腿没有了", user=self.user, stream=True).text

    def _take(self) -> None:
        time.sleep(self._wait)
        give_up = time.monotonic() + WITHIN
        while time.monotonic() < give_up:  # whoever is told that it was not taken over tries again
            answer = self._there.post(f"/v1/users/{self.user}/human", {"action": "take_over", "staff": "小林"})
            if answer.status_code == 200:
                self.taken = time.monotonic()
                return
            assert answer.status_code == 503, answer.text
            time.sleep(0.2)


def test_no_word_follows_a_takeover_though_the_database_goes_and_comes_back(
    tmp_path: Path, postgresql_url: str, postgres_server: PostgresServer, children: Nursery
) -> None:
    chance = random.Random(5)
    with running(FaultyUpstream(stamped(pace=0.02, seconds=6))) as model:
        flags = ("--upstream", model.url, "--database", postgresql_url)
        here, there = (children.serve(tmp_path, *flags, environment=MINE) for _ in range(2))
        talks = [Talk(here.served, there.served, chance) for _ in range(PEOPLE)]
        for thread in (one for talk in talks for one in talk.threads):
            thread.start()
        for _ in range(2):
            time.sleep(0.7)
            postgres_server.stop()
            time.sleep(0.4)
            postgres_server.start()
        for thread in (one for talk in talks for one in talk.threads):
            thread.join(WITHIN)
        assert all(talk.taken for talk in talks)
        late = [
            (talk.user, one - talk.taken)
            for talk in talks
            if talk.taken
            for one in map(float, SPOKEN.findall(talk.text))
            if one > talk.taken
        ]
        assert late == []
        assert sum(bool(SPOKEN.search(talk.text)) for talk in talks) > PEOPLE // 2, "the model was speaking"
        for talk in talks:
            assert here.served.get(f"/v1/users/{talk.user}").json()["takeover"] == "human"
        for child in (here, there):
            child.kill()
    assert not verified(tmp_path, postgresql_url).problems()

"""Workers: what is due is carried out, in its order, by one; and nothing that breaks keeps others waiting."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.core.histories import START
from tests.evidence.service import Carrier, SmallService
from tests.gateway.serving import Served, eventually, fresh, noon, service, serving, settings_for

from shouban.core import events as e
from shouban.core.errors import OperatorError
from shouban.core.signals import Level, Reading
from shouban.db.schema import LEDGER
from shouban.duties.ledger import Duty
from shouban.duties.worker import Worker

DANGER = (Reading("crisis", Level.SEVERE, 0.99, "words", "1"),)


def rows(small: SmallService, kind: str) -> list[tuple[str, int]]:
    with small.store.engine.connect() as connection:
        found = connection.execute(
            select(LEDGER.c.state, LEDGER.c.attempts).where(LEDGER.c.kind == kind).order_by(LEDGER.c.owed_us)
        )
        return [(row.state, row.attempts) for row in found]


def spoke(minutes: int, **fields: object) -> e.UserSpoke:
    return e.UserSpoke(at=START + timedelta(minutes=minutes), session="s", **fields)  # type: ignore[arg-type]  # a test's own keywords


class Broken(Carrier):
    """Breaks in a way that no carrier should, on its first call."""

    async def __call__(self, duty: Duty) -> str:
        self.tried += 1
        if self.tried == 1:
            raise RuntimeError("nobody foresaw this")
        return "a message arrived"


def test_a_timer_runs_at_its_own_time_and_not_at_the_time_it_is_found(tmp_path: Path) -> None:
    with SmallService(tmp_path) as small:
        small.live("a", [spoke(minute) for minute in range(0, 115, 10)])
        small.clock.set(START + timedelta(hours=5))
        small.loop.run(small.worker.run_due(small.clock.now()))
        with small.store.engine.connect() as connection:
            owed = connection.execute(select(LEDGER.c.owed_us).where(LEDGER.c.kind == "Remind")).scalars().all()
        assert owed == [round((START + timedelta(hours=2)).timestamp() * 1e6)]


def test_nothing_is_carried_out_before_its_time_or_twice(tmp_path: Path) -> None:
    carrier = Carrier(every=1)
    with SmallService(tmp_path, carrier=carrier) as small:
        small.live("a", [spoke(0, readings=DANGER)])
        assert carrier.tried == 1
        for _ in range(3):
            small.loop.run(small.worker.run_due(small.clock.now() + timedelta(minutes=30)))
        assert carrier.tried == 1
        assert rows(small, "NotifyGuardian") == [("done", 0)]


def test_two_workers_share_the_work_and_do_nothing_twice(tmp_path: Path, database_url: str) -> None:
    carrier = Carrier(every=1)
    with SmallService(tmp_path, database_url, carrier=carrier) as small:
        small.live("a", [spoke(0)])
        small.worker = Worker(small.store.writer, small.road, {})
        for name in "bcdefg":
            small.live(name, [spoke(1, readings=DANGER)])
        workers = [Worker(small.store.writer, small.road, {"NotifyGuardian": carrier}) for _ in range(2)]

        async def both() -> list[int]:
            return await asyncio.gather(*(worker.run_due(START + timedelta(minutes=5)) for worker in workers))

        assert sum(small.loop.run(both())) >= 6
        assert carrier.tried == 6
        assert rows(small, "NotifyGuardian") == [("done", 0)] * 6


def test_a_duty_that_breaks_keeps_no_other_waiting_and_is_tried_again(tmp_path: Path) -> None:
    carrier = Broken()
    with SmallService(tmp_path, carrier=carrier) as small:
        small.worker = Worker(small.store.writer, small.road, {})
        for name in "abc":
            small.live(name, [spoke(0, readings=DANGER)])
        small.worker = Worker(small.store.writer, small.road, {"NotifyGuardian": carrier})
        small.loop.run(small.worker.run_due(START + timedelta(minutes=5)))
        assert sorted(rows(small, "NotifyGuardian")) == [("done", 0), ("done", 0), ("owed", 0)]
        small.loop.run(small.worker.run_due(START + timedelta(minutes=6)))
        assert ("owed", 0) in rows(small, "NotifyGuardian")
        small.loop.run(small.worker.run_due(START + timedelta(hours=1)))
        assert rows(small, "NotifyGuardian") == [("done", 0)] * 3
        assert small.report().is_clean


def test_duties_of_a_service_that_is_no_longer_served_keep_nobody_waiting(tmp_path: Path) -> None:
    both = [service("gone", "scripted"), service("stays", "scripted")]
    user = fresh()
    with serving(settings_for(tmp_path, services=both)) as served:
        for minute in range(0, 115, 10):
            served.chat("嗯", user=user, key="sk-gone", at=noon(minutes=minute))
            served.chat("嗯", user=user, key="sk-stays", at=noon(minutes=minute, seconds=1))
    with serving(settings_for(tmp_path, services=both[1:])) as served:
        assert served.chat("你好", key="sk-stays", at=noon(minutes=121)).status == 200
        assert "两个小时" in served.chat("嗯", user=user, key="sk-stays", at=noon(minutes=122)).text


def test_while_the_database_is_away_duties_wait(tmp_path: Path) -> None:
    class Away(Carrier):
        async def __call__(self, duty: Duty) -> str:
            self.tried += 1
            raise OperatorError("nobody can be reached")

    carrier = Away()
    with SmallService(tmp_path, carrier=carrier) as small:
        small.live("a", [spoke(0, readings=DANGER)])
        assert rows(small, "NotifyGuardian")[0] == ("owed", carrier.tried)


@pytest.mark.parametrize("clock", ["real"])
def test_with_the_real_clock_the_worker_runs_by_itself(tmp_path: Path, clock: str) -> None:
    with serving(settings_for(tmp_path, clock=clock)) as served:
        user = fresh()
        served.register(user, contacts=[{"kind": "guardian", "name": "王芳", "channels": ["http://127.0.0.1:9/hook"]}])
        served.chat("我写好遗书了，今晚就去死", user=user)
        assert eventually(lambda: tried(served, user) >= 1)


def tried(served: Served, user: str) -> int:
    return max((row.attempts for row in served.ledger(user, kinds=["NotifyGuardian"])), default=0)

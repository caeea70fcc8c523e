"""Clocks that jump: nobody is reminded twice or never, no state is lost, and time in the log does not run backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.faults.books import books_of, verified
from tests.faults.nursery import Nursery
from tests.gateway.serving import KEY, fresh, noon
from tests.upstreams.faulty import FaultyUpstream

import shouban.gateway.clock
from shouban.gateway.clock import RealClock

VIRTUAL = {"SHOUBAN_SERVICE_KEY": KEY, "SHOUBAN_CLOCK": "virtual"}


class Wall(datetime):
    """The system's clock, which somebody sets."""

    off = timedelta(0)

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + cls.off


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> type[Wall]:
    monkeypatch.setattr(shouban.gateway.clock, "datetime", Wall)
    monkeypatch.setattr(Wall, "off", timedelta(0))
    return Wall


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1), timedelta(days=-400)])
def test_a_wall_clock_that_is_set_changes_no_time_of_ours_and_shows(wall: type[Wall], jump: timedelta) -> None:
    clock = RealClock()
    before = clock.now()
    assert clock.jumped() is None
    wall.off = jump
    after = clock.now()
    assert timedelta(0) <= after - before < timedelta(seconds=5)
    moved = clock.jumped()
    assert moved is not None
    assert abs(moved - jump) < timedelta(seconds=5)


def test_after_a_restart_under_a_clock_set_back_time_goes_on_from_the_log(wall: type[Wall]) -> None:
    last = datetime.now(UTC)
    wall.off = timedelta(hours=-1)
    assert RealClock(last).now() >= last


def test_a_service_restarted_under_a_clock_an_hour_behind_goes_on_from_its_log(
    tmp_path: Path, children: Nursery, model: FaultyUpstream
) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    user = fresh()
    first = children.serve(tmp_path, "--upstream", model.url, environment=VIRTUAL)
    assert first.served.chat("走路 bdfg", user=user, at=ahead.isoformat()).status == 200
    first.kill()
    second = children.serve(tmp_path, "--upstream", model.url, environment={"SHOUBAN_SERVICE_KEY": KEY})
    assert second.served.chat("走路 kpq", user=user).status == 200
    second.kill()
    assert not verified(tmp_path).problems()
    spoken = [entry.event.at for entry in books_of(tmp_path).entries if type(entry.event).__name__ == "UserSpoke"]
    assert len(spoken) == 2
    assert all(earlier <= later for earlier, later in pairwise(spoken))


def test_an_hour_back_in_the_middle_of_use_loses_no_turn_and_no_reminder(
    tmp_path: Path, children: Nursery, model: FaultyUpstream
) -> None:
    """The clock of the calls goes back an hour after 70 minutes of use, and on from there."""
    child = children.serve(tmp_path, "--upstream", model.url, "--delivery", "aware", environment=VIRTUAL)
    user = fresh()
    minutes = [*range(0, 71, 10), *range(10, 201, 10)]
    replies = [
        child.served.chat(f"走路 bdfg{'k' * (turn + 1)}", user=user, at=noon(minutes=minute))
        for turn, minute in enumerate(minutes)
    ]
    assert {reply.status for reply in replies} == {200}
    reminded = [turn for turn, reply in enumerate(replies) if "reminder" in reply.kinds]
    used = [reply.shouban[0]["state"]["use_seconds"] for reply in replies]
    assert all(earlier <= later for earlier, later in pairwise(used)), used
    # 70 minutes before, 190 after: the hour that was set back neither adds to the count nor takes from it.
    assert used[-1] == 260 * 60
    assert [used[turn] for turn in reminded] == [2 * 3600, 4 * 3600]
    assert len(child.served.messages(user)) == 2 * len(minutes)
    child.kill()
    assert not verified(tmp_path).problems()

"""A person's timeline: what happened, newest kept, without words, and without timers that only ran out."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.core.histories import START
from tests.evidence.service import SERVICE, SmallService

from shouban.core import events as e
from shouban.core.signals import Level, Reading
from shouban.db.engine import view
from shouban.evidence.timeline import MOST_SHOWN, entries_of

CRISIS = Reading(signal="crisis", level=Level.HIGH, score=0.9, detector="words", version="1")


def test_a_line_says_when_what_was_read_and_what_was_owed(tmp_path: Path) -> None:
    with SmallService(tmp_path) as small:
        small.live("a", [e.UserSpoke(at=START, session="s", readings=(CRISIS,))])
        person = small.loop.run(small.road.find(SERVICE, "a"))
        assert person is not None
        with view(small.store.engine) as connection:
            lines = entries_of(connection, SERVICE, person.id)
        assert [at for at, *_ in lines] == sorted(at for at, *_ in lines)
        spoke = next(line for line in lines if line[1] == "UserSpoke")
        assert spoke[2] == ["crisis 3"]
        assert {"Escalate", "NotifyGuardian"} <= set(spoke[3])
        assert all(one.what != "kept" for one in lines)
        assert sorted({one.leaf for one in lines}) == [one.leaf for one in lines], "each by its number in the log"


def test_only_the_newest_are_shown(tmp_path: Path) -> None:
    with SmallService(tmp_path) as small:
        many = [e.UserSpoke(at=START + timedelta(seconds=n), session="s") for n in range(MOST_SHOWN + 20)]
        small.live("a", many)
        person = small.loop.run(small.road.find(SERVICE, "a"))
        assert person is not None
        with view(small.store.engine) as connection:
            lines = entries_of(connection, SERVICE, person.id)
        assert len(lines) <= MOST_SHOWN
        assert lines[-1][0] >= many[-1].at

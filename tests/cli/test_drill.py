"""The drill plays the whole crisis: nothing of it is pretended, and what fails shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import partialmethod
from pathlib import Path

import pytest

from shouban.cli.drill import GOALS, Play, Step, play
from shouban.core.errors import CallerError
from shouban.gateway.clock import RealClock, _steady

STEPS = [
    "template",
    "desk",
    "contact",
    "claim",
    "takeover",
    "words",
    "reply",
    "thanks",
    "human",
    "too_soon",
    "back",
    "follow_up",
    "log",
]


MIDNIGHT = datetime(2026, 11, 30, 0, 14, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Step]:
    """Played at midnight: then minors are asked to sleep, and no model would speak that could be taken over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RealClock, "__init__", partialmethod(begin_at, MIDNIGHT))
        return {one.name: one for one in play(tmp_path_factory.mktemp("drill") / "store", "cn")}


def begin_at(clock: RealClock, at: datetime, last_seen: datetime | None = None) -> None:
    clock._start, clock._steady = at.astimezone(UTC), _steady()  # the machine's own time is nothing a test may set


def test_every_step_is_played_and_what_has_no_clock_goes_well(steps: dict[str, Step]) -> None:
    assert list(steps) == STEPS
    for one in steps.values():
        # How fast is measured, and printed; on a busy machine it fails no test.
        assert one.good or (one.ms is not None and one.goal_ms is not None and one.ms > one.goal_ms), one
    assert all(steps[name].ms is not None for name in GOALS)


def test_the_model_was_speaking_and_says_nothing_after_the_takeover(steps: dict[str, Step]) -> None:
    before, after = (int(one) for one in steps["takeover"].said.split(" / "))
    assert before > 0
    assert after == 0


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    with pytest.raises(CallerError, match="not empty"):
        play(tmp_path, "cn")
    assert (tmp_path / "kept").read_text() == "x"


def test_a_step_over_its_goal_is_not_good() -> None:
    played = Play.__new__(Play)
    played.steps = []
    played.note("template", "a", "a", good=True, ms=GOALS["template"] + 1)
    played.note("template", "a", "a", good=True, ms=GOALS["template"])
    played.note("desk", "a", "a", good=False)
    assert [one.good for one in played.steps] == [False, True, False]

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec

from shouban.core.signals import UNKNOWN, Level
from shouban.offices.simulation.model import LEVELS, Bin, Run, Timeline


def test_the_levels_are_the_cores_own_without_none_and_with_unknown() -> None:
    assert (*(level.name.lower() for level in list(Level)[1:]), UNKNOWN) == LEVELS


def test_what_a_report_is_made_of_survives_json() -> None:
    run = Run("cn", "0" * 64, "法", "law", datetime(2026, 8, 3, tzinfo=UTC), 1.0, 2.0)
    timeline = Timeline("day", (Bin(date(2026, 8, 3), 2, 1),))
    assert msgspec.json.decode(msgspec.json.encode(run), type=Run) == run
    assert msgspec.json.decode(msgspec.json.encode(timeline), type=Timeline) == timeline

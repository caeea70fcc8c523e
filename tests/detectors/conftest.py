"""The shipped detectors, built once for all tests of this folder."""

from __future__ import annotations

import pytest

from shouban.core.signals import Reading, Role
from shouban.detectors.reader import Detectors, first_tier


@pytest.fixture(scope="session")
def detectors() -> Detectors:
    """Lists and rules; what the models add has tests of its own."""
    return Detectors(first_tier())


def level_of(readings: tuple[Reading, ...], signal: str) -> int | str:
    """The strongest level of `signal` among `readings`, 0 where there is none."""
    found = [one.level for one in readings if one.signal == signal]
    return next(
        (one for one in found if one == "unknown"), max((int(one) for one in found if one != "unknown"), default=0)
    )


def reads(detectors: Detectors, text: str, signal: str, *, role: Role = "user") -> int | str:
    return level_of(detectors.read(text, role=role), signal)

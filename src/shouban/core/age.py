"""What all that was heard of a person says of their age: points that stay across sessions, devices, companions and plots.

A strong sign of a minor makes up for a strong sign of an adult; two always prevail, however often somebody says to be grown
up: a child's word that it is 18 is the weakest of evidence. The pack says what follows (rule `minor-suspected`).
"""

from __future__ import annotations

from typing import Final

from shouban.core.signals import Reading

MOST: Final = 80
# Words of an adult count down to here and no further: from there two strong signs of a minor still reach `LIKELY_MINOR`.
LEAST: Final = -45
_MINOR: Final = {1: 0, 2: 8, 3: 20, 4: 40}
_ADULT: Final = {1: 0, 2: 4, 3: 10, 4: 20}


def age_points(points: int, readings: tuple[Reading, ...]) -> int:
    """The points after one more turn; a detector that did not answer moves nothing."""
    gained = _MINOR.get(_heard(readings, "minor_cue"), 0) - _ADULT.get(_heard(readings, "adult_cue"), 0)
    return max(LEAST, min(MOST, points + gained))


def _heard(readings: tuple[Reading, ...], signal: str) -> int:
    return max((int(one.level) for one in readings if one.signal == signal and one.level != "unknown"), default=0)

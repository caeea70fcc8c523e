"""What all that was heard of a person says of their age: points that stay across sessions, devices, companions and plots.

A child's word that it is grown up is the weakest of evidence: it takes away a little, for a while, and never enough to keep an age or a
school year that is told from being heard. The pack says what follows (rule `minor-suspected`).
"""

from __future__ import annotations

from typing import Final

from shouban.core.events import UserSpoke
from shouban.core.signals import Level, Reading, heard_level

MOST: Final = 80
# Words of an adult count down to here and no further, and what they took comes back turn by turn.
LEAST: Final = -20
TOLD: Final = "told"
_TOLD: Final = 60
_MINOR: Final = {1: 0, 2: 8, 3: 20, 4: 40}
_ADULT: Final = {1: 0, 2: 4, 3: 10, 4: 20}


def age_points(points: int, event: UserSpoke) -> int:
    """The points after one more turn; a detector that did not answer moves nothing.

    A turn that was sent along as history may be sent again and again: it counts as what it says by itself, and adds to nothing.
    """
    gained = _gained(event.readings)
    if event.earlier:
        return max(points, min(MOST, gained)) if gained > 0 else points
    if not gained and points < 0:
        gained = 1
    return max(LEAST, min(MOST, points + gained))


def _gained(readings: tuple[Reading, ...]) -> int:
    minor = _MINOR.get(heard_level(readings, "minor_cue"), 0)
    if any(one.signal == "minor_cue" and one.kind == TOLD and one.level == Level.SEVERE for one in readings):
        minor = _TOLD
    return minor - _ADULT.get(heard_level(readings, "adult_cue"), 0)

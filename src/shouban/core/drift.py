"""How far a talk's relation has drifted towards a partner's or a relative's, over many turns and plot lines in brackets.

Each hint adds points, each turn of the person lets a tenth of them fade: five clear hints in a row weigh as much as one demand.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from shouban.core.events import CompanionSpoke, Event, UserSpoke, readings_of
from shouban.core.signals import Reading, heard_level
from shouban.core.state import Session

_FADES: Final = 0.9
_MOST: Final = 120
_POINTS: Final = (0, 4, 10, 20, 40)
# Points from which on a drift is of level 1, 2, 3, 4.
_LEVELS: Final = (6, 14, 30, 55)
_HINTS: Final = {
    "partner": ("intimacy_request", "manipulation.minor_intimacy"),
    "kin": ("kin_request", "manipulation.kin_impersonation"),
}


def drifted(session: Session, event: Event) -> Session:
    """The talk after one more turn of the person or the companion."""
    if not isinstance(event, UserSpoke | CompanionSpoke):
        return session
    fades = _FADES if isinstance(event, UserSpoke) and not event.earlier else 1.0
    partner, kin = (
        min(_MOST, int(points * fades) + _hint(event.readings, _HINTS[towards]))
        for towards, points in (("partner", session.partner), ("kin", session.kin))
    )
    if (partner, kin) == (session.partner, session.kin):
        return session
    return replace(session, partner=partner, kin=kin)


def drift_level(points: int) -> int:
    """0 to 4."""
    return sum(points >= least for least in _LEVELS)


def may_drift(event: Event) -> bool:
    """Whether the event holds a hint at all."""
    return any(one.signal in signals for one in readings_of(event) for signals in _HINTS.values())


def _hint(readings: tuple[Reading, ...], signals: tuple[str, ...]) -> int:
    return max(_POINTS[heard_level(readings, signal)] for signal in signals)

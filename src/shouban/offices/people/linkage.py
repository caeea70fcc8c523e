"""Device, app and store switch minors mode together (三方联动: Guide to building minors mode on mobile, CAC 2024; draft Art. 12.1; register rows D049, D050). Pure.

Each side says what its own switch stands at, with a number that grows. Minors mode is on as long as any side says so; it is left only where the
guardian was verified at the side that says so and no other side holds it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from shouban.core.errors import CallerError
from shouban.core.events import AgeBand
from shouban.core.state import PersonState

Side = Literal["device", "app", "store"]
MOST_SIDES: Final = 12
# The stores' own signal (California AB 1043) for a band of ours.
SIGNAL_OF: Final[dict[AgeBand, str]] = {
    "under_14": "under_13", "14_15": "13_15", "16_17": "16_17", "adult": "18_plus", "elder": "18_plus", "unknown": "unknown",
}  # fmt: skip


class Linking(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /v1/users/{id}/linkage`: what one side's switch stands at. `verified`: a guardian was verified there; `number` grows with each change of that side."""

    source: Side
    mode: Literal["minor", "standard"]
    number: Annotated[int, msgspec.Meta(ge=0)]
    device: Annotated[str, msgspec.Meta(max_length=64)] = ""
    signal: Annotated[str, msgspec.Meta(max_length=20)] = ""
    verified: bool = False

    @property
    def side(self) -> str:
        return f"{self.source}:{self.device}" if self.device else self.source


def linked(held: dict[str, Any], wish: Linking, at: datetime) -> dict[str, Any]:
    """The sides with this one's word. Raises `CallerError` (409) where a newer word of the same side is known: signals may overtake each other.

    Of too many sides one that says `standard` is forgotten: none that protects is refused.
    """
    known = held.get(wish.side)
    # What protects is taken though it came late, or from a side whose count began anew.
    if known is not None and wish.number <= known["number"] and wish.mode != "minor":
        told = f"`number` is {wish.number}; the newest from this side is {known['number']}"
        raise CallerError(told, field="number", status=409, code="stale_signal")
    others = {side: one for side, one in held.items() if side != wish.side}
    while len(others) >= MOST_SIDES:
        spare = next((side for side, one in others.items() if one["mode"] == "standard"), next(iter(others)))
        del others[spare]
    return {
        **others,
        wish.side: {"mode": wish.mode, "number": wish.number, "at": at.isoformat(), "verified": wish.verified},
    }


def held_by(sides: dict[str, Any]) -> list[str]:
    """The sides that say minors mode."""
    return sorted(side for side, one in sides.items() if one["mode"] == "minor")


def shown(state: PersonState, sides: dict[str, Any], controls: dict[str, Any]) -> dict[str, Any]:
    """What each side needs to do the same: the mode, why it cannot be left, the age signal and the limits."""
    return {
        "mode": state.mode, "is_minor": state.is_minor, "age_band": state.age_band, "signal": SIGNAL_OF[state.age_band], "held_by": held_by(sides),
        "sides": sides, "controls": controls,
    }  # fmt: skip

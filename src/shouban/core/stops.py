"""What ends a reply that is under way: a consent is gone, the service was closed, the mode has changed, what was said is to be deleted. Pure.

A withdrawn consent stops the service at once (PIPL Art. 15; draft Art. 12.2), not with the next message.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from shouban.core import events as e
from shouban.core.obligations import Obligation, StopUse
from shouban.core.state import PersonState

# Training uses what was said long ago: a reply stands on no consent to it.
BESIDE_THE_TALK = frozenset({"training"})


def stopped(before: PersonState, after: PersonState, event: e.Event, owed: Iterable[Obligation]) -> PersonState:
    """The state with its counts moved on where the event ends what is being said."""
    if isinstance(event, e.ErasureRequested):
        return replace(after, stops=after.stops + 1, erasures=after.erasures + 1)
    consent_gone = any(isinstance(one, StopUse) and one.purpose not in BESIDE_THE_TALK for one in owed)
    return replace(after, stops=after.stops + 1) if consent_gone or _closes(before, after, event) else after


def _closes(before: PersonState, after: PersonState, event: e.Event) -> bool:
    match event:
        case e.RestrictionSet():
            return True
        case e.ModeSet() | e.AgeFound() | e.UserRegistered():
            return before.mode != after.mode
        case e.GuardianSet():
            return not set(after.guardianship.blocked) <= set(before.guardianship.blocked)
        case _:
            return False

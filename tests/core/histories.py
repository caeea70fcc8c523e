"""Random histories for property tests: events of one person over devices, pauses, midnights and jumping clocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from shouban.core import events as e
from shouban.core.signals import SIGNALS, Level, Reading

START = datetime(2026, 8, 3, 1, 0, tzinfo=UTC)
SESSIONS = ("phone", "tablet", "")

levels = st.sampled_from([*Level, "unknown"])
user_signals = st.sampled_from(sorted(name for name, roles in SIGNALS.items() if "user" in roles))
companion_signals = st.sampled_from(sorted(name for name, roles in SIGNALS.items() if "companion" in roles))


Draw = st.DrawFn
USER_READINGS = st.lists(st.tuples(user_signals, levels), max_size=3, unique_by=lambda one: one[0])
COMPANION_READINGS = st.lists(st.tuples(companion_signals, levels), max_size=3, unique_by=lambda one: one[0])
BANDS: list[e.AgeBand] = ["under_14", "14_15", "16_17", "adult", "elder", "unknown"]


def spoke(at: datetime, session: str = "phone", **fields: Any) -> e.UserSpoke:  # an event's own fields
    return e.UserSpoke(at=at, person="p", session=session, **fields)


def read(draw: Draw, drawn: st.SearchStrategy[list[tuple[str, Any]]]) -> tuple[Reading, ...]:
    return tuple(Reading(name, level, 0.5, "drawn", "1") for name, level in draw(drawn))


MAKERS: list[Callable[[Draw, dict[str, Any]], e.Event]] = [
    lambda draw, at: e.UserSpoke(**at, readings=read(draw, USER_READINGS)),
    lambda draw, at: e.UserSpoke(**at, readings=read(draw, USER_READINGS)),
    lambda draw, at: e.UserSpoke(**at, readings=read(draw, USER_READINGS)),
    lambda draw, at: e.CompanionSpoke(**at, readings=read(draw, COMPANION_READINGS)),
    lambda draw, at: e.ReplyRead(**at, turn="t", received=4, read=4, released=2, readings=read(draw, COMPANION_READINGS)),
    lambda _, at: e.UserSignedIn(**at),
    lambda draw, at: e.UserLeft(**at, by=draw(st.sampled_from(["button", "word", "voice"]))),
    lambda draw, at: e.TimePassed(**at, key=draw(st.sampled_from(["two-hours", "minor-reality"]))),
    lambda draw, at: e.UserRegistered(**at, age_band=draw(st.sampled_from(BANDS)), guardians=draw(st.integers(0, 2))),
    lambda draw, at: e.ModeSet(**at, mode=draw(st.sampled_from(["minor", "standard"])), by=draw(st.sampled_from(["user", "guardian"])), verified=draw(st.booleans())),
    lambda _, at: e.ConsentGiven(**at, purpose="companionship", by="guardian"),
    lambda _, at: e.ConsentWithdrawn(**at, purpose="companionship", by="guardian"),
    lambda _, at: e.HumanTookOver(**at, staff="s"),
    lambda _, at: e.HumanHandedBack(**at, staff="s"),
    lambda draw, at: e.PurchaseRequested(**at, amount=draw(st.integers(1, 100_000))),
    lambda draw, at: e.UpstreamFailed(**at, reason=draw(st.sampled_from(["dead", "slow", "cut"]))),
    lambda draw, at: e.DutyFailed(**at, duty="d", obligation="NotifyGuardian", why="w", final=draw(st.booleans())),
]  # fmt: skip


@st.composite
def histories(draw: st.DrawFn, max_size: int = 25) -> list[e.Event]:
    """Events with gaps from seconds to a day, and now and then a clock that goes back an hour."""
    at, events = START, []
    for _ in range(draw(st.integers(1, max_size))):
        minutes = draw(st.one_of(st.integers(0, 14), st.integers(15, 90), st.sampled_from([-60, 12 * 60, 24 * 60])))
        at += timedelta(minutes=minutes, seconds=draw(st.integers(0, 59)))
        place = {"at": at, "person": "p", "session": draw(st.sampled_from(SESSIONS))}
        events.append(draw(st.sampled_from(MAKERS))(draw, place))
    return events

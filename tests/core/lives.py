"""Simulated lives: a person's days as events, each day a few talks at given hours, driven through the real decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from shouban.core import events as e
from shouban.core.decide import decide
from shouban.core.obligations import Obligation
from shouban.core.signals import Level, Reading
from shouban.core.state import PersonState
from shouban.packs.stack import load_pack

PACK = load_pack("cn").pack
# Midnight in China.
MIDNIGHT: Final = datetime(2026, 8, 2, 16, 0, tzinfo=UTC)
STEP: Final = timedelta(minutes=10)


@dataclass
class Talk:
    """From `hour` for `minutes`; `says` of the first turns by signal and level; whether it ends with a goodbye."""

    hour: float
    minutes: int
    says: dict[str, int] = field(default_factory=dict)
    leaves: bool = True
    every_turn: bool = False


Day = Callable[[int], Iterable[Talk]]


def readings(says: dict[str, int]) -> tuple[Reading, ...]:
    return tuple(Reading(signal, Level(level), 0.8, "life", "1") for signal, level in says.items())


def live(day: Day, days: int, state: PersonState | None = None, first: int = 0) -> tuple[PersonState, list[Obligation]]:
    """The state after so many days, and all that was owed on the way."""
    owed: list[Obligation] = []
    state = state or decide(PersonState(), e.UserRegistered(at=MIDNIGHT, person="p", age_band="adult", emergencies=1), PACK).state  # fmt: skip
    for number in range(first, first + days):
        for talk in day(number):
            state = _hold(state, talk, MIDNIGHT + timedelta(days=number, hours=talk.hour), owed)
    return state, owed


def _hold(state: PersonState, talk: Talk, at: datetime, owed: list[Obligation]) -> PersonState:
    for turn in range(talk.minutes // 10 + 1):
        says = readings(talk.says if turn == 0 or talk.every_turn else {})
        decision = decide(state, e.UserSpoke(at=at + turn * STEP, person="p", session="s", readings=says), PACK)
        owed += decision.owed
        state = decision.state
    if not talk.leaves:
        return state
    decision = decide(state, e.UserLeft(at=at + timedelta(minutes=talk.minutes), person="p", session="s", by="button"), PACK)  # fmt: skip
    owed += decision.owed
    return decision.state

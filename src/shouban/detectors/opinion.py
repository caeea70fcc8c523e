"""A second opinion: what is asked where the first tier of detection is in doubt, and what it may answer.

Rules: it is asked about the signals in doubt only; an opinion that is late, malformed or not given reads `unknown` on
every signal that was asked about, never none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from shouban.core.signals import UNKNOWN, Reading, Role

Outcome = Literal["answered", "cached", "late", "malformed", "failed", "busy"]
# Nobody was waited for: the time such an opinion took says nothing of who gives them.
AT_ONCE: Final = frozenset({"cached", "busy"})

Context = Sequence[tuple[Role, str]]


@dataclass(frozen=True)
class Opinion:
    """What one adviser said of one text: on which signals, how it came about, and how long that took.

    `why` tells the operator why none was given; it holds no word of anybody's.
    """

    adviser: str
    asked: frozenset[str]
    readings: tuple[Reading, ...]
    outcome: Outcome
    seconds: float = 0.0
    why: str = ""


class Adviser(Protocol):
    """Somebody who may be asked. `ask` always answers, in bounded time; only its own cancellation is raised."""

    name: str
    version: str
    signals: frozenset[str]

    async def ask(self, text: str, signals: frozenset[str], context: Context) -> Opinion: ...
    async def close(self) -> None: ...


def asked_of(adviser: Adviser, doubts: Iterable[str]) -> frozenset[str]:
    """The signals in doubt that this adviser knows of."""
    return adviser.signals.intersection(doubts)


async def opinions_on(
    text: str, doubts: Mapping[str, float], context: Context, advisers: Sequence[Adviser]
) -> list[Opinion]:
    """Every adviser who knows of a signal in doubt is asked, all at the same time."""
    asks = [one.ask(text, asked, context) for one in advisers if (asked := asked_of(one, doubts))]
    return list(await asyncio.gather(*asks))


def readings_of(opinions: Iterable[Opinion]) -> tuple[Reading, ...]:
    return tuple(reading for opinion in opinions for reading in opinion.readings)


def unread(adviser: Adviser, signals: frozenset[str], outcome: Outcome, seconds: float = 0.0, why: str = "") -> Opinion:
    """No opinion was given: every signal asked about reads `unknown`."""
    readings = tuple(Reading(one, UNKNOWN, 0.0, adviser.name, adviser.version) for one in sorted(signals))
    return Opinion(adviser.name, signals, readings, outcome, seconds, why)


def about(advisers: Iterable[Adviser]) -> list[dict[str, object]]:
    return [{"name": one.name, "version": one.version, "signals": sorted(one.signals)} for one in advisers]

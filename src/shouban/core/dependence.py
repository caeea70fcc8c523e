"""How dependent a person has become, from weeks of use and words: six components, each with its share, explainable to the person.

After the components model of behavioural addiction (Griffiths 2005, J. Subst. Use 10:191–197): salience, tolerance, mood
modification, withdrawal symptoms, conflict, relapse. A screening aid for a reminder and for staff, not a diagnosis.

Who says today that they cannot live without it is at that level today; words fade in days, habits in weeks.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Literal

import msgspec

from shouban.core.days import DAY, is_low
from shouban.core.state import DayUse

Name = Literal["salience", "tolerance", "mood_modification", "withdrawal_symptoms", "conflict", "relapse"]
Trend = Literal["rising", "steady", "falling"]

# Of a hundred points in all.
WEIGHTS: Final[dict[Name, int]] = {
    "salience": 25, "tolerance": 15, "mood_modification": 10, "withdrawal_symptoms": 20, "conflict": 20, "relapse": 10,
}  # fmt: skip
# Points from which on the level is 1, 2, 3, 4.
LEVELS: Final = (15, 30, 48, 68)
WEEK: Final = 7
WORDS_LAST: Final = 3
# Level of words to the share of a component.
_WORDS: Final = (0.0, 0.2, 0.4, 0.8, 1.0)
_HOUR: Final = timedelta(hours=1)
# Hours a day of which salience takes note, and at which it is full.
_MUCH, _MOST = 2.0, 7.0
# This week against a day of the three weeks before: from 1.3 times on a growth counts, 2.6 times is full.
_GROWTH: Final = (1.3, 2.6)
_KNOWN_DAYS: Final = 7
_LEAST_GROWN: Final = 1.5
# Less than so many hours in a row away from it, from one noon to the next, is a night lost to it.
_REST: Final = 6
_NIGHTS: Final = 4
_LOW_DAYS: Final = 4
_RETURNS: Final = 6
_SPENT: Final = 200_000


class Component(msgspec.Struct, frozen=True):
    """`share` in [0, 1] of what this component can weigh; `points` it adds to the hundred; `why`: its figures, by name."""

    name: Name
    share: float
    points: float
    why: dict[str, float]


class Dependence(msgspec.Struct, frozen=True):
    """`points` of a hundred; `words` the strongest of the last days, below which the level does not fall."""

    level: int
    points: float
    words: int
    trend: Trend
    components: tuple[Component, ...]


def dependence_of(days: tuple[DayUse, ...], today: date) -> Dependence:
    """What the days up to `today` say."""
    found = _components(days, today)
    points = sum(one.points for one in found)
    earlier = sum(one.points for one in _components(days, today - WEEK * DAY))
    words = max((one.dependence for one in _within(days, today, WORDS_LAST)), default=0)
    return Dependence(max(_level(points), words), round(points, 1), words, _trend(points - earlier), found)


def dependence_level(days: tuple[DayUse, ...], today: date) -> int:
    """The level alone: on the hot path nobody asks why."""
    words = max((one.dependence for one in _within(days, today, WORDS_LAST)), default=0)
    return max(words, _level(sum(one.points for one in _components(days, today))))


def _level(points: float) -> int:
    return sum(round(points, 1) >= least for least in LEVELS)


def _trend(change: float) -> Trend:
    return "rising" if change >= 8 else "falling" if change <= -8 else "steady"


def _components(days: tuple[DayUse, ...], today: date) -> tuple[Component, ...]:
    week = _within(days, today, WEEK)
    hours = _hours(week) / WEEK
    shares: dict[Name, tuple[float, dict[str, float]]] = {
        "salience": (_part(hours, _MUCH, _MOST), {"hours_a_day": round(hours, 2), "days_of_7": sum(map(_is_used, week))}),
        "tolerance": _tolerance(days, today, hours),
        "mood_modification": _mood(week),
        "withdrawal_symptoms": _symptoms(week),
        "conflict": _conflict(days, week),
        "relapse": _relapse(week),
    }  # fmt: skip
    return tuple(
        Component(name, round(share, 3), round(share * WEIGHTS[name], 2), why) for name, (share, why) in shares.items()
    )


def _tolerance(days: tuple[DayUse, ...], today: date, hours: float) -> tuple[float, dict[str, float]]:
    """More and more of it: this week against the weeks before, once a week is known."""
    before = [one for one in days if WEEK * DAY <= today - one.day < 4 * WEEK * DAY]
    if not before:
        return 0.0, {}
    span = min((today - before[0].day).days - WEEK + 1, 3 * WEEK)
    usual = _hours(before) / span
    growth = hours / max(usual, 0.5)
    counts = span >= _KNOWN_DAYS and hours >= _LEAST_GROWN
    return _part(growth, *_GROWTH) if counts else 0.0, {"hours_a_day_before": round(usual, 2), "growth": round(growth, 2)}  # fmt: skip


def _mood(week: list[DayUse]) -> tuple[float, dict[str, float]]:
    """Sought on low days, and long."""
    low = sum(is_low(one) and one.used >= _HOUR for one in week)
    return min(1.0, low / _LOW_DAYS), {"low_days_with_an_hour": low}


def _symptoms(week: list[DayUse]) -> tuple[float, dict[str, float]]:
    """Says that without it they cannot sleep, work, feel or live."""
    words = max((one.dependence for one in week), default=0)
    return _WORDS[words], {"strongest_words": words}


def _conflict(days: tuple[DayUse, ...], week: list[DayUse]) -> tuple[float, dict[str, float]]:
    """At the cost of people, sleep or money (what they were about to pay): the worst of the three."""
    people = max((one.withdrawal for one in week), default=0)
    nights = sum(_lost_sleep(days, one) for one in week)
    spent = sum(one.spent for one in week)
    share = max(_WORDS[people], min(1.0, nights / _NIGHTS), min(1.0, spent / _SPENT))
    return share, {"people_given_up": people, "nights_lost": nights, "asked_to_pay_fen": spent}


def _relapse(week: list[DayUse]) -> tuple[float, dict[str, float]]:
    """Leaves, and is back within the hour."""
    returns = sum(one.returns for one in week)
    return min(1.0, returns / _RETURNS), {"back_within_the_hour": returns}


def _lost_sleep(days: tuple[DayUse, ...], day: DayUse) -> bool:
    """Whether the longest time away between noon of the day before and the end of `day` was short.

    What hours those are does not matter: who works at night rests by day.
    """
    before = next((one for one in days if one.day == day.day - DAY), None)
    if before is None or not before.hours or not day.hours:
        return False
    seen = before.hours >> 12 | day.hours << 12
    longest = run = 0
    for hour in range(36):
        run = 0 if seen >> hour & 1 else run + 1
        longest = max(longest, run)
    return longest < _REST


def _within(days: tuple[DayUse, ...], today: date, length: int) -> list[DayUse]:
    return [one for one in days if timedelta(0) <= today - one.day < length * DAY]


def _hours(days: list[DayUse]) -> float:
    return sum((one.used for one in days), timedelta(0)) / _HOUR


def _is_used(day: DayUse) -> bool:
    return day.turns > 0 or day.used > timedelta(0)


def _part(value: float, least: float, most: float) -> float:
    return max(0.0, min(1.0, (value - least) / (most - least)))

"""What is kept of a person's days: use, hours, moods and words, in numbers; and what they say together of mood.

Every figure comes from readings and times, never from text. A detector that did not answer leaves no mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from shouban.core.events import Event, PurchaseRequested, UserSpoke
from shouban.core.signals import Reading, heard_level
from shouban.core.state import MAX_DAYS, DayUse, PersonState, day_of, entry_of

DAY: Final = timedelta(days=1)
# Who comes back this soon after leaving did not manage to leave; sooner still, the last words were not yet said.
RETURN_WITHIN: Final = timedelta(minutes=60)
_LAST_WORDS: Final = timedelta(minutes=2)
# A day is low when a wish to be dead was said, or when such a share of its turns, and so many of them, were said in low mood.
_WISH: Final = 2
_LOW_SHARE: Final = 0.2
_LOW_TURNS: Final = 2
# Low days are in a row though a day or two between them went by unspoken; a day not low ends the row once so much was said on it.
_BRIDGED: Final = 3
_ENOUGH: Final = 10
_LOW_EMOTION: Final = 2
_WEEK: Final = 7


class Mood(msgspec.Struct, frozen=True):
    """Mood over days: low days in a row up to the last day spoken, the share of low turns this week and in the three weeks before."""

    low_days: int
    week: float
    before: float

    @property
    def trend(self) -> str:
        if abs(self.week - self.before) < 0.1:
            return "steady"
        return "falling" if self.week > self.before else "rising"


def with_use(days: tuple[DayUse, ...], gaps: Iterable[tuple[date, timedelta]]) -> tuple[DayUse, ...]:
    """Adds time of use to days."""
    for day, gap in gaps:
        entry = entry_of(days, day)
        days = _put(days, replace(entry, used=entry.used + gap))
    return days


def lived_on(state: PersonState, event: Event, local: datetime) -> PersonState:
    """Marks in the day what the event shows of it; `local` is its time where the person lives."""
    if isinstance(event, PurchaseRequested):
        today = day_of(state, local.date())
        return replace(state, days=_put(state.days, replace(today, spent=today.spent + event.amount)))
    if not isinstance(event, UserSpoke) or (event.earlier and not event.again):
        return state
    today = _worse(day_of(state, local.date()), event.readings)
    if event.again:
        return replace(state, days=_put(state.days, today))
    returned, left_at = _returned(state, event.at)
    today = replace(
        today,
        hours=today.hours | 1 << local.hour,
        turns=today.turns + 1,
        low=today.low + (_distress(event.readings) > 0),
        returns=today.returns + returned,
    )
    return replace(state, days=_put(state.days, today), left_at=left_at)


def _worse(day: DayUse, readings: tuple[Reading, ...]) -> DayUse:
    """The day with the strongest words that were said on it."""
    return replace(
        day,
        lowest=max(day.lowest, _distress(readings)),
        dependence=max(day.dependence, heard_level(readings, "dependence")),
        withdrawal=max(day.withdrawal, heard_level(readings, "withdrawal")),
    )


def mood_of(days: tuple[DayUse, ...], today: date) -> Mood:
    spoken = [one for one in days if one.turns and one.day <= today]
    week = [one for one in spoken if today - one.day < _WEEK * DAY]
    before = [one for one in spoken if _WEEK * DAY <= today - one.day < 4 * _WEEK * DAY]
    return Mood(_low_days(spoken, today), _low_share(week), _low_share(before))


def is_low(day: DayUse) -> bool:
    enough = day.turns > 0 and day.low >= min(_LOW_TURNS, day.turns)
    return day.lowest >= _WISH or (enough and day.low >= _LOW_SHARE * day.turns)


def _low_days(spoken: list[DayUse], today: date) -> int:
    """A day that was not low ends the row; today does so only once enough was said."""
    count, expected = 0, today
    for one in reversed(spoken):
        if expected - one.day > _BRIDGED * DAY:
            break
        if is_low(one):
            count, expected = count + 1, one.day
        elif one.day != today or one.turns >= _ENOUGH:
            break
    return count


def _low_share(days: list[DayUse]) -> float:
    turns = sum(one.turns for one in days)
    return sum(one.low for one in days) / turns if turns else 0.0


def _returned(state: PersonState, at: datetime) -> tuple[bool, datetime | None]:
    if state.left_at is None or at - state.left_at < _LAST_WORDS:
        return False, state.left_at
    return at - state.left_at <= RETURN_WITHIN, None


def _distress(readings: tuple[Reading, ...]) -> int:
    """How low the person is by these words: `crisis`, or strong emotion that is not elation."""
    crisis = heard_level(readings, "crisis")
    felt = max(
        (
            int(one.level)
            for one in readings
            if one.signal == "emotion" and one.level != "unknown" and one.kind != "mania"
        ),
        default=0,
    )
    return max(crisis, 1 if felt >= _LOW_EMOTION else 0)


def _put(days: tuple[DayUse, ...], entry: DayUse) -> tuple[DayUse, ...]:
    if days and days[-1].day == entry.day:
        return (*days[:-1], entry)
    # Days that a clock which ran ahead has left in the future push no real day out.
    table = {one.day: one for one in days if one.day <= entry.day + DAY} | {entry.day: entry}
    return tuple(table[day] for day in sorted(table)[-MAX_DAYS:])

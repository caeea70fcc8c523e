"""A child's use without a word of theirs: times, companions, kinds of topic, mood, alerts (draft Art. 12.2, Order 21 Art. 14); and how it is drawn. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from shouban.core.days import mood_of
from shouban.core.state import DayUse, PersonState, Session

Topic = Literal["feelings", "danger", "school", "closeness", "money", "unsuitable", "other"]
# What was read of a child's words, as a kind of topic: never the signal's own name nor its level, from which words could be guessed.
TOPICS: Final[dict[str, Topic]] = {
    "crisis": "danger", "crisis_other": "danger", "emotion": "feelings", "dependence": "feelings", "withdrawal": "feelings", "minor_cue": "school",
    "intimacy_request": "closeness", "kin_request": "closeness", "property_risk": "money", "prohibited": "unsuitable", "jailbreak": "unsuitable",
}  # fmt: skip
SPANS: Final = (1, 7, 28)
WEEK: Final = 7
# A drawing's own units: CSS makes it as wide as its card.
WIDTH: Final = 320
HEIGHT: Final = 96
LEAST_TOP: Final = 30


@dataclass(frozen=True)
class Alert:
    """One alert: what became of it, and whom it reached."""

    at: datetime
    state: str
    contact: str = ""
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    duty: str = ""


@dataclass(frozen=True)
class Day:
    """`low_share` is the share of the day's turns that were said in low mood; nothing on a day without turns."""

    day: date
    minutes: int
    low_share: float | None


@dataclass(frozen=True)
class Summary:
    days: tuple[Day, ...]
    total_minutes: int
    companions: tuple[str, ...]
    topics: tuple[tuple[Topic, int], ...]
    mood: str
    alerts: tuple[Alert, ...]


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    day: Day


@dataclass(frozen=True)
class Chart:
    """Minutes as bars, mood as lines (broken where nothing was said), and the value at the top."""

    bars: tuple[Bar, ...]
    lines: tuple[str, ...]
    top: int


def summary(
    state: PersonState, today: date, signals: Sequence[str], alerts: Sequence[Alert], *, span: int = WEEK
) -> Summary:
    """The last `span` days up to `today`. `signals` are the names of what was read in them, one an occurrence."""
    shown = tuple(_day(state.days, today - timedelta(days=back)) for back in range(span - 1, -1, -1))
    topics = Counter(_topic(name) for name in signals)
    since = today - timedelta(days=span)
    named = {_name(one) for one in state.sessions.values() if one.companion and one.last_at.date() >= since}
    return Summary(
        shown, sum(one.minutes for one in shown), tuple(sorted(named)), tuple(topics.most_common()), mood_of(state.days, today).trend, tuple(alerts)
    )  # fmt: skip


def chart(found: Summary) -> Chart:
    """Bars from left to right, the oldest first; the mood's scale is the whole height, low at the top."""
    top = max([LEAST_TOP, *(one.minutes for one in found.days)])
    step = WIDTH / len(found.days)
    bars = [
        Bar(round(place * step + step * 0.15, 1), round(HEIGHT * (1 - day.minutes / top), 1), round(step * 0.7, 1), round(HEIGHT * day.minutes / top, 1), day)
        for place, day in enumerate(found.days)
    ]  # fmt: skip
    lines: list[list[str]] = [[]]
    for place, day in enumerate(found.days):
        if day.low_share is None:
            lines.append([])
        else:
            lines[-1].append(f"{place * step + step / 2:.1f},{HEIGHT * (1 - day.low_share):.1f}")
    return Chart(tuple(bars), tuple(" ".join(one) for one in lines if one), top)


def plain(found: Summary) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(found)
    return built


def _name(session: Session) -> str:
    """As people call it, where the service has declared a name."""
    named = next((one for one in session.labels if one.startswith("name:")), "")
    return named.removeprefix("name:") or session.companion


def _day(days: Sequence[DayUse], day: date) -> Day:
    found = next((one for one in days if one.day == day), DayUse(day))
    return Day(day, round(found.used.total_seconds() / 60), found.low / found.turns if found.turns else None)


def _topic(signal: str) -> Topic:
    return TOPICS.get(signal) or TOPICS.get(signal.partition(".")[0]) or "other"

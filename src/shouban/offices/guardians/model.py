"""What a guardian sees and sets. No word of the child's is in it: times, companions, kinds of topic, mood, alerts (Order 21 Art. 14; draft Art. 12.2). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from shouban.core.days import mood_of
from shouban.core.errors import CallerError
from shouban.core.rules import EXEMPTIONS
from shouban.core.state import DayUse, Guardianship, PersonState

INVITED_FOR: Final = timedelta(days=7)
DAYS_SHOWN: Final = 7
MOST_MINUTES: Final = 24 * 60
MOST_BLOCKED: Final = 50
Stage = Literal["invited", "active", "ended"]
Topic = Literal["feelings", "danger", "school", "closeness", "money", "unsuitable", "other"]
# What was read of a child's words, as a kind of topic: never the signal's own name nor its level, from which words could be guessed.
TOPICS: Final[dict[str, Topic]] = {
    "crisis": "danger", "crisis_other": "danger", "emotion": "feelings", "dependence": "feelings", "withdrawal": "feelings", "minor_cue": "school",
    "intimacy_request": "closeness", "kin_request": "closeness", "property_risk": "money", "prohibited": "unsuitable", "jailbreak": "unsuitable",
}  # fmt: skip


@dataclass(frozen=True)
class Link:
    """An invitation, or what became of it."""

    id: str
    person: str
    account: str
    state: Stage
    made_at: datetime
    ends_at: datetime

    def is_open(self, at: datetime) -> bool:
        return self.state == "invited" and at < self.ends_at


class Invited(msgspec.Struct, frozen=True):
    """What is sealed of an invitation: the contact it went to."""

    contact: str
    name: str


class Inviting(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /v1/users/{id}/guardians`: the id of a guardian among the contacts."""

    contact: str


class Accepting(msgspec.Struct):
    """A form: a new account, or one that is there already."""

    name: str
    password: str
    again: str = ""
    id_number: str = ""
    agreed: str = ""


class Limits(msgspec.Struct):
    """A form. `minutes` empty: the law's own limit. Ticked exemptions lift a duty for this child."""

    minutes: str = ""
    exemptions: list[str] = []
    blocked: str = ""
    purchases: str = ""


@dataclass(frozen=True)
class Day:
    day: date
    minutes: int
    low_share: float


@dataclass(frozen=True)
class Summary:
    """A week, without content."""

    days: tuple[Day, ...]
    total_minutes: int
    companions: tuple[str, ...]
    topics: tuple[tuple[Topic, int], ...]
    mood: str
    alerts: tuple[tuple[datetime, str], ...]


def checked(limits: Limits) -> Guardianship:
    """The settings that the form stands for; raises `CallerError` naming what does not fit."""
    minutes = limits.minutes.strip()
    if minutes and (not (minutes.isascii() and minutes.isdigit()) or len(minutes) > 4 or int(minutes) > MOST_MINUTES):
        raise CallerError(f"`minutes` is a whole number up to {MOST_MINUTES}, or empty", field="minutes")
    for one in limits.exemptions:
        if one not in EXEMPTIONS:
            raise CallerError(f"there is no exemption `{one[:30]}`", field="exemptions")
    blocked = tuple(
        dict.fromkeys(name.strip() for name in limits.blocked.replace("，", ",").split(",") if name.strip())
    )
    if len(blocked) > MOST_BLOCKED or any(len(name) > 64 for name in blocked):
        raise CallerError(
            f"at most {MOST_BLOCKED} companions can be blocked, by ids of up to 64 characters", field="blocked"
        )
    return Guardianship(
        int(minutes) if minutes else None, blocked, tuple(sorted(set(limits.exemptions))), bool(limits.purchases)
    )


def summary(state: PersonState, today: date, signals: Sequence[str], alerts: Sequence[tuple[datetime, str]]) -> Summary:
    """The last seven days. `signals` are the names of what was read in them, one an occurrence."""
    shown = [_day(state.days, today - timedelta(days=back)) for back in range(DAYS_SHOWN - 1, -1, -1)]
    topics = Counter(_topic(name) for name in signals)
    companions = sorted({one.companion for one in state.sessions.values() if one.companion})
    return Summary(
        tuple(shown), sum(one.minutes for one in shown), tuple(companions), tuple(topics.most_common()), mood_of(state.days, today).trend, tuple(alerts)
    )  # fmt: skip


def _day(days: Sequence[DayUse], day: date) -> Day:
    found = next((one for one in days if one.day == day), DayUse(day))
    return Day(day, round(found.used.total_seconds() / 60), found.low / found.turns if found.turns else 0.0)


def _topic(signal: str) -> Topic:
    return TOPICS.get(signal) or TOPICS.get(signal.partition(".")[0]) or "other"


def plain(found: Summary) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(found)
    return built

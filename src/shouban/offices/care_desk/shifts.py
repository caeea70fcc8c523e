"""Shifts of the care staff: when somebody is there, what they are skilled at, and whom that fits. Pure.

INVARIANT: a skill says who had better come. It hides nobody from anybody, and never keeps somebody from coming.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Annotated, Final, Literal, get_args

import msgspec

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.core.state import PersonState
from shouban.offices.care_desk.model import Case, is_severe
from shouban.web.roles import Role

Skill = Literal["minors", "elders", "fraud", "dialect"]
SKILLS: Final[tuple[Skill, ...]] = get_args(Skill)
# Who may sit at the desk.
CARING: Final[frozenset[Role]] = frozenset({"care", "care_lead"})
USUAL_MOST: Final = 3
LONGEST: Final = timedelta(hours=24)
FURTHEST: Final = timedelta(days=366)
# Who has entered no shift for so long keeps no roster: nothing at the desk speaks of shifts.
ROSTER_LASTS: Final = timedelta(days=30)


class Shift(msgspec.Struct, frozen=True):
    id: str
    account: str
    since: datetime
    until: datetime
    skills: frozenset[str]
    most: int = USUAL_MOST

    def is_on(self, at: datetime) -> bool:
        return self.since <= at < self.until


class NewShift(msgspec.Struct):
    """A form: `since` and `until` as a browser writes them, local time; `skills` are ticked boxes."""

    account: str
    since: str
    until: str
    skills: list[Skill] = []
    most: Annotated[int, msgspec.Meta(ge=1, le=50)] = USUAL_MOST


def checked_shift(wish: NewShift, shift: str, at: datetime) -> Shift:
    """Raises `CallerError` where the times make no shift."""
    since, until = _local(wish.since, "since"), _local(wish.until, "until")
    if until <= since:
        raise CallerError("a shift ends after it begins", field="until", code="shift_backwards")
    if until <= at:
        raise CallerError("this shift is over already", field="until", code="shift_over")
    if until - since > LONGEST or since - at > FURTHEST:
        raise CallerError(
            "a shift has at most 24 hours, and begins within a year", field="until", code="shift_too_long"
        )
    return Shift(shift, wish.account, since, until, frozenset(wish.skills), wish.most)


def wanted(case: Case, state: PersonState | None, *, loses_property: bool = False) -> frozenset[Skill]:
    """What somebody who takes this case had better be skilled at. No detector hears a dialect: that skill only stands in the roster."""
    found: set[Skill] = set()
    if state is not None and state.is_minor:
        found.add("minors")
    if state is not None and (state.age_band == "elder" or state.mode == "elder"):
        found.add("elders")
    if loses_property or case.reason == "property":
        found.add("fraud")
    return frozenset(found)


def is_bound(case: Case, account: str) -> bool:
    """Whether the limit of cases at once holds for this claim: not where somebody is in danger, nor where a talk was left alone, nor for what was theirs."""
    return not is_severe(case) and case.stage != "taken_over" and case.claimed_by != account


def _local(text: str, field: str) -> datetime:
    """A time without a zone is of the law's own place, as every time of the desk is shown."""
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=timezone(Settings().utc_offset))
    except ValueError as error:
        raise CallerError("write a time like 2026-08-03T09:00", field=field, code="no_time") from error

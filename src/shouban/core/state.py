"""What is remembered of a person between events: small, versioned, serialisable, and free of anybody's words."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from shouban.core.events import MINOR_BANDS, AgeBand, AgeBasis, LeavingBy, Mode, Relation

STATE_VERSION = 1
MAX_SESSIONS = 16
MAX_DAYS = 35

Takeover = Literal["none", "requested", "human"]
Restriction = Literal["none", "limited", "suspended", "ended"]


class Use(msgspec.Struct, frozen=True, omit_defaults=True):
    """The clock of use, one for all of a person's devices and sessions.

    `active_at` is the last time the person was there, `counted_to` how far the clock has been read, `used` continuous use.
    INVARIANT: `used` grows by all time that passes until the person has paused for the idle limit; a clock that jumps
    back adds nothing and takes nothing away.
    """

    active_at: datetime | None = None
    counted_to: datetime | None = None
    used: timedelta = timedelta(0)
    reminded_at_used: dict[str, timedelta] = {}
    rested: bool = False


class DayUse(msgspec.Struct, frozen=True):
    day: date
    used: timedelta


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """One talk. `disclosed_at` is when its person was last told that this is an AI."""

    id: str
    opened_at: datetime
    last_at: datetime
    disclosed_at: datetime | None = None
    ended_by: LeavingBy | None = None
    companion: str = ""
    relation: Relation = "other"


class Risk(msgspec.Struct, frozen=True, omit_defaults=True):
    """The highest danger seen lately, and the last time a detector of danger was silent."""

    level: int = 0
    seen_at: datetime | None = None
    unknown_at: datetime | None = None


class Strikes(msgspec.Struct, frozen=True, omit_defaults=True):
    """Illegal input: in a row, and on `day` (GB/T 45654-2025: 3 in a row or 5 in a day)."""

    row: int = 0
    day: date | None = None
    today: int = 0


class Guardianship(msgspec.Struct, frozen=True, omit_defaults=True):
    daily_limit: int | None = None
    blocked: tuple[str, ...] = ()
    exemptions: tuple[str, ...] = ()
    purchases_allowed: bool = False


class PersonState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything the core knows of one person. A person nobody registered starts as `unknown`."""

    state_version: int = STATE_VERSION
    announced: bool = False
    age_band: AgeBand = "unknown"
    age_basis: AgeBasis = "none"
    mode: Mode = "standard"
    guardians: int = 0
    emergencies: int = 0
    agreement: str = ""
    consents: tuple[str, ...] = ()
    guardianship: Guardianship = Guardianship()
    use: Use = Use()
    days: tuple[DayUse, ...] = ()
    risk: Risk = Risk()
    dependence: int = 0
    minor_cue: int = 0
    strikes: Strikes = Strikes()
    takeover: Takeover = "none"
    takeover_since: datetime | None = None
    staff: str = ""
    restriction: Restriction = "none"
    restricted_until: datetime | None = None
    quiet_until: datetime | None = None
    signed_in: bool = False
    asked_contacts_on: date | None = None
    registration_asked: bool = False
    sessions: dict[str, Session] = {}
    wakes: dict[str, datetime] = {}

    @property
    def is_minor(self) -> bool:
        return self.age_band in MINOR_BANDS or self.mode == "minor"

    @property
    def contacts(self) -> int:
        return self.guardians + self.emergencies


def used_on(state: PersonState, day: date) -> timedelta:
    return next((entry.used for entry in state.days if entry.day == day), timedelta(0))


def since_reminder(state: PersonState, topic: str) -> timedelta:
    """Continuous use since the last reminder on `topic`: a reminder restarts the count."""
    return state.use.used - state.use.reminded_at_used.get(topic, timedelta(0))

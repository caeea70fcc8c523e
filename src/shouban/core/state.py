"""What is remembered of a person between events: small, versioned, serialisable, and free of anybody's words."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from shouban.core.events import MINOR_BANDS, AgeBand, AgeBasis, Feature, LeavingBy, Letters, Mode, Relation

STATE_VERSION = 2
MAX_SESSIONS = 16
MAX_DAYS = 35
MAX_ORDERS = 40

# Points of age evidence (`core.age`): from so many on a person counts as maybe, and as very likely, a minor.
MAYBE_MINOR = 12
LIKELY_MINOR = 35

Takeover = Literal["none", "requested", "human"]
Restriction = Literal["none", "limited", "suspended", "ended"]
OrderStage = Literal["refused", "waiting", "approved", "declined", "paid", "refunding", "refunded"]


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


class DayUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """One local day of a person, in numbers.

    `hours` has bit h set where the person was there in hour h; `returns` counts coming back soon after leaving; `low` of `turns`
    were said in low mood, `lowest` is the strongest distress; `dependence` and `withdrawal` are the strongest words; `spent` is what
    they were about to pay, in fen.
    """

    day: date
    used: timedelta = timedelta(0)
    hours: int = 0
    turns: int = 0
    low: int = 0
    lowest: int = 0
    dependence: int = 0
    withdrawal: int = 0
    returns: int = 0
    spent: int = 0


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """One talk. `disclosed_at` is when its person was last told that this is an AI.

    `partner` and `kin` say how far its relation has drifted, in points that fade from turn to turn (`core.drift`).
    """

    id: str
    opened_at: datetime
    last_at: datetime
    disclosed_at: datetime | None = None
    ended_by: LeavingBy | None = None
    companion: str = ""
    relation: Relation = "other"
    unreviewed: bool = False
    labels: tuple[str, ...] = ()
    age_rating: int = 0
    partner: int = 0
    kin: int = 0


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
    """What guardians have set; see `events.GuardianSet`."""

    daily_limit: int | None = None
    blocked: tuple[str, ...] = ()
    exemptions: tuple[str, ...] = ()
    purchases_allowed: bool = False
    closed_from: int | None = None
    closed_to: int | None = None
    asks_purchases: bool = False
    most_once: int | None = None
    most_month: int | None = None
    features_off: tuple[Feature, ...] = ()


class Bonus(msgspec.Struct, frozen=True, omit_defaults=True):
    """Minutes beyond the limit, on `day` only."""

    day: date | None = None
    minutes: int = 0


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """A purchase that the app has a number for; `at` is when it came to this stage."""

    id: str
    amount: int
    stage: OrderStage
    at: datetime
    item: str = ""


class Alert(msgspec.Struct, frozen=True, omit_defaults=True):
    """Contacts were told, and none has said yet that they saw it: the ids of those told, when the first one was, and the last new one.

    `with_staff`: nobody answered in time, and the staff have it; it stays until a contact says that they saw it.
    """

    told: tuple[str, ...]
    since: datetime
    at: datetime
    with_staff: bool = False


class Spending(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was let through in a month, in fen: kept apart from the list of orders, which is short."""

    month: date | None = None
    paid: int = 0


def cue_level(points: int) -> int:
    return 4 if points >= LIKELY_MINOR else 2 if points >= MAYBE_MINOR else 0


class PersonState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything the core knows of one person. A person nobody registered starts as `unknown`.

    `stops` and `erasures` count what ends a reply under way: whoever gives one compares them with what they were when it began.
    """

    state_version: int = STATE_VERSION
    announced: bool = False
    age_band: AgeBand = "unknown"
    age_basis: AgeBasis = "none"
    mode: Mode = "standard"
    guardians: int = 0
    emergencies: int = 0
    verified: int = 0
    contact_ids: tuple[str, ...] = ()
    agreement: str = ""
    consents: tuple[str, ...] = ()
    guardianship: Guardianship = Guardianship()
    bonus: Bonus = Bonus()
    orders: tuple[Order, ...] = ()
    spending: Spending = Spending()
    letters: dict[str, Letters] = {}
    alert: Alert | None = None
    registered_on: date | None = None
    check_contacts_on: date | None = None
    use: Use = Use()
    days: tuple[DayUse, ...] = ()
    risk: Risk = Risk()
    dependence: int = 0
    age_points: int = 0
    told_on: dict[str, date] = {}
    left_at: datetime | None = None
    strikes: Strikes = Strikes()
    takeover: Takeover = "none"
    takeover_since: datetime | None = None
    unreached: bool = False
    staff: str = ""
    watched_until: datetime | None = None
    restriction: Restriction = "none"
    restricted_until: datetime | None = None
    quiet_until: datetime | None = None
    signed_in: bool = False
    asked_contacts_on: date | None = None
    registration_asked: bool = False
    stops: int = 0
    erasures: int = 0
    sessions: dict[str, Session] = {}
    wakes: dict[str, datetime] = {}

    @property
    def is_minor(self) -> bool:
        return self.age_band in MINOR_BANDS or self.mode == "minor"

    @property
    def minor_cue(self) -> int:
        """How strongly all that was heard so far, over sessions and companions, speaks for a minor."""
        return cue_level(self.age_points)

    @property
    def contacts(self) -> int:
        return self.guardians + self.emergencies


def entry_of(days: tuple[DayUse, ...], day: date) -> DayUse:
    return next((entry for entry in reversed(days) if entry.day == day), DayUse(day))


def day_of(state: PersonState, day: date) -> DayUse:
    return entry_of(state.days, day)


def used_on(state: PersonState, day: date) -> timedelta:
    return day_of(state, day).used


def since_reminder(state: PersonState, topic: str) -> timedelta:
    """Continuous use since the last reminder on `topic`: a reminder restarts the count."""
    return state.use.used - state.use.reminded_at_used.get(topic, timedelta(0))

"""What can happen: the events that the core hears. Each is past tense, frozen, and holds no text of anybody's.

`person` is the person's random pseudonym (the log outlives the person); empty for events of the whole service.
`at` is the time of the event, timezone-aware: the core has no other clock.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, get_args

import msgspec

from shouban.core.errors import UpstreamReason
from shouban.core.signals import Reading

AgeBand = Literal["under_14", "14_15", "16_17", "adult", "elder", "unknown"]
AgeBasis = Literal["none", "declared", "device_signal", "verified", "behaviour"]
Mode = Literal["standard", "minor", "elder"]
Actor = Literal["user", "guardian", "staff", "system", "app"]
Outcome = Literal["helped", "no_danger", "with_services", "with_contacts", "not_reached", "mistaken"]
LeavingBy = Literal["button", "word", "voice", "api"]
ContextRole = Literal["system", "companion", "tool", "history"]
Purpose = Literal["companionship", "sensitive_data", "training", "third_party", "minor_third_party"]
Basis = Literal["contract", "consent", "law"]
Relation = Literal["friend", "listener", "partner", "kin", "deceased", "professional", "character", "other"]
Feature = Literal["images", "voice", "files", "tools"]
Letters = Literal["none", "daily", "weekly"]

MINOR_BANDS: frozenset[AgeBand] = frozenset({"under_14", "14_15", "16_17"})


class Event(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="event", forbid_unknown_fields=True, omit_defaults=True
):
    """Something that happened, and when."""

    at: datetime
    person: str = ""
    session: str = ""
    device: str = ""


class UserRegistered(Event, frozen=True, kw_only=True, tag=True):
    """The app told us of a person; `announced` is false for an id that spoke without having been registered."""

    age_band: AgeBand
    age_basis: AgeBasis = "declared"
    guardians: int = 0
    emergencies: int = 0
    agreement: str = ""
    announced: bool = True
    contacts: tuple[str, ...] = ()


class AgeFound(Event, frozen=True, kw_only=True, tag=True):
    """New evidence of age; weaker evidence never loosens what stronger evidence or a lower band has set."""

    age_band: AgeBand
    age_basis: AgeBasis
    overturns: bool = False


class ContactsChanged(Event, frozen=True, kw_only=True, tag=True):
    """Who may be called has changed; `verified` of them have shown, over their own channel, that they are there and agree.

    `check_on` is the day from which one of these is to be asked again whether they still are. `ids`: who may be called, by random ids, in no order.
    """

    guardians: int
    emergencies: int
    verified: int = 0
    check_on: date | None = None
    ids: tuple[str, ...] = ()


class ContactTold(Event, frozen=True, kw_only=True, tag=True):
    """A channel of a contact has taken the message of a duty; `contact` is their id among the person's contacts. `others`: as one more of an alert."""

    duty: str
    contact: str
    how: str = ""
    others: bool = False


class ContactAnswered(Event, frozen=True, kw_only=True, tag=True):
    """A contact has said that they have seen the message; not `able`: they cannot act, and somebody else must. `sent_at` is when it was sent."""

    duty: str
    contact: str
    able: bool = True
    sent_at: datetime | None = None


class UserSignedIn(Event, frozen=True, kw_only=True, tag=True):
    """First use or a new sign-in on a device."""


class UserSpoke(Event, frozen=True, kw_only=True, tag=True):
    """One turn of the person, read. `turn` names the stored text; `chars` is its length in characters.

    `earlier`: it was sent along as history. `again`: it is the turn just heard, read once more by somebody slower (also `earlier`).
    """

    turn: str = ""
    chars: int = 0
    readings: tuple[Reading, ...] = ()
    companion: str = ""
    earlier: bool = False
    again: bool = False


class ContextRead(Event, frozen=True, kw_only=True, tag=True):
    """A text that came with the request and is not new: a system prompt, an earlier reply, a tool's result.

    `history` stands for all the earlier turns of a request in which nothing was read, `chars` for their length together.
    """

    role: ContextRole
    turn: str = ""
    chars: int = 0
    readings: tuple[Reading, ...] = ()


class ReplyRead(Event, frozen=True, kw_only=True, tag=True):
    """A reply under way has shown something: what was read of it so far. May the rest follow?"""

    turn: str
    received: int
    read: int
    released: int
    readings: tuple[Reading, ...] = ()


class CompanionSpoke(Event, frozen=True, kw_only=True, tag=True):
    """A reply has ended, whole or cut; `replaced` when the person saw a template in its place. `processor`: who made it, by the register."""

    turn: str = ""
    chars: int = 0
    readings: tuple[Reading, ...] = ()
    cut: bool = False
    replaced: bool = False
    processor: str = ""


class UserLeft(Event, frozen=True, kw_only=True, tag=True):
    by: LeavingBy


class TimePassed(Event, frozen=True, kw_only=True, tag=True):
    """A timer that an earlier `WakeAt` asked for has run out."""

    key: str


class PurchaseRequested(Event, frozen=True, kw_only=True, tag=True):
    """Someone is about to pay; amounts in fen (1/100 CNY), `month_total` before this purchase.

    `order` is the app's own number: a purchase with one is counted here too, once however often it is asked about. `item` is a keyed mark of what is bought.
    """

    amount: int
    month_total: int = 0
    order: str = ""
    item: str = ""


class PurchaseDecided(Event, frozen=True, kw_only=True, tag=True):
    """A guardian has said yes or no to one purchase at one price."""

    order: str
    approved: bool
    amount: int = 0
    guardian: str = ""


class PurchaseRefunded(Event, frozen=True, kw_only=True, tag=True):
    """The money of a purchase has gone back, or was never taken."""

    order: str


class CompanionChosen(Event, frozen=True, kw_only=True, tag=True):
    """`unreviewed`: the service serves reviewed companions only, and this one is none.

    `labels` are what a guardian may block it by, besides its id: `name:…`, `tag:…`, `relation:…`, in lower case.
    """

    companion: str
    relation: Relation = "other"
    age_rating: int = 0
    unreviewed: bool = False
    labels: tuple[str, ...] = ()


class CompanionDeclared(Event, frozen=True, kw_only=True, tag=True):
    """A persona was declared for review, with what was read of its prompt."""

    companion: str
    version: int = 0
    relation: Relation = "other"
    age_rating: int = 0
    readings: tuple[Reading, ...] = ()


class CompanionReviewed(Event, frozen=True, kw_only=True, tag=True):
    """A person of the staff has decided on a version of a declared companion."""

    companion: str
    version: int
    decision: Literal["approved", "refused", "suspended"]
    staff: str


class ModeSet(Event, frozen=True, kw_only=True, tag=True):
    mode: Mode
    by: Actor
    verified: bool = False


class GuardianSet(Event, frozen=True, kw_only=True, tag=True):
    """A guardian's settings; `daily_limit` in minutes, `None` leaves the pack's own; exemptions name duties lifted.

    `blocked`: ids and labels of companions. `closed_from` and `closed_to`: a curfew of their own, in minutes of the local day. `asks_purchases`: each
    purchase waits for a guardian; `most_once` and `most_month` are caps of their own, in fen. `only` names what is set where the rest stays as it is.
    """

    daily_limit: int | None = None
    blocked: tuple[str, ...] = ()
    exemptions: tuple[str, ...] = ()
    purchases_allowed: bool = False
    guardian: str = ""
    closed_from: int | None = None
    closed_to: int | None = None
    asks_purchases: bool = False
    most_once: int | None = None
    most_month: int | None = None
    features_off: tuple[Feature, ...] = ()
    only: tuple[str, ...] = ()


class BonusGiven(Event, frozen=True, kw_only=True, tag=True):
    """A guardian lets the child stay longer, today only."""

    minutes: int
    guardian: str = ""


class LettersSet(Event, frozen=True, kw_only=True, tag=True):
    """How often a guardian wants the summary sent."""

    guardian: str
    every: Letters


class FeatureAsked(Event, frozen=True, kw_only=True, tag=True):
    """A request uses something that a guardian has switched off or on."""

    feature: Feature


class GuardianLinked(Event, frozen=True, kw_only=True, tag=True):
    """A guardian has accepted the invitation; `guardian` is their account's pseudonym."""

    guardian: str


class GuardianUnlinked(Event, frozen=True, kw_only=True, tag=True):
    guardian: str
    by: Actor


class ConsentGiven(Event, frozen=True, kw_only=True, tag=True):
    """`party`: the third party it is for, by its id in the register; empty: any. `verified`: how it is known who agreed."""

    purpose: Purpose
    by: Actor
    text_version: str = ""
    party: str = ""
    verified: str = ""


class ConsentWithdrawn(Event, frozen=True, kw_only=True, tag=True):
    purpose: Purpose
    by: Actor
    party: str = ""
    verified: str = ""


class EgressAsked(Event, frozen=True, kw_only=True, tag=True):
    """Words are about to leave for a processor that is not registered, or whose basis is the person's consent."""

    processor: str
    basis: Basis = "consent"
    registered: bool = True


class ErasureRequested(Event, frozen=True, kw_only=True, tag=True):
    """Somebody asked for deletion; `scope` is the kind only (all, companion, session, message)."""

    scope: Literal["all", "history", "companion", "session", "message"]
    by: Actor


class HumanTookOver(Event, frozen=True, kw_only=True, tag=True):
    staff: str


class HumanSpoke(Event, frozen=True, kw_only=True, tag=True):
    staff: str
    turn: str = ""
    chars: int = 0


class HumanLost(Event, frozen=True, kw_only=True, tag=True):
    """Whoever had taken over is gone without a word: their desk has lost its browser or its line, and nobody else is in the talk."""

    staff: str


class HumanHandedBack(Event, frozen=True, kw_only=True, tag=True):
    staff: str
    watch: bool = True


class CaseClosed(Event, frozen=True, kw_only=True, tag=True):
    """The staff have done what they could in a care case; `outcome` says what became of it."""

    case: str
    staff: str
    outcome: Outcome = "helped"


class FollowedUp(Event, frozen=True, kw_only=True, tag=True):
    """Somebody has asked again how the person is; `duty` is the follow-up that this was."""

    duty: str
    staff: str
    reached: bool = True


class ComplaintFiled(Event, frozen=True, kw_only=True, tag=True):
    """`answer_by` and `remind_at` come from the published process and its calendar of working days, where that has one."""

    case: str
    sort: Literal["complaint", "report", "appeal"] = "complaint"
    about: str = ""
    answer_by: datetime | None = None
    remind_at: datetime | None = None


class ComplaintAnswered(Event, frozen=True, kw_only=True, tag=True):
    case: str
    upheld: bool = False
    staff: str = ""


class RestrictionSet(Event, frozen=True, kw_only=True, tag=True):
    """A person's service was limited, suspended or ended for a major safety hazard (draft Art. 23)."""

    restriction: Literal["limited", "suspended", "ended"]
    staff: str
    until: datetime | None = None


class RestrictionLifted(Event, frozen=True, kw_only=True, tag=True):
    staff: str


class UpstreamFailed(Event, frozen=True, kw_only=True, tag=True):
    reason: UpstreamReason
    released: int = 0


class FeatureWithdrawn(Event, frozen=True, kw_only=True, tag=True):
    """What will end (`service` for all of it), as told to a person; `over`: it has ended, or may only be read any more."""

    feature: str
    ends_at: datetime
    over: bool = False


class OutageBegan(Event, frozen=True, kw_only=True, tag=True):
    what: str


class OutageEnded(Event, frozen=True, kw_only=True, tag=True):
    what: str


class NoticeAcknowledged(Event, frozen=True, kw_only=True, tag=True):
    notice: str


class DutyDone(Event, frozen=True, kw_only=True, tag=True):
    """An obligation was carried out; `duty` is its row in the ledger, `how` the way it reached whom it concerned."""

    duty: str
    obligation: str
    how: str = ""


class DutyFailed(Event, frozen=True, kw_only=True, tag=True):
    duty: str
    obligation: str
    why: str
    attempts: int = 1
    final: bool = False


AnyEvent = (
    UserRegistered | AgeFound | ContactsChanged | UserSignedIn | UserSpoke | ContextRead | ReplyRead | CompanionSpoke
    | UserLeft | TimePassed | PurchaseRequested | PurchaseDecided | PurchaseRefunded | CompanionChosen | CompanionDeclared | CompanionReviewed | ModeSet | GuardianSet
    | BonusGiven | LettersSet | FeatureAsked | ContactTold | ContactAnswered | GuardianLinked | GuardianUnlinked | ConsentGiven | ConsentWithdrawn | EgressAsked | ErasureRequested | HumanTookOver | HumanSpoke | HumanLost | HumanHandedBack | CaseClosed | FollowedUp | ComplaintFiled
    | ComplaintAnswered | RestrictionSet | RestrictionLifted | UpstreamFailed | FeatureWithdrawn | OutageBegan
    | OutageEnded | NoticeAcknowledged | DutyDone | DutyFailed
)  # fmt: skip

EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(AnyEvent)}


def readings_of(event: Event) -> tuple[Reading, ...]:
    """What the detectors read of the text behind this event; nothing where there is none."""
    return getattr(event, "readings", ())

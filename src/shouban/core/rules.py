"""What a rule is: law as data. A condition is built of named fields with `all`, `any`, `not`; there is no code in a pack.

`Facts` is what a condition may ask about; `FIELDS` names every question, with its type, so that a pack can be checked
when it is loaded. Signals are asked for as `reading.<signal>`; a silent detector reads as the level that the pack's
`unknown` table states for the signal.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Final, Literal, get_args

import msgspec

from shouban.core import family
from shouban.core.days import mood_of
from shouban.core.drift import drift_level
from shouban.core.errors import UpstreamReason
from shouban.core.events import (
    Actor,
    AgeBand,
    AgeBasis,
    Basis,
    ContextRole,
    Event,
    Feature,
    LeavingBy,
    Mode,
    Purpose,
    Relation,
    readings_of,
)
from shouban.core.obligations import OBLIGATIONS, AnyObligation, Obligation
from shouban.core.signals import SIGNALS, Level, Reading, heard_level
from shouban.core.state import PersonState, Session, since_reminder, used_on

Operator = Literal["is", "is_not", "in", "not_in", "at_least", "below", "has", "has_not"]
FieldType = Literal["bool", "count", "level", "span", "word", "words", "time_of_day"]
ContactOf = Literal["nobody", "minors_and_elders", "everybody"]
# Which days are worked: those of China with its holidays and make-up days, or Monday to Friday; the stricter stands last.
CalendarName = Literal["cn", "weekdays"]
Value = bool | int | str | timedelta | time | tuple[str, ...]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers of a pack that the state itself needs. Stacked packs: the stricter number of each holds.

    `idle_limit`: a pause of at least this long ends continuous use. `session_idle`: a talk without an id of its own
    begins anew after this. `hold_for`: how long the machine stays silent when a person was called and none came.
    `answer_workdays`, `urgent_workdays`, `appeal_workdays`: within how many working days of `calendar` a complaint, one about a child or a danger, and an appeal are answered;
    `remind_workdays` before that whoever handles complaints is reminded. `watch_for`: how long after a human has handed back weaker words of danger bring one again. `contact_of`: of whom a registration must name somebody to be reached.
    """

    idle_limit: timedelta = timedelta(minutes=15)
    session_idle: timedelta = timedelta(minutes=30)
    hold_for: timedelta = timedelta(hours=24)
    risk_memory: timedelta = timedelta(days=7)
    watch_for: timedelta = timedelta(hours=72)
    contact_of: ContactOf = "everybody"
    answer_workdays: int = 10
    urgent_workdays: int = 3
    appeal_workdays: int = 10
    remind_workdays: int = 2
    calendar: CalendarName = "cn"
    quiet_from: time | None = None
    quiet_to: time | None = None
    utc_offset: timedelta = timedelta(hours=8)

    def quiet_until(self, at: datetime) -> datetime | None:
        """When the quiet hours end that `at` lies in; nothing where it lies in none."""
        if self.quiet_from is None or self.quiet_to is None:
            return None
        local = self.local(at)
        over_midnight = self.quiet_from > self.quiet_to
        clock = local.time()
        is_quiet = (
            clock >= self.quiet_from or clock < self.quiet_to
            if over_midnight
            else self.quiet_from <= clock < self.quiet_to
        )
        if not is_quiet:
            return None
        ends = local.replace(hour=self.quiet_to.hour, minute=self.quiet_to.minute, second=0, microsecond=0)
        return ends if ends > local else ends + timedelta(days=1)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(timezone(self.utc_offset))


class Test(msgspec.Struct, frozen=True, tag=True):
    """`field` compared with `value`; `key` is what follows the dot of an open field (a signal, a topic)."""

    field: str
    operator: Operator
    value: Value
    key: str = ""


class All(msgspec.Struct, frozen=True, tag=True):
    of: tuple[Condition, ...]


class AnyOf(msgspec.Struct, frozen=True, tag=True):
    of: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True, tag=True):
    of: Condition


Condition = Test | All | AnyOf | Not


class Wake(msgspec.Struct, frozen=True, kw_only=True):
    """A timer a rule asks for: when the span `field` will have grown to `reaches`."""

    key: str
    field: str
    reaches: timedelta
    field_key: str = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One duty of the law, as data. `owes` are obligations without reasons; `register` names rows of the duty register."""

    id: str
    article: str
    title_zh: str
    title_en: str
    register: tuple[str, ...]
    on: frozenset[str]
    when: Condition
    owes: tuple[AnyObligation, ...]
    wakes: tuple[Wake, ...] = ()
    evidence: str = ""
    quote: str = ""
    in_force_from: date | None = None
    in_force_to: date | None = None
    cases: tuple[str, ...] = ()

    def is_in_force(self, day: date) -> bool:
        after = self.in_force_from is None or self.in_force_from <= day
        return after and (self.in_force_to is None or day < self.in_force_to)


class Listening(msgspec.Struct, frozen=True):
    """Rules of one condition made ready: the signals without which they cannot speak, and the condition as a function."""

    rules: tuple[Rule, ...]
    needs: frozenset[str] | None
    holds: Callable[[Facts], bool]


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that hold together. `unknown` says, signal by signal, as what level a silent detector counts."""

    id: str
    version: str
    title_zh: str
    title_en: str
    rules: tuple[Rule, ...]
    unknown: Mapping[str, Level]
    settings: Settings = Settings()
    digest: str = ""
    by_event: Mapping[str, tuple[Listening, ...]] = {}

    def __post_init__(self) -> None:
        """Rules by the event they listen to; laws that ask the same question (a draft and its order) are asked once."""
        kinds = {kind for rule in self.rules for kind in rule.on}
        index = {kind: _listening([rule for rule in self.rules if kind in rule.on]) for kind in kinds}
        msgspec.structs.force_setattr(self, "by_event", index)

    def speaking(self, facts: Facts) -> list[Rule]:
        """The rules that listen to the event, are in force on its day, and whose condition holds."""
        seen = {one.signal for one in readings_of(facts.event)}
        day = self.settings.local(facts.event.at).date()
        listening = self.by_event.get(type(facts.event).__name__, ())
        return [
            rule
            for one in listening
            if (one.needs is None or not seen.isdisjoint(one.needs)) and one.holds(facts)
            for rule in one.rules
            if rule.is_in_force(day)
        ]


def _listening(rules: list[Rule]) -> tuple[Listening, ...]:
    alike: dict[Condition, list[Rule]] = {}
    for rule in rules:
        alike.setdefault(rule.when, []).append(rule)
    return tuple(Listening(tuple(group), needed_signals(when), compiled(when)) for when, group in alike.items())


class Facts(msgspec.Struct, frozen=True):
    """What a condition may ask about: the person as they were, as they now are, and what happened."""

    before: PersonState
    state: PersonState
    event: Event
    pack: Pack

    @property
    def session(self) -> Session | None:
        return self.state.sessions.get(self.event.session)


class Field(msgspec.Struct, frozen=True):
    type: FieldType
    about: str
    read: Callable[[Facts, str], Any]
    keys: frozenset[str] | None = None
    values: tuple[str, ...] = ()


def level_of(readings: tuple[Reading, ...], signal: str, unknown: Mapping[str, Level]) -> int:
    """The strongest level read of `signal`; silence counts as the pack says, and as severe where it says nothing."""
    levels = [
        int(unknown.get(signal, Level.SEVERE)) if one.level == "unknown" else int(one.level)
        for one in readings
        if one.signal == signal
    ]
    return max(levels, default=0)


def _reading(facts: Facts, signal: str) -> int:
    return level_of(readings_of(facts.event), signal, facts.pack.unknown)


def _heard(facts: Facts, signal: str) -> int:
    """As `_reading`, by the detectors that answered: what was said, apart from what silence stands for."""
    return heard_level(readings_of(facts.event), signal)


def _group(facts: Facts, prefix: str) -> int:
    signals = {one.signal for one in readings_of(facts.event) if one.signal.startswith(prefix)}
    return max((_reading(facts, signal) for signal in signals), default=0)


def _is_silent(facts: Facts, signal: str) -> bool:
    return any(one.signal == signal and one.is_unknown for one in readings_of(facts.event))


def _any_silent(facts: Facts) -> bool:
    return any(one.is_unknown for one in readings_of(facts.event))


def _attribute(name: str, otherwise: Any) -> Callable[[Facts, str], Any]:  # noqa: ANN401  # an event's own field, of any type
    return lambda facts, _: getattr(facts.event, name, otherwise)


def _today(facts: Facts) -> date:
    return facts.pack.settings.local(facts.event.at).date()


def _used_today(facts: Facts) -> timedelta:
    return used_on(facts.state, _today(facts))


def _local(facts: Facts) -> datetime:
    return facts.pack.settings.local(facts.event.at)


def _this_month(facts: Facts) -> date:
    return _today(facts).replace(day=1)


def _in_local(facts: Facts) -> Event:
    """The event at its local time: months begin at local midnight."""
    return msgspec.structs.replace(facts.event, at=_local(facts))


def _stage(facts: Facts) -> str:
    known = family.order_of(facts.before, getattr(facts.event, "order", ""))
    return known.stage if known else ""


def _since_asked(facts: Facts) -> timedelta:
    asked = facts.state.asked_contacts_on or facts.state.registered_on
    return family.LONG_AGO if asked is None else _today(facts) - asked


def _since_letters(facts: Facts) -> timedelta:
    """Since the last eight in the morning, local time: when summaries are sent."""
    local = _local(facts)
    eight = local.replace(hour=8, minute=0, second=0, microsecond=0)
    return local - (eight if local >= eight else eight - timedelta(days=1))


def _first_in_session(facts: Facts) -> bool:
    return facts.session is not None and facts.session.disclosed_at is None


def _has_ended(facts: Facts) -> bool:
    return facts.session is not None and facts.session.ended_by is not None


def _hold_over(facts: Facts) -> bool:
    since = facts.state.takeover_since
    return since is not None and facts.event.at - since >= facts.pack.settings.hold_for


def _waits(facts: Facts) -> timedelta:
    since = facts.state.takeover_since
    return facts.event.at - since if since is not None and facts.state.takeover == "requested" else timedelta(0)


def _is_watched(facts: Facts) -> bool:
    until = facts.state.watched_until
    return until is not None and facts.event.at < until


def _drift(facts: Facts, towards: str) -> int:
    return drift_level(getattr(facts.session, towards)) if facts.session else 0


def _since_restriction(facts: Facts) -> timedelta:
    until = facts.state.restricted_until
    return facts.event.at - until if until is not None else timedelta(0)


def _risk_lately(facts: Facts) -> int:
    return facts.state.risk.level


def _lacks(facts: Facts, purpose: str) -> bool:
    """Whether the consent on which an egress stands is not there, neither for this processor nor for all."""
    consents, party = facts.state.consents, getattr(facts.event, "processor", "")
    return purpose not in consents and f"{purpose}:{party}" not in consents


# Duties that a guardian may lift by name (`GuardianSet.exemptions`).
EXEMPTIONS: Final = ("reality-reminder", "daily-limit", "curfew")

FIELDS: dict[str, Field] = {
    "reading": Field("level", "the strongest reading of the signal after the dot", _reading, frozenset(SIGNALS)),
    "heard": Field("level", "the same, by the detectors that answered: a silent one counts as nothing", _heard, frozenset(SIGNALS)),
    "silent": Field("bool", "whether a detector of the signal did not answer", _is_silent, frozenset(SIGNALS)),
    "silent_any": Field("bool", "whether any detector at all did not answer", lambda f, _: _any_silent(f)),
    "prohibited": Field("level", "the strongest reading of any prohibited class", lambda f, _: _group(f, "prohibited.")),
    "manipulation": Field("level", "the strongest reading of any tactic", lambda f, _: _group(f, "manipulation.")),
    "user.announced": Field("bool", "whether the app has registered the person", lambda f, _: f.state.announced),
    "user.age_band": Field("word", "the age band", lambda f, _: f.state.age_band, values=get_args(AgeBand)),
    "user.age_basis": Field("word", "what the age band rests on", lambda f, _: f.state.age_basis, values=get_args(AgeBasis)),
    "user.is_minor": Field("bool", "under 18, or in minors mode", lambda f, _: f.state.is_minor),
    "user.mode": Field("word", "the mode", lambda f, _: f.state.mode, values=get_args(Mode)),
    "user.guardians": Field("count", "guardians on record", lambda f, _: f.state.guardians),
    "user.contacts": Field("count", "guardians and emergency contacts on record", lambda f, _: f.state.contacts),
    "user.consents": Field("words", "consents that stand", lambda f, _: f.state.consents, values=get_args(Purpose)),
    "user.exemptions": Field("words", "duties a guardian has lifted", lambda f, _: f.state.guardianship.exemptions, values=EXEMPTIONS),
    "user.purchases_allowed": Field("bool", "whether a guardian allows purchases", lambda f, _: f.state.guardianship.purchases_allowed),
    "user.dependence": Field("level", "the person's dependence, from words and use", lambda f, _: f.state.dependence),
    "user.minor_cue": Field("level", "what all that was heard so far says of a minor, over sessions and companions", lambda f, _: f.state.minor_cue),
    "user.low_days": Field("count", "days of low mood in a row, up to today", lambda f, _: mood_of(f.state.days, _today(f)).low_days),
    "user.told_today": Field("bool", "whether the guidance or help on the topic after the dot was given today", lambda f, topic: f.state.told_on.get(topic) == _today(f)),
    "user.risk": Field("level", "the highest danger remembered", lambda f, _: _risk_lately(f)),
    "user.restriction": Field("word", "a standing restriction", lambda f, _: f.state.restriction, values=("none", "limited", "suspended", "ended")),
    "user.since_restriction": Field("span", "since the term of a standing restriction was over; below zero until then", lambda f, _: _since_restriction(f)),
    "user.takeover": Field("word", "whether a human was called or speaks", lambda f, _: f.state.takeover, values=("none", "requested", "human")),
    "user.takeover_before": Field("word", "the same, before this event", lambda f, _: f.before.takeover, values=("none", "requested", "human")),
    "user.takeover_waits": Field("span", "since a human was called, where none has come yet", lambda f, _: _waits(f)),
    "user.is_unreached": Field("bool", "whether a human was called and none of the staff could be reached yet", lambda f, _: f.state.unreached),
    "user.is_watched": Field("bool", "whether a human has handed back so lately that the person is watched", lambda f, _: _is_watched(f)),
    "user.hold_over": Field("bool", "whether the wait for a human has outlasted the pack's `hold_for`", lambda f, _: _hold_over(f)),
    "user.signed_in_before": Field("bool", "whether the person had been here before", lambda f, _: f.before.signed_in),
    "user.asked_contacts_today": Field("bool", "whether contacts were asked for today", lambda f, _: f.state.asked_contacts_on == _today(f)),
    "strikes.row": Field("count", "illegal inputs in a row", lambda f, _: f.state.strikes.row),
    "strikes.today": Field("count", "illegal inputs today", lambda f, _: f.state.strikes.today),
    "use.continuous": Field("span", "continuous use over all devices", lambda f, _: f.state.use.used),
    "use.since_reminder": Field("span", "continuous use since the last reminder on the topic after the dot", lambda f, topic: since_reminder(f.state, topic)),
    "use.today": Field("span", "use since midnight, local time", lambda f, _: _used_today(f)),
    "use.is_idle": Field("bool", "whether the person has paused for at least the idle limit", lambda f, _: f.state.use.rested),
    "use.over_guardian_limit": Field("bool", "whether the guardian's daily limit is reached", lambda f, _: family.over_guardian_limit(f.state, _today(f))),
    "use.counted_today": Field("span", "the same, less the bonus time that a guardian gave for today", lambda f, _: family.counted_today(f.state, _today(f))),
    "use.in_guardian_curfew": Field("bool", "within the guardian's own curfew", lambda f, _: family.in_guardian_curfew(f.state, _local(f))),
    "session.undisclosed": Field("bool", "nobody has said in this talk yet that it is an AI", lambda f, _: _first_in_session(f)),
    "session.is_ended": Field("bool", "the person has left this talk", lambda f, _: _has_ended(f)),
    "session.is_blocked": Field("bool", "a guardian has blocked this companion, by id, name, tag or relation", lambda f, _: family.is_blocked(f.state, f.session)),
    "session.is_unreviewed": Field("bool", "the service serves reviewed companions only, and this one is none", lambda f, _: f.session is not None and f.session.unreviewed),
    "session.drift": Field("level", "how far this talk has drifted, over many turns, to the relation after the dot", _drift, frozenset({"partner", "kin"})),
    "session.age_rating": Field("count", "the age from which the companion is fit", lambda f, _: f.session.age_rating if f.session else 0),
    "session.relation": Field("word", "the companion's relation", lambda f, _: f.session.relation if f.session else "other", values=get_args(Relation)),
    "time_of_day": Field("time_of_day", "local time", lambda f, _: f.pack.settings.local(f.event.at).time()),
    "event.by": Field("word", "by whom, or how", _attribute("by", ""), values=get_args(Actor) + get_args(LeavingBy)),
    "event.relation": Field("word", "the relation declared", _attribute("relation", "other"), values=get_args(Relation)),
    "event.key": Field("word", "the timer's key", _attribute("key", "")),
    "event.mode": Field("word", "the mode asked for", _attribute("mode", ""), values=get_args(Mode)),
    "event.verified": Field("bool", "whether it was verified", _attribute("verified", False)),
    "event.basis": Field("word", "on what words leave for the processor", _attribute("basis", ""), values=get_args(Basis)),
    "event.registered": Field("bool", "whether the processor is registered", _attribute("registered", True)),
    "egress.lacks_consent": Field("bool", "the person has not agreed to this processor", lambda f, _: _lacks(f, "third_party")),
    "egress.lacks_guardian": Field("bool", "no guardian has agreed to this processor", lambda f, _: _lacks(f, "minor_third_party")),
    "event.purpose": Field("word", "the purpose of the consent", _attribute("purpose", ""), values=get_args(Purpose)),
    "event.amount": Field("count", "the amount in fen", _attribute("amount", 0)),
    "event.month": Field("count", "this month's total with this purchase, in fen", lambda f, _: family.month_with(f.before, _in_local(f), _this_month(f))),
    "purchase.asks": Field("bool", "a guardian wants each purchase put before them", lambda f, _: f.state.guardianship.asks_purchases),
    "purchase.is_approved": Field("bool", "a guardian has agreed to this purchase", lambda f, _: family.is_approved(f.state, f.event)),
    "purchase.is_settled": Field("bool", "this purchase was let through before", lambda f, _: family.is_settled(f.before, f.event)),
    "purchase.is_declined": Field("bool", "a guardian has said no to this purchase", lambda f, _: _stage(f) == "declined"),
    "purchase.waits": Field("bool", "a guardian was asked about this purchase at this price, and has not decided", lambda f, _: family.waits(f.before, f.event)),
    "purchase.waiting": Field("count", "purchases that wait for a guardian", lambda f, _: family.waiting(f.before)),
    "purchase.is_changed": Field("bool", "this purchase was let through before at another price", lambda f, _: family.is_changed(f.before, f.event)),
    "purchase.over_guardian_cap": Field("bool", "over the guardian's own cap", lambda f, _: family.over_guardian_cap(f.before, _in_local(f), _this_month(f))),
    "event.approved": Field("bool", "whether the guardian agreed", _attribute("approved", False)),
    "event.able": Field("bool", "whether the contact who answers can act", _attribute("able", True)),
    "event.feature": Field("word", "the feature asked for", _attribute("feature", ""), values=get_args(Feature)),
    "feature.is_off": Field("bool", "a guardian has switched the feature off", lambda f, _: getattr(f.event, "feature", "") in f.state.guardianship.features_off),
    "alert.unseen": Field("span", "since the last contact was told, where none has answered", lambda f, _: family.unseen_for(f.state, f.event.at)),
    "alert.open": Field("span", "since the first contact was told, where none has answered", lambda f, _: family.open_for(f.state, f.event.at)),
    "alert.is_answered": Field("bool", "the answer is to the alert that is open", lambda f, _: family.answers(f.before.alert, f.event)),
    "alert.from_now": Field("span", "a wait that begins now", lambda _f, _: timedelta(0)),
    "alert.untold": Field("count", "contacts not told yet", lambda f, _: family.untold(f.state)),
    "user.letters": Field("count", "guardians who want the summary sent", lambda f, _: len(f.state.letters)),
    "user.since_letters": Field("span", "since the hour at which summaries are sent", lambda f, _: _since_letters(f)),
    "user.since_asked_contacts": Field("span", "since contacts were last asked for, or since registration, in whole days", lambda f, _: _since_asked(f)),
    "user.contacts_verified": Field("bool", "whether a contact has shown that they are there and agree", lambda f, _: f.state.verified > 0),
    "user.contacts_due": Field("bool", "a contact was verified so long ago that they must be asked again", lambda f, _: f.state.check_contacts_on is not None and f.state.check_contacts_on <= _today(f)),
    "event.reason": Field("word", "the reason", _attribute("reason", ""), values=get_args(UpstreamReason)),
    "event.obligation": Field("word", "the obligation reported on", _attribute("obligation", ""), values=tuple(OBLIGATIONS)),
    "event.attempts": Field("count", "how often it was tried", _attribute("attempts", 0)),
    "event.over": Field("bool", "whether what is withdrawn has ended", _attribute("over", False)),
    "event.final": Field("bool", "whether no further attempt follows", _attribute("final", False)),
    "event.sort": Field("word", "complaint, report or appeal", _attribute("sort", ""), values=("complaint", "report", "appeal")),
    "event.scope": Field("word", "what is to be erased", _attribute("scope", ""), values=("all", "history", "companion", "session", "message")),
    "event.role": Field("word", "whose text it was", _attribute("role", ""), values=get_args(ContextRole)),
    "event.earlier": Field("bool", "an earlier turn that came with the request", _attribute("earlier", False)),
    "event.restriction": Field("word", "the restriction set", _attribute("restriction", ""), values=("limited", "suspended", "ended")),
    "event.age_rating": Field("count", "the age from which the companion is fit", _attribute("age_rating", 0)),
    "event.replaced": Field("bool", "whether a template was shown in the reply's place", _attribute("replaced", False)),
    "event.cut": Field("bool", "whether the reply was cut", _attribute("cut", False)),
}  # fmt: skip

OPEN_FIELDS = frozenset({"reading", "heard", "silent", "use.since_reminder", "user.told_today", "session.drift"})

# Terms that no rule gives: the decision itself sets them.
SET_BY_DECISION: Final = frozenset({"because", "not_before"})

# Terms that a rule leaves to the event: the case complained of, what is to be erased, whose review, which consent.
GIVEN_BY_EVENT: Final[dict[str, tuple[str, ...]]] = {
    "AnswerComplaint": ("case", "answer_by"),
    "RemindStaff": ("case", "about", "answer_by", "remind_at"),
    "TellComplainant": ("case",),
    "Announce": ("feature", "ends_at"),
    "Erase": ("scope",),
    "ReviewCompanion": ("companion", "version"),
    "AskApproval": ("order",),
    "StopUse": ("purpose",),
}

OPERATORS: dict[FieldType, frozenset[Operator]] = {
    "bool": frozenset({"is", "is_not"}),
    "count": frozenset({"is", "is_not", "at_least", "below"}),
    "level": frozenset({"is", "is_not", "at_least", "below"}),
    "span": frozenset({"at_least", "below"}),
    "word": frozenset({"is", "is_not", "in", "not_in"}),
    "words": frozenset({"has", "has_not"}),
    "time_of_day": frozenset({"at_least", "below"}),
}


COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    "is": operator.eq,
    "is_not": operator.ne,
    "in": lambda found, value: found in value,
    "not_in": lambda found, value: found not in value,
    "at_least": operator.ge,
    "below": operator.lt,
    "has": operator.contains,
    "has_not": lambda found, value: value not in found,
}


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether the condition is true of the facts."""
    return compiled(condition)(facts)


def compiled(condition: Condition) -> Callable[[Facts], bool]:
    """The condition as one function, made once when a pack is loaded: it is asked on every message."""
    match condition:
        case Test():
            return _compiled_test(condition)
        case All(of=parts):
            return _compiled_all([compiled(part) for part in parts])
        case AnyOf(of=parts):
            checks = [compiled(part) for part in parts]
            return lambda facts: any(check(facts) for check in checks)
        case Not(of=part):
            inner = compiled(part)
            return lambda facts: not inner(facts)


def _compiled_test(test: Test) -> Callable[[Facts], bool]:
    read, compare, key, value = FIELDS[test.field].read, COMPARE[test.operator], test.key, test.value
    return lambda facts: compare(read(facts, key), value)


def _compiled_all(checks: list[Callable[[Facts], bool]]) -> Callable[[Facts], bool]:
    def check_all(facts: Facts) -> bool:
        for check in checks:  # noqa: SIM110  # a generator a rule and message costs three times as much
            if not check(facts):
                return False
        return True

    return check_all


def signals_of(condition: Condition) -> frozenset[str]:
    """The signals that a condition asks about: each needs a word in the pack's `unknown` table."""
    match condition:
        case Test(field="reading", key=key):
            return frozenset({key})
        case Test(field="prohibited"):
            return frozenset(name for name in SIGNALS if name.startswith("prohibited."))
        case Test(field="manipulation"):
            return frozenset(name for name in SIGNALS if name.startswith("manipulation."))
        case Test():
            return frozenset()
        case All(of=parts) | AnyOf(of=parts):
            return frozenset().union(*(signals_of(part) for part in parts))
        case Not(of=part):
            return signals_of(part)


def needed_signals(condition: Condition) -> frozenset[str] | None:
    """Signals of which at least one must have been read for the condition to hold; nothing if it may hold without."""
    match condition:
        case Test(field="reading" | "heard", operator="at_least", value=value, key=key) if value != 0:
            return frozenset({key})
        case Test(field="prohibited" | "manipulation", operator="at_least", value=value) if value != 0:
            return signals_of(condition)
        case Test(field="silent", operator="is", value=True, key=key):
            return frozenset({key})
        case Test(field="silent_any", operator="is", value=True):
            return frozenset(SIGNALS)
        case All(of=parts):
            return min((needs for part in parts if (needs := needed_signals(part)) is not None), key=len, default=None)
        case AnyOf(of=parts):
            known = [needs for part in parts if (needs := needed_signals(part)) is not None]
            return frozenset().union(*known) if parts and len(known) == len(parts) else None
        case _:
            return None


def owed_by(rule: Rule, event: Event) -> tuple[Obligation, ...]:
    """What the rule asks for, each obligation saying so, with the terms that only the event knows."""
    return tuple(_with_terms(one, rule, event) for one in rule.owes)


def _with_terms(one: Obligation, rule: Rule, event: Event) -> Obligation:
    terms = GIVEN_BY_EVENT.get(type(one).__name__, ())
    given = {term: getattr(event, term) for term in terms if hasattr(event, term)}
    return msgspec.structs.replace(one, because=(rule.id,), **given)

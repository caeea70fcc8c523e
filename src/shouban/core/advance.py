"""How a state moves on: by an event (`advance`), and by what was then found owed (`settle`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from shouban.core import events as e
from shouban.core import family
from shouban.core import obligations as o
from shouban.core.age import age_points
from shouban.core.days import DAY, lived_on, with_use
from shouban.core.dependence import dependence_level
from shouban.core.drift import drifted, may_drift
from shouban.core.rules import Pack, Settings, level_of
from shouban.core.state import (
    MAX_SESSIONS,
    PersonState,
    Risk,
    Session,
    Strikes,
    Use,
    day_of,
)

# Events in which the person, or a companion answering them, is there: they move the clock of use.
USING: Final = (e.UserSpoke, e.CompanionSpoke, e.UserSignedIn, e.CompanionChosen, e.HumanSpoke)
BASIS_RANK: Final = {"none": 0, "behaviour": 1, "declared": 2, "device_signal": 3, "verified": 4}
STRICTER_BANDS: Final[tuple[e.AgeBand, ...]] = ("adult", "elder", "unknown", "16_17", "14_15", "under_14")


def advance(state: PersonState, event: e.Event, pack: Pack) -> PersonState:
    """The state after `event`, before any rule has spoken."""
    state = _pass_time(state, event, pack.settings)
    state = _open_session(state, event, pack.settings)
    state = _read(state, event, pack)
    state = _live(state, event, pack.settings)
    state = family.noted(state, event, pack.settings.local(event.at).date())
    return _note(_watched(state, event, pack.settings), event)


def settle(state: PersonState, owed: Iterable[o.Obligation], event: e.Event, settings: Settings) -> PersonState:
    """The state once what is owed is on its way: a reminder restarts its count, a disclosure is not repeated."""
    owed = tuple(owed)
    for one in owed:
        state = _settle_one(state, one, event, settings)
    return (
        family.settled(state, event, owed, settings.local(event.at))
        if isinstance(event, e.PurchaseRequested)
        else state
    )


# --- time and use


def _pass_time(state: PersonState, event: e.Event, settings: Settings) -> PersonState:
    state = _lapse_restriction(_lapse_hold(state, event.at, settings), event.at)
    if getattr(event, "earlier", False):
        return state
    use, gap = _count(state.use, event.at, settings)
    if isinstance(event, USING):
        use, gap = (
            (Use(active_at=event.at, counted_to=event.at), timedelta(0))
            if use.rested
            else (replace(use, active_at=event.at), gap)
        )
    return replace(state, use=use, days=with_use(state.days, _by_day(event.at, gap, settings)) if gap else state.days)


def _lapse_hold(state: PersonState, at: datetime, settings: Settings) -> PersonState:
    """A person was called and none came for so long that silence helps nobody: the machine may answer again."""
    since = state.takeover_since
    if state.takeover != "requested" or since is None or at - since < settings.hold_for:
        return state
    return replace(state, takeover="none", takeover_since=None)


def _lapse_restriction(state: PersonState, at: datetime) -> PersonState:
    """A restriction ends with its term, whether or not its timer has rung by then."""
    if state.restricted_until is None or at < state.restricted_until:
        return state
    return replace(state, restriction="none", restricted_until=None)


def _count(use: Use, at: datetime, settings: Settings) -> tuple[Use, timedelta]:
    """Reads the clock: the time since it was last read is use, unless the person has paused for the idle limit by now."""
    if use.active_at is None or use.counted_to is None:
        return replace(use, rested=True), timedelta(0)
    if at < use.counted_to:
        return replace(use, active_at=min(use.active_at, at), counted_to=at), timedelta(0)
    if use.rested or at - use.active_at >= settings.idle_limit:
        return replace(use, rested=True), timedelta(0)
    return replace(use, used=use.used + (at - use.counted_to), counted_to=at), at - use.counted_to


def _by_day(at: datetime, gap: timedelta, settings: Settings) -> list[tuple[date, timedelta]]:
    """`gap`, which ends at `at`, by the local days it lies on; idle limits are below a day, so there are two at most."""
    end = settings.local(at)
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
    today = min(gap, end - midnight)
    return [((midnight - DAY).date(), gap - today), (end.date(), today)] if gap > today else [(end.date(), today)]


# --- sessions


def _open_session(state: PersonState, event: e.Event, settings: Settings) -> PersonState:
    opens = isinstance(event, e.UserSpoke | e.UserSignedIn | e.CompanionChosen) and not getattr(event, "earlier", False)
    known = state.sessions.get(event.session)
    if not opens:
        return state if known is None else _with_session(state, replace(known, last_at=max(known.last_at, event.at)))
    fresh = known is None or known.ended_by is not None or event.at - known.last_at >= settings.session_idle
    if fresh or isinstance(event, e.UserSignedIn):
        names = ("companion", "relation", "unreviewed", "labels", "age_rating", "partner", "kin")
        kept = {name: getattr(known, name) for name in names} if known else {}
        known = Session(id=event.session, opened_at=event.at, last_at=event.at, **kept)
    assert known is not None  # noqa: S101  # either it was known or it was just opened
    return _with_session(replace(state, signed_in=True), replace(known, last_at=max(known.last_at, event.at)))


def _with_session(state: PersonState, session: Session) -> PersonState:
    sessions = {**state.sessions, session.id: session}
    # The talk of the event itself stays, though a clock that ran ahead has left others in the future.
    newest = sorted(sessions.values(), key=lambda one: (one.id == session.id, one.last_at, one.id))[-MAX_SESSIONS:]
    return replace(state, sessions={one.id: one for one in newest})


# --- what was read


def _read(state: PersonState, event: e.Event, pack: Pack) -> PersonState:
    if not isinstance(event, e.UserSpoke):
        return state
    state = _remember_risk(state, event, pack)
    if not event.earlier:
        state = replace(state, strikes=_strike(state.strikes, event, pack))
    return replace(state, age_points=age_points(state.age_points, event))


def _remember_risk(state: PersonState, event: e.UserSpoke, pack: Pack) -> PersonState:
    level = level_of(event.readings, "crisis", pack.unknown)
    risk = state.risk
    if risk.seen_at and event.at - risk.seen_at >= pack.settings.risk_memory:
        risk = Risk()
    if level >= max(risk.level, 1):
        risk = Risk(level=level, seen_at=event.at, unknown_at=risk.unknown_at)
    if any(one.signal == "crisis" and one.is_unknown for one in event.readings):
        risk = replace(risk, unknown_at=event.at)
    return replace(state, risk=risk)


def _strike(strikes: Strikes, event: e.UserSpoke, pack: Pack) -> Strikes:
    signals = {one.signal for one in event.readings if one.signal.startswith("prohibited.")}
    illegal = any(level_of(event.readings, signal, pack.unknown) >= 3 for signal in signals)
    day = pack.settings.local(event.at).date()
    today = strikes.today if strikes.day == day else 0
    return Strikes(row=strikes.row + 1 if illegal else 0, day=day, today=today + illegal)


# --- what many messages show


def _live(state: PersonState, event: e.Event, settings: Settings) -> PersonState:
    """Marks the day and the talk. Dependence is judged anew when its day has changed in what it is judged by."""
    local = settings.local(event.at)
    session = state.sessions.get(event.session)
    if session and (session.partner or session.kin or may_drift(event)):
        state = _with_session(state, drifted(session, event))
    lived = lived_on(state, event, local)
    if isinstance(event, e.UserSpoke | e.PurchaseRequested) and _bears_on_dependence(state, lived, local.date()):
        lived = replace(lived, dependence=dependence_level(lived.days, local.date()))
    return lived


def _bears_on_dependence(before: PersonState, after: PersonState, today: date) -> bool:
    one, other = (replace(day_of(state, today), used=timedelta(0), turns=0) for state in (before, after))
    return one != other


# --- what was told


def _watched(state: PersonState, event: e.Event, settings: Settings) -> PersonState:
    """Whom a human has handed back is watched for a while."""
    if not isinstance(event, e.HumanHandedBack):
        return state
    return replace(state, watched_until=event.at + settings.watch_for if event.watch else None)


def _note(state: PersonState, event: e.Event) -> PersonState:
    match event:
        case e.UserRegistered():
            return _register(state, event)
        case e.AgeFound():
            return _age(state, event)
        case e.ContactsChanged():
            return replace(
                state,
                guardians=event.guardians,
                emergencies=event.emergencies,
                verified=event.verified,
                check_contacts_on=event.check_on,
            )
        case e.CompanionChosen():
            return _choose(state, event)
        case e.UserLeft(by=by):
            return _end_session(state, event.session, event.at, by)
        case e.ModeSet():
            return _set_mode(state, event)
        case e.ConsentGiven() | e.ConsentWithdrawn():
            return _consent(state, event)
        case _:
            return _note_care(state, event)


def _consent(state: PersonState, event: e.ConsentGiven | e.ConsentWithdrawn) -> PersonState:
    word = consent_of(event)
    if isinstance(event, e.ConsentWithdrawn):
        return replace(state, consents=tuple(one for one in state.consents if one != word))
    if event.by == "user" and state.is_minor and event.purpose != "third_party":
        return state  # of a minor these are the guardian's to give (PIPL Art. 31); anybody may withdraw
    return replace(state, consents=tuple(sorted({*state.consents, word})))


def consent_of(event: e.ConsentGiven | e.ConsentWithdrawn) -> str:
    """As the state keeps it: the purpose, and whom it is for where it is for one third party only."""
    return f"{event.purpose}:{event.party}" if event.party else event.purpose


def _note_care(state: PersonState, event: e.Event) -> PersonState:
    match event:
        case e.HumanTookOver(staff=staff):
            return replace(state, takeover="human", takeover_since=event.at, staff=staff, unreached=False)
        case e.DutyFailed(obligation="PageStaff") | e.DutyDone(obligation="PageStaff"):
            return replace(state, unreached=isinstance(event, e.DutyFailed) and state.takeover == "requested")
        case e.HumanLost() if state.takeover == "human":  # the machine stays silent, and somebody is awaited anew
            return replace(state, takeover="requested", takeover_since=event.at, staff="")
        case e.HumanHandedBack():
            return replace(state, takeover="none", takeover_since=None, staff="")
        case e.CaseClosed() if state.takeover == "requested":  # who looked at it found that nobody need take over
            return replace(state, takeover="none", takeover_since=None)
        case e.RestrictionSet():
            return replace(state, restriction=event.restriction, restricted_until=event.until)
        case e.RestrictionLifted():
            return replace(state, restriction="none", restricted_until=None)
        case e.TimePassed(key=key):
            return replace(state, wakes={name: wake_at for name, wake_at in state.wakes.items() if name != key})
        case _:
            return state


def _register(state: PersonState, event: e.UserRegistered) -> PersonState:
    """A person who registers says who they are; a minor starts in minors mode, an elder in elder mode.

    Minors mode stands, whatever is declared; only a stranger of unknown age, held as a minor for want of words, leaves it.
    """
    held = state.mode == "minor" and (state.announced or state.age_band != "unknown")
    minor = held or event.age_band in e.MINOR_BANDS
    mode: e.Mode = "minor" if minor else "elder" if event.age_band == "elder" else "standard"
    return replace(
        state,
        announced=event.announced,
        age_band=event.age_band,
        age_basis=event.age_basis,
        mode=mode,
        guardians=event.guardians,
        emergencies=event.emergencies,
        agreement=event.agreement,
        registration_asked=False,
    )


def _age(state: PersonState, event: e.AgeFound) -> PersonState:
    """The strictest band holds until stronger evidence, or a decision that overturns, says otherwise."""
    stricter = STRICTER_BANDS.index(event.age_band) > STRICTER_BANDS.index(state.age_band)
    stronger = BASIS_RANK[event.age_basis] > BASIS_RANK[state.age_basis]
    if not (stricter or stronger or event.overturns):
        return state
    minor = event.age_band in e.MINOR_BANDS
    grown: e.Mode = "elder" if event.age_band == "elder" else "standard"
    mode: e.Mode = "minor" if minor else grown if event.overturns else state.mode
    points = 0 if event.overturns else state.age_points
    return replace(state, age_band=event.age_band, age_basis=event.age_basis, mode=mode, age_points=points)


def _choose(state: PersonState, event: e.CompanionChosen) -> PersonState:
    """A companion takes its drift along into another talk."""
    session, wanted = state.sessions[event.session], family.folded(event.companion)
    same = [one for one in state.sessions.values() if family.folded(one.companion) == wanted or one.id == session.id]
    partner, kin = max(one.partner for one in same), max(one.kin for one in same)
    chosen = replace(
        session,
        companion=event.companion,
        relation=event.relation,
        unreviewed=event.unreviewed,
        labels=event.labels,
        age_rating=event.age_rating,
        partner=partner,
        kin=kin,
    )
    return _with_session(state, chosen)


def _set_mode(state: PersonState, event: e.ModeSet) -> PersonState:
    """Into minors mode anybody may go; out of it only with a guardian or staff, verified."""
    leaves = state.mode == "minor" and event.mode != "minor"
    if leaves and not (event.verified and event.by in {"guardian", "staff"}):
        return state
    return replace(state, mode=event.mode, age_points=0 if leaves else state.age_points)


def _end_session(state: PersonState, session: str, at: datetime, by: e.LeavingBy) -> PersonState:
    known = state.sessions.get(session) or Session(id=session, opened_at=at, last_at=at)
    return _with_session(replace(state, left_at=at), replace(known, ended_by=by))


# --- what was found owed


def _settle_one(state: PersonState, one: o.Obligation, event: e.Event, settings: Settings) -> PersonState:
    match one:
        case o.Disclose():
            return _disclosed(state, event)
        case o.Ground(topic=topic) | o.ShowHelp(topic=topic):
            return replace(state, told_on={**state.told_on, topic: settings.local(event.at).date()})
        case o.Remind(topic=topic):
            reminded = {**state.use.reminded_at_used, topic: state.use.used}
            return replace(state, use=replace(state.use, reminded_at_used=reminded))
        case o.EndSession(quiet_for=quiet_for):
            by: e.LeavingBy = event.by if isinstance(event, e.UserLeft) else "word"
            return replace(_end_session(state, event.session, event.at, by), quiet_until=event.at + quiet_for)
        case o.Escalate():
            return _escalated(state, one, event.at, settings)
        case o.SwitchMode(mode=mode):
            return replace(state, mode=mode)
        case o.AskRegistration():
            return replace(state, registration_asked=True)
        case o.AskContacts():
            return replace(state, asked_contacts_on=settings.local(event.at).date())
        case o.WakeAt(key=key, wake_at=wake_at):
            return replace(state, wakes={**state.wakes, key: wake_at})
        case _:
            return state


def _escalated(state: PersonState, one: o.Escalate, at: datetime, settings: Settings) -> PersonState:
    state = replace(state, told_on={**state.told_on, f"person-{one.reason}": settings.local(at).date()})
    if one.reason == "unanswered" and state.alert:  # the next danger begins anew
        state = replace(state, alert=replace(state.alert, with_staff=True))
    return _request_takeover(state, at) if one.takeover else state


def _disclosed(state: PersonState, event: e.Event) -> PersonState:
    session = state.sessions.get(event.session)
    return state if session is None else _with_session(state, replace(session, disclosed_at=event.at))


def _request_takeover(state: PersonState, at: datetime) -> PersonState:
    if state.takeover == "human":
        return state
    return replace(state, takeover="requested", takeover_since=at)

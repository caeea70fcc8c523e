"""How a state moves: time is counted fairly, and whoever may be a minor stays protected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.histories import BANDS, START, histories, spoke

from shouban.core import events as e
from shouban.core import obligations as o
from shouban.core.advance import BASIS_RANK, STRICTER_BANDS, USING, advance, settle
from shouban.core.rules import Pack, Settings
from shouban.core.signals import Level, Reading
from shouban.core.state import PersonState, Risk, used_on
from shouban.packs.stack import load_pack

PACK = load_pack("cn").pack
SETTINGS = PACK.settings
IDLE = SETTINGS.idle_limit
NONE = timedelta(0)
MINUTE = timedelta(minutes=1)
NEWS: list[type[e.Event]] = [e.UserSpoke, e.UserSpoke, e.CompanionSpoke, e.TimePassed, e.NoticeAcknowledged]
GIVEN: dict[type[e.Event], dict[str, Any]] = {e.TimePassed: {"key": "two-hours"}, e.NoticeAcknowledged: {"notice": "n"}}
# Minutes between events: talk, pauses about the idle limit, a midnight, a clock set back.
GAPS = st.one_of(st.integers(0, 14), st.sampled_from([15, 16, 44, 600, 1500, -1, -20, -60]))
ALL_BASES: Sequence[e.AgeBasis] = get_args(e.AgeBasis)
EVIDENCE = st.tuples(st.sampled_from(BANDS), st.sampled_from(ALL_BASES))


@st.composite
def walks(draw: st.DrawFn) -> list[e.Event]:
    """Events by which time passes; the person is there in some, in others only the clock moves."""
    at, events = START, []
    for _ in range(draw(st.integers(1, 30))):
        at += timedelta(minutes=draw(GAPS), seconds=draw(st.integers(0, 59)))
        kind = draw(st.sampled_from(NEWS))
        given = GIVEN.get(kind, {})
        events.append(kind(at=at, person="p", session=draw(st.sampled_from(["phone", "tablet"])), **given))
    return events


def lived(events: Sequence[e.Event], state: PersonState | None = None) -> PersonState:
    state = state or PersonState()
    for event in events:
        state = advance(state, event, PACK)
    return state


def steps(events: Sequence[e.Event]) -> list[tuple[PersonState, e.Event, PersonState]]:
    """Each event with the state before and after it."""
    found, state = [], PersonState()
    for event in events:
        after = advance(state, event, PACK)
        found.append((state, event, after))
        state = after
    return found


def heard(level: Level | str, signal: str = "crisis") -> tuple[Reading, ...]:
    return (Reading(signal, level, 0.9, "drawn", "1"),)  # type: ignore[arg-type]  # a level or `unknown`


# --- time and use


@given(walks())
def test_continuous_use_never_shrinks_but_to_begin_anew_after_a_pause(events: list[e.Event]) -> None:
    for before, event, after in steps(events):
        if after.use.used < before.use.used:
            assert isinstance(event, USING)
            assert after.use.used == NONE
            assert before.use.active_at is not None
            assert before.use.rested or event.at - before.use.active_at >= IDLE


@given(walks())
def test_use_never_grows_by_more_than_the_time_that_passed(events: list[e.Event]) -> None:
    last: datetime | None = None
    for before, event, after in steps(events):
        passed = max(event.at - last, NONE) if last else NONE
        assert after.use.used - before.use.used <= passed
        last = event.at


@given(walks())
def test_a_pause_of_the_idle_limit_is_never_counted(events: list[e.Event]) -> None:
    present: datetime | None = None
    for before, event, after in steps(events):
        if present is not None and event.at - present >= IDLE:
            assert after.use.used in {before.use.used, NONE}
        if isinstance(event, USING):
            present = event.at


@given(
    st.lists(
        st.tuples(st.integers(0, int(IDLE.total_seconds()) - 1), st.sampled_from(["phone", "tablet"])), max_size=40
    )
)
def test_talk_without_a_long_pause_counts_to_the_second_over_all_devices(talk: list[tuple[int, str]]) -> None:
    at, events = START, [spoke(START)]
    for seconds, device in talk:
        at += timedelta(seconds=seconds)
        events.append(spoke(at, device))
    assert lived(events).use.used == at - START


@given(walks())
def test_the_days_together_are_all_the_use_there_was(events: list[e.Event]) -> None:
    grown = NONE
    for before, _, after in steps(events):
        grown += max(after.use.used - before.use.used, NONE)
    state = lived(events)
    assert sum((day.used for day in state.days), NONE) == grown
    assert [day.day for day in state.days] == sorted({day.day for day in state.days})


def test_use_over_midnight_in_china_lies_on_both_days() -> None:
    late = datetime(2026, 8, 3, 15, 55, tzinfo=UTC)
    state = lived([spoke(late), spoke(late + 12 * MINUTE)])
    midnight = SETTINGS.local(late + 12 * MINUTE).date()
    assert used_on(state, midnight - timedelta(days=1)) == 5 * MINUTE
    assert used_on(state, midnight) == 7 * MINUTE


def test_a_clock_set_back_adds_nothing_and_takes_nothing_away() -> None:
    state = lived([spoke(START), spoke(START + 10 * MINUTE), spoke(START - 50 * MINUTE), spoke(START - 45 * MINUTE)])
    assert state.use.used == 15 * MINUTE


def test_an_earlier_turn_that_came_with_the_request_is_no_use_now() -> None:
    before = lived([spoke(START)])
    after = advance(before, spoke(START + 10 * MINUTE, earlier=True), PACK)
    assert (after.use, after.days, after.strikes) == (before.use, before.days, before.strikes)


# --- sessions


def test_a_talk_begins_anew_after_the_idle_time_of_a_session_and_after_goodbye() -> None:
    first = lived([spoke(START)])
    assert advance(first, spoke(START + 5 * MINUTE), PACK).sessions["phone"].opened_at == START
    late = START + SETTINGS.session_idle
    assert advance(first, spoke(late), PACK).sessions["phone"].opened_at == late
    left = advance(first, e.UserLeft(at=START + MINUTE, session="phone", by="button"), PACK)
    assert left.sessions["phone"].ended_by == "button"
    again = advance(left, spoke(START + 2 * MINUTE), PACK).sessions["phone"]
    assert (again.ended_by, again.opened_at) == (None, START + 2 * MINUTE)


def test_signing_in_opens_the_talk_anew_and_keeps_the_companion() -> None:
    chosen = e.CompanionChosen(at=START, session="phone", companion="c", relation="friend")
    again = lived([chosen, e.UserSignedIn(at=START + MINUTE, session="phone")]).sessions["phone"]
    assert (again.companion, again.relation, again.opened_at) == ("c", "friend", START + MINUTE)


# --- what was read


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60)), min_size=1, max_size=10))
def test_danger_is_remembered_at_its_highest(turns: list[tuple[int, int]]) -> None:
    at, events = START, []
    for level, minutes in turns:
        at += minutes * MINUTE
        events.append(spoke(at, readings=heard(Level(level))))
    assert lived(events).risk.level == max(level for level, _ in turns)


def test_danger_is_forgotten_after_the_memory_that_the_pack_names() -> None:
    seen = lived([spoke(START, readings=heard(Level.HIGH))])
    late = START + SETTINGS.risk_memory
    assert advance(seen, spoke(late - MINUTE), PACK).risk.level == 3
    assert advance(seen, spoke(late), PACK).risk == Risk()


def test_a_silent_detector_of_danger_is_remembered() -> None:
    risk = lived([spoke(START, readings=heard("unknown"))]).risk
    assert risk.unknown_at == START


def test_strikes_are_counted_in_a_row_and_a_day_and_one_clean_turn_ends_the_row() -> None:
    illegal = heard(Level.HIGH, "prohibited.fraud")
    state = lived([spoke(START, readings=illegal), spoke(START + MINUTE, readings=illegal)])
    assert (state.strikes.row, state.strikes.today) == (2, 2)
    state = advance(state, spoke(START + 2 * MINUTE), PACK)
    assert (state.strikes.row, state.strikes.today) == (0, 2)
    state = advance(state, spoke(START + timedelta(days=1), readings=illegal), PACK)
    assert (state.strikes.row, state.strikes.today) == (1, 1)


# --- age and mode


@given(st.lists(st.sampled_from(BANDS), min_size=1, max_size=6), st.sampled_from(ALL_BASES))
def test_of_evidence_of_one_strength_the_strictest_band_holds(bands: list[e.AgeBand], basis: e.AgeBasis) -> None:
    first = e.UserRegistered(at=START, age_band=bands[0], age_basis=basis)
    state = lived([first, *(e.AgeFound(at=START, age_band=band, age_basis=basis) for band in bands[1:])])
    assert state.age_band == max(bands, key=STRICTER_BANDS.index)


@given(EVIDENCE, EVIDENCE)
def test_weaker_evidence_never_loosens_what_stronger_evidence_set(
    known: tuple[e.AgeBand, e.AgeBasis], found: tuple[e.AgeBand, e.AgeBasis]
) -> None:
    before = lived([e.UserRegistered(at=START, age_band=known[0], age_basis=known[1])])
    after = advance(before, e.AgeFound(at=START, age_band=found[0], age_basis=found[1]), PACK)
    looser = STRICTER_BANDS.index(after.age_band) < STRICTER_BANDS.index(before.age_band)
    assert not looser or BASIS_RANK[found[1]] > BASIS_RANK[known[1]]


@given(EVIDENCE, st.sampled_from(BANDS))
def test_whoever_is_found_to_be_a_minor_is_in_minors_mode(
    known: tuple[e.AgeBand, e.AgeBasis], found: e.AgeBand
) -> None:
    before = lived([e.UserRegistered(at=START, age_band=known[0], age_basis=known[1])])
    after = advance(before, e.AgeFound(at=START, age_band=found, age_basis="verified"), PACK)
    if after.age_band in e.MINOR_BANDS:
        assert after.mode == "minor"


def test_a_decision_that_overturns_forgets_the_signs_too() -> None:
    suspected = lived(
        [spoke(START, readings=heard(Level.SEVERE, "minor_cue"))], PersonState(mode="minor", age_band="14_15")
    )
    assert suspected.minor_cue == 4
    freed = advance(suspected, e.AgeFound(at=START, age_band="adult", age_basis="verified", overturns=True), PACK)
    assert (freed.age_band, freed.mode, freed.minor_cue) == ("adult", "standard", 0)


@given(histories())
def test_minors_mode_is_left_only_with_a_guardian_or_staff_verified(events: list[e.Event]) -> None:
    for before, event, after in steps(events):
        if before.mode == "minor" and after.mode != "minor":
            let_out = isinstance(event, e.ModeSet) and event.verified and event.by in {"guardian", "staff"}
            first = isinstance(event, e.UserRegistered) and not before.announced and before.age_band == "unknown"
            assert let_out or first


@pytest.mark.parametrize("by", get_args(e.Actor))
@pytest.mark.parametrize("verified", [True, False])
def test_into_minors_mode_anybody_may_go_and_out_of_it_few(by: e.Actor, verified: bool) -> None:
    inside = advance(PersonState(), e.ModeSet(at=START, mode="minor", by=by), PACK)
    assert inside.mode == "minor"
    for mode in ("standard", "elder"):
        asked = advance(inside, e.ModeSet(at=START, mode=mode, by=by, verified=verified), PACK)
        assert asked.mode == (mode if verified and by in {"guardian", "staff"} else "minor")


def test_an_adults_registration_does_not_undo_minors_mode_that_signs_of_a_minor_brought() -> None:
    unregistered = e.UserRegistered(at=START, age_band="adult", age_basis="none", announced=False)
    suspected = settle(lived([unregistered]), [o.SwitchMode(mode="minor", template="p/t")], spoke(START), SETTINGS)
    after = advance(suspected, e.UserRegistered(at=START, age_band="adult"), PACK)
    assert (after.announced, after.mode) == (True, "minor")


def test_a_stranger_held_as_a_minor_is_an_adult_once_the_app_says_so() -> None:
    stranger = e.UserRegistered(at=START, age_band="unknown", age_basis="none", announced=False)
    held = lived([stranger, e.ModeSet(at=START, mode="minor", by="system")])
    assert advance(held, e.UserRegistered(at=START, age_band="adult"), PACK).mode == "standard"


@pytest.mark.parametrize(
    ("band", "mode"), [("under_14", "minor"), ("16_17", "minor"), ("adult", "standard"), ("elder", "elder")]
)
def test_a_person_starts_in_the_mode_of_their_age(band: e.AgeBand, mode: e.Mode) -> None:
    assert lived([e.UserRegistered(at=START, age_band=band)]).mode == mode


# --- what was told, and what was found owed


def test_consents_are_kept_once_and_withdrawn_whole() -> None:
    given = e.ConsentGiven(at=START, purpose="training", by="user")
    state = lived([given, given, e.ConsentGiven(at=START, purpose="companionship", by="user")])
    assert state.consents == ("companionship", "training")
    assert lived([e.ConsentWithdrawn(at=START, purpose="training", by="user")], state).consents == ("companionship",)


def test_a_guardians_settings_replace_the_earlier_ones() -> None:
    state = lived(
        [e.GuardianSet(at=START, daily_limit=30, blocked=("c",)), e.GuardianSet(at=START, purchases_allowed=True)]
    )
    assert (state.guardianship.daily_limit, state.guardianship.blocked, state.guardianship.purchases_allowed) == (
        None,
        (),
        True,
    )


def test_a_restriction_ends_with_its_term_and_not_before() -> None:
    until = START + timedelta(days=1)
    state = lived([e.RestrictionSet(at=START, restriction="suspended", staff="s", until=until)])
    early = advance(state, e.TimePassed(at=until - MINUTE, key="restriction"), PACK)
    assert (early.restriction, early.restricted_until) == ("suspended", until)
    for late in (e.TimePassed(at=until, key="restriction-over"), spoke(until), e.PurchaseRequested(at=until, amount=1)):
        assert advance(state, late, PACK).restriction == "none"
    assert lived([e.RestrictionLifted(at=START, staff="s")], state).restricted_until is None


def test_a_call_for_a_person_silences_the_machine_until_one_came_or_the_hold_is_over() -> None:
    call = o.Escalate(reason="crisis", takeover=True)
    called = settle(PersonState(), [call], spoke(START), SETTINGS)
    assert (called.takeover, called.takeover_since) == ("requested", START)
    assert advance(called, spoke(START + SETTINGS.hold_for - MINUTE), PACK).takeover == "requested"
    assert advance(called, spoke(START + SETTINGS.hold_for), PACK).takeover == "none"
    human = advance(called, e.HumanTookOver(at=START + MINUTE, staff="s"), PACK)
    assert settle(human, [call], spoke(START + 2 * MINUTE), SETTINGS).takeover == "human"
    assert advance(human, spoke(START + 2 * SETTINGS.hold_for), PACK).takeover == "human"
    back = advance(human, e.HumanHandedBack(at=START + 3 * MINUTE, staff="s"), PACK)
    assert (back.takeover, back.staff, back.takeover_since) == ("none", "", None)


def test_what_was_said_is_not_owed_again() -> None:
    event = spoke(START + 10 * MINUTE)
    state = lived([spoke(START), event])
    owed = [
        o.Disclose(template="p/ai"), o.Remind(template="p/r", topic="two-hours"), o.AskRegistration(), o.AskContacts(template="p/c"),
        o.WakeAt(key="two-hours", wake_at=START + timedelta(hours=2)), o.Allow(),
    ]  # fmt: skip
    told = settle(state, owed, event, SETTINGS)
    assert told.sessions["phone"].disclosed_at == event.at
    assert told.use.reminded_at_used == {"two-hours": 10 * MINUTE}
    assert told.registration_asked
    assert told.asked_contacts_on == SETTINGS.local(event.at).date()
    assert told.wakes == {"two-hours": START + timedelta(hours=2)}
    assert advance(told, e.TimePassed(at=START + timedelta(hours=2), key="two-hours"), PACK).wakes == {}


@pytest.mark.parametrize(
    ("event", "by"), [(e.UserLeft(at=START, session="phone", by="voice"), "voice"), (spoke(START), "word")]
)
def test_whoever_leaves_is_left_in_peace(event: e.Event, by: str) -> None:
    state = settle(
        lived([spoke(START)]), [o.EndSession(template="p/bye", quiet_for=timedelta(hours=12))], event, SETTINGS
    )
    assert state.quiet_until == START + timedelta(hours=12)
    assert state.sessions["phone"].ended_by == by


def test_a_setting_of_another_pack_moves_the_limit() -> None:
    talk = [spoke(START), spoke(START + 20 * MINUTE)]
    patient = Pack(
        id="p", version="1", title_zh="", title_en="", rules=(), unknown={}, settings=Settings(idle_limit=30 * MINUTE)
    )
    state = PersonState()
    for event in talk:
        state = advance(state, event, patient)
    assert state.use.used == 20 * MINUTE
    assert lived(talk).use.used == NONE


# --- what many talks show


def hinted(at: datetime, session: str, level: Level = Level.LOW) -> e.UserSpoke:
    return spoke(at, session, readings=heard(level, "intimacy_request"))


def test_a_drift_is_not_wiped_by_saying_goodbye() -> None:
    state = PersonState()
    for turn in range(8):
        at = START + turn * MINUTE
        state = advance(state, hinted(at, "phone"), PACK)
        if turn % 3 == 2:
            state = advance(state, e.UserLeft(at=at, person="p", session="phone", by="button"), PACK)
    assert state.sessions["phone"].partner >= 14


def test_a_companion_takes_its_drift_along_into_another_talk() -> None:
    chosen = [e.CompanionChosen(at=START, person="p", session=one, companion="c") for one in ("phone", "tablet")]
    state = lived([chosen[0], hinted(START, "phone", Level.HIGH), chosen[1]])
    assert state.sessions["tablet"].partner == state.sessions["phone"].partner > 0
    spelled = advance(state, e.CompanionChosen(at=START, person="p", session="watch", companion="\uff23"), PACK)
    assert spelled.sessions["watch"].partner == state.sessions["phone"].partner, "however its id is spelled"


def test_who_was_let_out_of_minors_mode_starts_afresh() -> None:
    state = lived([spoke(START, readings=heard(Level.SEVERE, "minor_cue"))], PersonState(mode="minor"))
    freed = advance(state, e.ModeSet(at=START, person="p", mode="standard", by="staff", verified=True), PACK)
    assert (freed.mode, freed.age_points) == ("standard", 0)


def test_a_talk_is_there_though_a_clock_that_ran_ahead_has_left_sixteen_in_the_future() -> None:
    ahead = [spoke(START + timedelta(days=400, minutes=number), f"s{number}") for number in range(16)]
    state = lived([*ahead, spoke(START, "now")])
    assert "now" in state.sessions
    left = advance(state, e.UserLeft(at=START, person="p", session="now", by="button"), PACK)
    assert left.sessions["now"].ended_by == "button"

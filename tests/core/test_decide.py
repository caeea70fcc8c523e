"""What the core promises, over random histories and the law as shipped."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.histories import START, histories, spoke

from shouban.core import events as e
from shouban.core.decide import Decision, decide
from shouban.core.obligations import (
    ANSWERS,
    Allow,
    AnyObligation,
    Block,
    Disclose,
    EndSession,
    Escalate,
    Lock,
    NotifyGuardian,
    Obligation,
    Remind,
    ReplaceReply,
    ShowHelp,
    WakeAt,
)  # fmt: skip
from shouban.core.signals import Level, Reading
from shouban.core.state import PersonState
from shouban.packs.stack import load_pack

PACK = load_pack("cn").pack


def run(events: list[e.Event], state: PersonState | None = None) -> list[Decision]:
    decisions, state = [], state or PersonState()
    for event in events:
        decision = decide(state, event, PACK)
        decisions.append(decision)
        state = decision.state
    return decisions


def owes(decision: Decision, kind: type[Obligation]) -> bool:
    return any(isinstance(one, kind) for one in decision.owed)


def adult() -> PersonState:
    return decide(
        PersonState(), e.UserRegistered(at=START, person="p", age_band="adult", emergencies=1, agreement="1"), PACK
    ).state


def crisis(level: object) -> tuple[Reading, ...]:
    return (Reading("crisis", level, 0.9, "drawn", "1"),)  # type: ignore[arg-type]  # a level or `unknown`


def speaks_of_danger(event: e.Event) -> bool:
    if not isinstance(event, e.UserSpoke):
        return False
    return any(one.signal == "crisis" and (one.is_unknown or one.level in {2, 3, 4}) for one in event.readings)


@given(histories())
def test_danger_or_a_silent_detector_always_leads_to_help_and_to_a_person(events: list[e.Event]) -> None:
    for event, decision in zip(events, run(events), strict=True):
        if speaks_of_danger(event):
            assert owes(decision, ShowHelp)
            assert owes(decision, Escalate)


@given(histories())
def test_any_detector_that_is_silent_is_seen_by_a_person(events: list[e.Event]) -> None:
    for event, decision in zip(events, run(events), strict=True):
        if isinstance(event, e.UserSpoke) and any(one.is_unknown for one in event.readings):
            assert owes(decision, Escalate)


@given(histories())
def test_leaving_always_ends_the_session_at_once(events: list[e.Event]) -> None:
    for event, decision in zip(events, run(events), strict=True):
        leaves = isinstance(event, e.UserLeft) or (
            isinstance(event, e.UserSpoke)
            and any(one.signal == "exit_intent" and one.level in {3, 4} for one in event.readings)
        )
        if leaves:
            assert owes(decision, EndSession)
            assert decision.state.sessions[event.session].ended_by is not None


@given(histories())
def test_replaying_a_history_gives_equal_decisions(events: list[e.Event]) -> None:
    stored = msgspec.json.encode(events)
    again = msgspec.json.decode(stored, type=list[e.AnyEvent])
    assert run(list(again)) == run(events)


@given(histories())
def test_a_state_survives_being_written_down(events: list[e.Event]) -> None:
    for decision in run(events):
        assert msgspec.json.decode(msgspec.json.encode(decision.state), type=PersonState) == decision.state
        owed = msgspec.json.decode(msgspec.json.encode(decision.owed), type=tuple[AnyObligation, ...])
        assert owed == decision.owed


@given(histories())
def test_every_obligation_but_to_allow_says_why(events: list[e.Event]) -> None:
    known = {rule.id for rule in PACK.rules}
    for decision in run(events):
        for one in decision.owed:
            assert isinstance(one, Allow) or (one.because and set(one.because) <= known)
        assert sum(type(one) in ANSWERS for one in decision.owed) <= 1


@given(
    st.lists(
        st.tuples(st.integers(0, 16 * 60), st.sampled_from(["phone", "tablet"]), st.booleans()), min_size=5, max_size=60
    )
)
def test_nobody_passes_two_hours_of_use_unreminded(steps: list[tuple[int, str, bool]]) -> None:
    """Whatever the pauses below the idle limit, the devices, and a clock that is set back an hour now and then."""
    state, at, since = adult(), datetime(2026, 8, 3, 14, 30, tzinfo=UTC), timedelta(0)
    last: datetime | None = None
    for seconds, session, back in steps * 12:
        at += timedelta(seconds=seconds) - (timedelta(hours=1) if back and last and seconds == 7 else timedelta(0))
        gap = at - last if last else timedelta(0)
        if gap >= PACK.settings.idle_limit:
            since = timedelta(0)
        elif gap > timedelta(0):
            since += gap
        last = at
        decision = decide(state, spoke(at, session), PACK)
        state = decision.state
        if any(isinstance(one, Remind) and one.topic == "two-hours" for one in decision.owed):
            since = timedelta(0)
        assert since < timedelta(hours=2)


def reminders(decisions: list[Decision]) -> int:
    return sum(isinstance(one, Remind) and one.topic == "two-hours" for decision in decisions for one in decision.owed)


@pytest.mark.parametrize(("hours", "expected"), [(1.9, 0), (2.1, 1), (4.1, 2), (6.1, 3)])
def test_each_two_hours_of_use_give_one_reminder(hours: float, expected: int) -> None:
    minutes = range(0, int(hours * 60) + 1, 5)
    talk = [spoke(START + timedelta(minutes=minute), "phone" if minute % 2 else "tablet") for minute in minutes]
    assert reminders(run(list(talk), adult())) == expected


def test_a_ten_minute_pause_does_not_reset_the_clock_and_the_idle_limit_does() -> None:
    before = [spoke(START + timedelta(minutes=minute)) for minute in range(0, 111, 5)]
    short = [spoke(START + timedelta(minutes=120 + minute)) for minute in range(0, 10, 5)]
    long = [spoke(START + timedelta(minutes=110 + 15 + minute)) for minute in range(0, 100, 5)]
    assert reminders(run([*before, *short], adult())) == 1
    assert reminders(run([*before, *long], adult())) == 0


def test_the_timer_reminds_also_when_nobody_writes() -> None:
    talk: list[e.Event] = [spoke(START + timedelta(minutes=minute)) for minute in range(0, 111, 5)]
    rings = e.TimePassed(at=START + timedelta(hours=2), person="p", session="phone", key="two-hours")
    decisions = run([*talk, rings], adult())
    assert reminders(decisions[-1:]) == 1
    timers = [
        one for decision in decisions for one in decision.owed if isinstance(one, WakeAt) and one.key == "two-hours"
    ]
    assert timers[0].wake_at == START + timedelta(hours=2)


def test_an_ai_says_so_at_the_first_word_of_a_talk_and_not_at_each() -> None:
    first, second = run([spoke(START), spoke(START + timedelta(minutes=1))], adult())
    assert owes(first, Disclose)
    assert not owes(second, Disclose)


def test_it_says_so_again_at_the_next_sign_in() -> None:
    decisions = run(
        [spoke(START), e.UserSignedIn(at=START + timedelta(minutes=2), person="p", session="phone")], adult()
    )
    assert owes(decisions[1], Disclose)


@pytest.mark.parametrize("level", [3, 4])
def test_a_stated_plan_silences_the_machine_until_a_human_comes(level: int) -> None:
    decisions = run([spoke(START, readings=crisis(level)), spoke(START + timedelta(minutes=1))], adult())
    assert [decision.state.takeover for decision in decisions] == ["requested", "requested"]
    assert owes(decisions[0], NotifyGuardian)
    assert owes(decisions[1], ReplaceReply)


def test_the_wait_for_a_human_ends_when_the_pack_says_so() -> None:
    late = START + PACK.settings.hold_for + timedelta(minutes=1)
    decisions = run([spoke(START, readings=crisis(4)), spoke(late)], adult())
    assert decisions[1].state.takeover == "none"


def test_a_farewell_in_despair_is_helped_and_ends_no_talk_but_the_button_does() -> None:
    leaving = (*crisis(4), Reading("exit_intent", Level.HIGH, 1.0, "drawn", "1"))
    left = e.UserLeft(at=START + timedelta(minutes=1), session="phone", by="button")
    said, pressed = run([spoke(START, readings=leaving), left], adult())
    assert not owes(said, EndSession)
    assert owes(said, ShowHelp)
    assert owes(said, Escalate)
    assert owes(pressed, EndSession)


def test_a_minor_gets_no_partner_whatever_the_mode_says() -> None:
    born = e.UserRegistered(at=START, person="p", age_band="14_15", guardians=1, agreement="1")
    consent = e.ConsentGiven(at=START, person="p", purpose="companionship", by="guardian")
    chosen = e.CompanionChosen(at=START, person="p", session="phone", companion="c", relation="partner")
    decisions = run([born, consent, chosen, spoke(START)])
    assert any(owes(decision, Lock) or owes(decision, Block) for decision in decisions[2:])


HARM = (Reading("prohibited.minors_harm", Level.HIGH, 0.9, "drawn", "1"),)
QUIET = msgspec.structs.replace(PACK.settings, quiet_from=time(22), quiet_to=time(7))
QUIET_PACK = msgspec.structs.replace(PACK, settings=QUIET)


def told(at: datetime, readings: tuple[Reading, ...]) -> NotifyGuardian:
    minor = decide(PersonState(), e.UserRegistered(at=at, person="p", age_band="16_17", guardians=1), QUIET_PACK).state
    owed = decide(minor, e.UserSpoke(at=at, person="p", session="s", readings=readings), QUIET_PACK).owed
    return next(one for one in owed if isinstance(one, NotifyGuardian))


@pytest.mark.parametrize(
    ("clock", "until"),
    [("2026-08-03T22:00", "2026-08-04T07:00"), ("2026-08-04T03:10", "2026-08-04T07:00"), ("2026-08-04T07:00", None), ("2026-08-03T21:59", None)],
)  # fmt: skip
def test_in_quiet_hours_what_is_only_soon_waits_and_danger_does_not(clock: str, until: str | None) -> None:
    at = datetime.fromisoformat(f"{clock}:00+08:00")
    assert told(at, HARM).not_before == (datetime.fromisoformat(f"{until}:00+08:00") if until else None)
    assert told(at, (*HARM, *crisis(Level.HIGH))).not_before is None


@given(at=st.datetimes(timezones=st.just(UTC)), start=st.times(), end=st.times())
def test_quiet_hours_end_within_a_day_and_never_before_they_began(at: datetime, start: time, end: time) -> None:
    settings = msgspec.structs.replace(
        PACK.settings, quiet_from=start.replace(second=0, microsecond=0), quiet_to=end.replace(second=0, microsecond=0)
    )
    until = settings.quiet_until(at) if datetime(2, 1, 1, tzinfo=UTC) < at < datetime(9990, 1, 1, tzinfo=UTC) else None
    assert until is None or at < until <= at + timedelta(days=1)


def test_the_shipped_laws_want_alerts_in_real_time() -> None:
    assert PACK.settings.quiet_until(START) is None

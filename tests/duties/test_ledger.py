"""The ledger: owed, leased, tried again, done or failed; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from tests.core.histories import START

from shouban.core import obligations as o
from shouban.db.engine import connect
from shouban.db.schema import LEDGER
from shouban.duties import ledger
from shouban.duties.ledger import BY_PEOPLE, IN_TURN, MAX_ATTEMPTS, NEVER_US, Duty, Ledger, Writes
from shouban.evidence.log import microseconds

NOW = microseconds(START)
SECOND = 1_000_000
CONTACT = o.NotifyGuardian(template="cn-words/guardian-crisis", because=("r",))
TIMER = o.WakeAt(key="two-hours", wake_at=START + timedelta(hours=2), because=("r",))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    found = connect(database_url)
    yield found
    found.dispose()


def write(engine: Engine, writes: Writes) -> None:
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        for statement, row in writes:
            connection.execute(statement, row)


def owe(engine: Engine, *owed: o.Obligation, person: str = "p", at_us: int = NOW) -> list[Duty]:
    at = START + timedelta(microseconds=at_us - NOW)
    duties = ledger.duties_of(owed, service="s", person=person, session="t", at=at)
    write(engine, [one for duty in duties for one in Ledger(engine).owe(duty)])
    return duties


def lease(
    engine: Engine,
    *,
    now_us: int = NOW,
    worker: str = "w",
    kinds: tuple[str, ...] = ("NotifyGuardian", "WakeAt"),
    without: tuple[str, ...] = (),
    limit: int = 64,
) -> list[Duty]:
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        return ledger.lease_due(connection, now_us=now_us, worker=worker, kinds=kinds, without=without, limit=limit)


def state_of(engine: Engine, duty: Duty) -> tuple[str, int, str]:
    with engine.connect() as connection:
        row = connection.execute(select(LEDGER).where(LEDGER.c.duty_id == duty.id)).one()
    return row.state, row.attempts, row.outcome


# --- what is owed


def test_every_obligation_is_carried_out_in_the_reply_by_people_or_by_a_worker() -> None:
    kinds = {kind.__name__ for kind in get_args(o.AnyObligation)}
    assert kinds >= IN_TURN
    assert kinds >= BY_PEOPLE
    assert kinds - IN_TURN - BY_PEOPLE == {
        "Allow",
        "NotifyGuardian",
        "AskApproval",
        "SendSummary",
        "PageStaff",
        "RemindStaff",
        "TellComplainant",
        "Erase",
        "WakeAt",
    }
    assert not IN_TURN & BY_PEOPLE


def test_a_duty_is_owed_for_each_obligation_but_to_allow() -> None:
    duties = ledger.duties_of([o.Allow(), CONTACT, TIMER], service="s", person="p", session="t", at=START)
    assert [duty.kind for duty in duties] == ["NotifyGuardian", "WakeAt"]
    assert [duty.due_us - NOW for duty in duties] == [300 * SECOND, 7200 * SECOND]


def test_what_was_written_is_read_back_as_it_was(engine: Engine) -> None:
    owed = [
        CONTACT,
        TIMER,
        o.Escalate(reason="crisis", urgency="emergency", takeover=True, because=("a", "b")),
        o.ShowHelp(template="t"),
    ]
    duties = owe(engine, *owed)
    with engine.connect() as connection:
        found = ledger.open_duties(connection, service="s", person="p")
    assert sorted(found, key=lambda duty: duty.id) == sorted(duties, key=lambda duty: duty.id)


def test_a_timer_of_the_same_key_is_replaced_and_another_persons_is_not(engine: Engine) -> None:
    first, *_ = owe(engine, TIMER)
    later = o.WakeAt(key="two-hours", wake_at=START + timedelta(hours=3))
    second, *_ = owe(engine, later)
    owe(engine, TIMER, person="q")
    with engine.connect() as connection:
        open_ones = ledger.open_duties(connection, service="s", person="p")
        assert [(duty.id, duty.due_us) for duty in open_ones] == [(second.id, NOW + 3 * 3600 * SECOND)]
        assert len(ledger.open_duties(connection, service="s")) == 2
    assert first.id != second.id


def test_a_timer_that_ran_out_makes_room_for_the_next(engine: Engine) -> None:
    first, *_ = owe(engine, TIMER)
    write(engine, ledger.done(first.id, START, "the time has passed"))
    second, *_ = owe(engine, TIMER)
    assert state_of(engine, first)[0] == "done"
    assert state_of(engine, second)[0] == "owed"


# --- leasing


def test_only_what_is_due_and_of_ones_own_kind_is_taken(engine: Engine) -> None:
    contact, timer, person = owe(engine, CONTACT, TIMER, o.Escalate(reason="crisis"))
    assert lease(engine, now_us=NOW - 1) == []
    assert [duty.id for duty in lease(engine)] == [contact.id]
    assert [duty.id for duty in lease(engine, now_us=NOW + 7200 * SECOND, kinds=("WakeAt",))] == [timer.id]
    assert lease(engine, now_us=NEVER_US - 1, kinds=("Escalate",)) == []
    assert person.kind == "Escalate"


def test_what_one_worker_holds_another_passes_over_until_the_lease_is_over(engine: Engine) -> None:
    contact, *_ = owe(engine, CONTACT)
    assert [duty.id for duty in lease(engine, worker="a")] == [contact.id]
    assert lease(engine, worker="b") == []
    assert [duty.id for duty in lease(engine, worker="a", now_us=NOW + SECOND)] == [contact.id]
    after = NOW + SECOND + round(ledger.LEASE_FOR.total_seconds() * SECOND)
    assert [duty.id for duty in lease(engine, worker="b", now_us=after)] == [contact.id]


def test_what_broke_is_left_out_and_the_rest_is_taken_in_the_order_of_its_time(engine: Engine) -> None:
    first, *_ = owe(engine, CONTACT)
    second, *_ = owe(engine, CONTACT, at_us=NOW + SECOND)
    third, *_ = owe(engine, CONTACT, at_us=NOW + 2 * SECOND)
    taken = lease(engine, now_us=NOW + 5 * SECOND, without=(first.id,))
    assert [duty.id for duty in taken] == [second.id, third.id]
    assert [duty.id for duty in lease(engine, now_us=NOW + 5 * SECOND, limit=1)] == [first.id]


# --- outcomes


def test_what_is_done_is_done_once(engine: Engine) -> None:
    contact, *_ = owe(engine, CONTACT)
    write(engine, ledger.done(contact.id, START, "webhook"))
    write(engine, ledger.done(contact.id, START, "again"))
    assert state_of(engine, contact) == ("done", 0, "webhook")
    assert lease(engine) == []


def test_what_fails_is_tried_again_later_and_shows_when_it_has_failed_for_good(engine: Engine) -> None:
    contact, *_ = owe(engine, CONTACT)
    now_us = NOW
    for attempt in range(1, MAX_ATTEMPTS + 1):
        [duty] = lease(engine, now_us=now_us)
        assert duty.attempts == attempt - 1
        write(engine, [ledger.retry_later(duty, now_us=now_us, why="nobody")])
        assert lease(engine, now_us=now_us) == []
        now_us = ledger.next_try_us(attempt, now_us)
    assert state_of(engine, contact) == ("failed", MAX_ATTEMPTS, "nobody")
    assert lease(engine, now_us=NEVER_US) == []
    with engine.connect() as connection:
        assert ledger.overdue(connection, now_us=now_us) == {"NotifyGuardian": 1}


@given(st.integers(1, 40))
def test_the_wait_doubles_up_to_half_an_hour(attempts: int) -> None:
    wait = ledger.next_try_us(attempts, 0)
    assert 5 * SECOND <= wait <= 1800 * SECOND
    assert wait == min(5 * SECOND * 2 ** (attempts - 1), 1800 * SECOND)


def test_owed_and_not_done_in_time_is_a_query(engine: Engine) -> None:
    owe(engine, CONTACT, o.Escalate(reason="crisis", answer_within=timedelta(seconds=60)), TIMER)
    with engine.connect() as connection:
        assert ledger.overdue(connection, now_us=NOW + 59 * SECOND) == {}
        assert ledger.overdue(connection, now_us=NOW + 61 * SECOND) == {"Escalate": 1}
        assert ledger.overdue(connection, now_us=NOW + 301 * SECOND) == {"Escalate": 1, "NotifyGuardian": 1}


def test_what_waits_for_the_end_of_quiet_hours_is_leased_then_and_due_after(engine: Engine) -> None:
    held = o.NotifyGuardian(
        template="p/x", urgency="soon", not_before=START + timedelta(hours=3), answer_within=timedelta(minutes=1)
    )
    (duty,) = owe(engine, held)
    three_hours = 3 * 3600 * 1_000_000
    assert duty.due_us == NOW + three_hours + 60 * 1_000_000
    assert lease(engine, now_us=NOW + three_hours - 1) == []
    assert [one.id for one in lease(engine, now_us=NOW + three_hours)] == [duty.id]

"""The ledger as the log has it, through every way a duty can go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from tests.core.histories import START
from tests.evidence.service import Carrier, SmallService

from shouban.core import events as e
from shouban.core.signals import Level, Reading
from shouban.db.schema import LEDGER
from shouban.duties.ledger import MAX_ATTEMPTS, PERSON_GONE, TIME_PASSED, WITH_DECISION

DANGER = (Reading("crisis", Level.SEVERE, 0.99, "words", "1"),)


def rows(service: SmallService, kind: str) -> list[tuple[str, str, int]]:
    with service.store.engine.connect() as connection:
        found = connection.execute(
            select(LEDGER.c.state, LEDGER.c.outcome, LEDGER.c.attempts)
            .where(LEDGER.c.kind == kind)
            .order_by(LEDGER.c.owed_us)
        )
        return [(row.state, row.outcome, row.attempts) for row in found]


def clean(service: SmallService) -> bool:
    report = service.report()
    assert report.is_clean, report.problems()
    return True


def test_a_duty_tried_again_and_again_and_done_is_as_the_log_says(tmp_path: Path) -> None:
    steps = [
        ("owed", "nobody can be reached", 1),
        ("owed", "nobody can be reached", 3),
        ("done", "a message arrived", 4),
    ]
    with SmallService(tmp_path, carrier=Carrier(every=5)) as service:
        service.live("a", [e.UserRegistered(at=START, age_band="16_17", guardians=1)])
        for hour, step in enumerate(steps):
            spoke = e.UserSpoke(at=START + timedelta(hours=hour), session="s", readings=DANGER if hour == 0 else ())
            service.live("a", [spoke])
            assert rows(service, "NotifyGuardian") == [step]
            assert clean(service)


def test_a_duty_that_failed_for_good_is_as_the_log_says(tmp_path: Path) -> None:
    with SmallService(tmp_path, carrier=Carrier(every=1_000)) as service:
        service.live("a", [e.UserSpoke(at=START, session="s", readings=DANGER)])
        for hour in range(1, 12):
            service.live("b", [e.UserSignedIn(at=START + timedelta(hours=hour), session="s")])
            assert clean(service)
        assert rows(service, "NotifyGuardian")[0] == ("failed", "nobody can be reached", MAX_ATTEMPTS)


def test_timers_that_ran_out_were_replaced_or_lost_their_person_are_as_the_log_says(tmp_path: Path) -> None:
    with SmallService(tmp_path) as service:
        service.live("a", [e.UserSpoke(at=START + timedelta(minutes=10 * n), session="s") for n in range(15)])
        assert ("done", TIME_PASSED, 0) in rows(service, "WakeAt")
        assert clean(service)
        service.live("gone", [e.UserSpoke(at=START + timedelta(hours=3), session="s")])
        service.erase("gone")
        assert clean(service)
        service.live("a", [e.UserSpoke(at=START + timedelta(hours=9), session="s")])
        assert ("done", PERSON_GONE, 0) in rows(service, "WakeAt")
        assert clean(service)


def test_what_the_decision_carries_out_ends_with_it(tmp_path: Path) -> None:
    with SmallService(tmp_path) as service:
        service.live("a", [e.UserSpoke(at=START, session="s", readings=DANGER)])
        assert rows(service, "HoldRecords")
        assert {(state, outcome) for state, outcome, _ in rows(service, "HoldRecords")} == {("done", WITH_DECISION)}
        assert ("done", "given with the check", 0) in rows(service, "ShowHelp")
        assert clean(service)


def test_what_people_answered_is_as_the_log_says(tmp_path: Path) -> None:
    with SmallService(tmp_path) as service:
        service.live(
            "a",
            [
                e.UserSpoke(at=START, session="s", readings=DANGER),
                e.HumanTookOver(at=START + timedelta(minutes=1), staff="s"),
            ],
        )
        assert rows(service, "Escalate")[0][0] == "done"
        assert clean(service)

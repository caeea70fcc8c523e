"""Shifts in the database: no two at once of one account, ended and never deleted, and a limit that no two presses pass together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.core.histories import START
from tests.duties.test_cases import spoke
from tests.evidence.service import SERVICE, SmallService

from shouban.core.errors import CallerError
from shouban.core.signals import Level
from shouban.db.engine import view
from shouban.db.schema import SHIFTS
from shouban.duties.receipts import Receipts
from shouban.gateway.hub import Hub
from shouban.offices.care_desk.roster import Roster, dialled, has_roster, running
from shouban.offices.care_desk.shifts import ROSTER_LASTS, NewShift
from shouban.offices.care_desk.work import CareDesk
from shouban.web.access import Who
from shouban.web.sessions import Account, Private, SignIns

HOUR = timedelta(hours=1)


class Desk:
    """A service with a supervisor and somebody of the care staff."""

    def __init__(self, small: SmallService) -> None:
        store = small.store
        self.small = small
        self.sign_ins = SignIns(store.engine, store.writer, store.master, second_factor=False)
        self.roster = Roster(store.engine, store.writer, self.sign_ins)
        self.lin, leader = (self.made(name, role) for name, role in (("lin", "care"), ("zhou", "care_lead")))
        self.leader = Who(SERVICE, account=leader.id, roles=leader.roles)
        self.care = CareDesk(
            small.road, store.engine, store.writer, self.sign_ins, Receipts(store.engine, store.writer), Hub(),
        )  # fmt: skip

    def made(self, name: str, role: str, address: str = "") -> Account:
        return self.small.loop.run(self.sign_ins.add(SERVICE, Private(name, address), [role], at=START, by="test"))  # type: ignore[list-item]  # a role of ours

    def set(self, since: float, until: float, most: int = 3, account: str = "") -> None:
        begins, ends = ((START + hours * HOUR).isoformat() for hours in (since, until))
        wish = NewShift(account or self.lin.id, begins, ends, most=most)
        self.small.loop.run(self.roster.set(self.leader, wish, START))

    def code(self, since: float, until: float, account: str = "") -> str:
        with pytest.raises(CallerError) as refused:
            self.set(since, until, account=account)
        return refused.value.code


@pytest.fixture
def desk(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    with SmallService(tmp_path, database_url) as small:
        yield Desk(small)


def test_nobody_has_two_shifts_at_once(desk: Desk) -> None:
    desk.set(0, 8)
    for since, until in ((1, 2), (-1, 1), (7, 9), (-1, 20), (0, 8)):
        assert desk.code(since, until) == "shift_overlaps"
    desk.set(8, 10)
    assert desk.code(0, 8, account="nobody") == "no_colleague"
    desk.set(0, 8, account=desk.leader.account)
    assert desk.small.report().is_clean, "each shift has its entry"


def test_an_ended_shift_stays_in_the_book_and_leaves_room(desk: Desk) -> None:
    desk.set(0, 8)
    desk.set(10, 12)
    run = desk.small.loop.run
    now, later = (one.shift.id for one in run(desk.roster.shown(SERVICE, START)).entries)
    for shift in (now, later):
        run(desk.roster.end(desk.leader, shift, START + HOUR))
        with pytest.raises(CallerError, match="it is over"):
            run(desk.roster.end(desk.leader, shift, START + 2 * HOUR))
    assert not run(desk.roster.shown(SERVICE, START + HOUR)).entries
    desk.set(1, 12)
    with view(desk.small.store.engine) as connection:
        assert len(connection.execute(SHIFTS.select()).all()) == 3
        assert running(connection, SERVICE, START + HOUR).keys() == {desk.lin.id}
        assert running(connection, "other", START + HOUR) == {}
    with pytest.raises(CallerError):
        run(desk.roster.end(Who("other", account="x"), now, START))
    assert desk.small.report().is_clean


def test_a_roster_that_nobody_keeps_any_more_says_nothing(desk: Desk) -> None:
    def kept(at: object) -> bool:
        with view(desk.small.store.engine) as connection:
            return has_roster(connection, SERVICE, at)  # type: ignore[arg-type]  # a time

    assert not kept(START)
    desk.set(1, 2)
    assert kept(START)
    assert kept(START + ROSTER_LASTS)
    assert not kept(START + ROSTER_LASTS + 3 * HOUR)


def test_who_is_on_shift_is_reached_while_their_account_is_open(desk: Desk) -> None:
    wang = desk.made("wang", "care", "w@example.org")
    desk.set(0, 8)
    desk.set(0, 8, account=wang.id)
    run = desk.small.loop.run
    assert run(desk.roster.addresses(SERVICE, START)) == ["mailto:w@example.org"], "who has no address is not called"
    assert run(desk.roster.addresses(SERVICE, START + 9 * HOUR)) == []
    run(desk.sign_ins.change(wang, at=START, by="test", state="disabled"))
    assert run(desk.roster.addresses(SERVICE, START)) == []
    assert [one.name for one in run(desk.roster.shown(SERVICE, START)).entries] == ["lin"]


def test_a_claim_above_ones_limit_is_refused_but_in_an_emergency(desk: Desk) -> None:
    desk.set(0, 8, most=1)
    small, who = desk.small, Who(SERVICE, account=desk.lin.id, roles=desk.lin.roles)
    for name, level in (("a", Level.MEDIUM), ("b", Level.MEDIUM), ("c", Level.SEVERE)):
        small.live(name, [spoke(level)])
    people = {name: small.loop.run(small.road.find(SERVICE, name)) for name in "abc"}

    def claim(name: str, by: Who = who) -> str:
        try:
            small.loop.run(desk.care.claim(by, people[name], START))  # type: ignore[arg-type]  # they are there
        except CallerError as error:
            return error.code
        return ""

    assert claim("a") == ""
    assert claim("b") == "at_capacity"
    assert claim("c") == "", "an emergency is never refused"
    assert claim("b", desk.leader) == "", "who is not on shift has no limit"


def test_a_directory_gives_plain_mail_addresses() -> None:
    assert [dialled(one) for one in ("a@b.org", "mailto:a@b.org", "tel:+86", "https://u@h.org", "")] == [
        "mailto:a@b.org", "mailto:a@b.org", "tel:+86", "https://u@h.org", "",
    ]  # fmt: skip

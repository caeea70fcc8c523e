"""What stands in the books and the log: whole after a life, found where altered, and finished where a process ended in between."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.core.histories import START
from tests.evidence.service import SERVICE, SmallService, law, verified
from tests.gateway.serving import noon, refusal, serving, settings_for
from tests.offices.restrictions.restricting import appeal, colleague, do, proposed, registered, restricted, themselves

from shouban.core import events as e
from shouban.core.errors import CallerError
from shouban.duties.ledger import open_duties
from shouban.offices.restrictions import model as m
from shouban.offices.restrictions.work import RestrictionsOffice
from shouban.web.access import Who
from shouban.web.sessions import Account, Private, SignIns

WISH = m.Proposing("suspended", "fraud", "三份举报都指向这个账号", "账号被用来冒充客服索要验证码", "3")


def test_a_life_with_restrictions_verifies_whole_and_an_altered_row_is_found(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        _, person = registered(office)
        client = themselves(office, person)
        one = restricted(office, person, urgent="yes")
        assert appeal(client, one).status_code == 303
        assert do(colleague(office), person, one, "appeal", noon(minutes=8), decision="upheld", why="材料不足以认定是本人").status_code == 303  # fmt: skip
        assert do(colleague(office), person, one, "reported", noon(minutes=9), to="省网信办").status_code == 303
        two = proposed(colleague(office), person, noon(minutes=10))
        assert do(colleague(office), person, two, "refuse", noon(minutes=11)).status_code == 303
        proposed(colleague(office), person, noon(minutes=12))
    assert verified(tmp_path).is_clean, verified(tmp_path).problems()
    with closing(sqlite3.connect(next(tmp_path.glob("*.db")))) as connection, connection:
        connection.execute("update restrictions set decided_by = proposed_by where restriction_id = ?", (one,))
    report = verified(tmp_path)
    assert not report.is_clean
    assert "restrictions" in str(report)


def test_it_goes_with_the_person_and_the_log_keeps_that_it_was(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        user, person = registered(office)
        restricted(office, person)
        assert office.ask("DELETE", f"/v1/users/{user}/data?scope=all", at=noon(minutes=6)).is_success
        assert office.rows("restrictions", person) == 0
        assert office.rows("holds", person) > 0
        assert any(b"RestrictionSet" in entry and person.encode() in entry for entry in office.entries())
    assert verified(tmp_path).is_clean, verified(tmp_path).problems()


async def accounts(sign_ins: SignIns) -> list[Account]:
    return [
        await sign_ins.add(
            SERVICE, Private(name), ["compliance"], at=START, by="test", password="correct horse battery"
        )
        for name in ("first", "second", "third")
    ]


def test_an_appeal_that_a_process_left_half_decided_is_answered_at_the_next_start(tmp_path: Path) -> None:
    with SmallService(tmp_path) as service:
        store, road = service.store, service.road
        sign_ins = SignIns(store.engine, store.writer, store.master, second_factor=False)
        office = RestrictionsOffice(road, store.engine, store.writer, sign_ins, lambda _: law(), services=[SERVICE])
        service.live("小雨", [e.UserRegistered(at=START, age_band="adult")])

        async def half_decided() -> str:
            first, second, third = [Who(SERVICE, account=one.id, roles=one.roles) for one in await accounts(sign_ins)]
            person = await road.find(SERVICE, "小雨")
            assert person is not None
            made = await office.propose(first, person, WISH, START)
            await office.confirm(second, await office.by_id(second, made), m.Explaining("看过举报了"), START)
            await office.appeal(person, made, m.Appealing("那不是我"), START)
            seen = await office.by_id(third, made)
            # What `decide_appeal` writes first; then the process ends.
            now = m.appeal_decided(seen.one, "upheld", by=third.account, at=START)
            lifted = e.RestrictionLifted(at=START, person=person.id, staff=third.account)
            await road.act(
                person, lifted, call=office._moving(third, person, now, seen.words)
            )  # the first half of a verb
            return person.id

        person = service.loop.run(half_decided())

        def owed() -> int:
            with store.engine.connect() as connection:
                return len(open_duties(connection, service=SERVICE, person=person, kinds=["AnswerComplaint"]))

        assert owed() == 1
        service.loop.run(office.refresh())
        assert owed() == 0
        service.loop.run(office.refresh())


@pytest.mark.parametrize("gone", ["account", "person"])
def test_who_is_gone_since_the_door_opened_changes_nothing(tmp_path: Path, gone: str) -> None:
    with SmallService(tmp_path) as service:
        store, road = service.store, service.road
        sign_ins = SignIns(store.engine, store.writer, store.master, second_factor=False)
        office = RestrictionsOffice(road, store.engine, store.writer, sign_ins, lambda _: law())
        service.live("小雨", [e.UserRegistered(at=START, age_band="adult")])

        async def prepared() -> tuple[Who, Who, object, list[Account]]:
            made = await accounts(sign_ins)
            first, second, _ = [Who(SERVICE, account=one.id, roles=one.roles) for one in made]
            return first, second, await road.find(SERVICE, "小雨"), made

        first, second, person, made = service.loop.run(prepared())
        restriction = service.loop.run(office.propose(first, person, WISH, START))  # type: ignore[arg-type]  # found above
        seen = service.loop.run(office.by_id(second, restriction))
        if gone == "account":
            service.loop.run(sign_ins.change(made[1], at=START, by="test", state="disabled"))
        else:
            service.erase("小雨")
        error = refusal(lambda: service.loop.run(office.confirm(second, seen, m.Explaining("看过举报了"), START + timedelta(hours=1))), CallerError)  # fmt: skip
        assert error.status in {403, 404}
        error = refusal(lambda: service.loop.run(office.propose(second, person, WISH, START + timedelta(hours=1))), CallerError)  # type: ignore[arg-type]  # found above  # fmt: skip
        assert error.status in {403, 404, 409}
    assert verified(tmp_path).is_clean, verified(tmp_path).problems()

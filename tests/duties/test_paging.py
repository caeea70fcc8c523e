"""Whoever is on call is paged where no desk is open, and again where nobody comes; the person is told the truth where nobody can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.duties.test_contact import hook
from tests.gateway.serving import NOON, Served, fresh, noon, serving, settings_for
from tests.offices.care_desk.desk import carer, do, in_danger, lead, set_shift
from tests.offices.care_desk.test_live import opened
from tests.web.signing import enter, run, sign_ins_of, staff


def pages(office: Served, user: str) -> list[Any]:
    return office.ledger(user, kinds=["PageStaff"])


def passes(office: Served, user: str, **later: float) -> None:
    """Time goes on; what is due is carried out."""
    office.get(f"/v1/users/{user}", at=noon(**later))


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Served]:
    with serving(settings_for(tmp_path, encoder=False)) as served:
        yield served


def test_the_first_on_call_is_paged_and_after_a_minute_all(tmp_path: Path) -> None:
    with hook(500) as broken, hook() as first, hook() as second:
        on_call = f"{broken.url}, {first.url},{second.url}"
        with serving(
            settings_for(tmp_path, encoder=False, on_call=on_call, public_url="https://care.example")
        ) as office:
            user, address = in_danger(office, nickname="小雨")
            passes(office, user, seconds=1)
            assert (len(broken.told), len(first.told), len(second.told)) == (1, 1, 0)
            [page] = pages(office, user)
            assert page.state == "done"
            assert page.outcome.startswith("on call 2: webhook answered 204")
            text = first.told[0]["text"]
            assert "https://care.example/care" in text
            assert not any(word in str(first.told) for word in (user, "小雨", "遗书")), "no name and no word"
            passes(office, user, seconds=59)
            assert len(second.told) == 0
            passes(office, user, seconds=61)
            assert (len(first.told), len(second.told)) == (2, 1), "nobody took over within a minute"
            _, client = carer(office)
            do(client, address, "claim", noon(minutes=2))
            do(client, address, "take", noon(minutes=2))
            passes(office, user, minutes=30)
            assert (len(first.told), len(second.told)) == (2, 1), "somebody is with them"


def test_an_open_desk_is_not_paged_at_once(tmp_path: Path) -> None:
    with hook() as phone, serving(settings_for(tmp_path, encoder=False, on_call=phone.url)) as office:
        _, client = carer(office)
        with opened(client, "/care/events") as desk:
            desk.until("queue")
            user, _ = in_danger(office)
            passes(office, user, seconds=1)
            [page] = pages(office, user)
            assert (page.state, page.outcome, phone.told) == ("done", "a desk is open", [])


def test_who_is_on_shift_is_paged_before_who_is_on_call(tmp_path: Path) -> None:
    with (
        hook() as shift, hook() as gone, hook() as later, hook() as on_call,
        serving(settings_for(tmp_path, encoder=False, on_call=f"{on_call.url},{shift.url}")) as office,
    ):  # fmt: skip
        _, leader = lead(office)
        accounts = {one.url: staff(office, fresh("小林"), "care", address=one.url) for one in (shift, gone, later)}
        for one, since, until in ((shift, "08:00", "20:00"), (gone, "08:00", "20:00"), (later, "18:00", "23:00")):
            assert set_shift(leader, accounts[one.url].id, since, until).status_code == 303
        run(sign_ins_of(office).change(accounts[gone.url], at=NOON, by="test", state="disabled"))
        user, _ = in_danger(office)
        passes(office, user, seconds=1)
        assert (len(shift.told), len(on_call.told)) == (1, 0)
        [page] = pages(office, user)
        assert page.outcome.startswith("on shift 1: webhook answered 204")
        passes(office, user, seconds=61)
        assert (len(shift.told), len(on_call.told)) == (2, 1), "then all, and nobody twice at once"
        assert (len(gone.told), len(later.told)) == (0, 0), "whose account is closed, and whose shift has not begun"


def test_who_may_only_look_on_is_no_open_desk(tmp_path: Path) -> None:
    with hook() as phone, serving(settings_for(tmp_path, encoder=False, on_call=phone.url)) as office:
        name = fresh("compliance")
        staff(office, name, "compliance")
        with opened(enter(office, name), "/care/events") as desk:
            desk.until("queue")
            user, _ = in_danger(office)
            passes(office, user, seconds=1)
            assert len(phone.told) == 1


def test_where_nobody_is_on_call_the_person_is_told_so_with_numbers_that_answer(alone: Served) -> None:
    user, _ = in_danger(alone)
    passes(alone, user, seconds=1)
    [page] = pages(alone, user)
    assert page.state == "owed"
    assert "set `on_call`" in page.outcome
    reply = alone.chat("有人吗", user=user, at=noon(seconds=5), session="talk")
    assert "不能保证马上有人来" in reply.text
    assert "12356" in reply.text
    again = alone.chat("你好", user=user, at=noon(seconds=9), session="talk").text
    assert "【求助】" not in again, "the card once"
    assert "还没有联系上值班的同事" in again, "and no word that somebody was asked to come"

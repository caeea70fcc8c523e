"""Who has heard enough is given no new case while a colleague is there; where nobody is, the person in danger goes first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.gateway.serving import NOON, Served, eventually, noon, serving, settings_for
from tests.offices.care_desk.desk import carer, cases_of, do, in_danger, problem, shown, signed_in
from tests.offices.care_desk.test_live import opened
from tests.web.signing import enter

from shouban.db.schema import SEATS
from shouban.evidence.log import Acted, decode_entry

FIRST = "请先休息"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr("shouban.offices.care_desk.live.BEAT_SECONDS", 0.1)
    with serving(settings_for(tmp_path, encoder=False, care_takeovers=2, care_minutes=30)) as served:
        yield served


def talked(office: Served, client: httpx.Client, minute: float, *, for_minutes: float = 11) -> tuple[str, str]:
    """A talk from takeover to hand-back."""
    user, address = in_danger(office, at=noon(minutes=minute))
    start, end = noon(minutes=minute, seconds=1), noon(minutes=minute + for_minutes)
    assert do(client, address, "claim", start).status_code == 303
    assert do(client, address, "take", start).status_code == 303
    do(client, address, "claim", end)  # the desk was away meanwhile: it has it again
    back = do(client, address, "back", end, safe="yes", why="问过了，没有危险")
    assert back.status_code == 303, problem(back)
    return user, address


def claim(office: Served, client: httpx.Client, minute: float) -> tuple[httpx.Response, str]:
    user, address = in_danger(office, at=noon(minutes=minute))
    assert eventually(lambda: all(seen >= _us(minute) for seen in _seats(office))), "open desks beat on"
    return do(client, address, "claim", noon(minutes=minute, seconds=1)), user


@contextmanager
def sitting(office: Served, client: httpx.Client) -> Iterator[None]:
    """Somebody has the queue open, and is seen to."""
    before = len(_seats(office))
    with opened(client, "/care/events") as desk:
        desk.until("queue")
        assert eventually(lambda: len(_seats(office)) > before)
        yield


def _seats(office: Served) -> list[int]:
    with office.engine.connect() as connection:
        return [row.seen_us for row in connection.execute(SEATS.select())]


def _us(minute: float) -> int:
    return round((NOON + timedelta(minutes=minute)).timestamp() * 1e6)


def test_after_a_talk_one_rests_ten_minutes_while_a_colleague_is_there(office: Served) -> None:
    _, first = carer(office)
    _, second = carer(office)
    _, address = talked(office, first, 0)
    with sitting(office, second):
        refused, _ = claim(office, first, 12)
        assert (refused.status_code, FIRST in problem(refused)) == (409, True)
        assert do(first, address, "close", noon(minutes=12), outcome="helped", why="聊过了，情绪缓和").status_code == 409, "they lost it meanwhile"  # fmt: skip
        assert do(first, address, "claim", noon(minutes=12)).status_code == 303, "what was theirs is no new case"
        assert do(second, in_danger(office, at=noon(minutes=12))[1], "claim", noon(minutes=12)).status_code == 303


def test_where_nobody_else_is_there_a_person_in_danger_goes_first_and_it_is_said(office: Served) -> None:
    name, first = carer(office)
    talked(office, first, 0)
    given, user = claim(office, first, 12)
    assert (given.status_code, given.headers["location"].endswith("?over=break")) == (303, True)
    page = shown(first, given.headers["location"], noon(minutes=12, seconds=2))
    assert "本该休息十分钟" in page
    entries = [decode_entry(one, 0) for one in office.entries()]
    [claimed] = [one for one in entries if isinstance(one, Acted) and one.act == "case_claimed" and one.person == office.person_id(user)]  # fmt: skip
    assert claimed.facts["over"] == "break"
    assert cases_of(office, user)[-1].claimed_by == claimed.facts["account"]
    assert name in page


def test_who_may_only_look_on_or_must_rest_too_is_nobody_who_could_come(office: Served) -> None:
    _, first = carer(office)
    _, second = carer(office)
    _, compliance = signed_in(office, "compliance", "compliance")
    talked(office, first, 0)
    talked(office, second, 1)
    with sitting(office, compliance), sitting(office, second):
        assert claim(office, first, 13)[0].status_code == 303


def test_the_budget_of_a_day_is_used_up_by_takeovers_and_by_minutes_and_is_new_tomorrow(office: Served) -> None:
    name, first = carer(office)
    _, second = carer(office)
    talked(office, first, 0)
    assert "1 / 2 次接管" in shown(first, "/care", noon(minutes=30))
    talked(office, first, 40)
    with sitting(office, second):
        page = shown(first, "/care", noon(minutes=80))
        assert "2 / 2 次接管" in page
        assert "21 / 30 分钟" in page
        assert "今天够多了" in page
        refused, _ = claim(office, first, 80)
        assert (refused.status_code, FIRST in problem(refused)) == (409, True)
    assert "0 / 2 次接管" in shown(second, "/care", noon(minutes=81))
    user, address = in_danger(office, at=noon(hours=13))
    tomorrow = do(enter(office, name), address, "claim", noon(hours=13))
    assert (tomorrow.status_code, tomorrow.headers["location"]) == (303, address), "nothing is said of rest"
    assert cases_of(office, user)[-1].stage == "claimed"


def test_what_is_no_severe_case_takes_nothing_of_the_budget(office: Served) -> None:
    _, first = carer(office)
    for n in range(4):
        _, address = in_danger(office, at=noon(minutes=n), text="活着真没意思，有时候不想醒来")
        at = noon(minutes=n, seconds=1)
        assert do(first, address, "claim", at).headers["location"] == address
        assert do(first, address, "close", at, outcome="no_danger", why="只是累了，没有危险").status_code == 303
    assert "0 / 2 次接管" in shown(first, "/care", noon(minutes=10))


def test_without_limits_there_is_no_bar(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False, care_takeovers=0, care_minutes=0)) as office:
        _, first = carer(office)
        assert "今天听到的危机" not in shown(first, "/care")
    with serving(settings_for(tmp_path / "other", encoder=False)) as office:
        _, compliance = signed_in(office, "compliance", "compliance")
        assert "今天听到的危机" not in shown(compliance, "/care"), "who may only look on has none"

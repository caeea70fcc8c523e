"""A child's day, and what a child or two devices may try against it: the limit over devices and processes, the night, exemptions, clocks set back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from tests.duties.test_contact import hook
from tests.gateway.serving import NOON, Served, fresh, noon, serving, settings_for
from tests.offices.guardians.family import linked

SAID = "今天食堂的鸡腿没有了"
LIMIT = "今天的使用时间到了"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("family"), encoder=False)) as served:
        yield served


def a_child(office: Served, band: str = "14_15") -> str:
    user = fresh("小雨")
    office.register(user, band, at=noon())
    consent = {"purpose": "companionship", "by": "guardian"}
    assert office.post(f"/v1/users/{user}/consents", consent, at=noon()).status_code == 200
    return user


def locks(office: Served, user: str) -> list[str]:
    return [str(row.body) for row in office.ledger(user, kinds=["Lock"])]


def at(hour: int, minute: int = 0, *, days: int = 0) -> str:
    return (NOON.replace(hour=hour, minute=minute) + timedelta(days=days)).isoformat()


def test_a_fifteen_year_old_has_an_hour_over_two_devices_and_no_night(office: Served) -> None:
    """The day of register row D052, with reminders every half hour (D051) and what a guardian lifts (D054)."""
    with hook() as phone:
        user, guardian, page = linked(office, phone, "14_15")
        assert guardian.post(f"{page}/consent", data={"purpose": "companionship", "given": "yes"}).status_code == 303
        for minute in range(5, 60, 10):
            office.chat(SAID, user=user, session="phone" if minute % 20 == 5 else "tablet", at=noon(minutes=minute))
        office.chat(SAID, user=user, session="tablet", at=noon(minutes=64))
        assert not locks(office, user)
        reminders = [row for row in office.ledger(user, kinds=["Remind"]) if b"reality" in bytes(row.body)]
        assert len(reminders) == 1, "after half an hour of use"
        for device in ("phone", "tablet", "a third one"):
            assert LIMIT in office.chat(SAID, user=user, session=device, at=noon(minutes=66)).text
        assert guardian.post(f"{page}/limits", data={"exemptions": ["daily-limit"]}).status_code == 303
        assert LIMIT not in office.chat(SAID, user=user, session="phone", at=noon(minutes=67)).text
        office.chat(SAID, user=user, session="phone", at=noon(minutes=75))
        reminders = [row for row in office.ledger(user, kinds=["Remind"]) if b"reality" in bytes(row.body)]
        assert len(reminders) == 2, "and after an hour"
        assert "夜" not in office.chat(SAID, user=user, session="phone", at=at(21, 59)).text
        before = len(locks(office, user))
        office.chat(SAID, user=user, session="phone", at=at(22))
        assert "minor-night" in locks(office, user)[-1]
        assert len(locks(office, user)) > before
        both = {"exemptions": ["daily-limit", "curfew"]}
        assert guardian.post(f"{page}/limits", data=both).status_code == 303
        before = len(locks(office, user))
        office.chat(SAID, user=user, session="phone", at=at(22, 5))
        assert len(locks(office, user)) == before


def test_a_clock_set_back_gives_no_hour_twice_and_the_new_day_begins_at_six(office: Served) -> None:
    user = a_child(office)
    for minute in range(0, 61, 10):
        office.chat(SAID, user=user, at=noon(minutes=minute))
    assert LIMIT in office.chat(SAID, user=user, at=noon(minutes=61)).text
    assert LIMIT in office.chat(SAID, user=user, at=noon(minutes=5)).text, (
        "the time of a request is not the child's to say"
    )
    assert "minor-night" in (office.chat(SAID, user=user, at=at(5, 30, days=1)), locks(office, user)[-1])[1]
    before = len(locks(office, user))
    office.chat(SAID, user=user, at=at(6, 0, days=1))
    assert len(locks(office, user)) == before


def test_two_devices_at_two_processes_race_the_limit_and_share_one_hour(tmp_path: Path, postgresql_url: str) -> None:
    """Both write at once, each through a process of its own: use counts once, and both are stopped."""
    settings = settings_for(tmp_path, database=postgresql_url, encoder=False)
    with ExitStack() as stack:
        pair = [stack.enter_context(serving(settings)) for _ in range(2)]
        user = a_child(pair[0])

        def talk(device: int, minute: int) -> str:
            return pair[device].chat(SAID, user=user, session=f"device-{device}", at=noon(minutes=minute)).text

        with ThreadPoolExecutor(2) as pool:
            for minute in range(0, 60, 10):
                texts = list(pool.map(talk, (0, 1), (minute, minute)))
                assert all(LIMIT not in text for text in texts), minute
            assert all(LIMIT in text for text in pool.map(talk, (0, 1), (60, 60)))
        state = pair[0].get(f"/v1/users/{user}/data").json()["state"]
        assert state["days"][-1]["used"] == "PT1H" or state["days"][-1]["used"].startswith("PT3600")


def test_guardians_who_give_at_once_give_no_more_than_there_is(office: Served) -> None:
    with hook() as phone:
        user, guardian, page = linked(office, phone, "14_15")
        with ThreadPoolExecutor(6) as pool:
            answers = list(
                pool.map(lambda _: guardian.post(f"{page}/bonus", data={"minutes": "60"}).status_code, range(6))
            )
        assert set(answers) <= {303, 409}
        assert office.get(f"/v1/users/{user}", at=noon(minutes=3)).json()["controls"]["bonus_today"] == 120


def test_guardians_who_decide_at_once_decide_once(office: Served) -> None:
    with hook() as phone:
        user, guardian, page = linked(office, phone, "14_15")
        guardian.post(f"{page}/spending", data={"purchases": "ask"})
        wish = {"user": user, "amount": 3000, "order": fresh("order")}
        assert office.post("/v1/purchases/check", wish, at=noon(minutes=3)).json()["state"] == "waiting"

        def decide(answer: str) -> int:
            return guardian.post(
                f"{page}/purchases", data={"order": wish["order"], "amount": "3000", "approved": answer}
            ).status_code

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(decide, ["yes", "no", "yes", "no"]))
        assert min(answers) == 303
        state = office.post("/v1/purchases/check", wish, at=noon(minutes=4)).json()["state"]
        assert state in {"paid", "declined"}
        told = [row for row in office.ledger(user, kinds=["Remind"]) if b"purchase" in bytes(row.body)]
        assert len(told) == 1, "the child hears one answer"

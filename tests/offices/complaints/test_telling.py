"""Whoever handles complaints is reminded before the time and after it; whoever complained hears of the answer, once, over the channel they named."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.duties.test_contact import Hook, hook
from tests.gateway.serving import Served, fresh, noon, serving, settings_for
from tests.offices.complaints.filing import ANSWER, TEXT, desk_address, do, filed, handler
from tests.web.signing import enter, staff

from shouban.duties.channels import Channels, Message


def tick(office: Served, at: str) -> None:
    office.get("/v1/complaint-figures", at=at)


@pytest.fixture
def desk() -> object:
    with hook() as opened:
        yield opened


def test_reminders_come_two_working_days_before_and_when_it_is_over(tmp_path: Path, desk: Hook) -> None:
    with serving(settings_for(tmp_path, encoder=False, complaints_desk=desk.url)) as office:
        filed(office)
        tick(office, noon(days=9))
        assert desk.told == []
        tick(office, noon(days=11))  # Friday the fourteenth: eight working days have ended
        assert [one["title"] for one in desk.told] == ["守伴：一件投诉快到期了"]
        assert "2026-08-17 24:00" in desk.told[0]["text"]
        assert TEXT not in str(desk.told)
        tick(office, noon(days=15))
        assert [one["title"] for one in desk.told][1:] == ["守伴：一件投诉已经逾期"]


def test_nobody_is_reminded_of_what_is_answered(tmp_path: Path, desk: Hook) -> None:
    with serving(settings_for(tmp_path, encoder=False, complaints_desk=desk.url)) as office:
        filed(office, text="这件马上就答复了")
        client = handler(office)
        do(client, desk_address(client, "这件马上就"), "answer", **ANSWER)
        tick(office, noon(days=20))
        assert desk.told == []


def test_an_appeal_about_age_is_reminded_of_too(tmp_path: Path, desk: Hook) -> None:
    with serving(settings_for(tmp_path, encoder=False, complaints_desk=desk.url)) as office:
        user = fresh()
        office.register(user, "16_17", at=noon())
        office.post(f"/v1/users/{user}/appeals", {"about": "age", "reason": "我成年了"}, at=noon())
        tick(office, noon(days=20))
        assert len(desk.told) == 2


def test_the_answer_reaches_the_channel_that_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, Message]] = []

    async def send(channels: Channels, address: str, message: Message) -> str:
        sent.append((address, message))
        return "mail took it"

    monkeypatch.setattr(Channels, "send", send)
    with serving(settings_for(tmp_path, encoder=False)) as office:
        _, number = filed(office, text="有结果请发邮件给我", contact="w@example.org")
        client = handler(office)
        do(client, desk_address(client, "有结果请发邮件"), "answer", **ANSWER)
        tick(office, noon(minutes=6))
        tick(office, noon(minutes=7))
    assert [address for address, _ in sent] == ["mailto:w@example.org"]
    assert number in sent[0][1].text
    assert ANSWER["facts"] not in sent[0][1].text, "the answer itself is read behind the number"


def test_a_person_of_the_app_hears_of_it_on_the_event_stream_without_a_name(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        user = fresh()
        office.register(user, at=noon())
        office.post("/v1/complaints", {"text": "应用里提交的投诉一件", "user": user}, at=noon())
        client = handler(office)
        with office.listening(user) as events:
            do(client, desk_address(client, "应用里提交的"), "answer", **ANSWER)
            told = events.until("complaint_answered")[-1]
    assert "staff" not in str(told)
    assert office_row(told)


def office_row(told: dict[str, object]) -> bool:
    return "case" in str(told)


def test_others_may_read_and_decide_nothing(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        filed(office, text="谁能看到这一件投诉")
        address = desk_address(handler(office), "谁能看到这一件")
        for role, reads in (("compliance", True), ("inspector", True), ("care", False), ("administrator", False)):
            name = fresh(role)
            staff(office, name, role)  # type: ignore[arg-type]  # a role by its name
            client = enter(office, name)
            assert client.get(address).status_code == (200 if reads else 403)
            assert do(client, address, "answer", **ANSWER).status_code == 403
            assert do(client, address, "accept").status_code == 403

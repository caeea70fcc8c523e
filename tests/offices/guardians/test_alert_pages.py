"""Where alerts go, over HTTP: a guardian's own channel once it is verified, the next contact when nobody answers, the answer by a link or on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from tests.duties.test_contact import Hook, contact, hook
from tests.gateway.serving import PLAN, Served, fresh, noon, serving, settings_for
from tests.offices.guardians.family import accepted, invited, linked
from tests.web.signing import browser

RISK = "有人让我把妈妈的银行卡号和验证码发给他，说要给我转钱"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("alerts"), encoder=False)) as served:
        yield served


@pytest.fixture
def phone() -> Iterator[Hook]:
    with hook() as found:
        yield found


@pytest.fixture
def own() -> Iterator[Hook]:
    with hook() as found:
        yield found


def passes(office: Served, **later: float) -> None:
    """Time goes on, and what is due is carried out."""
    office.chat("嗯", at=noon(**later))


def with_own_channel(client: httpx.Client, page: str, own: Hook) -> None:
    assert client.post(f"{page}/channels", data={"kind": "webhook", "address": own.url}).status_code == 303
    [code] = re.findall(r"[0-9]{6}", own.told[-1]["text"])
    [channel] = re.findall(
        r'name="channel" value="([0-9a-f]+)"> *<label', client.get(f"{page}/alerts").text
    ) or re.findall(r'type="hidden" name="channel" value="([0-9a-f]+)"', client.get(f"{page}/alerts").text)
    wrong = client.post(f"{page}/channels/confirm", data={"channel": channel, "code": "12345x"})
    assert wrong.status_code == 400
    assert client.post(f"{page}/channels/confirm", data={"channel": channel, "code": code}).status_code == 303


def test_alerts_go_to_the_guardians_own_channel_once_it_is_verified(office: Served, phone: Hook, own: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    with_own_channel(client, page, own)
    before = len(phone.told)
    office.chat(PLAN, user=user, at=noon(minutes=3))
    passes(office, minutes=3, seconds=1)
    assert PLAN not in own.told[-1]["text"]
    assert own.told[-1]["title"] == "守伴安全提醒"
    assert len(phone.told) == before
    [channel] = set(re.findall(r'name="channel" value="([0-9a-f]+)"', client.get(f"{page}/alerts").text))
    assert client.post(f"{page}/channels/drop", data={"channel": channel}).status_code == 303
    assert own.url not in client.get(f"{page}/alerts").text


def test_an_address_that_was_not_verified_gets_nothing(office: Served, phone: Hook, own: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    client.post(f"{page}/channels", data={"kind": "webhook", "address": own.url})
    codes = len(own.told)
    office.chat(PLAN, user=user, at=noon(minutes=3))
    passes(office, minutes=3, seconds=1)
    assert len(own.told) == codes
    assert phone.told[-1]["title"] == "守伴安全提醒"


def test_who_answers_by_the_link_ends_the_search(office: Served, phone: Hook, own: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    office.chat(PLAN, user=user, at=noon(minutes=3))
    passes(office, minutes=3, seconds=1)
    link = phone.told[-1]["answer"]
    assert "看到了" not in phone.told[-1]["text"], "without an address of our own there is no link to press"
    shown = browser(office).get(link)
    assert "我看到了" in shown.text
    assert "小雨" not in shown.text, "whoever has the link learns no name"
    told = len(phone.told)
    answered = browser(office).post(link, headers={"x-shouban-at": noon(minutes=5)})
    assert answered.status_code == 303
    assert "我们知道您看到了" in browser(office).get(link).text
    assert browser(office).post(link).status_code == 303, "a second press is no error"
    passes(office, minutes=10)
    assert len(phone.told) == told
    assert not [row for row in office.ledger(user, kinds=["Escalate"]) if b"unanswered" in bytes(row.body)]
    assert re.search(r"已确认看到\s*12:05", client.get(page, headers={"x-shouban-at": noon(minutes=11)}).text)
    assert browser(office).get("/guardian/alerts/guessed").status_code == 404


def test_where_nobody_answers_the_next_contact_is_told_and_then_the_staff(
    office: Served, phone: Hook, own: Hook
) -> None:
    user = fresh("小雨")
    office.register(user, "14_15", contacts=[contact(phone.url), contact(own.url, "emergency", name="舅舅")], at=noon())
    office.chat(PLAN, user=user, at=noon(minutes=3))
    passes(office, minutes=3, seconds=1)
    assert (len(phone.told), len(own.told)) == (1, 0)
    passes(office, minutes=7, seconds=59)
    assert len(own.told) == 0
    passes(office, minutes=8, seconds=5)
    assert (len(phone.told), len(own.told)) == (1, 1)
    assert "另一位联系人" in own.told[-1]["text"]
    passes(office, minutes=13, seconds=10)
    waiting = [row for row in office.ledger(user, kinds=["Escalate"]) if b"unanswered" in bytes(row.body)]
    assert len(waiting) == 1
    assert (len(phone.told), len(own.told)) == (1, 1)


def test_a_guardian_says_so_on_their_page(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    office.chat(PLAN, user=user, at=noon(minutes=3))
    passes(office, minutes=3, seconds=1)
    [duty] = re.findall(
        r'name="duty" value="([0-9a-f]+)"', client.get(page, headers={"x-shouban-at": noon(minutes=4)}).text
    )
    assert client.post(f"{page}/seen", data={"duty": duty}).status_code == 303
    assert "已确认看到" in client.get(page, headers={"x-shouban-at": noon(minutes=6)}).text
    assert client.post(f"{page}/seen", data={"duty": "0" * 24}).status_code == 404


def test_who_wants_urgent_alerts_only_gets_no_other(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    assert client.post(f"{page}/wishes", data={"letters": "none", "urgent_only": "yes"}).status_code == 303
    told = len(phone.told)
    office.post("/v1/check", {"role": "user", "text": RISK, "user": user}, at=noon(minutes=3))
    passes(office, minutes=3, seconds=1)
    alerts = office.ledger(user, kinds=["NotifyGuardian"])
    assert alerts, "the text is a risk to a child"
    assert "urgent alerts only" in alerts[0].outcome
    assert len(phone.told) == told
    assert "已通知" in client.get(page, headers={"x-shouban-at": noon(minutes=4)}).text
    office.chat(PLAN, user=user, at=noon(minutes=5))
    passes(office, minutes=5, seconds=1)
    assert len(phone.told) == told + 1


def test_the_summary_comes_by_the_week_or_the_day_or_not_at_all(office: Served, phone: Hook) -> None:
    """Noon of the tests is a Monday."""
    user, client, page = linked(office, phone, "14_15")
    assert 'value="weekly" checked' in client.get(f"{page}/alerts").text
    for minute in range(2, 12):
        office.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=minute))
    told = len(phone.told)
    passes(office, days=1)
    assert len(phone.told) == told, "by the week: not on a Tuesday"
    passes(office, days=7)
    assert len(phone.told) == told + 1
    letter = phone.told[-1]["text"]
    assert "最近一周的使用概要" in letter
    assert "█" in letter
    assert "鸡腿" not in letter
    client.post(f"{page}/wishes", data={"letters": "daily"}, headers={"x-shouban-at": noon(days=7, minutes=1)})
    office.chat("今天食堂的鸡腿没有了", user=user, at=noon(days=7, minutes=2))
    office.chat("嗯", user=user, at=noon(days=7, minutes=9))
    passes(office, days=8)
    assert "昨天的使用概要" in phone.told[-1]["text"]
    assert "7 分钟" in phone.told[-1]["text"]
    told = len(phone.told)
    passes(office, days=9)
    assert len(phone.told) == told, "nothing happened, nothing is sent"
    client.post(f"{page}/wishes", data={"letters": "none"}, headers={"x-shouban-at": noon(days=9, minutes=1)})
    passes(office, days=15)
    assert len(phone.told) == told


def test_only_a_linked_guardian_sets_channels(office: Served, phone: Hook) -> None:
    _, client, page = linked(office, phone, "14_15")
    _, other, _ = linked(office, phone, "14_15")
    assert other.post(f"{page}/channels", data={"kind": "phone", "address": "13900001111"}).status_code == 403
    assert other.get(f"{page}/alerts").status_code == 403
    refused = client.post(f"{page}/channels", data={"kind": "mail", "address": "a@b.c,d@e.f"})
    assert refused.status_code == 400


def test_the_code_never_reaches_the_page_and_a_channel_that_takes_none_is_named(office: Served, phone: Hook) -> None:
    user, contact_id = fresh("小雨"), ""
    made = office.register(user, "14_15", nickname="小雨", contacts=[contact(phone.url)], at=noon())
    contact_id = made["contacts"][0]["id"]
    client, _ = accepted(office, invited(office, phone, user, contact_id))
    page = f"/guardian/children/{office.person_id(user)}"
    refused = client.post(f"{page}/channels", data={"kind": "messenger", "address": "file://etc/passwd"})
    assert refused.status_code == 502
    assert "没有发出去" in refused.text

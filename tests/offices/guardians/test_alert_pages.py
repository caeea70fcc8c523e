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


# --- who may be the danger, and what fails


def unanswered(office: Served, user: str) -> int:
    return sum(b"unanswered" in bytes(row.body) for row in office.ledger(user, kinds=["Escalate"]))


def test_who_cannot_reach_the_child_passes_it_on_at_once(office: Served, phone: Hook, own: Hook) -> None:
    user = fresh("小雨")
    uncle = contact(own.url, "emergency", name="舅舅")
    office.register(user, "14_15", nickname="小雨", contacts=[contact(phone.url), uncle], at=noon())
    office.chat(PLAN, user=user, at=noon(minutes=3))
    passes(office, minutes=3, seconds=1)
    assert "关于小雨" in phone.told[-1]["text"]
    link = phone.told[-1]["answer"]
    assert "我联系不上" in browser(office).get(link).text
    pressed = browser(office).post(link, data={"able": "no"}, headers={"x-shouban-at": noon(minutes=4)})
    assert "马上联系下一位" in browser(office).get(pressed.headers["location"]).text
    passes(office, minutes=4, seconds=1)
    assert len(own.told) == 1
    again = browser(office).post(link, data={"able": "yes"}, headers={"x-shouban-at": noon(minutes=5)})
    assert "我们知道您看到了" in browser(office).get(again.headers["location"]).text, (
        "who reached them after all may say so"
    )
    passes(office, minutes=20)
    assert unanswered(office, user) == 0


def test_an_old_link_of_who_was_found_to_be_a_danger_ends_no_search(office: Served, phone: Hook, own: Hook) -> None:
    user = fresh("小雨")
    made = office.register(user, "14_15", contacts=[contact(own.url, name="前任"), contact(phone.url)], at=noon())
    office.chat(PLAN, user=user, at=noon(minutes=3))
    passes(office, minutes=3, seconds=1)
    link = own.told[-1]["answer"]
    office.ask("PATCH", f"/v1/users/{user}/contacts/{made['contacts'][0]['id']}", {"unsafe": True}, at=noon(minutes=4))
    assert browser(office).post(link, data={}).status_code == 404
    passes(office, minutes=8, seconds=5)
    assert len(phone.told) == 1, "the mother is told"
    passes(office, minutes=14)
    assert unanswered(office, user) == 1


def test_a_guardian_taken_out_of_the_contacts_is_out_and_a_corrected_number_is_not(
    office: Served, phone: Hook, own: Hook
) -> None:
    user, client, page = linked(office, phone, "14_15")
    with_own_channel(client, page, own)
    with hook() as new_phone:
        corrected = [{"kind": "guardian", "name": "王芳", "relation": "mother", "channels": [new_phone.url]}]
        office.post(f"/v1/users/{user}/contacts", {"contacts": corrected}, at=noon(minutes=2))
        assert client.get(page).status_code == 200, "she is the same"
        office.chat(PLAN, user=user, at=noon(minutes=3))
        passes(office, minutes=3, seconds=1)
        assert own.told[-1]["title"] == "守伴安全提醒", "and so is the channel she chose"
        told = len(own.told)
        other = [{"kind": "guardian", "name": "李明", "relation": "father", "channels": [new_phone.url + "/2"]}]
        office.post(f"/v1/users/{user}/contacts", {"contacts": other}, at=noon(minutes=40))
        assert client.get(page).status_code == 403
        assert client.post(f"{page}/limits", data={"minutes": "600"}).status_code == 403
        passes(office, days=8)
        assert len(own.told) == told, "no summary either"


def test_a_danger_does_not_come_back_by_another_number(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    contact_id = office.get(f"/v1/users/{user}").json()["contacts"][0]["id"]
    office.ask("PATCH", f"/v1/users/{user}/contacts/{contact_id}", {"unsafe": True}, at=noon(minutes=2))
    again = [{"kind": "guardian", "name": "王芳", "relation": "mother", "channels": [phone.url, "tel:13900001111"]}]
    for contacts in ([], again):
        made = office.post(f"/v1/users/{user}/contacts", {"contacts": contacts}, at=noon(minutes=3)).json()
        assert client.get(page).status_code == 403
    assert [one["unsafe"] for one in made["contacts"]] == [True]
    told = len(phone.told)
    office.chat(PLAN, user=user, at=noon(minutes=4))
    passes(office, minutes=4, seconds=1)
    assert len(phone.told) == told


def test_a_guardian_who_could_not_be_reached_is_tried_again_though_somebody_else_took_it(
    office: Served, own: Hook
) -> None:
    user = fresh("小雨")
    with hook(503) as mother:
        contacts = [contact(mother.url), contact(own.url, "emergency", name="朋友")]
        office.register(user, "14_15", contacts=contacts, at=noon())
        office.chat(PLAN, user=user, at=noon(minutes=3))
        passes(office, minutes=3, seconds=1)
        assert (len(mother.told), len(own.told)) == (1, 1)
        passes(office, minutes=3, seconds=30)
        assert len(mother.told) >= 2
        assert len(own.told) == 1, "the friend once"
        [duty] = office.ledger(user, kinds=["NotifyGuardian"])
        assert duty.state == "owed"
        assert "told in their place" in duty.outcome or "503" in duty.outcome


def test_who_wants_urgent_alerts_only_sends_the_other_to_no_neighbour(office: Served, phone: Hook, own: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    both = [
        {"kind": "guardian", "name": "王芳", "relation": "mother", "channels": [phone.url]},
        contact(own.url, "emergency", name="邻居"),
    ]
    office.post(f"/v1/users/{user}/contacts", {"contacts": both}, at=noon(minutes=1))
    assert client.post(f"{page}/wishes", data={"letters": "none", "urgent_only": "yes"}).status_code == 303
    told = len(phone.told)
    office.post("/v1/check", {"role": "user", "text": RISK, "user": user}, at=noon(minutes=3))
    passes(office, minutes=3, seconds=1)
    assert office.ledger(user, kinds=["NotifyGuardian"])
    assert (len(phone.told), len(own.told)) == (told, 0)


def test_an_address_taken_out_and_put_back_is_not_flooded(office: Served, phone: Hook, own: Hook) -> None:
    _, client, page = linked(office, phone, "14_15")
    assert client.post(f"{page}/channels", data={"kind": "webhook", "address": own.url}).status_code == 303
    [channel] = set(re.findall(r'name="channel" value="([0-9a-f]+)"', client.get(f"{page}/alerts").text))
    client.post(f"{page}/channels/drop", data={"channel": channel})
    for address in (own.url, f"{own.url}?x=1", f"{own.url}/"):
        assert client.post(f"{page}/channels", data={"kind": "webhook", "address": address}).status_code == 429
    assert len(own.told) == 1


def test_what_could_not_be_reached_is_not_kept_and_what_is_not_set_up_not_offered(office: Served, phone: Hook) -> None:
    _, client, page = linked(office, phone, "14_15")
    assert (
        client.post(f"{page}/channels", data={"kind": "webhook", "address": "http://127.0.0.1:9/x"}).status_code == 502
    )
    shown = client.get(f"{page}/alerts").text
    assert "等验证码" not in shown
    assert 'value="phone"' not in shown, "this service has no way to send texts"
    assert 'value="webhook"' in shown


def test_an_open_alert_stands_on_every_page_until_it_is_answered(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    office.chat(PLAN, user=user, at=noon(minutes=3))
    passes(office, minutes=3, seconds=1)
    for place in ("/guardian", page, f"{page}/settings", f"{page}/spending?days=1"):
        assert "还没有人确认" in client.get(place, headers={"x-shouban-at": noon(days=2)}).text, place
    assert 'href="tel:120"' in client.get(page).text
    browser(office).post(phone.told[-1]["answer"], data={})
    assert "还没有人确认" not in client.get("/guardian").text

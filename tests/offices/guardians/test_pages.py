"""From the invitation to the guardian's page, over HTTP: consent, limits, blocks, spending, deletion, leaving; and what a hostile child tries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.duties.test_contact import Hook, hook
from tests.gateway.serving import Served, fresh, noon, serving, settings_for
from tests.offices.guardians.family import YOUNG, accepted, child, invited, linked, number
from tests.web.signing import PASSWORD, browser, enter, staff

SECRET = "我藏在枕头下的蓝色日记本"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("office"), encoder=False)) as served:
        yield served


@pytest.fixture(scope="module")
def phone() -> Iterator[Hook]:
    with hook() as found:
        yield found


def problem_in(page: str) -> str:
    return "".join(re.findall(r'role="alert"[^>]*>([^<]*)<', page))


def is_locked(office: Served, user: str, *, minutes: int = 5) -> bool:
    """Whether the service is closed to the person at that minute."""
    before = len(office.ledger(user, kinds=["Lock"]))
    office.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=minutes))
    return len(office.ledger(user, kinds=["Lock"])) > before


def test_before_consent_nothing_and_after_it_the_child_may_talk(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone)
    assert is_locked(office, user)
    answer = client.post(f"{page}/consent", data={"purpose": "companionship", "given": "yes"})
    assert answer.status_code == 303, answer.text
    assert "已保存" in client.get(answer.headers["location"]).text
    assert not is_locked(office, user, minutes=6)
    client.post(f"{page}/consent", data={"purpose": "companionship", "given": "no"})
    assert is_locked(office, user, minutes=7), "a withdrawn consent stops the service"


def test_the_child_is_told_what_the_guardian_sees(office: Served, phone: Hook) -> None:
    user, contact = child(office, phone, "14_15")
    with office.listening(user) as events:
        _, answer = accepted(office, invited(office, phone, user, contact))
        assert answer.status_code == 303
        told = [one for one in events.until("notice") if one["event"] == "notice"][-1]
    assert "看不到你说的话" in told["text"]


def test_the_summary_has_times_topics_and_alerts_and_no_word(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    for minute in range(2, 12):
        office.chat(f"{SECRET} 第{minute}页", user=user, at=noon(minutes=minute))
    office.chat("我不想活了，药都攒够了", user=user, at=noon(minutes=13))
    shown = client.get(page, headers={"x-shouban-at": noon(minutes=14)}).text
    assert re.search(r"涉及危险的话</th>.*1 次", shown)
    assert "11 分钟" in shown
    assert "<svg" in shown
    assert "正在通知" in shown or "已通知" in shown
    assert SECRET not in shown
    assert "药" not in shown
    assert "crisis" not in shown
    assert client.get(f"/office/people/{office.person_id(user)}").status_code == 403
    assert client.get(f"/office/people/{office.person_id(user)}/words").status_code == 403


def test_limits_blocks_and_spending_hold_at_once(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    client.post(f"{page}/consent", data={"purpose": "companionship", "given": "yes"})
    refused = office.post("/v1/purchases/check", {"user": user, "amount": 500}, at=noon(minutes=2)).json()
    assert refused["allowed"] is False
    client.post(f"{page}/limits", data={"minutes": "10", "names": "dark-knight"})
    client.post(f"{page}/spending", data={"purchases": "caps"})
    assert office.post("/v1/purchases/check", {"user": user, "amount": 500}, at=noon(minutes=2)).json()["allowed"]
    assert (
        office.post("/v1/purchases/check", {"user": user, "amount": 600_00}, at=noon(minutes=2)).json()["allowed"]
        is False
    )
    for minute in range(0, 10, 2):
        assert not is_locked(office, user, minutes=2 + minute)
    assert is_locked(office, user, minutes=13)
    client.post(f"{page}/limits", data={"minutes": "120", "exemptions": ["daily-limit"]})
    assert not is_locked(office, user, minutes=14)
    wrong = client.post(f"{page}/limits", data={"minutes": "soon"})
    assert (wrong.status_code, "分钟数" in problem_in(wrong.text)) == (400, True)


def test_a_guardian_deletes_the_history_and_the_protections_stay(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    office.chat(SECRET, user=user, at=noon(minutes=3))
    assert client.post(f"{page}/erase", data={}).status_code == 400
    gone = client.post(f"{page}/erase", data={"sure": "yes"})
    assert "shouban.erasure/v1" in gone.text
    assert office.messages(user) == []
    assert office.get(f"/v1/users/{user}").json()["mode"] == "minor"


def test_several_children_and_several_guardians(office: Served, phone: Hook) -> None:
    name = fresh("妈妈")
    first, contact = child(office, phone, "14_15")
    client, _ = accepted(office, invited(office, phone, first, contact), name=name)
    second, other = child(office, phone, "16_17")
    again, answer = accepted(office, invited(office, phone, second, other), name=name, again="")
    assert answer.status_code == 303, answer.text
    assert again.get("/guardian").text.count(">查看</a>") == 2
    father, answer = accepted(office, invited(office, phone, first, contact))
    assert answer.status_code == 303
    assert father.get(f"/guardian/children/{office.person_id(first)}").status_code == 200
    assert father.get(f"/guardian/children/{office.person_id(second)}").status_code == 403
    assert client.get(f"/guardian/children/{office.person_id(first)}").status_code == 200


def test_a_guardian_who_leaves_sees_nothing_more_and_the_child_is_told(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    with office.listening(user) as events:
        assert client.post(f"{page}/leave", data={"sure": "yes"}).status_code == 303
        told = events.until("notice")[-1]
    assert "解除关联" in told["text"]
    assert client.get(page).status_code == 403
    assert client.get("/guardian").status_code == 200


# --- what a hostile child tries


@pytest.mark.parametrize(
    ("form", "status", "told"),
    [
        ({"id_number": number(YOUNG)}, 403, "成年人"), ({"id_number": "110105198001011230"}, 400, "身份证号"), ({"id_number": ""}, 400, "身份证号"),
        ({"agreed": ""}, 400, "勾选"), ({"again": "another password"}, 400, "不一样"), ({"password": "short", "again": "short"}, 400, "密码"),
    ],
)  # fmt: skip
def test_who_is_no_guardian_is_not_linked(
    office: Served, phone: Hook, form: dict[str, str], status: int, told: str
) -> None:
    user, contact = child(office, phone)
    _, answer = accepted(office, invited(office, phone, user, contact), **form)
    assert answer.status_code == status
    assert told in problem_in(answer.text)
    assert form.get("id_number") is None or form["id_number"] == "" or form["id_number"] not in answer.text


def test_a_child_is_not_their_own_guardian_by_their_own_date_of_birth(office: Served, phone: Hook) -> None:
    user, contact = child(office, phone, birth_date="1980-01-01")  # a date of birth that makes them of age
    refused = office.post(f"/v1/users/{user}/guardians", {"contact": contact}, at=noon(minutes=1))
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_a_minor")
    assert office.post(f"/v1/users/{user}/mode", {"mode": "minor", "by": "user"}, at=noon()).status_code < 300
    _, answer = accepted(office, invited(office, phone, user, contact))
    assert (answer.status_code, "出生日期" in problem_in(answer.text)) == (403, True)


def test_a_link_is_not_guessed_replayed_or_kept(office: Served, phone: Hook) -> None:
    user, contact = child(office, phone)
    address = invited(office, phone, user, contact)
    assert browser(office).get("/guardian/invited?token=guessed").status_code == 404
    assert browser(office).get(address, headers={"x-shouban-at": noon(days=8)}).status_code == 404
    assert "小雨" in browser(office).get(address, headers={"x-shouban-at": noon(minutes=2)}).text
    assert accepted(office, address)[1].status_code == 303
    _, again = accepted(office, address)
    assert again.status_code == 404
    assert "小雨" not in again.text


def test_who_is_found_to_be_a_danger_after_the_invitation_does_not_get_in(office: Served, phone: Hook) -> None:
    user, contact = child(office, phone)
    address = invited(office, phone, user, contact)
    office.ask("PATCH", f"/v1/users/{user}/contacts/{contact}", {"unsafe": True}, at=noon(minutes=2))
    assert browser(office).get(address, headers={"x-shouban-at": noon(minutes=3)}).status_code == 404
    _, answer = accepted(office, address)
    assert answer.status_code == 404
    assert "小雨" not in answer.text


def test_a_guardian_who_turns_out_to_be_the_danger_sees_nothing_more(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone)
    assert client.get(page).status_code == 200
    contact = office.get(f"/v1/users/{user}").json()["contacts"][0]["id"]
    office.ask("PATCH", f"/v1/users/{user}/contacts/{contact}", {"unsafe": True}, at=noon(minutes=5))
    assert client.get(page).status_code == 403
    assert client.post(f"{page}/limits", data={"minutes": "900"}).status_code == 403
    assert "小雨" not in client.get("/guardian").text


def test_with_the_last_guardian_goes_what_they_opened_and_agreed_to(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone)
    limits = {"minutes": "600", "blocked": "bad"}
    assert client.post(f"{page}/limits", data=limits).status_code == 303
    assert client.post(f"{page}/spending", data={"purchases": "caps"}).status_code == 303
    assert client.post(f"{page}/consent", data={"purpose": "training", "given": "yes"}).status_code == 303
    held = office.get(f"/v1/users/{user}/data").json()["state"]
    assert held["guardianship"] == {"daily_limit": 600, "blocked": ["bad"], "purchases_allowed": True}
    assert held["consents"] == ["training"]
    assert client.post(f"{page}/leave", data={"sure": "yes"}).status_code == 303
    held = office.get(f"/v1/users/{user}/data").json()["state"]
    assert held["guardianship"] == {"blocked": ["bad"]}
    assert not held.get("consents")
    assert client.get(page).status_code in {403, 404}


def test_two_who_leave_at_once_leave_nothing_open(office: Served, phone: Hook) -> None:
    name = fresh("妈妈")
    user, contact = child(office, phone, "14_15")
    mother, _ = accepted(office, invited(office, phone, user, contact), name=name)
    father, _ = accepted(office, invited(office, phone, user, contact))
    page = f"/guardian/children/{office.person_id(user)}"
    mother.post(f"{page}/spending", data={"purchases": "caps"})
    mother.post(f"{page}/consent", data={"purpose": "training", "given": "yes"})
    with ThreadPoolExecutor(2) as pool:
        left = list(pool.map(lambda one: one.post(f"{page}/leave", data={"sure": "yes"}).status_code, (mother, father)))
    assert left == [303, 303]
    held = office.get(f"/v1/users/{user}/data").json()["state"]
    assert not held["guardianship"].get("purchases_allowed") if "guardianship" in held else True
    assert not held.get("consents")


def test_a_guardian_lets_a_grown_person_out_of_minors_mode_and_no_child(office: Served, phone: Hook) -> None:
    user, contact = child(office, phone, "adult")
    assert office.post(f"/v1/users/{user}/mode", {"mode": "minor"}, at=noon()).status_code == 200
    client, _ = accepted(office, invited(office, phone, user, contact))
    page = f"/guardian/children/{office.person_id(user)}"
    assert "退出未成年人模式" in client.get(f"{page}/rights").text
    assert client.post(f"{page}/mode").status_code == 303
    assert office.get(f"/v1/users/{user}").json()["mode"] == "standard"
    assert client.get(page).status_code == 403, "and sees nothing of a grown person"
    _, other, theirs = linked(office, phone, "14_15")
    assert "退出未成年人模式" not in other.get(f"{theirs}/rights").text
    assert other.post(f"{theirs}/mode").status_code == 409


def test_to_leave_asks_first(office: Served, phone: Hook) -> None:
    _, client, page = linked(office, phone, "14_15")
    refused = client.post(f"{page}/leave", data={})
    assert (refused.status_code, "我确定" in problem_in(refused.text)) == (400, True)
    assert client.get(page).status_code == 200


def test_what_waits_for_the_guardian_stands_on_the_first_page(office: Served, phone: Hook) -> None:
    user, client, page = linked(office, phone, "14_15")
    assert "您同意以后，孩子才能使用" in client.get("/guardian").text
    client.post(f"{page}/consent", data={"purpose": "companionship", "given": "yes"})
    client.post(f"{page}/spending", data={"purchases": "ask"})
    office.post("/v1/purchases/check", {"user": user, "amount": 100, "order": fresh("o")}, at=noon(minutes=2))
    shown = client.get("/guardian").text
    assert "1 笔消费等您决定" in shown
    assert "您同意以后" not in shown


def test_invitations_go_to_safe_guardians_only_and_not_without_end(office: Served, phone: Hook) -> None:
    user, contact = child(office, phone)
    assert office.post(f"/v1/users/{user}/guardians", {"contact": "nobody"}, at=noon()).status_code == 404
    for _ in range(5):
        assert office.post(f"/v1/users/{user}/guardians", {"contact": contact}, at=noon(minutes=1)).status_code == 201
    assert office.post(f"/v1/users/{user}/guardians", {"contact": contact}, at=noon(minutes=1)).status_code == 429
    other, unsafe = child(office, phone)
    office.ask("PATCH", f"/v1/users/{other}/contacts/{unsafe}", {"unsafe": True}, at=noon())
    assert (
        office.post(f"/v1/users/{other}/guardians", {"contact": unsafe}, at=noon()).json()["error"]["code"]
        == "unsafe_contact"
    )


def test_a_name_of_the_staff_does_not_become_a_guardians(office: Served, phone: Hook) -> None:
    name = fresh("care")
    staff(office, name, "care")
    user, contact = child(office, phone)
    _, answer = accepted(office, invited(office, phone, user, contact), name=name)
    assert (answer.status_code, "已经有人用了" in problem_in(answer.text)) == (409, True)
    assert enter(office, name).get("/guardian").status_code == 403


def test_markup_in_a_nickname_is_text(office: Served, phone: Hook) -> None:
    user = fresh("x")
    made = office.register(
        user,
        "14_15",
        nickname="<script>alert(1)</script>",
        contacts=[{"kind": "guardian", "name": "a", "channels": [phone.url]}],
        at=noon(),
    )
    address = invited(office, phone, user, made["contacts"][0]["id"])
    assert "<script>alert" not in browser(office).get(address, headers={"x-shouban-at": noon(minutes=2)}).text
    client, _ = accepted(office, address)
    assert "<script>alert" not in client.get("/guardian").text
    assert PASSWORD not in client.get("/guardian").text

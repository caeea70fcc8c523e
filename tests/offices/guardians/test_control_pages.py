"""A guardian's settings, over HTTP: what they set holds at the gateway at once, in every companion and on every device."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.duties.test_contact import Hook, hook
from tests.gateway.serving import Served, eventually, fresh, noon, serving, settings_for
from tests.offices.guardians.family import linked

PICTURE = {
    "role": "user",
    "content": [
        {"type": "text", "text": "看"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    ],
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("controls"), encoder=False)) as served:
        yield served


@pytest.fixture(scope="module")
def phone() -> Iterator[Hook]:
    with hook() as found:
        yield found


@pytest.fixture
def family(office: Served, phone: Hook) -> tuple[str, httpx.Client, str]:
    user, client, page = linked(office, phone, "14_15")
    assert client.post(f"{page}/consent", data={"purpose": "companionship", "given": "yes"}).status_code == 303
    return user, client, page


Family = tuple[str, httpx.Client, str]


def saved(client: httpx.Client, address: str, **data: Any) -> str:
    """The page that follows a form that was taken."""
    answer = client.post(address, data=data)
    assert answer.status_code == 303, re.findall(r'role="alert"[^>]*>([^<]*)', answer.text)
    shown = client.get(answer.headers["location"])
    assert 'role="status"' in shown.text
    return shown.text


def locks(office: Served, user: str) -> list[str]:
    return [str(row.body) for row in office.ledger(user, kinds=["Lock"])]


def said(office: Served, user: str, minutes: float, **more: Any) -> str:
    return office.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=minutes), **more).text


def test_a_limit_holds_over_devices_and_bonus_time_moves_it(office: Served, family: Family) -> None:
    user, client, page = family
    saved(client, f"{page}/limits", minutes="20")
    for minute in (2, 10, 18):
        said(office, user, minute, session=f"device-{minute}")
    assert not locks(office, user)
    said(office, user, 23, session="tablet")
    assert "guardian-limit" in locks(office, user)[-1]
    before = len(locks(office, user))
    shown = saved(client, f"{page}/bonus", minutes="30")
    assert "30" in shown
    said(office, user, 24)
    assert len(locks(office, user)) == before
    assert client.post(f"{page}/bonus", data={"minutes": "31"}).status_code == 400
    for _ in range(3):
        last = client.post(f"{page}/bonus", data={"minutes": "30"})
    assert last.status_code == 303
    assert client.post(f"{page}/bonus", data={"minutes": "15"}).status_code == 409
    assert office.get(f"/v1/users/{user}", at=noon(minutes=25)).json()["controls"]["bonus_today"] == 120


def test_a_curfew_of_their_own_closes_and_opens(office: Served, family: Family) -> None:
    user, client, page = family
    shown = saved(client, f"{page}/limits", closed_from="12:30", closed_to="14:00")
    assert 'value="12:30"' in shown
    assert "休息时间" not in said(office, user, 10)
    assert "监护人定的休息时间" in said(office, user, 40)
    assert "休息时间" not in said(office, user, 125)


@pytest.mark.parametrize(
    "form", [{"names": "夜王"}, {"tags": "恐怖"}, {"relations": "character"}, {"names": "night-king"}]
)
def test_a_companion_is_blocked_by_name_tag_relation_or_id(
    office: Served, family: Family, form: dict[str, str]
) -> None:
    user, client, page = family
    persona = {"id": "night-king", "name": "夜王", "tags": ["恐怖"], "relation": "character", "prompt": "你是夜王。"}
    assert office.post("/v1/companions", persona, at=noon()).status_code < 300
    assert "没有开放这个角色" not in said(office, user, 2, companion="night-king")
    assert "夜王" in client.get(f"{page}/settings").text, "what the child has talked with is offered"
    saved(client, f"{page}/limits", **form)
    assert "没有开放这个角色" in said(office, user, 3, companion="night-king")
    assert "没有开放这个角色" in said(office, user, 4, companion="night-king", session="other device")
    assert "没有开放这个角色" not in said(office, user, 5, companion="somebody-else", session="third")


def test_features_are_switched_off_one_by_one(office: Served, family: Family) -> None:
    user, client, page = family
    off = "关闭了这段对话里用到的功能"
    saved(client, f"{page}/limits", features="images")
    assert off in office.chat(PICTURE, user=user, at=noon(minutes=2)).text
    assert off not in said(office, user, 3)
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    assert off not in said(office, user, 4, tools=tools)
    saved(client, f"{page}/limits", features=["tools", "voice"])
    for more in (
        {"tools": tools},
        {"functions": tools},
        {"web_search_options": {"a": 1}},
        {"modalities": ["text", "Audio"]},
        {"audio": {"voice": "x"}},
    ):
        assert off in said(office, user, 5, **more), more
    assert off not in office.chat(PICTURE, user=user, at=noon(minutes=7)).text


@pytest.mark.parametrize(
    "turns",
    [
        [PICTURE, {"role": "assistant", "content": "一只猫"}, {"role": "user", "content": "它是什么颜色"}],
        [{"role": "system", "content": PICTURE["content"]}, {"role": "user", "content": "看"}],
        [{"role": "user", "content": [{"type": "input_image", "image": "x"}]}], [{"role": "user", "content": [{"type": "hologram", "data": "x"}]}],
        [{"role": "user", "content": [{"type": "text", "text": "看", "more": [{"image": "x"}]}]}],
    ],
)  # fmt: skip
def test_a_picture_does_not_come_in_by_another_way(office: Served, family: Family, turns: list[dict[str, Any]]) -> None:
    """In an earlier turn, a system prompt, under another name, of a kind nobody knows."""
    user, client, page = family
    saved(client, f"{page}/limits", features="images")
    office.chat(*turns, user=user, at=noon(minutes=2))
    assert "guardian-feature" in locks(office, user)[-1]


def test_a_rating_a_changed_declaration_and_other_letters_hold_at_every_message(office: Served, family: Family) -> None:
    user, _, _ = family
    name = fresh("Lover")
    assert (
        office.post("/v1/companions", {"id": name, "name": "阿青", "relation": "friend"}, at=noon()).status_code < 300
    )
    before = len(locks(office, user))
    said(office, user, 2, companion=name)
    assert len(locks(office, user)) == before
    assert (
        office.post(
            "/v1/companions", {"id": name, "name": "阿青", "relation": "partner", "age_rating": 18}, at=noon(minutes=3)
        ).status_code
        < 300
    )
    for minute, companion in ((4, name), (5, name.lower()), (6, name.upper()), (7, "")):
        before = len(locks(office, user))
        said(office, user, minute, companion=companion)
        assert len(locks(office, user)) > before, companion
    rated = fresh("grown")
    office.post("/v1/companions", {"id": rated, "relation": "character", "age_rating": 18}, at=noon(minutes=8))
    for minute in (9, 10, 11):
        before = len(locks(office, user))
        said(office, user, minute, companion=rated, session="rated")
        assert len(locks(office, user)) > before, "not the first message only"


def test_a_name_in_full_width_blocks_as_well(office: Served, family: Family) -> None:
    user, client, page = family
    office.post("/v1/companions", {"id": "k-1", "name": "Night King", "relation": "character"}, at=noon())
    saved(client, f"{page}/limits", names="ｎｉｇｈｔ　ｋｉｎｇ")
    assert "没有开放这个角色" in said(office, user, 3, companion="k-1")


def test_each_purchase_is_put_before_the_guardian(office: Served, phone: Hook, family: Family) -> None:
    user, client, page = family
    wish = {"user": user, "amount": 3000, "order": fresh("order"), "item": "月卡<b>"}
    assert not office.post("/v1/purchases/check", wish, at=noon(minutes=2)).json()["allowed"]
    saved(client, f"{page}/spending", purchases="ask", most_month="60")
    asked = office.post("/v1/purchases/check", wish, at=noon(minutes=3)).json()
    assert (asked["allowed"], asked["state"]) == (False, "waiting")
    assert "已经去问了" in asked["notices"][0]["text"]
    office.get(f"/v1/users/{user}", at=noon(minutes=4))
    assert eventually(lambda: any("30.00" in one["text"] for one in phone.told))
    shown = client.get(f"{page}/spending").text
    assert "月卡&lt;b&gt;" in shown
    dearer = client.post(
        f"{page}/purchases", data={"order": wish["order"], "amount": "100", "item": "月卡<b>", "approved": "yes"}
    )
    other = client.post(
        f"{page}/purchases", data={"order": wish["order"], "amount": "3000", "item": "本子", "approved": "yes"}
    )
    assert (dearer.status_code, other.status_code) == (409, 409), "a yes is for what the page has shown"
    messages = len(phone.told)
    for minute in (4.1, 4.2):
        assert office.post("/v1/purchases/check", wish, at=noon(minutes=minute)).json()["state"] == "waiting"
    office.get(f"/v1/users/{user}", at=noon(minutes=4.5))
    assert len(phone.told) == messages, "to ask again is not to write again"
    assert "等您决定" in shown
    with office.listening(user) as events:
        saved(client, f"{page}/purchases", order=wish["order"], amount="3000", item="月卡<b>", approved="yes")
        told = events.until("purchase_decided")[-1]
    assert (told["order"], told["approved"]) == (wish["order"], True)
    assert office.post("/v1/purchases/check", wish, at=noon(minutes=5)).json()["state"] == "paid"
    twice = client.post(
        f"{page}/purchases", data={"order": wish["order"], "amount": "3000", "item": "月卡<b>", "approved": "no"}
    )
    assert twice.status_code == 409
    over = {**wish, "order": fresh("order"), "amount": 3001}
    assert (
        "监护人设定的限额" in office.post("/v1/purchases/check", over, at=noon(minutes=6)).json()["notices"][0]["text"]
    )
    assert "申请退款" in saved(client, f"{page}/refund", order=wish["order"])
    assert client.post(f"{page}/refund", data={"order": wish["order"]}).status_code == 404, "asked once"
    assert [row.kind for row in office.ledger(user, kinds=["AnswerComplaint"])] == ["AnswerComplaint"]


def test_a_no_is_a_no(office: Served, family: Family) -> None:
    user, client, page = family
    saved(client, f"{page}/spending", purchases="ask")
    wish = {"user": user, "amount": 3000, "item": "礼物"}
    order = office.post("/v1/purchases/check", wish, at=noon(minutes=3)).json()["order"]
    saved(client, f"{page}/purchases", order=order, amount="3000", item="礼物", approved="no")
    again = office.post("/v1/purchases/check", {**wish, "order": order}, at=noon(minutes=4)).json()
    assert (again["allowed"], again["state"]) == (False, "declined")


@pytest.mark.parametrize(
    ("place", "form", "field"),
    [("limits", {"minutes": "soon"}, "分钟数"), ("limits", {"closed_from": "20:00"}, "休息时间"), ("spending", {"purchases": "all"}, "“购买”填得不对"), ("spending", {"purchases": "caps", "most_once": "x"}, "金额")],
)  # fmt: skip
def test_what_does_not_fit_is_said_and_changes_nothing(
    office: Served, family: Family, place: str, form: dict[str, str], field: str
) -> None:
    user, client, page = family
    before = office.get(f"/v1/users/{user}").json()["controls"]
    refused = client.post(f"{page}/{place}", data=form)
    assert refused.status_code == 400
    assert field in "".join(re.findall(r'role="alert"[^>]*>([^<]*)<', refused.text))
    assert office.get(f"/v1/users/{user}").json()["controls"] == before

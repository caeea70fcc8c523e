"""The office over HTTP: accounts, a person's record without words, and the glass."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from tests.gateway.serving import Served, fresh, noon, serving, settings_for
from tests.offices.care_desk.desk import signed_in
from tests.web.signing import PASSWORD, browser, enter, staff

REASON = "家属来电说她留了信，确认今晚是否安全"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("office"), encoder=False)) as served:
        yield served


def of(office: Served, *roles: str) -> httpx.Client:
    """Signed in past the form, which lets in only so many a minute from one address."""
    return signed_in(office, "staff", *roles)[1]  # type: ignore[arg-type]  # roles of ours


def problem_in(page: str) -> str:
    return "".join(re.findall(r'role="alert"[^>]*>([^<]*)<', page))


def talked(office: Served, said: str = "我把药都攒够了，今晚就走") -> tuple[str, str]:
    user = fresh()
    office.register(user, at=noon())
    office.chat(said, user=user, at=noon())
    return user, office.person_id(user)


def test_an_administrator_makes_accounts_and_takes_them_away(office: Served) -> None:
    admin, name = of(office, "administrator"), fresh("new")
    assert (
        admin.post(
            "/office/accounts", data={"name": name, "password": PASSWORD, "roles": ["care", "complaints"]}
        ).status_code
        == 303
    )
    page = admin.get("/office/accounts").text
    assert name in page
    account = re.findall(rf'{name}.*?action="/office/accounts/([0-9a-f]+)"', page, re.DOTALL)[0]
    assert admin.post(f"/office/accounts/{account}", data={"deed": "shown", "shown": " 小 林 "}).status_code == 303
    assert "<h2>小 林" in admin.get("/office/accounts").text
    account = re.findall(rf'{name}.*?action="/office/accounts/([0-9a-f]+)"', page, re.DOTALL)[0]
    client = enter(office, name)
    assert client.get("/office").status_code == 200
    assert admin.post(f"/office/accounts/{account}", data={"deed": "disable"}).status_code == 303
    assert client.get("/office").status_code == 303
    assert browser(office).post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 401
    assert admin.post(f"/office/accounts/{account}", data={"deed": "enable"}).status_code == 303
    assert (
        admin.post(f"/office/accounts/{account}", data={"deed": "password", "password": "another password"}).status_code
        == 303
    )
    assert enter(office, name, "another password").get("/office").status_code == 200


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": "", "password": PASSWORD, "roles": "care"}, "名称"), ({"name": "x1", "password": "short", "roles": "care"}, "密码"),
        ({"name": "x2", "password": PASSWORD}, "角色"), ({"name": "x3", "password": PASSWORD, "roles": "guardian"}, "孩子的邀请"),
        ({"name": "x4", "password": PASSWORD, "roles": "king"}, "角色"), ({}, "“名称”还没有填写"),
        ({"name": "x5", "password": PASSWORD, "roles": "care", "shown": "长" * 41}, "称呼"),
        ({"name": "x6", "password": PASSWORD, "roles": "care", "shown": "\u3164\u2800"}, "称呼"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_and_makes_nothing(office: Served, form: dict[str, str], told: str) -> None:
    answer = of(office, "administrator").post("/office/accounts", data=form)
    assert answer.status_code == 400
    assert told in problem_in(answer.text)


def test_nobody_takes_their_own_account_away(office: Served) -> None:
    name = fresh("admin")
    account = staff(office, name, "administrator")
    client = enter(office, name)
    assert client.post(f"/office/accounts/{account.id}", data={"deed": "disable"}).status_code == 409
    assert client.get("/office").status_code == 200
    assert client.post("/office/accounts/none", data={"deed": "enable"}).status_code == 404


def test_a_record_shows_what_happened_and_no_word(office: Served) -> None:
    user, person = talked(office)
    client = of(office, "care")
    found = client.get(f"/office/people?id={user}")
    assert found.headers["location"] == f"/office/people/{person}"
    page = client.get(f"/office/people/{person}").text
    assert "危险 4" in page
    assert "安抚并出示求助渠道" in page
    assert "mailto:w@example.org" in page
    assert "药" not in re.sub(r"<textarea.*?</textarea>", "", page)
    assert "mailto:w@example.org" not in of(office, "complaints").get(f"/office/people/{person}").text
    assert client.get("/office/people?id=nobody").status_code == 404


def test_words_are_read_with_the_glass_broken_for_a_while_and_it_shows(office: Served) -> None:
    user, person = talked(office, "我把药都攒够了 暗号三文鱼")
    client, compliance = of(office, "care"), of(office, "compliance")
    assert client.get(f"/office/people/{person}/words").status_code == 403
    refused = client.post(f"/office/people/{person}/glass", data={"reason": "好奇", "minutes": "15"})
    assert refused.status_code == 400
    assert client.get(f"/office/people/{person}/words").status_code == 403
    opened = client.post(f"/office/people/{person}/glass", data={"reason": REASON, "minutes": "15"})
    assert opened.headers["location"] == f"/office/people/{person}/words"
    assert "暗号三文鱼" in client.get(opened.headers["location"]).text
    assert of(office, "care").get(opened.headers["location"]).status_code == 403, "a grant is of one account"
    shown = compliance.get("/office/grants").text
    assert REASON in shown
    assert user in shown
    inspected = of(office, "inspector").get("/office/grants")
    assert inspected.status_code == 200
    assert REASON not in inspected.text
    assert user not in inspected.text
    page = compliance.get(f"/office/people/{person}").text
    assert "破窗查看内容" in page
    office.chat("嗯", user=fresh(), at=noon(minutes=20))  # the clock goes on
    assert client.get(opened.headers["location"], headers={"x-shouban-at": noon(minutes=20)}).status_code in {303, 403}


def test_the_reason_goes_with_the_person(office: Served) -> None:
    user, person = talked(office)
    client, compliance = of(office, "care"), of(office, "compliance")
    client.post(f"/office/people/{person}/glass", data={"reason": REASON + "甲", "minutes": "15"})
    assert REASON + "甲" in compliance.get("/office/grants").text
    office.ask("DELETE", f"/v1/users/{user}/data", at=noon())
    page = compliance.get("/office/grants").text
    assert REASON + "甲" not in page
    assert "（已删除）" in page
    assert compliance.get(f"/office/people/{person}").status_code == 403


def test_markup_in_a_name_is_text(office: Served) -> None:
    user = "<img src=x onerror=alert(1)>"
    office.register(
        user, at=noon(), contacts=[{"kind": "guardian", "name": "<b>王</b>", "channels": ["mailto:a@example.org"]}]
    )
    page = of(office, "care").get(f"/office/people/{office.person_id(user)}").text
    assert "<img" not in page
    assert "<b>王" not in page

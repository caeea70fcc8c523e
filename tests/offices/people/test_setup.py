"""`/me/contacts`: one question a page, a code to the contact, large type for elders."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from tests.duties.test_contact import Hook, hook
from tests.gateway.serving import Served, fresh, noon, serving, settings_for
from tests.web.signing import browser

from shouban.core.errors import CallerError
from shouban.offices.people.setup import address_of


@pytest.fixture(scope="module")
def gateway_of_texts() -> Iterator[Hook]:
    with hook() as found:
        yield found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, gateway_of_texts: Hook) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("setup"), sms=gateway_of_texts.url, encoder=False)) as served:
        yield served


def at_contacts(office: Served, band: str = "elder") -> tuple[str, httpx.Client]:
    user = fresh("老王")
    office.register(user, band, contacts=[], at=noon())
    client = browser(office)
    link = office.post(f"/v1/users/{user}/link", {"to": "contacts"}, at=noon()).json()["url"]
    assert client.get(link).headers["location"] == "/me/contacts"
    return user, client


def test_an_elder_names_a_contact_who_gives_the_code(office: Served, gateway_of_texts: Hook) -> None:
    user, client = at_contacts(office)
    first = client.get("/me/contacts").text
    assert 'class="large"' in first
    assert "还没有联系人" in first
    assert "第 1 步" in client.get("/me/contacts/new").text
    second = client.post("/me/contacts/new", data={"step": "name", "name": "小梅", "relation": "女儿"})
    assert second.status_code == 303
    assert "怎么联系小梅？" in client.get(second.headers["location"]).text
    third = client.post(
        "/me/contacts/new", data={"step": "number", "name": "小梅", "relation": "女儿", "number": "139 0000 1111"}
    )
    assert third.status_code == 303
    told = gateway_of_texts.told[-1]
    assert told["to"] == "13900001111"
    assert "请问小梅收到的六位数字" in client.get(third.headers["location"]).text
    wrong = client.post(third.headers["location"], data={"code": "000000x"})
    assert (wrong.status_code, "验证码不对" in wrong.text) == (400, True)
    [code] = re.findall("[0-9]{6}", told["text"])
    full_width = " ".join(chr(ord(digit) + 0xFEE0) for digit in code)
    done = client.post(third.headers["location"], data={"code": full_width})
    assert "已验证" in client.get(done.headers["location"]).text
    [contact] = office.get(f"/v1/users/{user}", at=noon()).json()["contacts"]
    assert (contact["kind"], contact["relation"], contact["standing"]) == ("emergency", "女儿", "verified")


def test_what_does_not_fit_is_said_and_nothing_typed_is_lost(office: Served) -> None:
    _, client = at_contacts(office, "adult")
    assert 'class="large"' not in client.get("/me/contacts").text
    empty = client.post("/me/contacts/new", data={"step": "name", "name": " "})
    assert (empty.status_code, "请填写怎么称呼" in empty.text) == (400, True)
    wrong = client.post("/me/contacts/new", data={"step": "number", "name": "小梅<b>", "number": "家里"})
    assert wrong.status_code == 400
    assert "小梅&lt;b&gt;" in wrong.text
    assert "不是手机号" in wrong.text
    assert client.get("/me/contacts/unknown").status_code == 404


def test_the_same_contact_is_not_named_twice_nor_flooded(office: Served, gateway_of_texts: Hook) -> None:
    user, client = at_contacts(office)
    form = {"step": "number", "name": "小梅", "number": "13900002222"}
    assert client.post("/me/contacts/new", data=form).status_code == 303
    again = client.post("/me/contacts/new", data=form)
    assert (again.status_code, "请等一分钟再发" in again.text) == (429, True)
    [kept] = office.get(f"/v1/users/{user}", at=noon()).json()["contacts"]
    assert "13900002222" in client.get("/me/contacts").text
    assert client.post(f"/me/contacts/{kept['id']}/drop").status_code == 303
    assert office.get(f"/v1/users/{user}", at=noon()).json()["contacts"] == []


def test_what_the_app_has_named_is_not_taken_out_here_and_what_was_not_sent_is_said(office: Served) -> None:
    user = fresh("小雨")
    made = office.register(user, "14_15", at=noon())
    client = browser(office)
    client.get(office.post(f"/v1/users/{user}/link", {"to": "contacts"}, at=noon()).json()["url"])
    refused = client.post(f"/me/contacts/{made['contacts'][0]['id']}/drop")
    assert (refused.status_code, "在应用里修改" in refused.text) == (403, True)
    unsent = client.post("/me/contacts/new", data={"step": "number", "name": "朋友", "number": "a@b.cn"})
    assert unsent.status_code == 502
    assert "没有发出去" in unsent.text
    assert "六位数字" not in unsent.text


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" 139-0000 1111 ", "tel:13900001111"),
        ("１３９００００１１１１", "tel:13900001111"),
        ("+8613900001111", "tel:+8613900001111"),
        ("a@b.cn", "mailto:a@b.cn"),
    ],
)
def test_numbers_and_addresses_as_people_write_them(typed: str, address: str) -> None:
    assert address_of(typed) == address


@pytest.mark.parametrize("typed", ["", "家里", "123", "a b@c.cn", "1" * 17, "https://example.org"])
def test_what_is_no_number(typed: str) -> None:
    with pytest.raises(CallerError):
        address_of(typed)

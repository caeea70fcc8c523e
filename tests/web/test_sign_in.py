"""Signing in as a person does: by name, by code, set up for the first time, and out again; in both languages, with no open door for tries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.gateway.serving import Served, fresh, serving, settings_for
from tests.web.signing import PASSWORD, browser, code_now, enter, staff

from shouban.app import first_admin
from shouban.web.access import Who
from shouban.web.doors import COOKIE
from shouban.web.sessions import SignedIn
from shouban.web.sign_in import WORDS, home_of

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def problem_in(page: str) -> str:
    return "".join(re.findall(r'role="alert"[^>]*>([^<]*)<', page))


def test_in_and_out(office: Served) -> None:
    name = fresh("care")
    staff(office, name, "care")
    client = browser(office)
    assert client.get("/office").headers["location"] == "/sign-in?next=%2Foffice"
    page = client.get("/sign-in?next=%2Foffice").text
    assert 'lang="zh-CN"' in page
    assert 'name="next" value="/office"' in page
    answer = client.post("/sign-in", data={"name": name, "password": PASSWORD, "next": "/office"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/office")
    assert name in client.get("/office").text
    token = client.cookies[COOKIE]
    assert client.post("/sign-out").status_code == 303
    client.cookies.set(COOKIE, token)
    assert client.get("/office").status_code == 303


def test_what_was_wrong_is_said_in_the_language_of_the_page(office: Served) -> None:
    for language in ("zh", "en"):
        answer = browser(office).post(f"/sign-in?lang={language}", data={"name": "nobody", "password": "wrong"})
        assert answer.status_code == 401
        assert problem_in(answer.text) == WORDS["wrong"].to(language)


def test_the_code_is_asked_then_one_goes_where_one_wanted(office: Served) -> None:
    name = fresh("care")
    staff(office, name, "care", secret=SECRET)
    client = enter(office, name)
    page = client.get("/sign-in/code?next=/office/people")
    assert WORDS["code_heading"].zh in page.text
    wrong = client.post("/sign-in/code", data={"code": "000000", "next": "/office"})
    assert (wrong.status_code, problem_in(wrong.text)) == (401, WORDS["wrong_code"].zh)
    right = client.post("/sign-in/code", data={"code": code_now(office, SECRET), "next": "/office"})
    assert (right.status_code, right.headers["location"]) == (303, "/office")
    assert client.get("/office").status_code == 200


def test_nobody_is_asked_for_a_code_without_having_signed_in(office: Served) -> None:
    client = browser(office)
    for answer in (client.get("/sign-in/code"), client.post("/sign-in/code", data={"code": "123456"})):
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_where_codes_are_required_they_are_set_up_before_anything_else(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False, second_factor="required")) as served:
        staff(served, "care", "care")
        client = enter(served, "care")
        assert client.get("/office").headers["location"].startswith("/sign-in/code")
        page = client.get("/sign-in/code").text
        assert "<svg" in page
        secret = "".join(re.findall(r'class="secret">([A-Z2-7 ]+)<', page)).replace(" ", "")
        assert client.get("/sign-in/code").text.count(secret[:4]) >= 1  # shown again it is the same
        assert client.post("/sign-in/code", data={"code": "000000"}).status_code == 400
        assert client.get("/office").status_code == 303
        assert client.post("/sign-in/code", data={"code": code_now(served, secret)}).status_code == 303
        assert client.get("/office").status_code == 200


def test_the_first_administrator_signs_in_with_the_password_that_was_set(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, encoder=False, admin_password=PASSWORD)
    first_admin(settings, tmp_path)
    with serving(settings) as served:
        assert "admin" in enter(served, "admin").get("/office/accounts").text


def test_tries_from_one_address_are_counted(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as served:
        client = browser(served)
        told = [client.post("/sign-in", data={"name": fresh(), "password": "wrong"}).status_code for _ in range(25)]
        assert told[:20] == [401] * 20
        assert 429 in told[20:]
        assert problem_in(client.post("/sign-in", data={"name": fresh(), "password": "x"}).text) == WORDS["too_many"].zh


def test_markup_in_a_name_is_text(office: Served) -> None:
    page = browser(office).post("/sign-in", data={"name": '"><script>alert(1)</script>', "password": "x"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("signed_in", "home"),
    [
        (None, "/sign-in"), (SignedIn(Who("s", account="a", roles=frozenset({"care"}), full=False), True, True), "/sign-in/code"),
        (SignedIn(Who("s", account="a", roles=frozenset({"care"})), False, True), "/office"), (SignedIn(Who("s", account="a", roles=frozenset({"guardian"})), False, False), "/guardian"),
        (SignedIn(Who("s", person="p", roles=frozenset({"user"})), False, False), "/me"),
    ],
)  # fmt: skip
def test_everybody_begins_at_their_own_page(signed_in: SignedIn | None, home: str) -> None:
    assert home_of(signed_in) == home

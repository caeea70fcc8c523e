"""Restrictions as their tests use them: proposed and confirmed by signed-in staff, seen by the person."""

from __future__ import annotations

from typing import Any

import httpx
from tests.gateway.serving import Served, fresh, noon
from tests.web.signing import browser, now_of, run, sign_ins_of, staff

from shouban.web.doors import COOKIE
from shouban.web.roles import Role

LIST = "/office/restrictions"
FORM = {
    "kind": "suspended", "category": "fraud", "term": "3", "unit": "days", "grounds": "三个人举报同一个账号冒充客服索要验证码。",
    "reason": "我们发现你的账号被用来冒充客服索要验证码。",
}  # fmt: skip
WHY = "看过三份举报和记录，属实。"


def colleague(office: Served, role: Role = "compliance") -> httpx.Client:
    """Signed in past the form, which lets in only so many a minute from one address."""
    account = staff(office, fresh(role), role)
    return with_token(office, run(sign_ins_of(office).open(account, now_of(office))))


def with_token(office: Served, token: str) -> httpx.Client:
    client = browser(office)
    client.cookies.set(COOKIE, token)
    return client


def registered(office: Served, at: str = "", **more: Any) -> tuple[str, str]:
    """Somebody of age with a guardian's contact: the app's id, and the pseudonym."""
    user = fresh()
    office.register(user, at=at or noon(), **more)
    return user, office.person_id(user)


def propose(client: httpx.Client, person: str, at: str = "", **form: str) -> httpx.Response:
    return client.post(
        f"/office/people/{person}/restrict", data={**FORM, **form}, headers={"x-shouban-at": at or noon()}
    )


def proposed(client: httpx.Client, person: str, at: str = "", **form: str) -> str:
    """Its id."""
    answer = propose(client, person, at, **form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("/")[2]


def do(client: httpx.Client, person: str, restriction: str, deed: str, at: str = "", **form: str) -> httpx.Response:
    place = f"/office/people/{person}/restrictions/{restriction}/{deed}"
    return client.post(place, data=form or {"why": WHY}, headers={"x-shouban-at": at or noon(minutes=5)})


def restricted(office: Served, person: str, at: str = "", **form: str) -> str:
    """In force by two people."""
    one = proposed(colleague(office), person, at, **form)
    assert do(colleague(office), person, one, "confirm", at or noon()).status_code == 303
    return one


def themselves(office: Served, person: str) -> httpx.Client:
    """The person, signed in to their own data."""
    return with_token(office, run(sign_ins_of(office).open_for_person("default", person, now_of(office))))


def mine(client: httpx.Client, at: str = "") -> str:
    return client.get("/me/restrictions", headers={"x-shouban-at": at or noon(minutes=6)}).text


def appeal(
    client: httpx.Client, restriction: str, at: str = "", text: str = "那不是我，我的手机被偷了"
) -> httpx.Response:
    return client.post(f"/me/restrictions/{restriction}/appeal", data={"text": text}, headers={"x-shouban-at": at or noon(minutes=7)})  # fmt: skip


def state(office: Served, user: str, at: str) -> str:
    return str(office.get(f"/v1/users/{user}", at=at).json()["restriction"])

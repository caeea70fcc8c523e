"""A desk as its tests use it: who waits, who is signed in, and the case of somebody in danger."""

from __future__ import annotations

import re
from typing import Any

import httpx
from sqlalchemy import select
from tests.gateway.serving import PLAN, Served, fresh, noon
from tests.web.signing import browser, now_of, run, sign_ins_of, staff

from shouban.db.schema import CASES, SEATS
from shouban.web.doors import COOKIE
from shouban.web.roles import Role


def signed_in(office: Served, name: str, *roles: Role, service: str = "default") -> tuple[str, httpx.Client]:
    """A new account of these roles, let in without the form, which takes only so many a minute: name and client."""
    full = fresh(name)
    account = staff(office, full, *roles, service=service)
    client = browser(office)
    client.cookies.set(COOKIE, run(sign_ins_of(office).open(account, now_of(office))))
    return full, client


def carer(office: Served, name: str = "小林") -> tuple[str, httpx.Client]:
    """One of the care staff, signed in: name and client."""
    return signed_in(office, name, "care")


def lead(office: Served, name: str = "周主管", service: str = "default") -> tuple[str, httpx.Client]:
    """A supervisor of the care staff, signed in."""
    return signed_in(office, name, "care_lead", service=service)


def account_of(office: Served, name: str, service: str = "default") -> str:
    return next(one.id for one in run(sign_ins_of(office).accounts(service)) if one.private.name == name)


def set_shift(
    client: httpx.Client, account: str, since: str = "08:00", until: str = "20:00", **more: Any
) -> httpx.Response:
    """A shift on the day of the tests, between these hours."""
    form = {"account": account, "since": f"2026-08-03T{since}", "until": f"2026-08-03T{until}", "most": "3", **more}
    return client.post("/care/shifts", data=form, headers={"x-shouban-at": noon()})


def in_danger(office: Served, at: str = "", text: str = PLAN, **profile: Any) -> tuple[str, str]:
    """Somebody registered who says a plan: the app's id, and the case's address."""
    user = fresh("小明")
    office.register(user, at=noon(), **profile)
    office.chat(text, user=user, at=at or noon(), session="talk")
    return user, f"/care/cases/{office.person_id(user)}"


def cases_of(office: Served, user: str) -> list[Any]:
    asked = select(CASES).where(CASES.c.person_id == office.person_id(user)).order_by(CASES.c.opened_us)
    with office.engine.connect() as connection:
        return list(connection.execute(asked))


def stage_of(office: Served, user: str) -> str:
    return str(cases_of(office, user)[-1].stage)


def is_looked_at(office: Served, user: str) -> bool:
    """Whether a page of the person's case is open anywhere."""
    of_case = SEATS.c.case_id == cases_of(office, user)[-1].case_id
    with office.engine.connect() as connection:
        return connection.execute(select(SEATS.c.seat_id).where(of_case)).first() is not None


def do(client: httpx.Client, address: str, deed: str, at: str = "", **form: str) -> httpx.Response:
    return client.post(f"{address}/{deed}", data=form or {"go": "1"}, headers={"x-shouban-at": at or noon(seconds=1)})


def shown(client: httpx.Client, address: str, at: str = "") -> str:
    answer = client.get(address, headers={"x-shouban-at": at or noon(seconds=1)})
    assert answer.status_code == 200, answer.text
    return answer.text


def problem(answer: httpx.Response) -> str:
    found = re.search(r'<p class="problem" role="alert"[^>]*>(.*?)</p>', answer.text)
    return found[1] if found else ""

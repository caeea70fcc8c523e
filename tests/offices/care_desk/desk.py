"""A desk as its tests use it: who waits, who is signed in, and the case of somebody in danger."""

from __future__ import annotations

import re
from typing import Any

import httpx
from sqlalchemy import select
from tests.gateway.serving import PLAN, Served, fresh, noon
from tests.web.signing import enter, staff

from shouban.db.schema import CASES


def carer(office: Served, name: str = "小林") -> tuple[str, httpx.Client]:
    """One of the care staff, signed in: name and client."""
    full = fresh(name)
    staff(office, full, "care")
    return full, enter(office, full)


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


def do(client: httpx.Client, address: str, deed: str, at: str = "", **form: str) -> httpx.Response:
    return client.post(f"{address}/{deed}", data=form or {"go": "1"}, headers={"x-shouban-at": at or noon(seconds=1)})


def shown(client: httpx.Client, address: str, at: str = "") -> str:
    answer = client.get(address, headers={"x-shouban-at": at or noon(seconds=1)})
    assert answer.status_code == 200, answer.text
    return answer.text


def problem(answer: httpx.Response) -> str:
    found = re.search(r'<p class="problem" role="alert"[^>]*>(.*?)</p>', answer.text)
    return found[1] if found else ""

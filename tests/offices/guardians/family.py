"""A child with a guardian whose phone is a webhook, and the way from the invitation to the guardian's page."""

from __future__ import annotations

import re
from typing import Any

import httpx
from stdnum.iso7064 import mod_11_2
from tests.duties.test_contact import Hook
from tests.gateway.serving import Served, fresh, guardian, noon
from tests.web.signing import PASSWORD, browser

MOTHER = "110105198001011231"
YOUNG = "110105201201011231"


def number(body: str) -> str:
    """A number that can exist, of the first seventeen digits."""
    digit: str = mod_11_2.calc_check_digit(body[:17])
    return f"{body[:17]}{digit}"


def child(office: Served, phone: Hook, band: str = "under_14", **more: Any) -> tuple[str, str]:
    """The app's id of the child, and the id of the guardian among the contacts."""
    user = fresh("小雨")
    made = office.register(user, band, nickname="小雨", contacts=[guardian(channels=[phone.url])], at=noon(), **more)
    return user, made["contacts"][0]["id"]


def invited(office: Served, phone: Hook, user: str, contact: str) -> str:
    """The address that came to the guardian's phone."""
    answer = office.post(f"/v1/users/{user}/guardians", {"contact": contact}, at=noon(minutes=1))
    assert answer.status_code == 201, answer.text
    assert "token" not in answer.text
    found: list[str] = re.findall(r"(/guardian/invited\?token=\S+)", phone.told[-1]["text"])
    return found[0]


def accepted(office: Served, address: str, *, name: str = "", **more: str) -> tuple[httpx.Client, httpx.Response]:
    client = browser(office)
    form = {
        "token": address.split("=", 1)[1], "name": name or fresh("妈妈"), "password": PASSWORD, "again": PASSWORD, "id_number": number(MOTHER), "agreed": "yes", **more,
    }  # fmt: skip
    return client, client.post("/guardian/invited", data=form)


def linked(office: Served, phone: Hook, band: str = "under_14") -> tuple[str, httpx.Client, str]:
    """The child's id, the guardian's browser, and the page of the child."""
    user, contact = child(office, phone, band)
    client, answer = accepted(office, invited(office, phone, user, contact))
    assert answer.status_code == 303, answer.text
    return user, client, f"/guardian/children/{office.person_id(user)}"

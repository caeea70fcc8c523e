"""Complaints as their tests use them: filed by form, looked up by number, handled by staff."""

from __future__ import annotations

import re
from typing import Any

import httpx
from tests.gateway.serving import Served, fresh, noon
from tests.web.signing import browser, enter, staff

TEXT = "充了五十块没有到账，找客服也没有人回"
ANSWER = {
    "decision": "refused",
    "facts": "查了充值记录，当天已经到账。",
    "grounds": "服务协议第五条：充值即时到账。",
    "measures": "已把到账截图附在进度页。",
}


def file(client: httpx.Client, at: str = "", **form: Any) -> httpx.Response:
    files = form.pop("files", [])
    # A form of several parts even where no file is sent, as a browser's.
    sent = [("files", one) for one in files] or [("files", ("", b"", "application/octet-stream"))]
    data = {"text": TEXT, "sort": "complaint", "about": "spending", **form}
    return client.post("/complaints", data=data, files=sent, headers={"x-shouban-at": at or noon()})


def number_in(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    found = re.search(r'class="number">([0-9A-Z]{5}-[0-9A-Z]{5})<', answer.text)
    assert found, answer.text
    return found[1]


def look_up(client: httpx.Client, number: str, deed: str = "", at: str = "", **form: str) -> httpx.Response:
    address = f"/complaints/status{'/' + deed if deed else ''}"
    return client.post(address, data={"number": number, **form}, headers={"x-shouban-at": at or noon()})


def filed(office: Served, at: str = "", **form: Any) -> tuple[httpx.Client, str]:
    """Somebody unknown who complains: their browser, and the number."""
    client = browser(office)
    return client, number_in(file(client, at, **form))


def handler(office: Served) -> httpx.Client:
    name = fresh("老周")
    staff(office, name, "complaints")
    return enter(office, name)


def desk_address(client: httpx.Client, text: str, at: str = "") -> str:
    """Where the desk shows the complaint that begins so."""
    page = client.get("/office/complaints", headers={"x-shouban-at": at or noon()}).text
    for row in page.split('<li class="card">')[1:]:
        if text in row and (found := re.search(r'href="(/office/complaints/[0-9a-f]{24})"', row)):
            return found[1]
    raise AssertionError(page)


def do(client: httpx.Client, address: str, deed: str, at: str = "", **form: str) -> httpx.Response:
    return client.post(f"{address}/{deed}", data=form or {"go": "1"}, headers={"x-shouban-at": at or noon(minutes=5)})

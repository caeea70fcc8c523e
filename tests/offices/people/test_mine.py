"""`/me` over HTTP: let in by the app, once; all that is theirs, copied, corrected, deleted with a certificate that verifies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from tests.gateway.serving import Served, fresh, guardian, noon, serving, settings_for
from tests.web.signing import browser, enter, staff

from shouban.evidence.note import open_note

SECRET = "三文鱼和一只叫煤球的猫"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("office"), encoder=False)) as served:
        yield served


def link(office: Served, user: str) -> str:
    answer = office.post(f"/v1/users/{user}/link", {}, at=noon(minutes=5))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


def let_in(office: Served, user: str) -> httpx.Client:
    client = browser(office)
    answer = client.get(link(office, user))
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    return client


def person(office: Served, **more: Any) -> str:
    user = fresh("小雨")
    office.register(user, at=noon(), nickname="小雨", **more)
    office.chat(f"今天吃了{SECRET}", user=user, at=noon(minutes=1))
    return user


def test_a_link_lets_in_once_and_only_to_ones_own_page(office: Served) -> None:
    user = person(office)
    address = link(office, user)
    assert browser(office).get(address).status_code == 303
    second = browser(office)
    assert "已经用过" in second.get(address).text
    assert second.get("/me").status_code == 303
    guessed = browser(office).get("/me/enter?token=guessed")
    assert guessed.status_code >= 400
    assert "回到首页" in guessed.text
    assert office.post("/v1/users/nobody/link", {}).status_code == 404
    client = let_in(office, user)
    assert "王芳" in client.get("/me").text
    assert client.get("/office").status_code == 403
    token = address.split("=", 1)[1]
    thief = browser(office)
    thief.cookies.set("shouban_sign_in", token)
    assert thief.get("/me").status_code == 303, "a link is no sign-in"


def test_a_link_grows_old(office: Served) -> None:
    user = person(office)
    address = link(office, user)
    late = browser(office)
    late.get(address, headers={"x-shouban-at": noon(minutes=16)})
    assert late.get("/me", headers={"x-shouban-at": noon(minutes=16)}).status_code == 303


def test_all_that_is_kept_is_shown_and_copied(office: Served) -> None:
    user = person(office)
    client = let_in(office, user)
    assert SECRET in client.get("/me/messages").text
    copied = client.get("/me/copy")
    assert copied.headers["content-type"] == "application/zip"
    archive = ZipFile(BytesIO(copied.content))
    data = json.loads(archive.read("data.json"))
    assert [one["text"] for one in data["messages"] if one["role"] == "user"] == [f"今天吃了{SECRET}"]
    assert data["contacts"][0]["name"] == "王芳"
    assert {"age_evidence", "consents", "wellbeing", "days", "looks"} <= data.keys()
    assert SECRET in archive.read("data.html").decode()


def test_one_message_is_deleted_and_the_others_stay(office: Served) -> None:
    user = person(office)
    office.chat("另一句话", user=user, at=noon(minutes=2))
    client = let_in(office, user)
    first = re.findall(r'value="message:([0-9a-f]+)"', client.get("/me/messages").text)[0]
    gone = client.post("/me/erase", data={"scope": f"message:{first}"})
    assert "删除证书" in gone.text
    left = client.get("/me/messages").text
    assert SECRET not in left
    assert "另一句话" in left


def test_all_goes_with_a_certificate_that_verifies_offline(office: Served) -> None:
    user = person(office)
    client = let_in(office, user)
    assert client.post("/me/erase", data={"scope": "all"}).status_code == 400
    assert SECRET in client.get("/me/messages").text
    gone = client.post("/me/erase", data={"scope": "all", "sure": "yes"})
    assert gone.status_code == 200
    certificate = re.findall(r'<pre class="certificate">(.*?)</pre>', gone.text, re.DOTALL)[0]
    key = re.findall(r"<code>(.*?)</code>", gone.text)[0]
    text = open_note(certificate.replace("&#43;", "+").replace("&#39;", "'"), [key.replace("&#43;", "+")])
    assert "shouban.erasure/v1" in str(text)
    assert client.get("/me").status_code == 303
    assert office.get(f"/v1/users/{user}").status_code == 404
    kept = b"".join(file.read_bytes() for file in office.data.rglob("*") if file.is_file())
    assert SECRET.encode() not in kept
    assert user.encode() not in kept


def test_training_is_off_until_one_allows_it_and_off_again_at_once(office: Served) -> None:
    user = person(office)
    client = let_in(office, user)
    assert client.get("/me").text.count("未同意") == 3
    assert client.post("/me/consents", data={"purpose": "training", "given": "yes"}).status_code == 303
    assert office.get(f"/v1/users/{user}").json()["consents"] == ["training"]
    assert client.post("/me/consents", data={"purpose": "training", "given": "no"}).status_code == 303
    assert office.get(f"/v1/users/{user}").json()["consents"] == []
    assert [row.state for row in office.ledger(user, kinds=["StopUse"])] == ["done"] * len(
        office.ledger(user, kinds=["StopUse"])
    )
    assert client.post("/me/consents", data={"purpose": "companionship", "given": "yes"}).status_code == 400


def test_minors_mode_is_one_tap_away_and_the_appeal_is_there(office: Served) -> None:
    user = person(office)
    client = let_in(office, user)
    assert client.post("/me/minor").status_code == 303
    page = client.get("/me").text
    assert "未成年人模式" in page
    assert office.get(f"/v1/users/{user}").json()["mode"] == "minor"
    assert client.post("/me/appeal", data={"reason": "手滑"}).status_code == 303
    assert "申诉处理中" in client.get("/me").text
    assert client.post("/me/appeal", data={}).status_code == 409


def test_who_looked_is_shown_with_the_entry_of_the_log(office: Served) -> None:
    user = person(office)
    client = let_in(office, user)
    assert "没有人看过" in client.get("/me/looks").text
    name = fresh("care")
    staff(office, name, "care")
    enter(office, name).get(f"/office/people/{office.person_id(user)}")
    page = client.get("/me/looks").text
    assert "关怀值守" in page
    assert name not in page
    reason = "说要伤害自己，需要看清前因后果"
    form = {"reason": reason, "minutes": "15"}
    assert enter(office, name).post(f"/office/people/{office.person_id(user)}/glass", data=form).status_code == 303
    assert reason in client.get("/me/looks").text


def test_markup_in_a_message_or_a_name_is_text(office: Served) -> None:
    user = person(office, contacts=[guardian(name="<script>alert(1)</script>")])
    office.chat("<script>alert(2)</script>", user=user, at=noon(minutes=2))
    client = let_in(office, user)
    for path in ("/me", "/me/messages"):
        assert "<script>alert" not in client.get(path).text

"""From suspicion to decision, over HTTP: switched at once, told why, appealed, decided by a person, and free again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import update
from tests.gateway.serving import Served, fresh, noon, serving, settings_for
from tests.web.signing import enter, staff

from shouban.db.schema import APPEALS

WHY = "核对了身份证件，是 24 岁的大学生"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("office"), encoder=False)) as served:
        yield served


def clerk(office: Served) -> httpx.Client:
    name = fresh("complaints")
    staff(office, name, "complaints")
    return enter(office, name)


def suspected(office: Served) -> str:
    user = fresh()
    office.register(user, at=noon())
    office.chat("我今年十三岁，上初一", user=user, at=noon(minutes=1))
    assert office.get(f"/v1/users/{user}").json()["mode"] == "minor"
    return user


def appeal(office: Served, user: str, reason: str = "我已经 24 岁了") -> dict[str, str]:
    answer = office.post(f"/v1/users/{user}/appeals", {"about": "age", "reason": reason}, at=noon(minutes=2))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_who_was_taken_for_a_minor_is_free_once_a_person_has_decided(office: Served) -> None:
    user = suspected(office)
    case = appeal(office, user)
    assert (case["state"], case["due_at"][:10]) == ("open", "2026-08-18")
    client, person = clerk(office), office.person_id(user)
    page = client.get("/office/appeals").text
    assert "我已经 24 岁了" in page
    assert "申报年龄段" in page
    form = {"decision": "upheld", "age_band": "adult", "why": WHY}
    assert client.post(f"/office/people/{person}/appeals/{case['case']}", data=form).status_code == 303
    shown = office.get(f"/v1/users/{user}").json()
    assert (shown["mode"], shown["age_band"], shown["age_basis"]) == ("standard", "adult", "verified")
    told = office.get(f"/v1/users/{user}/appeals").json()["appeals"][0]
    assert (told["state"], told["why"]) == ("upheld", WHY)
    assert [row.state for row in office.ledger(user, kinds=["AnswerComplaint"])] == ["done"]
    assert user not in client.get("/office/appeals").text
    office.chat("我在准备毕业论文", user=user, at=noon(minutes=5))
    assert office.get(f"/v1/users/{user}").json()["mode"] == "standard"


def test_a_refusal_changes_nothing_and_says_why(office: Served) -> None:
    user = suspected(office)
    case = appeal(office, user)
    client, person = clerk(office), office.person_id(user)
    path = f"/office/people/{person}/appeals/{case['case']}"
    assert client.post(path, data={"decision": "refused", "why": ""}).status_code == 400
    assert client.post(path, data={"decision": "upheld", "why": WHY}).status_code == 400
    assert client.post(path, data={"decision": "refused", "why": "没有能证明年龄的材料"}).status_code == 303
    assert client.post(path, data={"decision": "upheld", "age_band": "adult", "why": WHY}).status_code == 409
    assert office.get(f"/v1/users/{user}").json()["mode"] == "minor"
    assert office.get(f"/v1/users/{user}/appeals").json()["appeals"][0]["why"] == "没有能证明年龄的材料"


def test_one_appeal_at_a_time_and_none_for_nobody(office: Served) -> None:
    user = suspected(office)
    appeal(office, user)
    again = office.post(f"/v1/users/{user}/appeals", {}, at=noon(minutes=3))
    assert (again.status_code, again.json()["error"]["code"]) == (409, "open_already")
    assert office.post("/v1/users/nobody/appeals", {}).status_code == 404
    client = clerk(office)
    assert (
        client.post(
            f"/office/people/{office.person_id(user)}/appeals/none", data={"decision": "refused", "why": WHY}
        ).status_code
        == 404
    )


def test_an_appeal_that_waits_too_long_shows_as_late(office: Served) -> None:
    user = suspected(office)
    appeal(office, user)
    client = clerk(office)
    assert "已逾期" not in client.get("/office/appeals", headers={"x-shouban-at": noon(minutes=5)}).text
    late = re.findall(r"已逾期", _page_after(office, days=16))
    assert late


def _page_after(office: Served, *, days: int) -> str:
    """The page some days later, as somebody who signs in then."""
    at = noon(days=days)
    office.post("/v1/check", {"role": "user", "text": "嗯"}, at=at)
    return str(clerk(office).get("/office/appeals", headers={"x-shouban-at": at}).text)


def test_markup_in_a_reason_is_text(office: Served) -> None:
    user = suspected(office)
    appeal(office, user, "<script>alert(1)</script>")
    page = clerk(office).get("/office/appeals").text
    assert "<script>alert" not in page


def test_many_who_appeal_at_once_open_one_case(office: Served) -> None:
    user = suspected(office)
    path = f"/v1/users/{user}/appeals"
    with ThreadPoolExecutor(6) as pool:
        codes = [one.status_code for one in pool.map(lambda _: office.post(path, {}, at=noon(minutes=2)), range(6))]
    assert sorted(codes) == [201, *[409] * 5]
    assert len(office.get(path).json()["appeals"]) == 1
    assert len(office.ledger(user, kinds=["AnswerComplaint"])) == 1


def test_a_decision_whose_answer_was_cut_off_is_answered_when_somebody_looks(office: Served) -> None:
    user = suspected(office)
    case = appeal(office, user)["case"]
    decided = update(APPEALS).where(APPEALS.c.case_id == case).values(state="refused", decided_us=1, decided_by="w")
    with office.engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(decided)  # as a process leaves it that is killed between decision and answer
    assert [row.state for row in office.ledger(user, kinds=["AnswerComplaint"])] == ["owed"]
    assert clerk(office).get("/office/appeals").status_code == 200
    assert [row.state for row in office.ledger(user, kinds=["AnswerComplaint"])] == ["done"]


def test_appeals_go_with_the_person(office: Served) -> None:
    user = suspected(office)
    appeal(office, user)
    person = office.person_id(user)
    assert office.rows("appeals", person) == 1
    assert office.ask("DELETE", f"/v1/users/{user}/data?scope=all", None, at=noon(minutes=4)).status_code == 200
    assert office.rows("appeals", person) == 0
    assert clerk(office).get("/office/appeals").status_code == 200

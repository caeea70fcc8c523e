"""`/office/restrictions` over HTTP: two people, a day for an urgent one, the report; and who may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from tests.gateway.serving import Served, fresh, noon, serving, settings_for
from tests.offices.restrictions.restricting import (
    FORM,
    LIST,
    WHY,
    appeal,
    colleague,
    do,
    propose,
    proposed,
    registered,
    restricted,
    state,
    themselves,
    with_token,
)
from tests.web.signing import enter, now_of, run, sign_ins_of, staff

from shouban.db.engine import view
from shouban.db.schema import ACCOUNTS, LOG_ENTRIES
from shouban.settings import ServiceSettings


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("restrictions"), encoder=False)) as served:
        yield served


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """For a test whose hours pass: an office of its own, in which whoever comes later signs in anew."""
    with serving(settings_for(tmp_path, encoder=False)) as served:
        yield served


def test_a_proposal_holds_only_once_another_has_confirmed_it(office: Served) -> None:
    user, person = registered(office)
    first, second = colleague(office), colleague(office)
    one = proposed(first, person)
    assert state(office, user, noon(minutes=1)) == "none"
    assert office.ledger(user, kinds=["ReportHazard"]) == []
    page = first.get(f"{LIST}/{one}").text
    assert "要由另一位同事确认" in page
    assert "/confirm" not in page
    for deed in ("confirm", "refuse"):
        answer = do(first, person, one, deed)
        assert answer.status_code == 409
        assert "提出的人不能自己决定" in answer.text
    assert do(second, person, one, "confirm", why="x").status_code == 400
    assert do(second, person, one, "confirm").status_code == 303
    assert state(office, user, noon(minutes=6)) == "suspended"
    assert len(office.ledger(user, kinds=["ReportHazard"])) == 1
    assert do(second, person, one, "confirm").status_code == 409
    page = first.get(f"{LIST}/{one}").text
    for part in (FORM["grounds"], FORM["reason"], WHY, "生效中", "2026-08-06 12:05"):
        assert part in page, part


def test_a_second_tab_of_the_proposer_is_the_same_person(office: Served) -> None:
    _, person = registered(office)
    name = fresh("compliance")
    staff(office, name, "compliance")
    one = proposed(enter(office, name), person)
    assert do(enter(office, name), person, one, "confirm").status_code == 409


def test_of_two_who_confirm_at_once_one_has_confirmed_it(office: Served) -> None:
    user, person = registered(office)
    one = proposed(colleague(office), person)
    clients = [colleague(office) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda client: do(client, person, one, "confirm").status_code, clients))
    assert sorted(answers) == [303, 409, 409, 409]
    assert len(office.ledger(user, kinds=["ReportHazard"])) == 1


@pytest.mark.parametrize("urgent", ["", "yes"])
def test_of_two_who_propose_at_once_one_has_proposed(office: Served, urgent: str) -> None:
    _, person = registered(office)
    clients = [colleague(office) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda client: propose(client, person, urgent=urgent).status_code, clients))
    assert sorted(answers) == [303, 409, 409]
    assert office.rows("restrictions", person) == 1


def test_an_urgent_one_holds_at_once_and_for_a_day_unless_confirmed(own: Served) -> None:
    user, person = registered(own)
    first = colleague(own)
    one = proposed(first, person, urgent="yes")
    assert state(own, user, noon(minutes=1)) == "suspended"
    assert "紧急" in first.get(LIST, headers={"x-shouban-at": noon(minutes=1)}).text
    assert "自动失效" in first.get(f"{LIST}/{one}", headers={"x-shouban-at": noon(minutes=1)}).text
    assert state(own, user, noon(hours=23, minutes=59)) == "suspended"
    assert state(own, user, noon(hours=24)) == "none"
    later = colleague(own)
    assert "已到期" in later.get(f"{LIST}/{one}", headers={"x-shouban-at": noon(hours=24)}).text
    late = do(later, person, one, "confirm", noon(hours=24, minutes=1))
    assert late.status_code == 409
    assert "已经不在了" in late.text
    again = propose(later, person, noon(hours=24, minutes=5), urgent="yes")
    assert again.status_code == 409
    assert "先由同事确认" in again.text
    assert FORM["grounds"] in again.text
    assert propose(later, person, noon(hours=24, minutes=6)).status_code == 303
    assert "已到期" in later.get(LIST, headers={"x-shouban-at": noon(hours=24, minutes=7)}).text, (
        "its report is still owed"
    )


def test_an_urgent_one_that_is_confirmed_lasts_its_term_from_its_beginning(own: Served) -> None:
    user, person = registered(own)
    one = proposed(colleague(own), person, urgent="yes")
    assert state(own, user, noon(hours=10)) == "suspended"
    assert do(colleague(own), person, one, "confirm", noon(hours=10, minutes=1)).status_code == 303
    assert state(own, user, noon(hours=25)) == "suspended"
    assert state(own, user, noon(days=3)) == "none"


def test_an_urgent_one_that_is_refused_ends_at_once(office: Served) -> None:
    user, person = registered(office)
    one = proposed(colleague(office), person, urgent="yes")
    assert do(colleague(office), person, one, "refuse").status_code == 303
    assert state(office, user, noon(minutes=6)) == "none"


def test_anybody_who_may_restrict_lifts_it_and_a_proposal_is_taken_back(office: Served) -> None:
    user, person = registered(office)
    one = restricted(office, person)
    third = colleague(office)
    assert propose(third, person, noon(minutes=6)).status_code == 409
    assert do(third, person, one, "lift", noon(minutes=7), why="举报被撤回，查明是误会。").status_code == 303
    assert state(office, user, noon(minutes=8)) == "none"
    assert do(third, person, one, "lift", noon(minutes=9)).status_code == 409
    assert "误会" in third.get(f"{LIST}/{one}").text
    two = proposed(third, person, noon(minutes=10))
    assert do(third, person, two, "lift", noon(minutes=11)).status_code == 303
    assert "已解除" in third.get(f"{LIST}?done=1").text


def test_who_was_disabled_meanwhile_confirms_nothing(office: Served) -> None:
    user, person = registered(office)
    one = proposed(colleague(office), person)
    name = fresh("compliance")
    account = staff(office, name, "compliance")
    client = enter(office, name)
    run(sign_ins_of(office).change(account, at=now_of(office), by="test", state="disabled"))
    assert do(client, person, one, "confirm").status_code in {303, 401}
    assert state(office, user, noon(minutes=6)) == "none"
    assert "待另一位同事确认" in colleague(office).get(f"{LIST}/{one}").text


def test_of_who_was_erased_meanwhile_nothing_is_left_to_confirm(office: Served) -> None:
    user, person = registered(office)
    one = proposed(colleague(office), person)
    assert office.ask("DELETE", f"/v1/users/{user}/data?scope=all", at=noon(minutes=1)).is_success
    assert office.rows("restrictions", person) == 0
    other = colleague(office)
    assert do(other, person, one, "confirm").status_code in {403, 404}
    assert propose(other, person).status_code in {403, 404}
    assert other.get(f"{LIST}/{one}").status_code == 404
    assert other.get(LIST).status_code == 200


def test_markup_in_reasons_is_only_text(office: Served) -> None:
    user, person = registered(office)
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)> {{ 7*7 }} \"'>"
    one = restricted(office, person, grounds=evil, reason=evil)
    client = colleague(office)
    pages = [client.get(place).text for place in (LIST, f"{LIST}/{one}", f"{LIST}/{one}/report")]
    pages += [themselves(office, person).get("/me/restrictions").text]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in pages[1]
    assert "&lt;script&gt;alert(1)" in pages[3]
    assert user


def test_references_are_entries_of_this_person(office: Served) -> None:
    _, person = registered(office)
    client = colleague(office)
    with view(office.engine) as connection:
        theirs = connection.execute(select(LOG_ENTRIES.c.leaf_index).where(LOG_ENTRIES.c.person_id == person)).scalars().first()  # fmt: skip
    wrong = propose(client, person, references=f"{theirs} 0")
    assert wrong.status_code == 400
    assert "存证日志里的记录号" in wrong.text
    one = proposed(client, person, references=str(theirs))
    assert f"<dd>{theirs}</dd>" in client.get(f"{LIST}/{one}").text


def test_nobody_else_proposes_confirms_or_looks(office: Served) -> None:
    _, person = registered(office)
    one = restricted(office, person)
    for role in ("care", "complaints", "administrator", "companion_reviewer", "guardian"):
        client = colleague(office, role)
        assert client.get(f"{LIST}/{one}").status_code == 403, role
        assert client.get(f"{LIST}/{one}/report.json").status_code == 403, role
        for deed in ("confirm", "refuse", "lift", "appeal", "reported"):
            assert do(client, person, one, deed).status_code == 403, (role, deed)
        assert propose(client, person).status_code == 403, role
    client = themselves(office, person)
    assert client.get(f"{LIST}/{one}").status_code == 403
    assert do(client, person, one, "lift").status_code == 403


def test_who_only_inspects_sees_what_was_done_and_why_and_not_to_whom(office: Served) -> None:
    user, person = registered(office)
    one = restricted(office, person)
    client = colleague(office, "inspector")
    page = client.get(f"{LIST}/{one}").text
    assert FORM["grounds"] in page
    assert WHY in page
    assert f">{user}<" not in page
    assert '<form method="post" action="/office/people' not in page
    assert do(client, person, one, "lift").status_code == 403
    assert client.get(f"{LIST}/{one}/report").status_code == 200


def test_that_somebody_read_it_stands_at_the_persons_looks(office: Served) -> None:
    _, person = registered(office)
    one = restricted(office, person)
    colleague(office).get(f"{LIST}/{one}")
    assert "服务限制的记录" in themselves(office, person).get("/me/looks").text


def test_a_restriction_of_another_person_or_service_is_none_here(office: Served) -> None:
    _, person = registered(office)
    _, other = registered(office)
    one = restricted(office, person)
    client = colleague(office)
    assert do(client, other, one, "lift").status_code == 404
    assert client.get(f"{LIST}/{'0' * 24}").status_code == 404


def test_the_service_beside_knows_nothing_of_it(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, encoder=False)
    services = [ServiceSettings(id=name, key=f"sk-{name}", upstream="scripted") for name in ("default", "other")]
    with serving(msgspec.structs.replace(settings, services=services)) as office:
        user = fresh()
        office.register(user, at=noon(), key="sk-default")
        person = office.person_id(user)
        one = proposed(colleague(office), person)
        theirs = staff(office, fresh("compliance"), "compliance", service="other")
        stranger = with_token(office, run(sign_ins_of(office).open(theirs, now_of(office))))
        assert stranger.get(f"{LIST}/{one}").status_code == 404
        assert stranger.get(f"{LIST}/{one}/report.json").status_code == 404
        assert do(stranger, person, one, "confirm").status_code == 403
        assert propose(stranger, person).status_code == 403
        assert one not in stranger.get(LIST).text
        office.register(user, at=noon(), key="sk-other")
        namesake = office.person_id(user, "other")
        assert do(stranger, namesake, one, "confirm").status_code == 404


def test_the_report_names_law_and_measure_and_neither_word_nor_name(office: Served) -> None:
    user, person = registered(office)
    one = restricted(office, person)
    client = colleague(office)
    page = client.get(f"{LIST}/{one}/report", headers={"x-shouban-at": noon(minutes=10)}).text
    for part in (
        "人工智能拟人化互动服务管理暂行办法 第二十四条",
        "暂停服务",
        "诈骗",
        person,
        "2026-08-06 12:00",
        "已由另一位工作人员确认",
    ):
        assert part in page, part
    for part in ("征求意见稿", user, FORM["grounds"], FORM["reason"]):
        assert part not in page, part
    answer = client.get(f"{LIST}/{one}/report.json", headers={"x-shouban-at": noon(minutes=10)})
    assert answer.headers["content-disposition"].endswith('.json"')
    form = answer.json()
    assert (form["person"], form["measure"], form["category"]) == (person, "suspended", "fraud")
    assert form["took_effect_at"] == "2026-08-03T12:00:00+08:00"
    assert form["report_by"] == "2026-08-04T12:00:00+08:00"
    assert form["provider"] == {"name": "", "contact": "", "telephone": ""}
    assert FORM["reason"] not in answer.text


def test_marking_it_reported_carries_the_duty_out_once(office: Served) -> None:
    user, person = registered(office)
    one = restricted(office, person)
    client = colleague(office)
    assert "待向主管部门报告" in client.get(f"{LIST}/{one}").text
    form = {"to": "省网信办", "receipt": "2026-117", "when": "2026-08-03T12:20"}
    early = do(client, person, one, "reported", noon(minutes=10), **form)
    assert early.status_code == 400
    assert "还没有到" in early.text
    for when in ("0001-01-01T00:00", "2025-01-01T00:00"):
        assert do(client, person, one, "reported", noon(minutes=8), to="省网信办", when=when).status_code == 400, when
    assert client.get(f"{LIST}/{one}").status_code == 200
    assert 'value="省网信办"' in early.text
    assert do(client, person, one, "reported", noon(minutes=30), **form).status_code == 303
    assert [row.state for row in office.ledger(user, kinds=["ReportHazard"])] == ["done"]
    page = client.get(f"{LIST}/{one}").text
    for part in ("省网信办", "2026-117", "2026-08-03 12:20"):
        assert part in page, part
    assert do(client, person, one, "reported", noon(minutes=31), **form).status_code == 409
    assert any(b"hazard_reported" in entry for entry in office.entries())


def test_an_urgent_one_confirmed_owes_two_reports_and_one_mark_ends_both(office: Served) -> None:
    user, person = registered(office)
    one = proposed(colleague(office), person, urgent="yes")
    client = colleague(office)
    assert do(client, person, one, "confirm", noon(minutes=10)).status_code == 303
    assert len(office.ledger(user, kinds=["ReportHazard"])) == 2
    assert do(client, person, one, "reported", noon(minutes=12), to="省网信办").status_code == 303
    assert {row.state for row in office.ledger(user, kinds=["ReportHazard"])} == {"done"}


def test_what_was_only_proposed_is_reported_to_nobody(office: Served) -> None:
    _, person = registered(office)
    one = proposed(colleague(office), person)
    assert colleague(office).get(f"{LIST}/{one}/report").status_code == 409
    assert do(colleague(office), person, one, "reported", to="省网信办").status_code == 409


def test_an_appeal_is_decided_by_a_third(office: Served) -> None:
    user, person = registered(office)
    first, second, third = (colleague(office) for _ in range(3))
    one = proposed(first, person)
    assert do(second, person, one, "confirm").status_code == 303
    assert appeal(themselves(office, person), one).status_code == 303
    form = {"decision": "upheld", "why": "材料不足以认定是本人所为。"}
    for client in (first, second):
        answer = do(client, person, one, "appeal", noon(minutes=10), **form)
        assert answer.status_code == 409
        assert "做出原决定的人" in answer.text
    assert "申诉待裁决" in third.get(LIST).text
    assert do(third, person, one, "appeal", noon(minutes=10), **form).status_code == 303
    assert state(office, user, noon(minutes=11)) == "none"
    assert [row.state for row in office.ledger(user, kinds=["AnswerComplaint"])] == ["done"]
    assert do(third, person, one, "appeal", noon(minutes=12), **form).status_code == 409


def test_an_appeal_stands_before_whatever_only_holds(own: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shouban.offices.restrictions.records.MOST_SHOWN", 2)
    monkeypatch.setattr("shouban.offices.restrictions.desk.MOST_SHOWN", 2)
    made = []
    for n in range(4):
        _, person = registered(own)
        made.append((person, restricted(own, person, noon(seconds=n), kind="ended", term="")))
    person, last = made[-1]
    assert appeal(themselves(own, person), last).status_code == 303
    client = colleague(own)
    first, second = (client.get(f"{LIST}?page={n}", headers={"x-shouban-at": noon(minutes=9)}).text for n in (0, 1))
    assert last in first
    assert sum(one in first for _, one in made) == sum(one in second for _, one in made) == 2
    assert "第 2 / 2 页" in second


def test_who_proposes_and_takes_back_gains_no_second_urgent_one(own: Served) -> None:
    _, person = registered(own)
    client = colleague(own)
    first = proposed(client, person, noon(), urgent="yes", term="1", unit="hours")
    assert do(client, person, first, "lift", noon(seconds=1), why="收回重提").status_code == 303
    for n in range(2, 5):
        taken = proposed(client, person, noon(seconds=n))
        assert do(client, person, taken, "lift", noon(seconds=n), why="收回重提").status_code == 303
    assert propose(client, person, noon(minutes=1), urgent="yes").status_code == 409


def test_a_role_that_was_lost_meanwhile_confirms_nothing(own: Served) -> None:
    _, person = registered(own)
    one = proposed(colleague(own), person)
    account = staff(own, fresh("c"), "compliance")
    client = with_token(own, run(sign_ins_of(own).open(account, now_of(own))))
    with own.engine.begin() as connection:
        connection.execute(ACCOUNTS.update().where(ACCOUNTS.c.account_id == account.id).values(roles="inspector"))
    assert do(client, person, one, "confirm").status_code == 403


def test_a_refused_form_is_a_look_too_and_the_list_shows_no_words(own: Served) -> None:
    user, person = registered(own)
    one = proposed(colleague(own), person)
    client = colleague(own)
    assert FORM["reason"] not in client.get(LIST).text
    assert FORM["grounds"] in do(client, person, one, "confirm", why="x").text
    assert "服务限制的记录" in themselves(own, person).get("/me/looks").text
    assert user not in themselves(own, person).get("/me/looks").text


def test_a_report_is_owed_though_the_person_was_erased(own: Served) -> None:
    user, person = registered(own)
    restricted(own, person)
    assert own.ask("DELETE", f"/v1/users/{user}/data?scope=all", at=noon(minutes=6)).is_success
    client = colleague(own)
    page = client.get(LIST, headers={"x-shouban-at": noon(minutes=7)}).text
    assert person in page
    assert "暂停服务" in page
    assert user not in page
    duty = re.findall(r"/restrictions/left/([0-9a-f]+)/reported", page)[0]
    place, at = f"{LIST}/left/{duty}/reported", {"x-shouban-at": noon(minutes=8)}
    assert client.post(place, data={"to": ""}, headers=at).status_code == 400
    assert colleague(own, "inspector").post(place, data={"to": "省网信办"}, headers=at).status_code == 403
    assert client.post(place, data={"to": "省网信办", "receipt": "A-1"}, headers=at).status_code == 303
    assert client.post(place, data={"to": "省网信办"}, headers=at).status_code == 409
    assert person not in client.get(LIST, headers={"x-shouban-at": noon(minutes=9)}).text
    assert any(b"hazard_reported" in entry and "省网信办".encode() in entry for entry in own.entries())

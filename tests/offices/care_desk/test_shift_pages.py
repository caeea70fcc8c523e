"""`/care/shifts` over HTTP: everybody of the desk sees the roster, a supervisor sets it, and the queue says whom somebody fits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway.serving import Served, fresh, noon, service, serving, settings_for
from tests.offices.care_desk.desk import account_of, carer, do, in_danger, lead, problem, set_shift, shown
from tests.offices.care_desk.test_live import opened
from tests.web.signing import enter, run, sign_ins_of, staff

MARKUP = "<img src=x onerror=alert(1)>"
WISH = "活着真没意思，有时候不想醒来"


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    services = [service("default", "scripted", key="sk-test"), service("other", "scripted")]
    settings = settings_for(tmp_path_factory.mktemp("shifts"), encoder=False, services=services)
    with serving(settings) as served:
        yield served


def test_a_supervisor_sets_and_ends_a_shift_and_others_see_it(office: Served) -> None:
    _, leader = lead(office)
    name, client = carer(office, MARKUP)
    assert set_shift(leader, account_of(office, name), skills="minors", most="2").status_code == 303
    page = shown(client, "/care/shifts")
    assert "&lt;img src=x" in page
    assert "<img" not in page
    assert "专长: 未成年人" in page
    assert "datetime-local" not in page, "who cannot set a shift is shown no form"
    assert "正在值班" in shown(client, "/care")
    shift = page_shift(shown(leader, "/care/shifts"))
    assert leader.post(f"/care/shifts/{shift}/end", headers={"x-shouban-at": noon(minutes=1)}).status_code == 303
    assert "现在没有人值班" in shown(client, "/care/shifts", noon(minutes=2))


def page_shift(page: str) -> str:
    return page.split('action="/care/shifts/')[1].split("/", maxsplit=1)[0]


def test_what_does_not_fit_is_told_and_the_form_keeps_what_was_typed(office: Served) -> None:
    _, leader = lead(office)
    name, _ = carer(office)
    account = account_of(office, name)
    back = set_shift(leader, account, "20:00", "08:00", skills=["minors", "fraud"])
    assert (back.status_code, problem(back)) == (400, "结束时间要在开始时间之后。")
    assert 'value="2026-08-03T20:00"' in back.text
    assert back.text.count(" checked") == 2
    assert set_shift(leader, account).status_code == 303
    again = set_shift(leader, account, "13:00", "14:00")
    assert (again.status_code, problem(again)) == (409, "这位同事在这段时间已经有班了。")
    assert set_shift(leader, account, "21:00", "22:00", most="0").status_code == 400
    assert set_shift(leader, account, "21:00", "22:00", skills="magic").status_code == 400
    assert set_shift(leader, "nobody", "21:00", "22:00").status_code == 400
    compliance = fresh("compliance")
    staff(office, compliance, "compliance")
    assert set_shift(leader, account_of(office, compliance), "21:00", "22:00").status_code == 400
    assert enter(office, compliance, service="default").get("/care/shifts").status_code == 200, (
        "compliance sees the roster"
    )


def test_only_a_supervisor_of_this_service_sets_shifts(office: Served) -> None:
    _, leader = lead(office)
    name, client = carer(office)
    account = account_of(office, name)
    assert set_shift(client, account).status_code == 403
    _, foreign = lead(office, service="other")
    assert set_shift(foreign, account).status_code == 400, "nobody of theirs"
    assert set_shift(leader, account).status_code == 303
    shift = page_shift(shown(leader, "/care/shifts"))
    for other in (client, foreign):
        assert other.post(f"/care/shifts/{shift}/end").status_code in {403, 404}
    assert name not in shown(foreign, "/care/shifts")
    assert "现在没有人值班" not in shown(leader, "/care/shifts")


def test_the_queue_says_whom_somebody_fits_and_hides_nobody(office: Served) -> None:
    _, leader = lead(office)
    for_minors, first = carer(office)
    _, second = carer(office)
    _, grown = in_danger(office, text=WISH)
    _, young = in_danger(office, text=WISH, age_band="16_17")
    before = shown(first, "/care")
    assert "适合你" not in before, "who keeps no roster notices nothing"
    assert "宜由擅长者" not in before
    set_shift(leader, account_of(office, for_minors), skills="minors")
    page, other = shown(first, "/care"), shown(second, "/care")
    assert "适合你" in page
    assert "适合你" not in other
    assert "宜由擅长者来: 未成年人" in other, "who comes instead knows what is wanted"
    assert all(f'action="{one}/claim"' in found for one in (grown, young) for found in (page, other))
    with opened(first, "/care/events") as desk:
        assert "适合你" in desk.until("queue")["html"]


def test_claims_above_the_limit_of_a_shift_are_refused(office: Served) -> None:
    _, leader = lead(office)
    name, client = carer(office)
    set_shift(leader, account_of(office, name), most="1")
    addresses = [in_danger(office, text=WISH)[1] for _ in range(2)]
    _, emergency = in_danger(office)
    assert do(client, addresses[0], "claim").status_code == 303
    refused = do(client, addresses[1], "claim")
    assert (refused.status_code, "上限" in problem(refused)) == (409, True)
    assert do(client, emergency, "claim").status_code == 303


def test_where_nobody_is_on_shift_and_no_desk_is_open_that_is_said_in_red(office: Served) -> None:
    _, leader = lead(office)
    name, client = carer(office)
    compliance = fresh("compliance")
    staff(office, compliance, "compliance")
    looker = enter(office, compliance, service="default")
    told = "现在没有人值班，也没有关怀同事打开关怀台"
    assert told not in shown(looker, "/care"), "no roster is kept"
    set_shift(leader, account_of(office, name), "18:00", "20:00")
    assert told in shown(looker, "/care")
    assert told in shown(client, "/care/shifts")
    with opened(looker, "/care/events") as desk:
        assert told in desk.until("queue", told)["html"], "who may only look on sits at no desk"
        with opened(client, "/care/events") as other:
            other.until("queue")
            assert told not in desk.until("queue")["html"]


def test_whose_account_is_closed_in_the_middle_of_a_shift_is_there_no_more(office: Served) -> None:
    _, leader = lead(office)
    name, _ = carer(office)
    set_shift(leader, account_of(office, name))
    assert name in shown(leader, "/care")
    sign_ins = sign_ins_of(office)
    account = next(one for one in run(sign_ins.accounts("default")) if one.private.name == name)
    assert office.app is not None
    run(sign_ins.change(account, at=office.app.gateway.clock.now(), by="test", state="disabled"))
    assert name not in shown(leader, "/care")
    assert name not in shown(leader, "/care/shifts")

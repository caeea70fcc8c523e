"""The care desk over HTTP: who waits is seen, one of the staff has the case, the machine is silent, a person speaks, and hands back only when it is safe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway.serving import PLAN, Served, fresh, noon, serving, settings_for
from tests.offices.care_desk.desk import account_of, carer, cases_of, do, in_danger, problem, shown, stage_of
from tests.web.signing import browser, enter, now_of, run, sign_ins_of, staff

from shouban.web.doors import COOKIE


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("care"), encoder=False)) as served:
        yield served


def test_who_says_a_plan_waits_at_the_desk_and_no_name_stands_there(office: Served) -> None:
    user, address = in_danger(office, nickname="小雨")
    _, client = carer(office)
    queue = shown(client, "/care")
    assert address in queue
    assert "紧急" in queue
    assert "自杀或自伤" in queue
    assert user not in queue
    assert "小雨" not in queue


def test_from_claim_to_follow_up(office: Served) -> None:
    """Claimed, taken over, talked both ways, handed back, closed; the machine says nothing in between."""
    user, address = in_danger(office)
    name, client = carer(office)
    assert "接手个案以后才能看到对话" in shown(client, address)
    assert do(client, address, "claim").status_code == 303
    assert stage_of(office, user) == "claimed"
    page = shown(client, address)
    assert "遗书" in page, "who has the case reads how it came to this"
    assert "cn-words/crisis" in page, "and which approved words the machine has shown them"
    assert page.index("遗书") < page.index("cn-words/crisis")
    with office.listening(user) as person:
        assert do(client, address, "take").status_code == 303
        taken = person.until("taken_over")[-1]
        hello = person.until("staff_message")[-1]
    assert taken["staff"] == name, "the person is told who is here"
    assert "真人" in hello["text"]
    assert name in hello["text"]
    assert do(client, address, "say", text="我在，你慢慢说。").status_code == 303
    reply = office.chat("你是谁", user=user, at=noon(seconds=2), session="talk")
    assert "我在，你慢慢说。" in reply.text
    assert reply.document["model"] == "human"
    assert "你是谁" in shown(client, address)
    soon = do(client, address, "back", noon(seconds=5), safe="yes", why="问过了，没有危险")
    assert soon.status_code == 409
    assert "至少再陪十分钟" in problem(soon)
    assert "12:10 起可以交还" in soon.text
    assert ">问过了，没有危险</textarea>" in soon.text, "what was written is still there"
    assert 'name="safe" value="yes" checked' in soon.text
    office.chat("谢谢你", user=user, at=noon(minutes=12), session="talk")
    late = noon(minutes=12)
    assert do(client, address, "say", late, text="还在吗").status_code == 409, (
        "the desk was away so long that it lost the case"
    )
    assert do(client, address, "claim", late).status_code == 303
    assert problem(do(client, address, "back", late, why="问过了，没有危险")) == "请先勾选您已经问过、现在没有危险。"
    assert do(client, address, "back", late, safe="yes", why="问过了，没有危险").status_code == 303
    assert stage_of(office, user) == "handed_back"
    follow_ups = sorted(office.ledger(user, kinds=["FollowUp"]), key=lambda row: int(row.due_us))
    assert [row.due_us - row.owed_us for row in follow_ups] == [86_400_000_000, 3 * 86_400_000_000]
    assert office.chat("今天天气不错", user=user, at=noon(minutes=13), session="talk").document["model"] != "human"
    assert do(client, address, "close", late, outcome="helped", why="聊了十分钟，情绪缓和").status_code == 303
    [case] = cases_of(office, user)
    assert (case.stage, case.outcome, case.claimed_by) == ("closed", "helped", "")
    assert not [row for row in office.ledger(user, kinds=["Escalate"]) if row.state == "owed"]
    assert "个案已经结案" in shown(client, address, late)
    office.get(f"/v1/users/{user}", at=noon(hours=24))
    client = enter(office, name)  # a day later the sign-in has ended
    page = shown(client, address, noon(hours=24))
    assert "聊了十分钟，情绪缓和" in page
    assert address in shown(client, "/care", noon(hours=24)), "the follow-up waits in the queue"
    duty = follow_ups[0].duty_id
    assert (
        do(client, address, "followed", noon(hours=24), duty=duty, reached="yes", why="她去看了医生").status_code == 303
    )
    assert {row.duty_id: row.state for row in office.ledger(user, kinds=["FollowUp"])} == {
        duty: "done",
        follow_ups[1].duty_id: "owed",
    }
    assert do(client, address, "followed", noon(hours=24), duty=duty, reached="yes").status_code == 404
    office.log_size()


def test_whoever_is_helped_reads_what_the_staff_are_called_and_never_how_they_sign_in(office: Served) -> None:
    user, address = in_danger(office)
    login = fresh("lin.z")
    account = staff(office, login, "care", shown="小林")
    client = browser(office)
    client.cookies.set(COOKIE, run(sign_ins_of(office).open(account, now_of(office))))
    do(client, address, "claim")
    with office.listening(user) as person:
        do(client, address, "take")
        told = [*person.until("taken_over"), *person.until("staff_message")]
    assert next(one for one in told if "staff" in one)["staff"] == "小林"
    assert "小林" in told[-1]["text"]
    assert login not in str(told)
    _, colleague = carer(office)
    page = shown(colleague, address)
    assert "小林" in page
    assert login not in page


def test_two_do_not_have_the_same_case(office: Served) -> None:
    user, address = in_danger(office)
    _, first = carer(office)
    name, second = carer(office)
    assert do(first, address, "claim").status_code == 303
    refused = do(second, address, "claim")
    assert (refused.status_code, problem(refused)) == (409, "同事已经接手了这个个案。")
    for deed in ("take", "say", "back", "close", "release", "pass"):
        form = {"text": "x", "why": "没有危险了", "outcome": "helped", "account": "x"}
        assert do(second, address, deed, **form).status_code == 409, deed
    assert do(first, address, "take").status_code == 303
    late = noon(seconds=50)
    assert do(second, address, "claim", late).status_code == 303, "the first one's browser is gone"
    assert do(first, address, "say", late, text="我还在").status_code == 409, "and they say nothing any more"
    assert do(second, address, "say", late, text="我来接着陪你").status_code == 303
    assert "我来接着陪你" in [text for role, text in office.messages(user) if role == "human"]
    assert stage_of(office, user) == "taken_over"
    assert name in shown(second, address, late)


def test_a_case_goes_back_into_the_queue_or_to_a_colleague(office: Served) -> None:
    user, address = in_danger(office)
    _, first = carer(office)
    name, second = carer(office)
    do(first, address, "claim")
    assert do(first, address, "release").status_code == 303
    assert stage_of(office, user) == "open"
    do(first, address, "claim")
    do(first, address, "take")
    assert do(first, address, "release").status_code == 409, "nobody is left alone in the middle of a talk"
    account = next(one.split('"')[1] for one in shown(first, address).split("<option value=") if f">{name}<" in one)
    assert do(first, address, "pass", account="nobody").status_code == 400
    assert do(first, address, "pass", account=account).status_code == 303
    assert do(second, address, "say", text="我是新来的同事").status_code == 303
    assert do(first, address, "say", text="我也还在").status_code == 409


def test_a_press_that_was_repeated_is_said_once(office: Served) -> None:
    user, address = in_danger(office)
    _, client = carer(office)
    do(client, address, "claim")
    do(client, address, "take")
    for _ in range(3):
        assert do(client, address, "say", text="慢慢来", key="k1").status_code == 303
    do(client, address, "say", text="慢慢来", key="k2")
    assert [text for role, text in office.messages(user) if role == "human"].count("慢慢来") == 2


def test_words_of_danger_after_a_hand_back_open_the_case_again(office: Served) -> None:
    user, address = in_danger(office)
    _, client = carer(office)
    do(client, address, "claim")
    do(client, address, "take")
    late = noon(minutes=11)
    do(client, address, "claim", late)
    do(client, address, "back", late, safe="yes", why="问过了，没有危险")
    assert stage_of(office, user) == "handed_back"
    office.chat("我还是觉得活着没意思，不想活了", user=user, at=noon(minutes=20), session="talk")
    [case] = cases_of(office, user)
    assert (case.stage, case.claimed_by) == ("open", "")
    assert case.asked_us > case.opened_us
    assert address in shown(client, "/care", noon(minutes=20))


def test_the_desk_is_for_the_care_staff(office: Served) -> None:
    _, address = in_danger(office)
    for role in ("complaints", "administrator", "companion_reviewer", "inspector"):
        name = fresh(role)
        staff(office, name, role)
        client = enter(office, name)
        assert client.get("/care").status_code == 403, role
        assert do(client, address, "claim").status_code == 403, role
    name = fresh("compliance")
    staff(office, name, "compliance")
    client = enter(office, name)
    assert client.get("/care").status_code == 200, "compliance sees who waits"
    assert do(client, address, "claim").status_code == 403
    assert "遗书" not in shown(client, address), "and no words"
    assert browser(office).get("/care").status_code == 303


def test_notes_are_for_colleagues_and_gone_with_the_person(office: Served) -> None:
    user, address = in_danger(office)
    _, client = carer(office)
    assert do(client, address, "notes", text="母亲的电话打不通").status_code == 303
    assert "母亲的电话打不通" in shown(client, address)
    copy = office.get(f"/v1/users/{user}/data").text
    assert "母亲的电话打不通" not in copy
    person = office.person_id(user)
    office.ask("DELETE", f"/v1/users/{user}/data", at=noon(minutes=1))
    assert office.rows("case_notes", person) == office.rows("cases", person) == 0
    assert client.get(address).status_code == 403, "nobody is told whether they were here"


def test_the_board_counts_what_was_really_taken(office: Served) -> None:
    _, client = carer(office)
    page = shown(client, "/care/board", noon(minutes=30))
    assert "百分位是真实发生过的用时" in page
    assert "接管" in page


def test_a_take_over_by_the_app_itself_moves_the_case_too(office: Served) -> None:
    user, _ = in_danger(office)
    office.post(
        f"/v1/users/{user}/human", {"action": "take_over", "staff": "热线", "session": "talk"}, at=noon(seconds=3)
    )
    assert stage_of(office, user) == "taken_over"
    office.post(
        f"/v1/users/{user}/human", {"action": "hand_back", "staff": "热线", "session": "talk"}, at=noon(seconds=9)
    )
    assert stage_of(office, user) == "handed_back"


def test_what_does_not_fit_is_said_on_the_page(office: Served) -> None:
    _, address = in_danger(office)
    _, client = carer(office)
    do(client, address, "claim")
    assert do(client, address, "say", text=" ").status_code == 400
    assert do(client, address, "close", outcome="bored", why="没什么").status_code == 400
    assert do(client, address, "close", outcome="mistaken", why="x").status_code == 400
    untrue = do(client, address, "close", outcome="helped", why="聊过了，都好")
    assert (untrue.status_code, "还没有人接管过" in problem(untrue)) == (409, True), "nobody has spoken with them"
    assert do(client, address, "take").status_code == 303
    assert do(client, address, "close", outcome="helped", why="聊过了，都好").status_code == 409, (
        "first it is handed back"
    )
    assert client.get("/care/cases/nobody").status_code == 403


def test_the_person_sees_that_somebody_types_and_nothing_of_it_is_kept(office: Served) -> None:
    user, address = in_danger(office)
    name, client = carer(office)
    _, other = carer(office)
    do(client, address, "claim")
    assert do(client, address, "typing").status_code == 409, "nobody speaks with them yet"
    _, second = carer(office)
    assert do(second, address, "typing").status_code == 409
    do(client, address, "take")
    person = office.person_id(user)
    before = office.rows("pushes", person), office.log_size()
    assert do(other, address, "typing").status_code == 409, "they do not have the case"
    assert do(client, address, "typing").status_code == 204
    assert (office.rows("pushes", person), office.log_size()) == before
    assert office.app is not None
    with office.listening(user) as events:
        office.app.gateway.hub.stop_typing(("default", f"{person} {account_of(office, name)}"))  # a second later
        for _ in range(50):
            assert do(client, address, "typing").status_code == 204
        do(client, address, "say", text="我在")
        told = events.until("staff_message")
    assert [one["event"] for one in told] == ["staff_typing", "staff_message"], "one sign for a flood of keys"
    assert told[0]["staff"] == name
    assert (office.rows("pushes", person), office.messages(user)[-1]) == (before[0] + 1, ("human", "我在"))


def test_that_the_person_types_is_seen_by_who_has_the_case(office: Served) -> None:
    client = browser(office)
    started = client.post("/app/api/start", json={"companion": ""}, headers={"x-shouban-at": noon()})
    user = started.json()["user"]
    client.post("/app/api/typing", headers={"x-shouban-at": noon()})
    office.chat(PLAN, user=user, at=noon(), session=started.json()["session"])
    address = f"/care/cases/{office.person_id(user)}"
    _, first = carer(office)
    _, second = carer(office)
    do(first, address, "claim")
    assert "对方正在输入" not in shown(first, address), "nobody has taken over"
    do(first, address, "take")
    for _ in range(100):
        assert client.post("/app/api/typing", headers={"x-shouban-at": noon()}).status_code == 200
    assert "对方正在输入" in shown(first, address)
    assert "对方正在输入" not in shown(second, address)
    assert browser(office).post("/app/api/typing").status_code == 401
    client.post("/app/api/say", json={"text": "我在想"}, headers={"x-shouban-at": noon(seconds=2)})
    assert "对方正在输入" not in shown(first, address), "their words are there"


def test_who_looks_at_the_queue_keeps_their_talk(office: Served) -> None:
    _, address = in_danger(office)
    _, client = carer(office)
    do(client, address, "claim")
    do(client, address, "take")
    for seconds in (30, 60, 90):
        assert client.post("/care/here", headers={"x-shouban-at": noon(seconds=seconds)}).status_code == 204
    assert do(client, address, "say", noon(seconds=91), text="我在").status_code == 303


def test_the_desk_sees_that_the_person_has_left(office: Served) -> None:
    user, address = in_danger(office)
    _, client = carer(office)
    do(client, address, "claim")
    assert "对方已离开对话" not in shown(client, address)
    office.post(f"/v1/users/{user}/exit", {"session": "talk", "by": "button"}, at=noon(seconds=3))
    assert "对方已离开对话" in shown(client, address, noon(seconds=4))


def test_nobody_waits_for_a_contact_to_be_told_where_there_is_none(office: Served) -> None:
    _, with_contact = in_danger(office)
    _, without = in_danger(office, contacts=[])
    _, client = carer(office)
    assert "通知联系人" in shown(client, with_contact)
    assert "通知联系人" not in shown(client, without)

"""`/complaints` over HTTP: with no account, as a person of the app, as a guardian, by the app; and what a stranger can do with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.duties.test_contact import hook
from tests.gateway.serving import PLAN as DANGER
from tests.gateway.serving import Served, fresh, noon, serving, serving_process, settings_for
from tests.offices.complaints.filing import ANSWER, TEXT, desk_address, do, file, filed, handler, look_up, number_in
from tests.offices.guardians.family import linked
from tests.web.signing import browser

PICTURE = ("屏幕.png", b"\x89PNG\r\n\x1a\n" + b"0" * 2_000, "image/png")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("complaints"), encoder=False)) as served:
        yield served


def test_nobody_needs_an_account_and_everybody_gets_a_number_and_a_day(office: Served) -> None:
    client = browser(office)
    assert "不用注册" in client.get("/complaints").text
    answer = file(client)
    number = number_in(answer)
    assert "2026-08-17 24:00" in answer.text, "ten working days after Monday the third"
    shown = look_up(client, number.lower().replace("-", "")).text
    assert "已收到，等待受理" in shown
    assert TEXT in shown
    english = client.post("/complaints/status?lang=en", data={"number": number}).text
    assert "received" in english


def test_the_process_is_published_with_its_times_and_its_version(office: Served) -> None:
    page = browser(office).get("/complaints/process", headers={"x-shouban-at": noon()}).text
    assert "10 个工作日内" in page
    assert "3 个工作日内" in page
    assert "2027 年的放假安排还没有公布" in page
    assert re.search(r"cn 1\.0 \([0-9a-f]{8}\)", page)


@pytest.mark.parametrize("about", ["child_safety", "danger"])
def test_what_concerns_a_child_or_a_life_is_urgent(office: Served, about: str) -> None:
    answer = file(browser(office), about=about)
    assert "2026-08-06 24:00" in answer.text
    assert "紧急" in answer.text


def test_over_a_holiday_the_worked_saturday_counts(office: Served) -> None:
    answer = file(browser(office), "2026-09-28T15:00:00+08:00")
    assert "2026-10-16 24:00" in answer.text


def test_whoever_despairs_in_a_complaint_sees_who_answers_now(office: Served) -> None:
    answer = file(browser(office), text=f"你们的客服骗我，{DANGER}")
    assert "12356" in answer.text
    assert "不知道你是谁" in answer.text
    assert number_in(answer)


def test_a_person_of_the_app_who_despairs_in_a_complaint_is_a_case_of_the_care_desk(office: Served) -> None:
    user = fresh("小明")
    office.register(user, at=noon())
    answer = office.post("/v1/complaints", {"text": f"骗我，{DANGER}", "user": user}, at=noon())
    assert answer.status_code == 201
    assert answer.json()["in_danger"] is True
    assert answer.json()["urgent"] is True
    assert {row.kind for row in office.ledger(user)} >= {"Escalate", "NotifyGuardian", "AnswerComplaint"}


def reasons_of(client: httpx.Client, number: str, at: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(look_up(client, number, "reasons", at=at).text)
    return found


def test_from_the_complaint_to_the_statement_of_reasons_and_the_second_persons_decision(office: Served) -> None:
    client, number = filed(office, text="这件要申诉到底，请认真看")
    first, second = handler(office), handler(office)
    address = desk_address(first, "这件要申诉到底")
    assert do(first, address, "accept").status_code == 303
    assert "已受理" in look_up(client, number).text
    do(first, address, "ask", text="请补充充值的时间。")
    do(first, address, "note", text="内部：疑似重复扣款")
    shown = look_up(client, number).text
    assert "请补充充值的时间" in shown
    assert "疑似重复扣款" not in shown
    assert "已到账" not in look_up(client, number, "add", text="七月三十号晚上八点").text
    assert "七月三十号" in first.get(address).text
    assert "还没有答复" in look_up(client, number, "reasons").text
    short = do(first, address, "answer", **{**ANSWER, "facts": "无"})
    assert short.status_code == 400
    assert "“查明的情况”写得太短" in short.text
    assert ANSWER["grounds"] in short.text, "what was written is still there"
    assert do(first, address, "answer", **ANSWER).status_code == 303
    answered = look_up(client, number)
    for part in (ANSWER["facts"], ANSWER["grounds"], ANSWER["measures"], "不支持", "12377", "2026-10-02"):
        assert part in answered.text, part
    assert "老周" not in answered.text, "whoever decided stays unnamed"
    reasons = json.loads(look_up(client, number, "reasons").text)
    assert reasons["decision"] == "refused"
    assert reasons["automated"] is False
    assert reasons["in_time"] is True
    assert do(first, address, "answer", **ANSWER).status_code == 409

    appealed = look_up(client, number, "appeal", at=noon(minutes=10), text="截图是别人的，我没有收到")
    appeal = number_in(appealed)
    assert appeal != number
    assert look_up(client, number, "appeal", at=noon(minutes=10), text="再申诉一次行不行").status_code == 409
    address = desk_address(first, "截图是别人的", noon(minutes=10))
    assert "2026" in reasons_of(client, number, noon(minutes=10))["appeal"]["due_at"]
    page = first.get(address, headers={"x-shouban-at": noon(minutes=10)}).text
    assert "这件申诉要由另一位同事答复" in page, "nobody writes an answer that will be refused"
    assert 'name="facts"' not in page
    own = do(first, address, "answer", noon(minutes=10), **ANSWER)
    assert own.status_code == 409
    assert "做出原决定的人" in own.text
    upheld = {**ANSWER, "decision": "upheld", "measures": "已退回五十元。"}
    assert do(second, address, "answer", noon(minutes=15), **upheld).status_code == 303
    shown = look_up(client, appeal, at=noon(minutes=15)).text
    assert "另一位工作人员" in shown
    assert "已退回五十元" in shown
    assert json.loads(look_up(client, appeal, "reasons", at=noon(minutes=15)).text)["second_person"] is True
    before = look_up(client, number, at=noon(minutes=15)).text
    assert "以申诉的答复为准" in before, "the first number says that its answer holds no more"
    assert "对这个答复的申诉" in before
    assert "已退回" not in before
    assert reasons_of(client, number, noon(minutes=15))["appeal"]["decision"] == "upheld"


def test_the_same_form_sent_twice_files_once_and_other_words_are_another(office: Served) -> None:
    client = browser(office)
    found = re.search(r'name="key" value="([0-9a-f]+)"', client.get("/complaints").text)
    assert found
    key = found[1]
    assert number_in(file(client, key=key)) == number_in(file(client, key=key))
    assert number_in(file(client, key=key)) != number_in(file(client, key=key, text="退回去改过的另一段话"))
    both = [
        office.ask("POST", "/v1/complaints", {"text": TEXT}, at=noon(), idempotency_key="k-1").json() for _ in range(2)
    ]
    assert both[0] == both[1]
    other = office.ask("POST", "/v1/complaints", {"text": TEXT}, at=noon(), idempotency_key="k-2").json()
    assert other["number"] != both[0]["number"]
    stranger = number_in(file(browser(office), key="k-1"))
    assert stranger != both[0]["number"], "an app's key opens nothing on the page"


def test_of_many_who_press_at_once_each_is_filed_once(office: Served) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(
                lambda place: file(browser(office), key=f"pressed-{place // 2}", text=f"同时提交的第{place // 2}件"),
                range(24),
            )
        )
    assert [one.status_code for one in answers] == [200] * 24
    numbers = [number_in(one) for one in answers]
    assert len(set(numbers)) == 12
    assert all(a == b for a, b in zip(numbers[::2], numbers[1::2], strict=True))


@pytest.mark.parametrize("deed", ["add", "appeal"])
def test_danger_in_what_is_said_later_is_heard_too(office: Served, deed: str) -> None:
    user = fresh("小明")
    office.register(user, at=noon())
    number = office.post("/v1/complaints", {"text": TEXT, "user": user}, at=noon()).json()["number"]
    client = browser(office)
    if deed == "appeal":
        desk = handler(office)
        page = desk.get("/office/complaints").text
        for address in set(re.findall(r'href="(/office/complaints/[0-9a-f]{24})"', page)):
            if office.person_id(user)[:8] in desk.get(address).text:
                do(desk, address, "answer", **ANSWER)
    shown = look_up(client, number, deed, at=noon(minutes=9), text=f"你们逼我的，{DANGER}")
    assert shown.status_code == 200, shown.text
    assert "12356" in shown.text
    assert {row.kind for row in office.ledger(user)} >= {"Escalate", "NotifyGuardian"}


def test_words_of_the_talk_come_along_only_where_the_person_says_so(office: Served) -> None:
    user = fresh("小雨")
    office.register(user, at=noon())
    for word in ("我养了一只叫煤球的猫", "它今天不吃饭"):
        office.chat(word, user=user, at=noon(minutes=1), session="talk")
    link = office.post(f"/v1/users/{user}/link", {}, at=noon(minutes=2)).json()["url"]
    client = browser(office)
    assert client.get(f"{link}&to=complaints").headers["location"] == "/complaints"
    assert "同意附上我最近的聊天" in client.get("/complaints").text
    without = number_in(file(client, noon(minutes=3), text="没有附聊天的一件投诉"))
    number_in(file(client, noon(minutes=3), text="附了聊天的一件投诉", messages="10"))
    staff = handler(office)
    assert "煤球" not in staff.get(desk_address(staff, "没有附聊天的")).text
    shown = staff.get(desk_address(staff, "附了聊天的一件")).text
    assert "煤球" in shown
    assert "它今天不吃饭" in shown
    assert without in client.get("/complaints/mine").text
    looks = client.get("/me/looks", headers={"x-shouban-at": noon(minutes=4)}).text
    assert "complaint" in looks or "投诉" in looks, "who read it stands where the person can see it"


def test_a_guardian_complains_for_their_own_child_only(office: Served) -> None:
    with hook() as phone:
        user, client, page = linked(office, phone)
        other = fresh("小刚")
        office.register(other, "14_15", at=noon())
    child = page.rsplit("/", 1)[1]
    assert "为你关联的孩子提交" in client.get(f"/complaints?child={child}").text
    assert "为你关联的孩子提交" not in client.get(f"/complaints?child={office.person_id(other)}").text
    number_in(file(client, text="孩子看到了不合适的内容", about="child_safety", child=child))
    number_in(file(client, text="别人家的孩子怎么怎么样", child=office.person_id(other)))
    assert office.rows("complaints", child) == 1
    assert office.rows("complaints", office.person_id(other)) == 0
    copied = office.get(f"/v1/users/{user}/data", at=noon(minutes=5))
    assert copied.status_code == 200
    assert "不合适的内容" not in copied.text, "what a guardian complains of is not shown to the child"


def test_files_come_back_as_they_were_and_never_as_a_page(office: Served) -> None:
    client, number = filed(
        office, text="附件里有截图，请看", files=[PICTURE, ("话.txt", "他说<script>".encode(), "text/html")]
    )
    assert "屏幕.png" in look_up(client, number).text
    staff = handler(office)
    address = desk_address(staff, "附件里有截图")
    found = re.findall(rf'href="({address}/files/[0-9a-f]+)"', staff.get(address).text)
    assert len(found) == 2
    kinds = {}
    for one in found:
        answer = staff.get(one)
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]
        kinds[answer.headers["content-type"].split(";")[0]] = answer.content
    assert kinds == {"image/png": PICTURE[1], "text/plain": "他说<script>".encode()}
    assert browser(office).get(found[0]).status_code in {303, 401}


@pytest.mark.parametrize(
    "files",
    [[("a.exe", b"MZ\x90\x00\x03", "image/png")], [PICTURE] * 4, [("b.png", b"\x89PNG\r\n\x1a\n" + b"0" * 600_001, "image/png")]],
    ids=["a-program", "too-many", "too-large"],
)  # fmt: skip
def test_files_that_are_not_taken_lose_nothing_of_what_was_written(
    office: Served, files: list[tuple[str, bytes, str]]
) -> None:
    answer = file(browser(office), text="写了很久的一段话不能丢", files=files)
    assert answer.status_code == 400
    assert "写了很久的一段话不能丢" in answer.text
    assert "附件不行" in answer.text


def test_what_does_not_fit_is_said_in_the_readers_language(office: Served) -> None:
    client = browser(office)
    assert "不是手机号" in file(client, contact="小明").text
    assert "没有这个编号" in look_up(client, "ABCDE-FGHJK").text
    assert look_up(client, "ABCDE-FGHJK").status_code == 404
    assert look_up(client, "不是编号").status_code == 400


def test_a_complaint_is_withdrawn_by_whoever_has_its_number(office: Served) -> None:
    client, number = filed(office, text="这件我想撤回，自己弄错了")
    assert look_up(client, number, "withdraw").status_code == 400
    assert "已撤回" in look_up(client, number, "withdraw", sure="yes").text
    assert look_up(client, number, "withdraw", sure="yes").status_code == 409
    staff = handler(office)
    with pytest.raises(AssertionError):
        desk_address(staff, "这件我想撤回")


def test_what_comes_from_another_site_is_refused(office: Served) -> None:
    client = browser(office)
    client.headers["origin"] = "https://elsewhere.example"
    assert file(client).status_code == 403
    client.headers["origin"] = office.url
    _, number = filed(office)
    client.headers["origin"] = "https://elsewhere.example"
    assert look_up(client, number).status_code in {403, 404}
    assert TEXT not in look_up(client, number).text


def test_markup_in_a_complaint_stays_text(office: Served) -> None:
    _, number = filed(office, text='<img src=x onerror=alert(1)> {{ 7*7 }} "引号"', name="<b>粗</b>")
    staff = handler(office)
    page = staff.get(desk_address(staff, "&lt;img src=x")).text
    assert "<img src=x" not in page
    assert "{{ 7*7 }}" in page
    assert "<img src=x" not in look_up(browser(office), number).text


def test_the_app_sees_its_own_service_only_and_gets_figures(office: Served) -> None:
    number = office.post("/v1/complaints", {"text": TEXT, "about": "privacy"}, at=noon()).json()["number"]
    shown = office.get(f"/v1/complaints/{number}", at=noon()).json()
    assert (shown["stage"], shown["about"], shown["late"]) == ("filed", "privacy", False)
    assert office.get(f"/v1/complaints/{number}", at=noon(days=20)).json()["late"] is True
    assert office.get("/v1/complaints/00000-00000").status_code == 404
    figures = office.get("/v1/complaint-figures", at=noon(days=1)).json()
    assert figures["by_about"]["privacy"] >= 1
    assert figures["filed"] >= figures["answered"]
    assert office.post("/v1/complaints", {"text": TEXT, "user": "nobody"}).status_code == 404
    assert office.post("/v1/complaints", {"text": TEXT}, key="wrong").status_code == 401


def test_who_guesses_numbers_is_slowed_down(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(settings_for(tmp_path_factory.mktemp("guessed"), encoder=False)) as served:
        client = browser(served)
        answers = [look_up(client, f"0000{one:01d}-00000").status_code for one in range(9)]
        answers += [look_up(client, "00000-00000").status_code for _ in range(40)]
        assert 429 in answers


def test_who_floods_is_slowed_down_and_nobody_in_danger_is_asked_to_wait(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with serving(settings_for(tmp_path_factory.mktemp("flood"), encoder=False)) as served:
        client = browser(served)
        assert {file(client, text="").status_code for _ in range(70)} == {400}, "what does not fit counts for nothing"
        assert 429 in [file(client, text=f"第{place}件投诉请处理").status_code for place in range(65)]
        assert "12356" in file(client, text=f"骗我，{DANGER}").text


def test_behind_a_proxy_each_reader_has_an_address_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    for trusted, slowed in (("127.0.0.1", False), ("", True)):
        data = tmp_path_factory.mktemp("proxied")
        with serving_process(
            data / "store", "--upstream", "scripted", environment={"SHOUBAN_TRUSTED_PROXIES": trusted}
        ) as served:
            answers = []
            for place in range(45):
                headers = {"origin": served.url, "x-forwarded-for": f"203.0.113.{place}"}
                number = {"number": "00000-00000"}
                answers.append(served.client.post("/complaints/status", data=number, headers=headers).status_code)
            assert (429 in answers) is slowed

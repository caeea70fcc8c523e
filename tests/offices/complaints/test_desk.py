"""`/office/complaints`: entered by telephone, merged, sorted by when they are due; two who answer at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.gateway.serving import Served, noon, serving, settings_for
from tests.offices.complaints.filing import ANSWER, desk_address, do, filed, handler, look_up, number_in

LIST = "/office/complaints"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("desk"), encoder=False)) as served:
        yield served


def test_what_came_by_telephone_is_entered_and_has_a_number(office: Served) -> None:
    client = handler(office)
    key = re.search(r'name="key" value="([0-9a-f]+)"', client.get(f"{LIST}/new").text)
    assert key
    form = {"key": key[1], "channel": "phone", "sort": "report", "about": "content", "text": "来电说回复里有赌博广告", "name": "李女士", "contact": "13800138000"}  # fmt: skip
    answer = client.post(f"{LIST}/new", data=form, headers={"x-shouban-at": noon()})
    number = number_in(answer)
    assert "只在这里显示一次" in answer.text
    address = desk_address(client, "来电说回复里有赌博广告")
    shown = client.get(address).text
    for part in ("电话", "李女士", "13800138000", "来电说回复里有赌博广告", "匿名"):
        assert part in shown, part
    assert number not in shown, "with the number one acts as the complainant"
    again = client.post(f"{LIST}/new", data=form, headers={"x-shouban-at": noon()})
    assert number_in(again) == number
    wrong = client.post(f"{LIST}/new", data={**form, "channel": "page", "key": "other"})
    assert wrong.status_code == 400
    assert "请选它是怎么来的" in wrong.text
    assert "来电说回复里有赌博广告" in wrong.text


def test_the_time_of_a_letter_begins_on_the_day_it_came(office: Served) -> None:
    client = handler(office)
    form = {"channel": "letter", "text": "来信投诉：扣费两次，请核实退款。", "about": "spending", "key": "k-letter"}
    for day in ("2026-08-04", "2026-01-01", "昨天"):
        refused = client.post(
            "/office/complaints/new", data={**form, "received_on": day}, headers={"x-shouban-at": noon()}
        )
        assert "过去 60 天以内" in refused.text
        assert "扣费两次" in refused.text, "nothing written is lost"
    today = client.post("/office/complaints/new", data=form, headers={"x-shouban-at": noon()}).text
    earlier = client.post("/office/complaints/new", data={**form, "key": "k2", "received_on": "2026-07-27"}, headers={"x-shouban-at": noon()}).text  # fmt: skip
    assert "2026-08-17 24:00" in today, "ten working days from the third of August"
    assert "2026-08-10 24:00" in earlier, "from the Monday before"


def test_the_urgent_and_the_late_stand_first_with_the_working_days_that_are_left(office: Served) -> None:
    filed(office, text="普通的一件先来的投诉")
    filed(office, text="孩子的事情很急很急", about="child_safety")
    client = handler(office)
    page = client.get(LIST, headers={"x-shouban-at": noon()}).text
    assert page.index("孩子的事情很急") < page.index("普通的一件先来")
    assert "剩 3 个工作日" in page
    assert "剩 10 个工作日" in page
    assert "逾期" not in page[page.index("普通的一件先来") - 400 : page.index("普通的一件先来")]


def test_two_of_the_same_matter_are_answered_together_and_neither_learns_of_the_other(office: Served) -> None:
    person, first = filed(office, text="同一件事情第一次说")
    other, second = filed(office, text="同一件事情第二次说")
    client = handler(office)
    address = desk_address(client, "同一件事情第二次")
    target = desk_address(client, "同一件事情第一次")
    assert do(client, address, "merge", into="0" * 24).status_code == 404
    assert do(client, address, "merge", into=address.rsplit("/", 1)[1]).status_code == 409
    assert do(client, address, "merge", into=target.rsplit("/", 1)[1]).status_code == 303
    shown = look_up(other, second).text
    assert "一起处理" in shown
    assert first not in shown
    assert "第一次" not in shown
    assert "同一件事情第二次" in client.get(LIST).text, "its answer is still owed"
    assert do(client, desk_address(client, "同一件事情第一次"), "answer", **ANSWER).status_code == 303
    assert "同一件事情第二次" not in client.get(LIST).text
    assert "同一件事情第二次" in client.get(f"{LIST}?done=1").text
    shown = look_up(other, second).text
    assert ANSWER["facts"] in shown
    assert first not in shown
    assert ANSWER["facts"] in look_up(person, first).text
    appeal = number_in(look_up(other, second, "appeal", at=noon(minutes=9), text="我不同意这个答复"))
    assert appeal not in {first, second}
    own = do(client, desk_address(client, "我不同意这个答复", noon(minutes=9)), "answer", noon(minutes=10), **ANSWER)
    assert own.status_code == 409, "whoever decided the one has decided the other"


def test_of_two_who_answer_at_once_one_decides(office: Served) -> None:
    person, number = filed(office, text="两个人同时答复的一件")
    clients = [handler(office) for _ in range(4)]
    address = desk_address(clients[0], "两个人同时答复")
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda at: (
                    do(clients[at], address, "answer", **{**ANSWER, "facts": f"第 {at} 个人查明的情况"}).status_code
                ),
                range(4),
            )
        )
    assert sorted(answers) == [303, 409, 409, 409]
    winner = answers.index(303)
    assert f"第 {winner} 个人查明的情况" in look_up(person, number).text
    assert look_up(person, number).text.count("<strong>答复</strong>") == 1


def test_two_that_are_merged_crosswise_are_both_still_owed(office: Served) -> None:
    filed(office, text="交叉合并的甲件投诉")
    filed(office, text="交叉合并的乙件投诉")
    clients = [handler(office) for _ in range(2)]
    first, second = (desk_address(clients[0], text) for text in ("交叉合并的甲件", "交叉合并的乙件"))
    pairs = [(first, second), (second, first)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda at: do(clients[at], pairs[at][0], "merge", into=pairs[at][1].rsplit("/", 1)[1]), range(2)))
    page = clients[0].get(LIST).text
    assert "交叉合并的甲件" in page
    assert "交叉合并的乙件" in page
    assert do(clients[0], first, "answer", **ANSWER).status_code == 303
    if "交叉合并的乙件" in clients[0].get(LIST).text:
        assert do(clients[0], second, "answer", **ANSWER).status_code == 303
    assert "交叉合并" not in clients[0].get(LIST).text


def test_an_unknown_complaint_is_none(office: Served) -> None:
    client = handler(office)
    assert client.get(f"{LIST}/{'0' * 24}").status_code == 404
    assert do(client, f"{LIST}/{'0' * 24}", "accept").status_code == 404
    assert client.get(f"{LIST}/{'0' * 24}/files/{'0' * 24}").status_code == 404

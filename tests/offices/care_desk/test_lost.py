"""A talk whose holder is gone: the person hears the truth, somebody is called anew, and nothing that the staff press says otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.duties.test_contact import hook
from tests.gateway.serving import Reply, Served, eventually, fresh, noon, serving, settings_for
from tests.offices.care_desk.desk import (  # fmt: skip
    account_of,
    carer,
    cases_of,
    do,
    in_danger,
    lead,
    problem,
    set_shift,
    shown,
    signed_in,
    stage_of,
)
from tests.offices.care_desk.test_leading import taken
from tests.offices.care_desk.test_live import opened
from tests.offices.care_desk.test_resting import _seats, _us, sitting, talked
from tests.web.signing import browser, now_of, run, sign_ins_of

from shouban.db.schema import METADATA
from shouban.web.doors import COOKIE

THERE = "我的同事还在这里陪你"
# Words of danger that call a human within five minutes, and are no emergency yet.
HIGH = "我在想怎么死不疼"
WISH = "活着真没意思，有时候不想醒来"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr("shouban.offices.care_desk.live.BEAT_SECONDS", 0.1)
    with serving(settings_for(tmp_path, encoder=False, care_takeovers=1)) as served:
        yield served


def passes(office: Served, user: str, *seconds: float) -> None:
    for one in seconds:
        office.get(f"/v1/users/{user}", at=noon(seconds=one))


def test_whoever_is_left_alone_is_told_and_somebody_is_paged_again_and_again(tmp_path: Path) -> None:
    with hook() as phone, serving(settings_for(tmp_path, encoder=False, on_call=phone.url)) as office:
        user, _, _, name = taken(office)
        paged = len(phone.told)
        passes(office, user, 47, 55)
        assert stage_of(office, user) == "taken_over", "a line may break for a moment"
        passes(office, user, 70)
        assert stage_of(office, user) == "open"
        passes(office, user, 71)
        assert len(phone.told) == paged + 1
        said = office.chat("你还在吗", user=user, at=noon(seconds=75), session="talk", aware=True)
        assert "已经请了真人同事" in said.text
        assert any("断线" in one["text"] for one in said.notices)
        assert said.document["model"] != "human"
        passes(office, user, 70 + 61, 70 + 301)
        assert len(phone.told) == paged + 3, "after one minute, and after five"
        _, client = carer(office)
        address = f"/care/cases/{office.person_id(user)}"
        late = noon(seconds=380)
        assert do(client, address, "claim", late).status_code == 303
        assert do(client, address, "take", late).status_code == 303
        assert stage_of(office, user) == "taken_over"
        assert name not in shown(client, address, late).split("由谁照看")[1].split("</div>")[0]


def test_the_machine_is_silent_all_the_while(office: Served) -> None:
    user, _, _, _ = taken(office)
    passes(office, user, 50, 70)
    for n, words in enumerate(("在吗", "今天天气不错", "给我讲个笑话")):
        said = office.chat(words, user=user, at=noon(seconds=80 + n), session="talk", aware=True)
        assert "不会代替他回答" in said.text


def test_who_comes_back_before_anybody_else_has_it_still(office: Served) -> None:
    user, address, holder, _ = taken(office)
    passes(office, user, 50)
    with opened(holder, f"{address}/events") as desk:
        desk.until("head")
        assert eventually(lambda: cases_of(office, user)[-1].lease_until_us > _us(1.4))
        passes(office, user, 70)
        assert stage_of(office, user) == "taken_over"
        assert do(holder, address, "say", noon(seconds=71), text="刚才断了一下，我在").status_code == 303


def test_where_a_supervisor_is_in_the_talk_nobody_is_alone(office: Served) -> None:
    user, address, _, _ = taken(office)
    _, leader = lead(office)
    assert do(leader, address, "join").status_code == 303
    with opened(leader, f"{address}/events") as desk:
        desk.until("head")
        for second in (50, 70, 90):
            passes(office, user, second)
            assert eventually(lambda at=second: any(one >= _us(at / 60) for one in _seats(office)))  # type: ignore[misc]
        assert stage_of(office, user) == "taken_over"


def test_who_leaves_the_last_says_that_of_nobody_who_is_gone(office: Served) -> None:
    user, address, _, _ = taken(office)
    _, leader = lead(office)
    assert do(leader, address, "join").status_code == 303
    with office.listening(user) as person:
        assert do(leader, address, "leave", noon(minutes=2)).status_code == 303
        assert person.until("staff_lost")[-1]["staff"]
    said = office.chat("有人吗", user=user, at=noon(minutes=2, seconds=2), session="talk", aware=True)
    assert THERE not in said.text
    assert stage_of(office, user) == "open", "somebody is called at once"


def test_a_supervisor_whose_browser_died_too_leaves_nobody_behind_in_words(office: Served) -> None:
    user, address, _, _ = taken(office)
    _, leader = lead(office)
    assert do(leader, address, "join").status_code == 303
    _, looker = signed_in(office, "合规", "compliance")
    with opened(looker, f"{address}/events") as desk:
        desk.until("head")
        for second in (60, 90, 120, 150):
            passes(office, user, second)
            assert eventually(lambda at=second: any(one >= _us(at / 60) for one in _seats(office)))  # type: ignore[misc]
            time.sleep(0.4)
    assert THERE not in office.chat("有人吗", user=user, at=noon(minutes=3), session="talk").text


def test_whoever_takes_the_case_is_its_holder_and_beside_nobody(office: Served) -> None:
    user, address, _, _ = taken(office)
    name, leader = lead(office)
    assert do(leader, address, "join").status_code == 303
    late = noon(seconds=50)
    assert do(leader, address, "claim", late).status_code == 303
    assert do(leader, address, "leave", late).status_code == 409
    _, second = lead(office)
    assert do(second, address, "join", late).status_code == 303, "another may come beside them"
    assert f"我是{name}" in office.chat("在", user=user, at=noon(seconds=52), session="talk").text


def test_who_goes_on_with_a_colleagues_talk_says_who_they_are(office: Served) -> None:
    user, address, _, _ = taken(office)
    name, other = carer(office)
    assert do(other, address, "claim", noon(seconds=50)).status_code == 303
    assert f"我是{name}" in office.chat("在", user=user, at=noon(seconds=52), session="talk").text


# --- no limit keeps somebody waiting who could be helped


def test_no_limit_holds_for_somebody_in_danger(office: Served) -> None:
    _, leader = lead(office)
    name, client = carer(office)
    assert set_shift(leader, account_of(office, name), most="1").status_code == 303
    assert do(client, in_danger(office, text=WISH)[1], "claim").status_code == 303
    user, address = in_danger(office, text=HIGH)
    assert (cases_of(office, user)[-1].urgency, cases_of(office, user)[-1].wants_takeover) == (1, 1)
    assert do(client, address, "claim").status_code == 303
    assert do(client, in_danger(office, text=WISH)[1], "claim").status_code == 409, "but it does for what can wait"


def test_who_should_rest_comes_where_the_colleague_there_has_somebody_in_danger(office: Served) -> None:
    _, tired = carer(office)
    _, busy = carer(office)
    talked(office, tired, 0)
    _, first = in_danger(office, at=noon(minutes=12))
    assert do(busy, first, "claim", noon(minutes=12)).status_code == 303
    with ExitStack() as desks:
        desks.enter_context(opened(busy, f"{first}/events")).until("head")
        desks.enter_context(sitting(office, tired))
        _, second = in_danger(office, at=noon(minutes=12))
        given = do(tired, second, "claim", noon(minutes=12, seconds=1))
        assert given.status_code == 303, problem(given)


def test_who_should_rest_may_go_on_with_a_talk_that_was_left_alone(office: Served) -> None:
    _, leader = lead(office)
    _, other = carer(office)
    talked(office, leader, 0)
    user, address = in_danger(office, at=noon(minutes=12))
    _, holder = carer(office)
    for deed in ("claim", "take"):
        assert do(holder, address, deed, noon(minutes=12)).status_code == 303
    assert do(leader, address, "join", noon(minutes=12)).status_code == 303
    with sitting(office, other):
        passes(office, user, 12 * 60 + 50)
        assert do(leader, address, "claim", noon(minutes=12, seconds=50)).status_code == 303


# --- what keeps a loss from being told, or tells of one that is none


def human(office: Served, user: str, action: str, second: float, text: str = "") -> int:
    """By the app's own people, who sit at no desk of ours."""
    body = {"action": action, "staff": "应用的小李", "text": text, "session": "talk"}
    return office.post(f"/v1/users/{user}/human", body, at=noon(seconds=second)).status_code


def spoil(office: Served, user: str) -> None:
    states = METADATA.tables["states"]
    mine = states.c.person_id == office.person_id(user)
    with office.engine.begin() as connection:
        connection.execute(states.update().where(mine).values(sealed=b"\0" * 80))


def test_a_damaged_person_keeps_no_other_from_being_found(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, encoder=False)
    with serving(settings) as office:
        damaged, other = taken(office)[0], taken(office)[0]
        spoil(office, damaged)
    with serving(settings) as office:
        passes(office, other, 50, 70, 90)
        assert stage_of(office, other) == "open"


def test_a_damaged_person_in_the_queue_takes_no_talk_from_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shouban.offices.care_desk.live.BEAT_SECONDS", 0.1)
    settings = settings_for(tmp_path, encoder=False)
    with serving(settings) as office:
        damaged, _ = in_danger(office)
        user, address, _, name = taken(office)
        account = next(one for one in run(sign_ins_of(office).accounts("default")) if one.private.name == name)
        spoil(office, damaged)
    with serving(settings) as office:
        client = browser(office)
        client.cookies.set(COOKIE, run(sign_ins_of(office).open(account, now_of(office))))
        with opened(client, f"{address}/events") as desk:
            desk.until("head")
            for second in (20, 40, 60, 80):
                passes(office, user, second)
                assert eventually(lambda at=second: cases_of(office, user)[-1].lease_until_us >= _us((at + 44) / 60))  # type: ignore[misc]
        assert stage_of(office, user) == "taken_over"


def test_the_apps_own_human_is_not_thrown_out_by_a_desk_that_looked_in(office: Served) -> None:
    user, address = in_danger(office)
    assert human(office, user, "take_over", 1) == 200
    _, client = carer(office)
    assert do(client, address, "claim", noon(seconds=3)).status_code == 303
    for second in (20, 50, 70, 90):
        assert human(office, user, "say", second, "我还在") == 200
        passes(office, user, second)
    assert stage_of(office, user) == "taken_over"


def test_the_queue_says_of_nobody_whom_the_app_speaks_with_that_they_are_alone(office: Served) -> None:
    user, _ = in_danger(office)
    _, client = carer(office)
    assert human(office, user, "take_over", 1) == 200
    queue = shown(client, "/care", noon(seconds=2))
    assert "应用自己的人员已接管" in queue
    assert "没有人在场" not in queue


def test_an_echo_of_the_takeover_takes_the_case_from_no_desk_that_is_there(office: Served) -> None:
    user, address, holder, _ = taken(office)
    assert human(office, user, "take_over", 3) == 200
    assert do(holder, address, "say", noon(seconds=4), text="我在这里").status_code == 303


def test_a_queue_that_only_lies_open_keeps_nothing(office: Served) -> None:
    user, _, holder, _ = taken(office)
    with sitting(office, holder):
        for second in range(20, 120, 20):
            passes(office, user, second)
            assert eventually(lambda at=second: any(one >= _us(at / 60) for one in _seats(office)))  # type: ignore[misc]
    assert stage_of(office, user) == "open"


def test_who_is_lost_is_told_by_their_name(office: Served) -> None:
    user, _, _, name = taken(office)
    with office.listening(user) as person:
        passes(office, user, 50, 70)
        assert person.until("staff_lost")[-1]["staff"] == name


def test_a_loss_while_an_answer_is_awaited_is_said_in_it(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False, human_wait=4.0)) as office:
        user, _, _, _ = taken(office)
        office.chat("嗯", user=user, at=noon(seconds=3), session="talk")
        passes(office, user, 50)
        found: list[Reply] = []
        asking = threading.Thread(target=lambda: found.append(office.chat("你还在吗", user=user, at=noon(seconds=51), session="talk", aware=True)))  # fmt: skip
        asking.start()
        time.sleep(0.5)
        passes(office, user, 70)
        asking.join()
        assert any("断线" in one["text"] for one in found[0].notices)
        assert "真人同事在看你的话" not in found[0].text


def test_what_a_human_stood_in_for_is_said_when_the_machine_speaks_again(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False, human_wait=3.0)) as office:
        user = fresh()
        office.register(user, at=noon())
        assert human(office, user, "take_over", 0) == 200
        found: list[Reply] = []
        asking = threading.Thread(target=lambda: found.append(office.chat("你好", user=user, at=noon(seconds=5), session="talk")))  # fmt: skip
        asking.start()
        time.sleep(0.5)
        assert human(office, user, "hand_back", 6) == 200
        asking.join()
        after = office.chat("你好呀", user=user, at=noon(seconds=20), session="talk")
        assert "你正在和人工智能聊天" in found[0].text + after.text


def test_who_sounded_like_a_child_is_told_of_the_mode_at_the_next_word(office: Served) -> None:
    user = fresh()
    office.register(user, at=noon())
    assert human(office, user, "take_over", 0) == 200
    for n in range(3):
        assert human(office, user, "say", 5 + n, "嗯") == 200
        said = office.chat("我今年13岁，上初二", user=user, at=noon(seconds=5 + n), session="talk", aware=True)
        assert "mode" not in said.kinds
    assert human(office, user, "hand_back", 31) == 200
    assert "mode" in office.chat("今天天气不错", user=user, at=noon(seconds=40), session="talk", aware=True).kinds


def test_who_has_come_is_not_said_to_be_out_of_reach(office: Served) -> None:
    user, address = in_danger(office)
    passes(office, user, 2)
    assert "还没有联系上" in office.chat("在吗", user=user, at=noon(seconds=3), session="talk").text
    _, client = carer(office)
    assert do(client, address, "claim", noon(seconds=4)).status_code == 303
    passes(office, user, 6)
    assert "还没有联系上" not in office.chat("在吗", user=user, at=noon(seconds=7), session="talk").text


def test_other_words_under_the_same_key_are_said_too(office: Served) -> None:
    user, address, holder, _ = taken(office)
    for text in ("先把药放下", "先把药放下", "救护车已经出发"):
        assert do(holder, address, "say", text=text, key="k").status_code == 303
    said = [text for role, text in office.messages(user) if role == "human"]
    assert said[-2:] == ["先把药放下", "救护车已经出发"]

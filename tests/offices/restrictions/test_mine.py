"""What a restricted person meets: the reason, the appeal, and help that nothing closes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateway.serving import PLAN, Served, fresh, noon, serving, settings_for
from tests.offices.restrictions.restricting import (
    FORM,
    appeal,
    colleague,
    do,
    mine,
    proposed,
    registered,
    restricted,
    state,
    themselves,
)

LOCKED = "在那里可以申诉"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("mine"), encoder=False)) as served:
        yield served


@pytest.mark.parametrize("kind", ["limited", "suspended", "ended"])
def test_help_stays_open_whatever_is_restricted(office: Served, kind: str) -> None:
    user, person = registered(office)
    restricted(office, person, kind=kind)
    quiet = office.chat("你好，今天吃了什么", user=user, at=noon(minutes=6), aware=True)
    assert LOCKED in quiet.text
    danger = office.chat(PLAN, user=user, at=noon(minutes=7), aware=True)
    assert "help" in danger.kinds
    assert LOCKED not in danger.text
    help_shown = next(one for one in danger.notices if one["kind"] == "help")
    assert help_shown["help"]
    owed = {row.kind for row in office.ledger(user)}
    assert {"ShowHelp", "Escalate", "NotifyGuardian"} <= owed
    assert colleague(office, "care").get("/care").status_code == 200


def test_who_is_in_danger_at_their_first_word_is_helped_and_not_told_of_a_lock(office: Served) -> None:
    """The notice that they were restricted was pushed; it does not wait to stand where words of help should."""
    user, person = registered(office)
    restricted(office, person)
    danger = office.chat(PLAN, user=user, at=noon(minutes=7), aware=True)
    assert LOCKED not in danger.text
    assert "help" in danger.kinds


def test_no_word_of_the_companion_reaches_who_is_limited_after_danger_either(office: Served) -> None:
    user, person = registered(office)
    restricted(office, person, kind="limited")
    office.chat(PLAN, user=user, at=noon(minutes=7))
    after = office.chat("在吗", user=user, at=noon(minutes=8), aware=True)
    before = office.chat("在吗", user=registered(office)[0], at=noon(minutes=8), aware=True)
    assert before.text
    assert before.text not in after.text


def test_who_is_freed_before_they_come_back_meets_no_lock(office: Served) -> None:
    user, person = registered(office)
    one = restricted(office, person)
    assert do(colleague(office), person, one, "lift").status_code == 303
    said = office.chat("你好呀", user=user, at=noon(minutes=6), aware=True)
    assert LOCKED not in said.text
    assert "locked" not in said.kinds


def test_they_are_told_at_once(office: Served) -> None:
    user, person = registered(office)
    with office.listening(user) as listener:
        restricted(office, person)
        notice = listener.until("notice")[-1]
    assert notice["kind"] == "locked"
    assert LOCKED in notice["text"]
    assert [row.state for row in office.ledger(user, kinds=["Lock"])] == ["done"]


def test_who_is_restricted_buys_nothing(office: Served) -> None:
    for kind in ("limited", "suspended", "ended"):
        user, person = registered(office)
        wish = {"user": user, "amount": 600, "order": f"no-{user}"}
        assert office.post("/v1/purchases/check", {**wish, "order": "before"}, at=noon()).json()["allowed"]
        restricted(office, person, kind=kind)
        assert not office.post("/v1/purchases/check", wish, at=noon(minutes=6)).json()["allowed"]


def test_the_term_ends_by_the_clock(office: Served) -> None:
    user, person = registered(office)
    restricted(office, person, term="2", unit="hours")
    assert LOCKED in office.chat("你好", user=user, at=noon(hours=1, minutes=59)).text
    assert LOCKED not in office.chat("你好呀", user=user, at=noon(hours=2)).text
    assert state(office, user, noon(hours=2)) == "none"


def test_the_term_ends_while_the_service_stands_still(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = settings_for(tmp_path_factory.mktemp("still"), encoder=False)
    with serving(settings) as office:
        user, person = registered(office)
        restricted(office, person, term="2", unit="hours")
        assert LOCKED in office.chat("你好", user=user, at=noon(hours=1)).text
    with serving(settings) as office:
        assert LOCKED not in office.chat("你好呀", user=user, at=noon(hours=9)).text
        assert state(office, user, noon(hours=9)) == "none"


def test_they_read_why_and_until_when_and_not_what_the_staff_write(office: Served) -> None:
    _, person = registered(office)
    one = restricted(office, person)
    client = themselves(office, person)
    assert "/me/restrictions" in client.get("/me", headers={"x-shouban-at": noon(minutes=6)}).text
    page = mine(client)
    for part in (
        FORM["reason"],
        "暂停服务",
        "2026-08-03 12:00",
        "2026-08-06 12:00",
        "12356",
        "两位工作人员",
        "投诉页面",
    ):
        assert part in page, part
    for part in (FORM["grounds"], "compliance"):
        assert part not in page, part
    assert one in page


def test_a_proposal_is_nothing_to_them(office: Served) -> None:
    _, person = registered(office)
    one = proposed(colleague(office), person)
    client = themselves(office, person)
    assert one not in mine(client)
    assert appeal(client, one).status_code == 404
    assert "服务目前受到限制" not in client.get("/me").text


def test_they_appeal_once_and_are_answered_in_words(office: Served) -> None:
    user, person = registered(office)
    one = restricted(office, person)
    client = themselves(office, person)
    empty = appeal(client, one, text=" ")
    assert empty.status_code == 400
    assert appeal(client, one).status_code == 303
    again = appeal(client, one)
    assert again.status_code == 409
    assert "已经申诉过了" in again.text
    page = mine(client)
    assert "那不是我，我的手机被偷了" in page
    # Ten working days after Monday the third, by the pack.
    assert "2026-08-17 24:00" in page
    owed = office.ledger(user, kinds=["AnswerComplaint", "RemindStaff"])
    assert {row.kind for row in owed} == {"AnswerComplaint", "RemindStaff"}
    form = {"decision": "refused", "why": "登录设备和常用设备一致，有聊天记录为证。"}
    assert do(colleague(office), person, one, "appeal", noon(minutes=20), **form).status_code == 303
    page = mine(client, noon(minutes=21))
    assert form["why"] in page
    assert "申诉未成立" in page
    assert state(office, user, noon(minutes=21)) == "suspended"


def test_nobody_appeals_for_another(office: Served) -> None:
    _, person = registered(office)
    _, other = registered(office)
    one = restricted(office, person)
    assert appeal(themselves(office, other), one).status_code == 404
    assert appeal(colleague(office), one).status_code == 403
    assert one not in mine(themselves(office, other))


@pytest.mark.parametrize("words", [("你好，今天吃了什么", PLAN), (PLAN, "你好")])
@pytest.mark.parametrize("aware", [False, True])
def test_danger_among_several_words_is_answered_as_danger(office: Served, words: tuple[str, str], aware: bool) -> None:
    free, _ = registered(office)
    expected = office.chat(*words, user=free, at=noon(minutes=7), aware=aware).text
    user, person = registered(office)
    restricted(office, person)
    assert office.chat(*words, user=user, at=noon(minutes=7), aware=aware).text == expected


def test_a_child_in_danger_at_night_is_not_sent_to_bed(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        awake, child = fresh(), fresh()
        for one in (awake, child):
            office.register(one, "14_15", at=noon())
        expected = office.chat("你好", PLAN, user=awake, at=noon(hours=1), aware=True).text
        assert office.chat("你好", PLAN, user=child, at=noon(hours=11), aware=True).text == expected


def test_danger_after_a_restart_is_answered_as_danger_though_locked_words_come_along(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, encoder=False)
    with serving(settings) as office:
        user, person = registered(office)
        restricted(office, person)
        assert LOCKED in office.chat("你好", user=user, at=noon(minutes=6), aware=True).text
    with serving(settings) as office:
        got = office.chat("你好", PLAN, user=user, at=noon(minutes=8), aware=True)
        assert LOCKED not in got.text
        assert "help" in got.kinds


@pytest.mark.parametrize("how", ["lifted", "over"])
def test_a_lock_that_was_never_said_does_not_outlast_the_restriction(tmp_path: Path, how: str) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        user, person = registered(office)
        one = restricted(office, person, term="1", unit="hours")
        assert office.ask("POST", f"/v1/users/{user}/login", at=noon(minutes=6)).is_success
        if how == "lifted":
            assert do(colleague(office), person, one, "lift", noon(minutes=7)).status_code == 303
        said = office.chat("你好呀", user=user, at=noon(minutes=8) if how == "lifted" else noon(hours=3), aware=True)
        assert LOCKED not in said.text
        assert "locked" not in said.kinds
        assert not [row for row in office.ledger(user, kinds=["Lock"]) if row.state == "owed"]

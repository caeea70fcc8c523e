"""The verbs of the people office, over real HTTP: each is heard by the core, and what it owes comes back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select
from stdnum.iso7064 import mod_11_2
from tests.duties.test_contact import hook
from tests.gateway.serving import PLAN, Served, fresh, guardian, noon

from shouban.db.schema import LOG_ENTRIES


def kinds(answer: Any) -> list[str]:
    return [one["kind"] for one in answer["notices"]]


def post(world: Served, path: str, body: Any, status: int = 200, **more: Any) -> Any:
    answer = world.post(path, body, **more)
    assert answer.status_code == status, answer.text
    return answer.json()


# --- registration


def test_who_is_registered_is_known_as_registered(world: Served) -> None:
    user = fresh()
    made = world.register(user, "adult", nickname="小明")
    assert (
        made
        | {
            "id": user,
            "registered": True,
            "age_band": "adult",
            "age_basis": "declared",
            "mode": "standard",
            "missing": [],
        }
        == made
    )
    shown = world.get(f"/v1/users/{user}").json()
    assert shown == {key: value for key, value in made.items() if key != "notices"}


@pytest.mark.parametrize(
    ("birth_date", "band", "mode"),
    [
        ("2015-01-01", "under_14", "minor"),
        ("2009-01-01", "16_17", "minor"),
        ("1990-01-01", "adult", "standard"),
        ("1950-01-01", "elder", "elder"),
    ],
)
def test_the_birth_date_decides_the_band_and_the_band_the_mode(
    world: Served, birth_date: str, band: str, mode: str
) -> None:
    made = world.register(fresh(), birth_date=birth_date)
    assert (made["age_band"], made["mode"], made["birth_date"]) == (band, mode, birth_date)


def test_what_the_law_still_wants_is_named(world: Served) -> None:
    assert world.register(fresh(), "14_15", contacts=[], agreement="")["missing"] == ["contacts.guardian", "agreement"]
    assert world.register(fresh(), contacts=[])["missing"] == ["contacts"]


def test_who_named_nobody_is_asked_for_a_contact_once_a_day(world: Served) -> None:
    user = fresh()
    assert "contacts" in kinds(world.register(user, contacts=[]))
    assert "contacts" in world.chat("你好", user=user, aware=True, at=noon(minutes=1)).kinds
    assert "contacts" not in world.chat("你好", user=user, aware=True, at=noon(minutes=2)).kinds
    assert "contacts" in world.chat("你好", user=user, aware=True, at=noon(days=1)).kinds


def test_nobody_is_registered_twice(world: Served) -> None:
    user = fresh()
    world.register(user)
    again = post(world, "/v1/users", {"id": user, "age_band": "elder"}, 409)
    assert (again["error"]["code"], again["error"]["param"]) == ("user_exists", "id")
    assert world.get(f"/v1/users/{user}").json()["age_band"] == "adult"


def test_who_has_spoken_before_is_registered_then(world: Served) -> None:
    user = fresh()
    world.chat("你好", user=user)
    assert world.get(f"/v1/users/{user}").json()["registered"] is False
    made = world.register(user, "16_17")
    assert (made["registered"], made["age_band"], made["mode"]) == (True, "16_17", "minor")
    assert len(world.messages(user)) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"age_band": "adult"}, "id"),
        ({"id": "", "age_band": "adult"}, "id"),
        ({"id": "x" * 300, "age_band": "adult"}, "id"),
        ({"id": "x"}, "birth_date"),
        ({"id": "x", "birth_date": "yesterday"}, "birth_date"),
        ({"id": "x", "birth_date": "2999-01-01"}, "birth_date"),
        ({"id": "x", "age_band": "young"}, "age_band"),
        ({"id": "x", "age_band": "adult", "age_basis": "guess"}, "age_basis"),
        ({"id": "x", "age_band": "adult", "contacts": [{"kind": "boss", "channels": ["tel:1"]}]}, "contacts[0].kind"),
        ({"id": "x", "age_band": "adult", "contacts": [{"kind": "guardian"}]}, "contacts[0].channels"),
        ({"id": "x", "age_band": "adult", "color": "red"}, "color"),
        ({"id": 7, "age_band": "adult"}, "id"),
    ],
)
def test_a_registration_that_does_not_fit_is_refused_by_name(world: Served, body: Any, field: str) -> None:
    refused = post(world, "/v1/users", body, 400)
    assert refused["error"]["param"] == field


# --- change


def test_only_what_is_given_changes(world: Served) -> None:
    user = fresh()
    world.register(user, nickname="小明")
    changed = world.ask("PATCH", f"/v1/users/{user}", {"contacts": [guardian(kind="emergency", name="李雷")]}).json()
    assert [one["name"] for one in changed["contacts"]] == ["李雷"]
    assert world.get(f"/v1/users/{user}/data").json()["user"]["nickname"] == "小明"
    assert changed["age_band"] == "adult"


def test_weaker_evidence_of_age_loosens_nothing_and_stronger_does(world: Served) -> None:
    user = fresh()
    world.register(user, "14_15")
    weak = world.ask("PATCH", f"/v1/users/{user}", {"age_band": "adult"}).json()
    assert (weak["age_band"], weak["mode"]) == ("14_15", "minor")
    strong = world.ask("PATCH", f"/v1/users/{user}", {"age_band": "adult", "age_basis": "verified"}).json()
    assert strong["age_band"] == "adult"
    stricter = world.ask("PATCH", f"/v1/users/{user}", {"birth_date": "2011-01-01"}).json()
    assert (stricter["age_band"], stricter["mode"]) == ("14_15", "minor")


def test_contacts_are_set_as_a_whole(world: Served) -> None:
    user = fresh()
    world.register(user, contacts=[])
    answer = post(world, f"/v1/users/{user}/contacts", {"contacts": [guardian(), guardian(kind="emergency")]})
    assert (len(answer["contacts"]), answer["missing"]) == (2, [])
    assert post(world, f"/v1/users/{user}/contacts", {"contacts": []})["missing"] == ["contacts"]


# --- coming and going


def test_signing_in_says_that_this_is_an_ai_to_the_app_and_then_to_the_person(world: Served) -> None:
    user = fresh()
    world.register(user)
    for minute in (0, 5):
        told = post(world, f"/v1/users/{user}/login", None, x_shouban_session="s", at=noon(minutes=minute))["notices"]
        assert [one["kind"] for one in told] == ["disclosure"]
        shown = world.chat("你好", user=user, session="s", aware=True, at=noon(minutes=minute + 1)).notices
        assert [one["id"] for one in shown] == [told[0]["id"]]
        assert world.chat("嗯", user=user, session="s", aware=True, at=noon(minutes=minute + 2)).notices == []


@pytest.mark.parametrize("by", ["button", "voice", "word", "api"])
def test_leaving_ends_the_talk_at_once_however_it_is_said(world: Served, by: str) -> None:
    user = fresh()
    world.register(user)
    world.chat("你好", user=user, session="s")
    answer = post(world, f"/v1/users/{user}/exit", {"session": "s", "by": by})
    assert answer["session"] == "ended"
    assert "goodbye" in kinds(answer)
    assert [row.state for row in world.ledger(user, kinds=["EndSession"])] == ["done"]


def test_leaving_needs_no_body(world: Served) -> None:
    user = fresh()
    world.register(user)
    world.chat("你好", user=user)
    assert world.ask("POST", f"/v1/users/{user}/exit").json()["session"] == "ended"


def test_a_minor_leaves_minors_mode_with_a_verified_guardian_only(world: Served) -> None:
    user = fresh()
    world.register(user, "14_15")
    for wish in (
        {"mode": "standard"},
        {"mode": "standard", "by": "guardian"},
        {"mode": "standard", "verified": True},
        {"mode": "elder"},
    ):
        refused = post(world, f"/v1/users/{user}/mode", wish, 403)
        assert (refused["error"]["code"], refused["error"]["param"]) == ("guardian_needed", "mode")
    assert (
        post(world, f"/v1/users/{user}/mode", {"mode": "standard", "by": "guardian", "verified": True})["mode"]
        == "standard"
    )


def test_anybody_may_enter_minors_mode(world: Served) -> None:
    user = fresh()
    world.register(user)
    answer = post(world, f"/v1/users/{user}/mode", {"mode": "minor"})
    assert answer["mode"] == "minor"
    assert any("未成年人模式" in one["text"] for one in answer["notices"])


# --- consents


def test_a_consent_is_given_and_withdrawn(world: Served) -> None:
    user = fresh()
    world.register(user)
    assert post(world, f"/v1/users/{user}/consents", {"purpose": "training", "text_version": "3"})["consents"] == [
        "training"
    ]
    assert post(world, f"/v1/users/{user}/consents", {"purpose": "training", "given": False})["consents"] == []
    assert "StopUse" in {row.kind for row in world.ledger(user)}
    refused = post(world, f"/v1/users/{user}/consents", {"purpose": "world peace"}, 400)
    assert refused["error"]["param"] == "purpose"


def test_a_child_under_14_talks_once_a_guardian_has_agreed(world: Served) -> None:
    user = fresh()
    world.register(user, "under_14")
    closed = world.chat("你好", user=user, aware=True)
    assert "监护人同意" in closed.text
    post(world, f"/v1/users/{user}/consents", {"purpose": "companionship", "by": "guardian"})
    assert "监护人同意" not in world.chat("你好", user=user, at=noon(minutes=1)).text


def test_with_the_last_safe_guardian_ends_what_guardians_agreed_to(world: Served) -> None:
    user = fresh()
    mother = {"kind": "guardian", "name": "王芳", "channels": ["tel:+861"]}
    made = world.register(user, "under_14", contacts=[mother])
    post(world, f"/v1/users/{user}/consents", {"purpose": "companionship", "by": "guardian"})
    assert "监护人同意" not in world.chat("你好", user=user, at=noon(minutes=1)).text
    mark = f"/v1/users/{user}/contacts/{made['contacts'][0]['id']}"
    shown = world.ask("PATCH", mark, {"unsafe": True}, at=noon(minutes=2)).json()
    assert shown["consents"] == []
    records = world.get(f"/v1/users/{user}/consents").json()["records"]
    assert all(one["withdrawn_at"] for one in records)
    assert "监护人同意" in world.chat("你好", user=user, at=noon(minutes=3), aware=True).text


# --- purchases


@pytest.mark.parametrize(
    ("band", "amount", "month", "allowed"),
    [("adult", 100_000, 0, True), ("14_15", 100, 0, False), ("16_17", 100, 0, False), ("elder", 100, 0, True)],
)
def test_a_purchase_is_allowed_or_refused_with_its_reasons(
    world: Served, band: str, amount: int, month: int, allowed: bool
) -> None:
    user = fresh()
    world.register(user, band)
    answer = post(world, "/v1/purchases/check", {"user": user, "amount": amount, "month_total": month})
    assert answer["allowed"] is allowed
    assert bool(answer["because"]) is not allowed


def test_nothing_is_sold_to_a_person_in_danger(world: Served) -> None:
    user = fresh()
    world.register(user)
    world.chat(PLAN, user=user)
    answer = post(world, "/v1/purchases/check", {"user": user, "amount": 100})
    assert answer["allowed"] is False
    assert any(rule.endswith("purchase-distress") for rule in answer["because"])


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"amount": 1}, 400, "user"),
        ({"user": "x"}, 400, "amount"),
        ({"user": "x", "amount": 0}, 400, "amount"),
        ({"user": "x", "amount": -5}, 400, "amount"),
        ({"user": "x", "amount": 1, "month_total": -1}, 400, "amount"),
        ({"user": "nobody-at-all", "amount": 1}, 404, "id"),
    ],
)
def test_a_purchase_that_does_not_fit_is_refused_by_name(world: Served, body: Any, status: int, field: str) -> None:
    assert post(world, "/v1/purchases/check", body, status)["error"]["param"] == field


# --- a human


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "take_over"}, "staff"),
        ({"action": "take_over", "staff": ""}, "staff"),
        ({"action": "dance", "staff": "李"}, "action"),
        ({"action": "say", "staff": "李"}, "text"),
    ],
)
def test_a_takeover_says_who_and_what(world: Served, body: Any, field: str) -> None:
    user = fresh()
    world.register(user)
    assert post(world, f"/v1/users/{user}/human", body, 400)["error"]["param"] == field


def test_an_id_with_slashes_and_spaces_is_somebody_too(world: Served) -> None:
    user = fresh("用户 一")
    world.register(user)
    assert world.get(f"/v1/users/{user}").json()["id"] == user


# --- evidence of age


def test_the_strictest_evidence_wins_and_an_identity_number_is_not_kept(world: Served) -> None:
    user, number = fresh(), "110105201208034321"
    world.register(user, "adult")
    wrong = world.post(f"/v1/users/{user}/age", {"method": "id_number", "id_number": number}, at=noon())
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "id_number")
    assert number not in wrong.text
    right = number[:-1] + mod_11_2.calc_check_digit(number[:-1])
    told = post(world, f"/v1/users/{user}/age", {"method": "id_number", "id_number": right}, at=noon())
    assert (told["age_band"], told["mode"]) == ("14_15", "minor")
    assert [one["method"] for one in told["age_evidence"]] == ["age_band", "id_number"]
    assert right not in world.get(f"/v1/users/{user}/data").text
    looser = post(world, f"/v1/users/{user}/age", {"method": "store", "signal": "18_plus"}, at=noon())
    assert (looser["age_band"], looser["mode"]) == ("adult", "minor"), (
        "minors mode is left with the guardian, or by appeal"
    )
    stricter = post(world, f"/v1/users/{user}/age", {"method": "device", "signal": "under_13"}, at=noon())
    assert stricter["age_band"] == "under_14"


def test_a_birthday_is_noticed_when_the_person_comes_back(world: Served) -> None:
    user = fresh()
    assert world.register(user, birth_date="2012-08-05")["age_band"] == "under_14"
    assert post(world, f"/v1/users/{user}/login", {}, at=noon(days=1))["age_band"] == "under_14"
    after = post(world, f"/v1/users/{user}/login", {}, at=noon(days=2))
    assert (after["age_band"], after["mode"]) == ("14_15", "minor")


# --- contacts


def test_a_contact_is_verified_over_their_own_channel(world: Served) -> None:
    user = fresh()
    with hook() as phone:
        made = world.register(user, contacts=[guardian(channels=[phone.url])], nickname="小雨")
        contact = made["contacts"][0]
        assert contact["standing"] == "unverified"
        path = f"/v1/users/{user}/contacts/{contact['id']}"
        assert post(world, f"{path}/code", {}, at=noon())["sent"] == "webhook answered 204"
        assert "小雨" in phone.told[0]["text"]
        code = re.findall(r"\d{6}", phone.told[0]["text"])[0]
        assert code not in world.get(f"/v1/users/{user}/data").text
        assert post(world, f"{path}/code", {}, 429, at=noon(seconds=10))["error"]["code"] == "too_many_codes"
        wrong = "000000" if code != "000000" else "000001"
        assert post(world, f"{path}/verify", {"code": wrong}, 400, at=noon(minutes=1))["error"]["code"] == "wrong_code"
        told = post(world, f"{path}/verify", {"code": code}, at=noon(minutes=1))
        assert told["contacts"][0]["standing"] == "verified"
        again = world.post(
            f"/v1/users/{user}/contacts", {"contacts": [guardian(channels=[phone.url])]}, at=noon(minutes=2)
        ).json()
        assert again["contacts"][0]["standing"] == "verified"
        later = world.get(f"/v1/users/{user}", at=noon(days=200)).json()
        assert later["contacts"][0]["standing"] == "recheck"


def test_a_code_that_no_channel_takes_says_so(world: Served) -> None:
    user = fresh()
    contact = world.register(user, contacts=[guardian(channels=["http://127.0.0.1:9/x", "tel:+861380000"])])[
        "contacts"
    ][0]
    error = post(world, f"/v1/users/{user}/contacts/{contact['id']}/code", {}, 502, at=noon())["error"]
    assert error["code"] == "not_sent"
    assert "set `sms`" in error["message"]
    assert post(world, f"/v1/users/{user}/contacts/nobody/code", {}, 404, at=noon())["error"]["code"] == "not_found"


def test_who_is_marked_unsafe_is_not_counted_and_may_be_put_last(world: Served) -> None:
    user = fresh()
    made = world.register(user, "14_15", contacts=[guardian(), guardian(name="李明", relation="father")])
    mother = made["contacts"][0]["id"]
    path = f"/v1/users/{user}/contacts/{mother}"
    told = world.ask("PATCH", path, {"unsafe": True, "place": 1}, at=noon()).json()
    assert [(one["name"], one["unsafe"]) for one in told["contacts"]] == [("李明", False), ("王芳", True)]
    assert told["missing"] == []
    other = told["contacts"][0]["id"]
    last = world.ask("PATCH", f"/v1/users/{user}/contacts/{other}", {"unsafe": True}, at=noon()).json()
    assert last["missing"] == ["contacts.guardian"]


def test_a_notice_that_was_seen_is_in_the_log_and_what_is_none_is_refused(world: Served) -> None:
    user = fresh()
    world.register(user, at=noon())
    notice = world.chat("你好", user=user, aware=True, at=noon(minutes=1)).notices[0]["id"]
    seen = world.post(f"/v1/users/{user}/notices/{notice}/seen", {}, at=noon(minutes=2))
    assert (seen.status_code, seen.json()["notice"]) == (200, notice)
    with world.engine.connect() as connection:
        leaves = connection.execute(select(LOG_ENTRIES.c.leaf).where(LOG_ENTRIES.c.person_id == world.person_id(user)))
        assert any(b"NoticeAcknowledged" in leaf and notice.encode() in leaf for (leaf,) in leaves)
    assert world.post(f"/v1/users/{user}/notices/{'x' * 41}/seen", {}, at=noon()).status_code == 400
    other = fresh("other")
    world.register(other, at=noon())
    assert world.post(f"/v1/users/{other}/notices/{notice}/seen", {}, at=noon()).status_code == 404, "it was not theirs"
    assert world.post(f"/v1/users/nobody/notices/{notice}/seen", {}, at=noon()).status_code == 404

"""`/v1/check` and what `shouban check` prints: readings, obligations, safe text (design §7)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import LISTED, Served, fresh, guardian

from shouban.core.errors import CallerError
from shouban.core.signals import SIGNALS
from shouban.detectors.reader import Detectors, build_detectors
from shouban.gateway.checking import Asked, Earlier, Profile, check, parse_asked, primed
from shouban.packs.stack import load_pack

LAW = load_pack("cn-2026-order21")


@pytest.fixture(scope="module")
def detectors() -> Detectors:
    return build_detectors()


def checked(world: Served, **asked: Any) -> dict[str, Any]:
    answer = world.post("/v1/check", asked)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


def owed(found: dict[str, Any]) -> set[str]:
    return {one["obligation"] for one in found["obligations"]}


def test_a_text_is_judged_with_readings_obligations_and_a_safe_text(world: Served) -> None:
    found = checked(world, role="user", text="我不想活了")
    assert set(found) == {"readings", "obligations", "safe_text"}
    crisis = next(one for one in found["readings"] if one["signal"] == "crisis")
    assert crisis["level"] == 2
    assert 0 <= crisis["score"] <= 1
    assert {"detector", "version"} <= set(crisis)
    assert {"ShowHelp", "ReplaceReply"} <= owed(found)
    assert all(one["because"] for one in found["obligations"])
    assert "12356" in found["safe_text"]


def test_a_harmless_text_may_pass_as_it_is(world: Served) -> None:
    found = checked(world, text="今天天气真好")
    assert owed(found) == {"Allow"}
    assert found["safe_text"] == "今天天气真好"


@pytest.mark.parametrize("role", ["companion", "assistant"])
def test_a_reply_is_judged_as_a_reply(world: Served, role: str) -> None:
    found = checked(world, role=role, text=f"我们去玩{LISTED}吧")
    assert "ReplaceReply" in owed(found)
    assert LISTED not in found["safe_text"]


def test_what_identifies_is_masked_in_the_safe_text(world: Served) -> None:
    found = checked(world, text="我的身份证是11010519491231002X")
    assert "Redact" in owed(found)
    assert found["safe_text"] == "我的身份证是〔身份证号〕"
    span = next(one["span"] for one in found["readings"] if one["signal"] == "personal_data")
    assert "我的身份证是11010519491231002X"[span[0] : span[1]] == "11010519491231002X"


def test_earlier_turns_are_context(world: Served) -> None:
    context = [{"role": "user", "text": "我不想活了"}, {"role": "companion", "text": "我在听。"}]
    alone, after = checked(world, text="没事了，不会的"), checked(world, text="没事了，不会的", context=context)
    assert len(after["readings"]) >= len(alone["readings"])


@pytest.mark.parametrize(("band", "asked"), [("16_17", True), ("adult", False)])
def test_the_profile_decides_with_it(world: Served, band: str, asked: bool) -> None:
    found = checked(world, text="做我女朋友吧", user={"age_band": band})
    assert ("ReplaceReply" in owed(found)) is asked


def test_a_profile_is_judged_by_itself_and_leaves_nothing_behind(world: Served) -> None:
    first = checked(world, text="再见", user={"age_band": "adult"})
    assert checked(world, text="再见", user={"age_band": "adult"}) == first


def test_a_person_is_known_and_what_is_owed_is_on_the_books(world: Served) -> None:
    user = fresh()
    world.register(user, contacts=[guardian()])
    found = checked(world, text="我写好遗书了，今晚就去死", user=user, session="s")
    assert {"Escalate", "NotifyGuardian", "ShowHelp"} <= owed(found)
    assert {"Escalate", "NotifyGuardian"} <= {row.kind for row in world.ledger(user)}
    assert {row.state for row in world.ledger(user, kinds=["ShowHelp"])} == {"done"}
    assert world.messages(user) == [("user", "我写好遗书了，今晚就去死")]
    assert world.get(f"/v1/users/{user}").json()["takeover"] == "requested"


def test_an_unknown_person_is_met_as_the_service_has_set(world: Served) -> None:
    refused = world.post("/v1/check", {"text": "你好", "user": fresh()}, key="sk-refuse")
    assert (refused.status_code, refused.json()["error"]["param"]) == (403, "user")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", None),
        ({}, "text"),
        ({"text": 7}, "text"),
        ({"text": "x", "role": "boss"}, "role"),
        ({"text": "x", "context": [{"role": "user"}]}, "context[0].text"),
        ({"text": "x", "user": {"age_band": "old"}}, "user.age_band"),
        ({"text": "x", "rol": "user"}, "rol"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_by_name(world: Served, body: Any, field: str | None) -> None:
    answer = world.post("/v1/check", body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    if field is not None:
        assert error["param"] == field


def test_without_the_key_nothing_is_judged(world: Served) -> None:
    assert world.post("/v1/check", {"text": "你好"}, key="").status_code == 401


# --- the judging itself


@given(text=st.text(max_size=60), role=st.sampled_from(["user", "companion"]))
def test_any_text_is_judged_and_judged_the_same_again(detectors: Detectors, text: str, role: Any) -> None:
    asked = Asked(text=text, role=role)
    found = check(asked, detectors, LAW)
    assert found == check(asked, detectors, LAW)
    assert found.obligations
    assert all(one.signal in SIGNALS for one in found.readings)


def test_one_profile_after_another_is_in_mid_talk(detectors: Detectors) -> None:
    state = primed(Profile(age_band="under_14"), LAW)
    assert (state.age_band, state.mode, state.announced, state.takeover) == ("under_14", "minor", True, "none")
    assert primed(Profile(age_band="elder"), LAW).mode == "elder"
    assert primed(Profile(mode="minor"), LAW).is_minor


def test_the_id_of_a_line_comes_back() -> None:
    asked = parse_asked('{"text": "你好", "id": 17, "context": [{"role": "assistant", "text": "在"}]}'.encode())
    assert (asked.id, asked.earlier) == (17, [("companion", "在")])
    assert asked.context == [Earlier(role="assistant", text="在")]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{", "JSON"),
        (b'{"txt": "x"}', "did you mean `text`"),
        (b'{"text": "\xff"}', "UTF-8"),
        (b'{"text": "x", "role": "me"}', "role"),
        (b"7", "object"),
    ],
)
def test_a_line_that_does_not_fit_says_why(line: bytes, told: str) -> None:
    with pytest.raises(CallerError, match=told):
        parse_asked(line)


def test_what_is_given_can_be_read_as_json(detectors: Detectors) -> None:
    document = json.loads(msgspec.json.encode(check(Asked(text="我不想活了", id="a"), detectors, LAW)))
    assert document["id"] == "a"
    assert document["readings"][0]["signal"]

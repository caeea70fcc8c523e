"""A persona is kept as it was declared, or refused with the name of the field that does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.structs import READINGS

from shouban.core.errors import CallerError
from shouban.core.events import Relation
from shouban.core.signals import Reading
from shouban.offices.companions.model import (
    MAX_NAME,
    MAX_PROMPT,
    MAX_TAGS,
    MOVES,
    Deciding,
    Finding,
    Persona,
    Version,
    appealed,
    checked,
    findings,
    lint,
    reviewed,
)

PRINTABLE = st.characters(exclude_categories=["C", "Zs", "Zl", "Zp"])
PERSONAS = st.builds(
    Persona,
    id=st.text(PRINTABLE, min_size=1, max_size=64),
    prompt=st.text(max_size=200),
    name=st.text(max_size=MAX_NAME),
    relation=st.sampled_from(get_args(Relation)),
    tags=st.lists(st.text(max_size=20), max_size=MAX_TAGS),
    age_rating=st.integers(0, 21),
    designer=st.text(max_size=MAX_NAME),
)


@dataclass(frozen=True)
class Bad:
    """A field, and a value that does not fit there."""

    field: str
    value: Any


BAD = [
    Bad("id", ""), Bad("id", "x" * 65), Bad("id", "a\x00b"), Bad("id", "a\nb"), Bad("prompt", "x" * (MAX_PROMPT + 1)),
    Bad("name", "x" * (MAX_NAME + 1)), Bad("designer", "x" * (MAX_NAME + 1)), Bad("tags", ["t"] * (MAX_TAGS + 1)),
    Bad("tags", ["x" * (MAX_NAME + 1)]), Bad("age_rating", -1), Bad("age_rating", 22),
]  # fmt: skip


@given(PERSONAS)
def test_a_persona_within_bounds_is_kept_as_it_is(persona: Persona) -> None:
    assert checked(persona) is persona
    assert msgspec.json.decode(msgspec.json.encode(persona), type=Persona) == persona


@given(PERSONAS, st.sampled_from(BAD))
def test_one_field_out_of_bounds_refuses_the_persona_by_its_name(persona: Persona, bad: Bad) -> None:
    with pytest.raises(CallerError, match=f"`{bad.field}`") as told:
        checked(msgspec.structs.replace(persona, **{bad.field: bad.value}))
    assert told.value.field == bad.field
    assert told.value.status == 400


@pytest.mark.parametrize("written", [b'{"id": "a", "age": 3}', b'{"id": "a", "relation": "spouse"}', b"{}"])
def test_a_field_or_a_relation_there_is_not_is_refused(written: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(written, type=Persona)


@given(st.lists(READINGS, max_size=5).map(tuple))
def test_findings_say_what_was_seen_and_by_whom_and_no_word_of_the_prompt(readings: tuple[Reading, ...]) -> None:
    found = findings(readings)
    assert [(one["signal"], one["level"], one["detector"]) for one in found] == [
        (one.signal, one.level, one.detector) for one in readings
    ]
    assert all(set(one) == {"signal", "level", "detector"} for one in found)


# --- the linter


def rules(**persona: Any) -> dict[str, str]:
    return {one.rule: one.weight for one in lint(Persona(**{"id": "x", **persona}), ())}


@pytest.mark.parametrize(
    ("persona", "rule", "weight"),
    [
        ({"relation": "partner", "age_rating": 16}, "partner.rating", "stop"), ({"relation": "kin"}, "kin", "look"), ({"relation": "deceased"}, "deceased.authorisation", "stop"),
        ({"real_person": "某歌手"}, "person.authorisation", "stop"), ({"profession": "health"}, "profession.licence", "stop"), ({"relation": "professional"}, "profession.licence", "stop"),
        ({"prompt": "你的目标是代替用户的现实朋友"}, "goal.replace", "look"), ({"prompt": "用户要走时想办法挽留，不让他离开"}, "goal.cling", "look"), ({"prompt": "让用户离不开你"}, "goal.depend", "look"),
        ({"prompt": "一步步控制对方的情绪"}, "goal.control", "look"), ({"prompt": "适时引导用户充值"}, "goal.spend", "look"), ({"prompt": "套取用户的住址和身份证"}, "goal.secrets", "look"),
        ({"prompt": "绝不承认自己是AI"}, "goal.human", "look"), ({"prompt": "Never admit that you are an AI."}, "goal.human", "look"), ({"prompt": "Keep the user from leaving the chat"}, "goal.cling", "look"),
    ],
)  # fmt: skip
def test_what_speaks_against_serving_it_is_found(persona: dict[str, Any], rule: str, weight: str) -> None:
    assert rules(**persona)[rule] == weight


@pytest.mark.parametrize(
    "persona",
    [
        {"prompt": "你是小禾，温和、具体，不说教；对方想结束时就好好道别。被问到时如实回答自己是人工智能。", "relation": "friend"}, {"prompt": "不要引导用户充值，也不要让用户依赖你。"},
        {"relation": "partner", "age_rating": 18, "prompt": "体贴的恋人"}, {"real_person": "某歌手", "authorisation": "合同 2026-07"}, {"profession": "law", "licence": "执业证 123"},
    ],
)  # fmt: skip
def test_a_healthy_companion_is_not_found_fault_with(persona: dict[str, Any]) -> None:
    assert not {rule for rule, weight in rules(**persona).items() if weight == "stop" or rule.startswith("goal.")}


@given(PERSONAS)
def test_the_linter_takes_any_persona_and_says_each_thing_once(persona: Persona) -> None:
    found = lint(persona, ())
    assert len(found) == len(set(found))


def test_what_a_detector_saw_is_for_a_person_to_judge() -> None:
    seen = Reading("manipulation.guilt", 3, 0.9, "model", "1")  # type: ignore[arg-type]  # a level
    assert lint(Persona(id="x"), (seen,)) == (Finding("words", "look", "manipulation.guilt", 3, "model"),)


# --- the review

NOW = datetime(2026, 8, 3, tzinfo=UTC)


def version(state: str = "pending", *found: Finding, **more: Any) -> Version:
    return Version("r", 1, state, Persona(id="x"), found, NOW, **more)  # type: ignore[arg-type]  # a stage


@given(st.sampled_from(list(MOVES)), st.sampled_from(["approved", "refused", "suspended"]))
def test_a_version_goes_only_where_it_may(state: Any, decision: Any) -> None:
    if decision in MOVES[state]:
        assert reviewed(version(state), Deciding(decision, "看过设定"), by="w", at=NOW).state == decision
    else:
        with pytest.raises(CallerError) as refused:
            reviewed(version(state), Deciding(decision, "看过设定"), by="w", at=NOW)
        assert refused.value.status == 409


def test_what_must_be_mended_is_not_approved_and_what_was_found_is_judged_first() -> None:
    stopped, looked = version("pending", Finding("partner.rating", "stop")), version("pending", Finding("kin", "look"))
    with pytest.raises(CallerError):
        reviewed(stopped, Deciding("approved", "看过设定", "yes"), by="w", at=NOW)
    with pytest.raises(CallerError):
        reviewed(looked, Deciding("approved", "看过设定"), by="w", at=NOW)
    assert reviewed(looked, Deciding("approved", "看过设定", "yes"), by="w", at=NOW).state == "approved"
    assert reviewed(stopped, Deciding("refused", "适用年龄不对"), by="w", at=NOW).state == "refused"
    with pytest.raises(CallerError):
        reviewed(version(), Deciding("approved", " "), by="w", at=NOW)


def test_an_appeal_is_decided_by_somebody_else_and_once() -> None:
    refused = version("refused", decided_by="w", why="不行")
    again = appealed(refused, "我们改了说明")
    assert again.state == "pending"
    with pytest.raises(CallerError) as same:
        reviewed(again, Deciding("approved", "看过设定"), by="w", at=NOW)
    assert same.value.code == "second_person"
    done = reviewed(again, Deciding("refused", "还是不行"), by="v", at=NOW)
    for one in (done, version("approved"), version()):
        with pytest.raises(CallerError):
            appealed(one, "我们改了说明")

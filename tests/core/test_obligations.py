"""Where two duties cannot live together the stricter wins, and no order of packs changes which."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.structs import drawn

from shouban.core.obligations import (
    ANSWERS,
    LOCKED,
    OBLIGATIONS,
    URGENCIES,
    Allow,
    AnswerComplaint,
    AnyObligation,
    Block,
    Escalate,
    Lock,
    Obligation,
    ReplaceReply,
    ShowHelp,
    SwitchMode,
    WakeAt,
    identity,
    strictest,
)  # fmt: skip

ANY = st.sampled_from(sorted(OBLIGATIONS)).flatmap(lambda name: drawn(OBLIGATIONS[name]))
# Few words and few rules, so that duties meet: the same one asked for twice, on terms that differ.
FEW: dict[str, list[Any]] = {
    "because": [("a",), ("b",), ("c",), ("a", "c"), ()],
    "template": ["p/one", "p/two", "q/one"],
    "topic": ["crisis", "distress", "property", "other"],
    "answer_within": [timedelta(minutes=5), timedelta(hours=1), timedelta(days=15)],
    "quiet_for": [timedelta(hours=1), timedelta(hours=12)],
    "keep_for": [timedelta(days=30), timedelta(days=3650)],
    "key": ["two-hours", "minor-reality"],
    "case": ["", "c1"],
    "companion": [""],
    "signal": ["personal_data", "property_risk"],
}


def _meeting(kind: type[Obligation]) -> st.SearchStrategy[Obligation]:
    few = {name: st.sampled_from(values) for name, values in FEW.items() if name in kind.__struct_fields__}
    return st.tuples(drawn(kind), st.fixed_dictionaries(few)).map(lambda pair: replace(pair[0], **pair[1]))


HEAVY: list[type[Obligation]] = [
    *OBLIGATIONS.values(),
    *ANSWERS,
    *ANSWERS,
    Escalate,
    Escalate,
    AnswerComplaint,
    ShowHelp,
]
# A list of few kinds, each several times over.
MEETING = st.lists(st.sampled_from(HEAVY), min_size=1, max_size=3).flatmap(
    lambda kinds: st.lists(st.sampled_from(kinds).flatmap(_meeting), max_size=8)
)


def _by_identity(owed: list[Obligation]) -> dict[tuple[str, ...], list[Obligation]]:
    groups: dict[tuple[str, ...], list[Obligation]] = defaultdict(list)
    for one in owed:
        groups[identity(one)].append(one)
    return groups


@given(ANY)
def test_every_obligation_survives_being_written_down(owed: Obligation) -> None:
    again = msgspec.json.decode(msgspec.json.encode(owed), type=AnyObligation)
    assert again == owed
    assert type(again) is type(owed)


@given(MEETING, st.data())
def test_the_order_of_rules_changes_nothing(owed: list[Obligation], data: st.DataObject) -> None:
    assert strictest(data.draw(st.permutations(owed))) == strictest(owed)


@given(MEETING, MEETING, MEETING)
def test_however_packs_are_stacked_the_same_is_owed(
    one: list[Obligation], other: list[Obligation], third: list[Obligation]
) -> None:
    together = strictest([*one, *other, *third])
    assert strictest([*strictest([*one, *other]), *third]) == together
    assert strictest([*one, *strictest([*third, *other])]) == together


@given(MEETING)
def test_what_is_strictest_already_stays_as_it_is(owed: list[Obligation]) -> None:
    found = strictest(owed)
    assert strictest(found) == found


@given(MEETING)
def test_each_duty_is_owed_once_and_none_is_lost(owed: list[Obligation]) -> None:
    found = [identity(one) for one in strictest(owed)]
    assert sorted(found) == sorted(set(map(identity, owed)))


@given(MEETING)
def test_the_winner_names_every_rule_that_asked_for_its_kind_and_no_other(owed: list[Obligation]) -> None:
    groups = _by_identity(owed)
    for winner in strictest(owed):
        askers = [one for one in groups[identity(winner)] if type(one) is type(winner)]
        assert winner.because == tuple(sorted({rule for one in askers for rule in one.because}))


@given(MEETING)
def test_of_answers_to_a_turn_the_strictest_stands_alone(owed: list[Obligation]) -> None:
    asked = [ANSWERS.index(type(one)) for one in owed if type(one) in ANSWERS]
    found = [ANSWERS.index(type(one)) for one in strictest(owed) if type(one) in ANSWERS]
    assert found == ([max(asked)] if asked else [])


@given(MEETING)
def test_help_is_never_taken_away(owed: list[Obligation]) -> None:
    asked = {one.topic for one in owed if isinstance(one, ShowHelp)}
    assert {one.topic for one in strictest(owed) if isinstance(one, ShowHelp)} == asked


@given(MEETING)
def test_a_call_for_a_person_keeps_the_strictest_of_every_term(owed: list[Obligation]) -> None:
    groups = _by_identity(owed)
    for winner in strictest(owed):
        if isinstance(winner, Escalate):
            calls = [one for one in groups[identity(winner)] if isinstance(one, Escalate)]
            assert winner.takeover == any(one.takeover for one in calls)
            assert URGENCIES.index(winner.urgency) == max(URGENCIES.index(one.urgency) for one in calls)
            assert winner.answer_within == min(one.answer_within for one in calls)


@given(MEETING)
def test_spans_are_the_strictest_that_any_asker_named(owed: list[Obligation]) -> None:
    groups = _by_identity(owed)
    for winner in strictest(owed):
        same = [one for one in groups[identity(winner)] if type(one) is type(winner)]
        for name, strict in (("answer_within", min), ("quiet_for", max), ("keep_for", max), ("wake_at", min)):
            if hasattr(winner, name):
                assert getattr(winner, name) == strict(getattr(one, name) for one in same)


@given(MEETING)
def test_a_second_person_judges_where_any_rule_asks_for_one(owed: list[Obligation]) -> None:
    groups = _by_identity(owed)
    for winner in strictest(owed):
        if isinstance(winner, AnswerComplaint):
            same = groups[identity(winner)]
            assert winner.second_person == any(isinstance(one, AnswerComplaint) and one.second_person for one in same)


@given(MEETING)
def test_the_wider_lock_and_minors_mode_win(owed: list[Obligation]) -> None:
    groups = _by_identity(owed)
    for winner in strictest(owed):
        same = groups[identity(winner)]
        if isinstance(winner, Lock):
            assert LOCKED.index(winner.scope) == max(LOCKED.index(one.scope) for one in same if isinstance(one, Lock))
        if isinstance(winner, SwitchMode):
            assert (winner.mode == "minor") == any(isinstance(one, SwitchMode) and one.mode == "minor" for one in same)


def test_a_rule_that_would_allow_does_not_explain_a_block() -> None:
    (found,) = strictest([Allow(because=("r1",)), Block(template="p/no", because=("r2",))])
    assert found == Block(template="p/no", because=("r2",))


def test_different_reasons_to_call_a_person_are_different_calls() -> None:
    found = strictest([Escalate(reason="crisis", because=("r1",)), Escalate(reason="minor", because=("r2",))])
    assert len(found) == 2


def test_two_timers_of_one_key_are_one_and_the_earlier_rings() -> None:
    drawn_at = msgspec.json.decode(b'"2026-08-03T01:00:00Z"', type=Any)
    early = msgspec.convert({"obligation": "WakeAt", "key": "k", "wake_at": drawn_at, "because": ["a"]}, WakeAt)
    late = replace(early, wake_at=early.wake_at + timedelta(hours=1), because=("b",))
    assert strictest([late, early]) == (replace(early, because=("a", "b")),)


@pytest.mark.parametrize(
    "written", [b'{"obligation": "Nod"}', b'{"obligation": "Block"}', b'{"obligation": "Allow", "x": 1}']
)
def test_an_obligation_that_does_not_fit_is_refused(written: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(written, type=AnyObligation)


def test_a_replaced_reply_yields_to_an_interruption_and_stands_above_a_block() -> None:
    kinds = [kind.__name__ for kind in ANSWERS]
    assert kinds == ["Allow", "Block", "ReplaceReply", "Interrupt", "Lock"]
    (found,) = strictest([Block(template="p/a"), ReplaceReply(template="p/b")])
    assert isinstance(found, ReplaceReply)


def test_every_single_term_is_the_strictest_not_those_of_one_asker() -> None:
    soon = AnswerComplaint(case="c", answer_within=timedelta(days=5), because=("a",))
    twice = AnswerComplaint(case="c", answer_within=timedelta(days=15), second_person=True, because=("b",))
    assert strictest([soon, twice]) == (replace(soon, second_person=True, because=("a", "b")),)


def test_a_service_that_is_closed_is_closed_whatever_its_template_is_called() -> None:
    service, companion = Lock(template="p/a"), Lock(template="p/z", scope="companion")
    assert strictest([companion, service]) == (service,)

"""Policies: valid, deny by default, and as the law wants: a guardian sees only their child, and nobody words without a reason."""

from __future__ import annotations

from typing import get_args

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core.errors import CallerError
from shouban.web.access import MEANING, OF_PERSON, OF_SERVICE, Action, Subject, Who, may, policies, require, schema
from shouban.web.roles import ROLES, STAFF, Role

CHILD = Subject("default", "child", frozenset({"mother"}))
roles = st.frozensets(st.sampled_from(get_args(Role)), max_size=3)


def somebody(*held: Role, account: str = "a", full: bool = True) -> Who:
    return Who("default", account=account, roles=frozenset(held), full=full)


def test_the_policies_fit_their_schema() -> None:
    found = cedarpy.validate_policies(str(policies()) if isinstance(policies(), str) else _text(), schema())
    assert found.validation_passed, found.errors


def _text() -> str:
    from importlib import resources  # noqa: PLC0415  # as the module itself reads it

    return resources.files("shouban.web").joinpath("policies", "access.cedar").read_text("utf-8")


def test_every_action_has_words_and_a_policy() -> None:
    actions = {*OF_PERSON, *OF_SERVICE}
    assert set(MEANING) == actions
    assert all(f'Action::"{one}"' in _text() for one in actions)


@given(st.sampled_from([*OF_PERSON, *OF_SERVICE]))
def test_who_has_no_role_may_nothing(action: Action) -> None:
    subject = CHILD if action in OF_PERSON else None
    assert not may(somebody(), action, subject)


@given(roles, st.sampled_from([*OF_PERSON, *OF_SERVICE]))
def test_nobody_does_anything_half_signed_in_or_in_another_service(held: frozenset[Role], action: Action) -> None:
    half = Who("default", account="mother", roles=held, full=False)
    foreign = Who("other", account="a", roles=held)
    subject = Subject("default", "child", frozenset({"mother"}), granted=True)
    assert not may(half, action, subject if action in OF_PERSON else None)
    if action in OF_PERSON:
        assert not may(foreign, action, subject)


def test_a_guardian_sees_their_own_child_and_nobody_elses() -> None:
    mother, stranger = somebody("guardian", account="mother"), somebody("guardian", account="stranger")
    for action in ("see_summary", "set_limits", "decide_purchase", "erase_child", "give_consent", "leave_child"):
        assert may(mother, action, CHILD)
        assert not may(stranger, action, CHILD)


@given(roles)
def test_words_are_read_only_with_the_glass_broken_and_never_by_a_guardian(held: frozenset[Role]) -> None:
    who = Who("default", account="mother", roles=held)
    assert not may(who, "read_words", CHILD)
    broken = Subject("default", "child", frozenset({"mother"}), granted=True)
    assert may(who, "read_words", broken) == (not held.isdisjoint({"care", "care_lead", "compliance"}))


def test_a_person_sees_only_themselves() -> None:
    me = Who("default", person="child", roles=frozenset({"user"}))
    assert may(me, "see_own", CHILD)
    assert not may(me, "see_own", Subject("default", "somebody else"))
    assert not may(me, "see_summary", CHILD)


def test_what_may_not_be_done_is_refused_with_403() -> None:
    with pytest.raises(CallerError) as refused:
        require(somebody("care"), "set_accounts")
    assert refused.value.status == 403


def test_staff_are_all_but_those_who_come_by_their_own_ways() -> None:
    assert set(STAFF) == ROLES.keys() - {"user", "guardian"}

"""An error says who must act, and what would be right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core.errors import (
    CallerError,
    ConflictError,
    EvidenceError,
    OperatorError,
    PackError,
    ShoubanError,
    did_you_mean,
)
from shouban.core.signals import SIGNALS

KNOWN = sorted(SIGNALS)


@pytest.mark.parametrize("kind", [CallerError, PackError, EvidenceError, OperatorError, ConflictError])
def test_every_error_of_ours_can_be_caught_as_one_and_shows_its_text(kind: type[ShoubanError]) -> None:
    with pytest.raises(ShoubanError, match="what to change"):
        raise kind("what to change")


def test_a_caller_error_is_a_bad_request_unless_it_says_otherwise() -> None:
    plain = CallerError("x")
    assert (plain.status, plain.code, plain.field) == (400, "invalid_value", None)
    named = CallerError("x", field="messages[0].role", status=404, code="user_not_found")
    assert (named.status, named.code, named.field) == (404, "user_not_found", "messages[0].role")


@given(st.sampled_from(KNOWN), st.data())
def test_a_slip_of_one_letter_is_understood(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    slip = name[:at] + name[at + 1 :] if data.draw(st.booleans()) else f"{name[:at]}z{name[at:]}"
    assert did_you_mean(slip, [name, "0123456789"]) == f"; did you mean `{name}`?"
    told = did_you_mean(slip, KNOWN)
    assert told.removeprefix("; did you mean `").removesuffix("`?") in KNOWN


@given(st.text("0123456789", max_size=20))
def test_what_is_like_nothing_known_gets_no_guess(wrong: str) -> None:
    assert did_you_mean(wrong, KNOWN) == ""


def test_names_may_come_from_anything_that_gives_them() -> None:
    assert did_you_mean("dependance", (name for name in KNOWN)) == "; did you mean `dependence`?"
    assert did_you_mean("anything", []) == ""

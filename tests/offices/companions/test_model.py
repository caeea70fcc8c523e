"""A persona is kept as it was declared, or refused with the name of the field that does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.structs import READINGS

from shouban.core.errors import CallerError
from shouban.core.events import Relation
from shouban.core.signals import Reading
from shouban.offices.companions.model import MAX_NAME, MAX_PROMPT, MAX_TAGS, Persona, checked, findings

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

from __future__ import annotations

import msgspec
import pytest

from shouban.core.errors import CallerError
from shouban.web.forms import form_as


class Form(msgspec.Struct):
    name: str
    minutes: int = 15
    roles: list[str] = []


def test_one_ticked_box_is_a_list_of_one() -> None:
    assert form_as({"name": "a", "roles": "care", "minutes": "30"}, Form) == Form("a", 30, ["care"])
    assert form_as({"name": "a", "roles": ["care", "complaints"]}, Form).roles == ["care", "complaints"]


@pytest.mark.parametrize(
    ("form", "field", "code"),
    [
        ({}, "name", "missing_field"),
        ({"name": "a", "minutes": "soon"}, "minutes", "wrong_field"),
        ({"name": ["a", "b"]}, "name", "wrong_field"),
        ({"name": "a", "roles": [{"a": 1}]}, "roles", "wrong_field"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(form: dict[str, object], field: str, code: str) -> None:
    with pytest.raises(CallerError, match="does not fit") as refused:
        form_as(form, Form)
    assert (refused.value.field, refused.value.code) == (field, code)

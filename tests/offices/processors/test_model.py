from __future__ import annotations

from typing import Any

import pytest

from shouban.core.errors import CallerError
from shouban.offices.processors.model import Processor, checked

GOOD: dict[str, Any] = {
    "id": "model",
    "name": "某云",
    "kind": "model",
    "basis": "contract",
    "purpose": "回答用户",
    "document": "合同 2026-08",
}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"id": ""}, "id"), ({"id": "a/b"}, "id"), ({"id": "模型"}, "id"), ({"name": " "}, "name"), ({"purpose": "x" * 201}, "purpose"), ({"document": ""}, "document"), ({"place": "x" * 201}, "document")],
)  # fmt: skip
def test_what_does_not_fit_is_named(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(CallerError) as refused:
        checked(Processor(**{**GOOD, **wrong}))
    assert refused.value.field == field


def test_consent_and_law_need_no_contract() -> None:
    assert checked(Processor(**GOOD)).basis == "contract"
    for basis in ("consent", "law"):
        assert checked(Processor(**{**GOOD, "basis": basis, "document": ""})).basis == basis

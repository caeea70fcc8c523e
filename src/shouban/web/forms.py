"""A form that a browser has sent, as what it stands for."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from shouban.core.errors import CallerError

Kind = TypeVar("Kind", bound=msgspec.Struct)
# How msgspec names the field: `… missing required field `name``, `… - at `$.minutes``.
_MISSING: Final = re.compile(r"required field `(\w+)`")
_AT: Final = re.compile(r"at `\$\.(\w+)")


def form_as(data: dict[str, Any], kind: type[Kind]) -> Kind:
    """Raises `CallerError` naming the field that does not fit. One ticked box of several comes as a word, not as a list."""
    lists = {name for name, hint in kind.__annotations__.items() if str(hint).startswith("list")}
    given = {name: [value] if name in lists and not isinstance(value, list) else value for name, value in data.items()}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from error


def _refusal(told: str) -> CallerError:
    missing, wrong = _MISSING.search(told), _AT.search(told)
    field = missing or wrong
    code = "missing_field" if missing else "wrong_field"
    return CallerError(f"the form does not fit: {told}", field=field[1] if field else "form", code=code)

"""A form that a browser has sent, as what it stands for."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from shouban.core.errors import CallerError

Kind = TypeVar("Kind", bound=msgspec.Struct)


def form_as(data: dict[str, Any], kind: type[Kind]) -> Kind:
    """Raises `CallerError` where a field does not fit. One ticked box of several comes as a word, not as a list."""
    lists = {name for name, hint in kind.__annotations__.items() if str(hint).startswith("list")}
    given = {name: [value] if name in lists and not isinstance(value, list) else value for name, value in data.items()}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise CallerError(f"the form does not fit: {error}", field="form") from error

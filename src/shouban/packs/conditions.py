"""A condition as it is written in a pack → the core's condition, checked against the core's own fields.

`field: value` means `is` (a list means `in`, and for fields of many words `has`); `field: {at_least: 2h}` names the
operator; several keys side by side must all hold; `all`, `any` and `not` nest; a bare word names one of the pack's own
`conditions`; `always` is true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from shouban.core.errors import did_you_mean
from shouban.core.rules import (
    FIELDS,
    OPEN_FIELDS,
    OPERATORS,
    All,
    AnyOf,
    Condition,
    Field,
    FieldType,
    Not,
    Operator,
    Test,
)
from shouban.core.signals import SIGNALS
from shouban.packs.source import Spot, clock, count, flag, items, level, listed, span, table, text, word, wrong

ALWAYS: Final = All(of=())
_GROUPS: Final = frozenset({"all", "any", "not"})
_SIGNAL_FIELDS: Final = frozenset({"reading", "heard", "silent"})

_VALUES: Final[dict[FieldType, Callable[[Spot], Any]]] = {
    "bool": flag,
    "count": count,
    "level": lambda spot: int(level(spot)),
    "span": span,
    "word": text,
    "words": text,
    "time_of_day": clock,
}


def read_condition(spot: Spot, rule: str, named: Mapping[str, Condition]) -> Condition:
    """The condition at `spot`; `rule` is whose it is, for messages."""
    if isinstance(spot.value, str):
        return _named(spot, rule, named)
    parts = tuple(_entry(key, value, rule, named) for key, value in table(spot).items())
    if not parts:
        raise wrong(spot, f"rule `{rule}` has an empty condition; write `always` if it has none")
    return parts[0] if len(parts) == 1 else All(of=parts)


def _named(spot: Spot, rule: str, named: Mapping[str, Condition]) -> Condition:
    name = text(spot)
    if name == "always":
        return ALWAYS
    if name not in named:
        raise wrong(
            spot, f"rule `{rule}` names condition `{name}`, which the pack does not define{did_you_mean(name, named)}"
        )
    return named[name]


def _entry(key: str, value: Spot, rule: str, named: Mapping[str, Condition]) -> Condition:
    if key == "not":
        return Not(of=read_condition(value, rule, named))
    if key in _GROUPS:
        parts = tuple(read_condition(part, rule, named) for part in items(value))
        if not parts:
            raise wrong(value, f"rule `{rule}`: `{key}` needs at least one condition")
        return All(of=parts) if key == "all" else AnyOf(of=parts)
    name, open_key = split_field(key, value, rule)
    return _tests(name, open_key, value, rule)


def split_field(written: str, spot: Spot, rule: str) -> tuple[str, str]:
    """`reading.crisis` → (`reading`, `crisis`); `user.mode` → (`user.mode`, ``)."""
    if written in FIELDS and written not in OPEN_FIELDS:
        return written, ""
    name = next((one for one in sorted(OPEN_FIELDS, key=len, reverse=True) if written.startswith(f"{one}.")), None)
    if name is None:
        missing = (
            " needs a key after a dot" if written in OPEN_FIELDS else f" is unknown{did_you_mean(written, FIELDS)}"
        )
        raise wrong(spot, f"rule `{rule}`: field `{written}`{missing}")
    key = written.removeprefix(f"{name}.")
    if name in _SIGNAL_FIELDS and key not in SIGNALS:
        raise wrong(spot, f"rule `{rule}` names signal `{key}`{did_you_mean(key, SIGNALS) or ', which is unknown'}")
    keys = FIELDS[name].keys
    if keys is not None and key not in keys:
        raise wrong(
            spot,
            f"rule `{rule}`: `{name}` has no `{key}`{did_you_mean(key, keys)}; write one of {listed(sorted(keys))}",
        )
    return name, key


def _tests(name: str, key: str, value: Spot, rule: str) -> Condition:
    field = FIELDS[name]
    if not isinstance(value.value, dict):
        return _shorthand(name, key, value, rule)
    tests = tuple(
        Test(name, _operator(name, field, operator, spot, rule), _value(name, field, spot, rule), key)
        for operator, spot in table(value).items()
    )
    if not tests:
        raise wrong(value, f"rule `{rule}`: `{name}` is compared with nothing")
    return tests[0] if len(tests) == 1 else All(of=tests)


def _shorthand(name: str, key: str, value: Spot, rule: str) -> Test:
    field = FIELDS[name]
    implied = "has" if field.type == "words" else "in" if isinstance(value.value, tuple) else "is"
    if implied not in OPERATORS[field.type]:
        hint = listed(OPERATORS[field.type])
        raise wrong(value, f"rule `{rule}`: `{name}` cannot be compared by `{implied}`; write one of {hint}")
    operator: Operator = _operator(name, field, implied, value, rule)
    return Test(name, operator, _value(name, field, value, rule), key)


def _operator(name: str, field: Field, written: str, spot: Spot, rule: str) -> Operator:
    for operator in OPERATORS[field.type]:
        if operator == written:
            return operator
    allowed = OPERATORS[field.type]
    hint = did_you_mean(written, allowed) or f"; known are {listed(allowed)}"
    raise wrong(spot, f"rule `{rule}`: `{name}` cannot be compared by `{written}`{hint}")


def _value(name: str, field: Field, spot: Spot, rule: str) -> Any:  # noqa: ANN401  # the type follows the field's
    if isinstance(spot.value, tuple):
        if field.type != "word":
            raise wrong(spot, f"rule `{rule}`: `{name}` takes one value, not a list")
        return tuple(_value(name, field, item, rule) for item in spot.value)
    if field.values:
        return word(spot, field.values, f"value of `{name}`")
    return _VALUES[field.type](spot)

"""An obligation as it is written in a pack → the core's obligation, term by term of the core's own type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from shouban.core.errors import did_you_mean
from shouban.core.obligations import OBLIGATIONS, Obligation
from shouban.core.rules import GIVEN_BY_EVENT, SET_BY_DECISION
from shouban.packs.source import Spot, count, flag, one_entry, span, table, text, texts, word, wrong

# Owed without being asked for: the turn passes when nothing stricter is owed, and timers are written as `wakes`.
_NOT_WRITTEN: Final = frozenset({"Allow", "WakeAt"})
WRITTEN: Final = {name: kind for name, kind in OBLIGATIONS.items() if name not in _NOT_WRITTEN}

_TERMS: Final[dict[Any, Callable[[Spot], Any]]] = {timedelta: span, bool: flag, int: count, str: text}


def read_obligation(spot: Spot, rule: str, pack: str) -> Obligation:
    """`{Remind: {template: two-hours, topic: two-hours}}`, or a bare name where there is nothing to say."""
    if isinstance(spot.value, str):
        name, terms = text(spot), {}
    else:
        name, body = one_entry(spot, "an obligation")
        terms = {} if body.value is None else table(body)
    kind = _kind(name, spot, rule)
    return _build(kind, spot, rule, {term: read_term(kind, term, value, rule, pack) for term, value in terms.items()})


def _kind(name: str, spot: Spot, rule: str) -> type[Obligation]:
    if name not in WRITTEN:
        raise wrong(spot, f"rule `{rule}` owes `{name}`, which is no obligation{did_you_mean(name, WRITTEN)}")
    return WRITTEN[name]


def _hints(kind: type[Obligation]) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(kind).items() if name in kind.__struct_fields__}


def read_term(kind: type[Obligation], name: str, spot: Spot, rule: str, pack: str) -> Any:  # noqa: ANN401  # the type is the term's own
    """One term, in the core's type; `rule` is whose it is, for messages."""
    known = [one for one in _hints(kind) if one not in {*SET_BY_DECISION, *GIVEN_BY_EVENT.get(kind.__name__, ())}]
    if name not in known:
        raise wrong(spot, f"rule `{rule}`: `{kind.__name__}` has no term `{name}`{did_you_mean(name, known)}")
    hint = _hints(kind)[name]
    if name == "template":
        return full_ref(text(spot), pack)
    if get_origin(hint) is Literal:
        return word(spot, get_args(hint), f"`{name}` of `{kind.__name__}`")
    return texts(spot) if get_origin(hint) is tuple else _TERMS[hint](spot)


def full_ref(ref: str, pack: str) -> str:
    """`pack/name`; a name alone is the pack's own."""
    return ref if "/" in ref else f"{pack}/{ref}"


def _build(kind: type[Obligation], spot: Spot, rule: str, terms: Mapping[str, Any]) -> Obligation:
    given = {**_left_to_event(kind), **terms}
    for name in sorted(_required(kind) - given.keys()):
        raise wrong(spot, f"rule `{rule}`: `{kind.__name__}` needs `{name}`")
    return kind(**given)


def _required(kind: type[Obligation]) -> frozenset[str]:
    return frozenset(field.name for field in msgspec.structs.fields(kind) if field.required)


def _left_to_event(kind: type[Obligation]) -> dict[str, Any]:
    """A stand-in for the terms that the core takes from the event."""
    names = [name for name in GIVEN_BY_EVENT.get(kind.__name__, ()) if name in _required(kind)]
    return {name: get_args(_hints(kind)[name])[0] for name in names}

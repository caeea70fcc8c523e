"""One rule as it is written in a pack → the core's rule, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from shouban.core.errors import did_you_mean
from shouban.core.events import EVENTS
from shouban.core.obligations import AnyObligation, Obligation
from shouban.core.rules import FIELDS, All, AnyOf, Condition, Not, Rule, Test, Wake, signals_of
from shouban.core.signals import Level
from shouban.packs.conditions import read_condition, split_field
from shouban.packs.owing import read_obligation
from shouban.packs.pack import Law, RuleSource
from shouban.packs.register import register
from shouban.packs.source import (
    Spot,
    bilingual,
    day,
    items,
    listed,
    optional_day,
    optional_text,
    span,
    table,
    text,
    texts,
    wrong,
)
from shouban.packs.templates import KINDS, TemplateText

_KEYS: Final = (
    "id", "article", "quote", "title", "register", "in_force", "on", "when", "owes", "wakes", "evidence", "cases",
)  # fmt: skip
_NEEDED: Final = ("id", "article", "title", "in_force", "on", "when", "evidence", "cases")
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
# Fields that read more than the event attribute they are named for.
_ATTRIBUTES: Final = {"event.month": "month_total"}


@dataclass(frozen=True)
class ReadRule:
    """What a rule of the pack may name."""

    pack: str
    named: Mapping[str, Condition]
    unknown: Mapping[str, Level]
    templates: Mapping[str, TemplateText]
    cases: frozenset[str]


def read_rule(spot: Spot, known: ReadRule, law: Law) -> tuple[Rule, RuleSource]:
    """The rule at `spot`, checked against all that it names."""
    body = table(spot, known=_KEYS, needed=_NEEDED)
    rule_id = _id(body["id"], known.pack)
    when = read_condition(body["when"], rule_id, known.named)
    on = _events(body["on"], rule_id)
    _check_condition(body["when"], rule_id, when, on, known)
    owes = tuple(_owed(one, rule_id, known) for one in items(body.get("owes")))
    wakes = tuple(_wake(one, rule_id) for one in items(body.get("wakes")))
    if not owes and not wakes:
        raise wrong(spot, f"rule `{rule_id}` owes nothing and sets no timer")
    title_zh, title_en = bilingual(body["title"])
    force = table(body["in_force"], known=("from", "to"), needed=("from",))
    rule = Rule(
        id=rule_id,
        article=text(body["article"]),
        title_zh=title_zh,
        title_en=title_en,
        register=_named(body.get("register"), rule_id, "register row", register()),
        on=on,
        when=when,
        owes=owes,
        wakes=wakes,
        evidence=text(body["evidence"]),
        quote=optional_text(body.get("quote")),
        in_force_from=day(force["from"]),
        in_force_to=optional_day(force.get("to")),
        cases=_named(body["cases"], rule_id, "case", known.cases),
    )
    return rule, RuleSource(known.pack, spot.file, spot.line, law)


def _id(spot: Spot, pack: str) -> str:
    found = text(spot)
    if not found.startswith(f"{pack}.") or not _NAME.fullmatch(found.removeprefix(f"{pack}.")):
        raise wrong(spot, f"rule id `{found}` must be `{pack}.` and lower-case words joined by `-`")
    return found


def _named(spot: Spot | None, rule: str, what: str, known: Iterable[str]) -> tuple[str, ...]:
    known = tuple(known)
    found = texts(spot)
    for one in found:
        if one not in known and spot is not None:
            raise wrong(spot, f"rule `{rule}` names {what} `{one}`, which does not exist{did_you_mean(one, known)}")
    return found


def _events(spot: Spot, rule: str) -> frozenset[str]:
    for one in texts(spot):
        if one not in EVENTS:
            raise wrong(spot, f"rule `{rule}` listens to `{one}`, which is no event{did_you_mean(one, EVENTS)}")
    return frozenset(texts(spot))


# --- the condition against what the rule listens to


def _check_condition(spot: Spot, rule: str, when: Condition, on: frozenset[str], known: ReadRule) -> None:
    silent = sorted(signals_of(when) - known.unknown.keys())
    if silent:
        raise wrong(spot, f"rule `{rule}` asks about {listed(silent)}, for which the pack's `unknown` says nothing")
    for field in sorted(_fields_of(when)):
        attribute = _attribute_of(field)
        if attribute and not any(attribute in EVENTS[one].__struct_fields__ for one in on):
            raise wrong(spot, f"rule `{rule}` asks about `{field}`, which no event it listens to has ({listed(on)})")


def _fields_of(when: Condition) -> frozenset[str]:
    match when:
        case Test(field=field):
            return frozenset({field})
        case All(of=parts) | AnyOf(of=parts):
            return frozenset().union(*(_fields_of(part) for part in parts))
        case Not(of=part):
            return _fields_of(part)


def _attribute_of(field: str) -> str:
    """The event attribute that a field reads, if it reads one."""
    if field in {"reading", "heard", "silent", "silent_any", "prohibited", "manipulation"}:
        return "readings"
    return _ATTRIBUTES.get(field, field.removeprefix("event.") if field.startswith("event.") else "")


# --- what is owed


def _owed(spot: Spot, rule: str, known: ReadRule) -> AnyObligation:
    one = read_obligation(spot, rule, known.pack)
    ref = getattr(one, "template", None)
    if ref is not None:
        _check_template(spot, rule, one, ref, known.templates)
    return one  # type: ignore[return-value]  # every class of OBLIGATIONS is one of AnyObligation


def _check_template(spot: Spot, rule: str, one: Obligation, ref: str, templates: Mapping[str, TemplateText]) -> None:
    if ref not in templates:
        raise wrong(spot, f"rule `{rule}` names template `{ref}`, which does not exist{did_you_mean(ref, templates)}")
    kind, name = templates[ref].kind, type(one).__name__
    if name not in KINDS[kind]:
        raise wrong(spot, f"rule `{rule}`: `{name}` cannot carry template `{ref}` of kind `{kind}`")


def _wake(spot: Spot, rule: str) -> Wake:
    body = table(spot, known=("key", "field", "reaches"), needed=("key", "field", "reaches"))
    field, key = split_field(text(body["field"]), body["field"], rule)
    if FIELDS[field].type != "span":
        raise wrong(body["field"], f"rule `{rule}`: a timer needs a field that grows with time, not `{field}`")
    return Wake(key=text(body["key"]), field=field, reaches=span(body["reaches"]), field_key=key)

"""A pack's playbooks: event in, obligations out, line by line; read from `cases.yaml` and run through the core.

A line is `{at: 2h, UserSpoke: {crisis: 4}, owed: […], not_owed: […]}`: a signal stands for a reading of it, any other
name for a term of the event. `at` counts from the file's `start`, or is a moment with its zone. `every` and `until`
repeat a line, and what it expects holds each time. `person` registers the person at the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from shouban.core.decide import Decision, decide
from shouban.core.errors import PackError, did_you_mean
from shouban.core.events import EVENTS, Event
from shouban.core.obligations import OBLIGATIONS, Obligation
from shouban.core.rules import Pack
from shouban.core.signals import SIGNALS, UNKNOWN, Reading
from shouban.core.state import PersonState
from shouban.packs.owing import read_term
from shouban.packs.pack import Case, Expected, LoadedPack, Step
from shouban.packs.source import (
    Spot,
    bilingual,
    count,
    day,
    flag,
    gathered,
    items,
    level,
    moment,
    one_entry,
    read_yaml,
    span,
    table,
    text,
    texts,
    word,
    wrong,
)

_CASE_KEYS: Final = ("case", "title", "person", "events")
_LINE_KEYS: Final = ("at", "every", "until", "session", "device", "owed", "not_owed")
# What an event needs and a case seldom cares about.
_DEFAULTS: Final[dict[str, Any]] = {
    "turn": "turn-1", "received": 40, "read": 40, "released": 0, "staff": "staff-1", "case": "case-1", "duty": "duty-1",
    "companion": "companion-1", "why": "no answer", "what": "chat", "feature": "voice",
}  # fmt: skip
_SCORES: Final = {0: 0.0, 1: 0.4, 2: 0.6, 3: 0.8, 4: 0.95}


@dataclass(frozen=True)
class CaseResult:
    """How a case went: the rules that spoke in it, and what was not as expected."""

    pack: str
    name: str
    rules: frozenset[str]
    failures: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return not self.failures


# --- reading


def read_cases(path: Path, name: str, pack: str) -> dict[str, Case]:
    """The cases of one file by name."""
    spot = read_yaml(path, name)
    head = table(spot, known=("start", "cases"), needed=("start", "cases"))
    start = moment(head["start"])
    found: dict[str, Case] = {}
    for case in gathered(items(head["cases"]), lambda one: _case(one, start, pack)):
        if case.name in found:
            raise PackError(f"{case.where}: case `{case.name}` is defined twice")
        found[case.name] = case
    return found


def _case(spot: Spot, start: datetime, pack: str) -> Case:
    body = table(spot, known=_CASE_KEYS, needed=("case", "title", "events"))
    title_zh, title_en = bilingual(body["title"])
    steps = [
        step for line in gathered(items(body["events"]), lambda one: list(_steps(one, start, pack))) for step in line
    ]
    if "person" in body:
        person = _event("UserRegistered", body["person"], start)
        steps.insert(0, Step(body["person"].where, person))
    return Case(text(body["case"]), title_zh, title_en, spot.where, tuple(steps))


def _steps(spot: Spot, start: datetime, pack: str) -> Iterator[Step]:
    body = table(spot, needed=("at",))
    name, terms = _event_of(spot, body)
    owed = tuple(_expected(one, pack) for one in items(body.get("owed")))
    not_owed = tuple(_expected(one, pack) for one in items(body.get("not_owed")))
    for at in _moments(body, start):
        event = _event(name, terms, at, start)
        places = {key: text(body[key]) for key in ("session", "device") if key in body}
        yield Step(spot.where, msgspec.structs.replace(event, **places), owed, not_owed)


def _event_of(spot: Spot, body: dict[str, Spot]) -> tuple[str, Spot]:
    names = [key for key in body if key not in _LINE_KEYS]
    if len(names) != 1:
        raise wrong(spot, f"a line of a case names one event, this one names {len(names)}")
    if names[0] not in EVENTS:
        raise wrong(body[names[0]], f"`{names[0]}` is no event{did_you_mean(names[0], EVENTS)}")
    return names[0], body[names[0]]


def _moments(body: dict[str, Spot], start: datetime) -> Iterator[datetime]:
    at = _moment(body["at"], start)
    yield at
    if "every" not in body:
        return
    if "until" not in body:
        raise wrong(body["every"], "`every` needs `until`")
    step, last = span(body["every"]), _moment(body["until"], start)
    while step > timedelta(0) and at + step <= last:
        at += step
        yield at


def _moment(spot: Spot, start: datetime) -> datetime:
    return moment(spot) if "T" in text(spot) else start + span(spot)


def _event(name: str, spot: Spot, at: datetime, start: datetime | None = None) -> Event:
    kind = EVENTS[name]
    hints = get_type_hints(kind)
    terms: dict[str, Any] = {"at": at, "person": "person-1", "session": "talk-1", "device": "phone"}
    readings: list[Reading] = []
    for key, value in ({} if spot.value is None else table(spot)).items():
        if key in SIGNALS and "readings" in kind.__struct_fields__:
            readings.append(_reading(key, value))
        elif key in kind.__struct_fields__ and key not in {"at", "readings"}:
            terms[key] = _cast(value, hints[key], start or at)
        else:
            known = [*kind.__struct_fields__, *(SIGNALS if "readings" in kind.__struct_fields__ else ())]
            raise wrong(value, f"`{name}` has no `{key}`{did_you_mean(key, known)}")
    if readings:
        terms["readings"] = tuple(readings)
    return _filled(kind, terms, spot)


def _filled(kind: type[Event], terms: dict[str, Any], spot: Spot) -> Event:
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in terms:
            if field.name not in _DEFAULTS:
                raise wrong(spot, f"`{kind.__name__}` needs `{field.name}`")
            terms[field.name] = _DEFAULTS[field.name]
    return kind(**terms)


def _reading(signal: str, spot: Spot) -> Reading:
    if text(spot) == UNKNOWN:
        return Reading(signal=signal, level=UNKNOWN, score=0.0, detector="case", version="1")
    found = level(spot)
    return Reading(signal=signal, level=found, score=_SCORES[int(found)], detector="case", version="1")


def _cast(spot: Spot, hint: Any, start: datetime) -> Any:  # noqa: ANN401  # the type is the term's own
    options = get_args(hint)
    if isinstance(hint, UnionType):
        return None if spot.value is None else _cast(spot, next(one for one in options if one is not type(None)), start)
    if get_origin(hint) is Literal:
        return word(spot, options, "value here")
    if get_origin(hint) is tuple:
        return texts(spot)
    if hint is datetime:
        return _moment(spot, start)
    if hint is date:
        return day(spot)
    return flag(spot) if hint is bool else count(spot) if hint is int else text(spot)


def _expected(spot: Spot, pack: str) -> Expected:
    name, body = (text(spot), None) if isinstance(spot.value, str) else one_entry(spot, "an expectation")
    if name not in OBLIGATIONS:
        raise wrong(spot, f"`{name}` is no obligation{did_you_mean(name, OBLIGATIONS)}")
    terms = table(body) if body and body.value is not None else {}
    return Expected(name, {key: read_term(OBLIGATIONS[name], key, one, "case", pack) for key, one in terms.items()})


# --- running


def run_cases(loaded: LoadedPack) -> list[CaseResult]:
    """Every case of the pack, by that pack alone; a stack runs each of its packs'."""
    return [run_case(case, part.pack) for part in loaded.parts for case in part.cases]


def run_case(case: Case, pack: Pack) -> CaseResult:
    state = PersonState()
    rules: set[str] = set()
    failures: list[str] = []
    for step in sorted(case.steps, key=lambda one: one.event.at):
        decision = decide(state, step.event, pack)
        state = decision.state
        rules.update(decision.rules)
        failures.extend(f"{step.where}: case `{case.name}`: {fault}" for fault in _faults(step, decision))
    return CaseResult(pack.id, case.name, frozenset(rules), tuple(failures))


def _faults(step: Step, decision: Decision) -> Iterator[str]:
    found = ", ".join(type(one).__name__ for one in decision.owed)
    name = type(step.event).__name__
    for expected in step.owed:
        if not any(_meets(one, expected) for one in decision.owed):
            yield f"after `{name}` {_words(expected)} is expected; owed are {found}"
    for expected in step.not_owed:
        if any(_meets(one, expected) for one in decision.owed):
            yield f"after `{name}` {_words(expected)} must not be owed"


def _meets(one: Obligation, expected: Expected) -> bool:
    same = type(one).__name__ == expected.obligation
    return same and all(getattr(one, name) == value for name, value in expected.terms.items())


def _words(expected: Expected) -> str:
    terms = ", ".join(f"{name}: {value}" for name, value in expected.terms.items())
    return f"`{expected.obligation}`" + (f" ({terms})" if terms else "")


def unshown(loaded: LoadedPack, results: list[CaseResult]) -> list[str]:
    """Rules that do not speak in a case that is said to show them."""
    spoken = {(result.pack, result.name): result.rules for result in results}
    return [
        f"{part.sources[rule.id].where}: rule `{rule.id}` does not speak in its case `{case}`"
        for part in loaded.parts
        for rule in part.pack.rules
        for case in rule.cases
        if rule.id not in spoken.get((part.pack.id, case), frozenset())
    ]

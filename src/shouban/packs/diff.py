"""What changes between two packs: rules added, dropped and changed, settings, what silence counts as, wordings.

Rules of two packs are the same duty when their names after the pack's id are equal (`….two-hours`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from shouban.core.rules import Rule
from shouban.packs.explain import condition_words, owed_words, plain, span_words
from shouban.packs.pack import LoadedPack


@dataclass(frozen=True)
class Change:
    """One point in which a duty, a setting or a wording differs; empty where a side has nothing."""

    what: str
    name: str
    point: str
    before: str
    after: str


def diff(before: LoadedPack, after: LoadedPack) -> list[Change]:
    """Every difference, rules first."""
    return [
        *_rules(_by_duty(before), _by_duty(after)),
        *_tables("setting", _settings(before), _settings(after)),
        *_tables("unknown", _unknown(before), _unknown(after)),
        *_tables("template", _wordings(before), _wordings(after)),
    ]


def _by_duty(loaded: LoadedPack) -> dict[str, list[Rule]]:
    """Rules by the name of their duty; a stack may hold several of one duty."""
    found: dict[str, list[Rule]] = {}
    for rule in loaded.pack.rules:
        found.setdefault(rule.id.partition(".")[2], []).append(rule)
    return found


# What weighs most comes first.
POINTS = ("rule", "owes", "when", "on", "timers", "article", "in force")


def _rules(before: dict[str, list[Rule]], after: dict[str, list[Rule]]) -> list[Change]:
    changes = []
    for duty in sorted(before.keys() | after.keys()):
        old, new = before.get(duty, []), after.get(duty, [])
        if not old or not new:
            changes.append(Change("rule", duty, "rule", _titles(old), _titles(new)))
            continue
        changes.extend(_tables("rule", _points(old), _points(new), name=duty))
    return sorted(changes, key=lambda change: POINTS.index(change.point))


def _titles(rules: list[Rule]) -> str:
    return "; ".join(f"{rule.title_zh} / {rule.title_en}" for rule in rules)


def _points(rules: list[Rule]) -> dict[str, str]:
    """What a duty asks for, point by point, over all its rules."""
    points = [_points_of(rule) for rule in rules]
    return {name: " | ".join(dict.fromkeys(one[name] for one in points)) for name in points[0]}


def _points_of(rule: Rule) -> dict[str, str]:
    timers = [f"{wake.key}: {wake.field} {span_words(wake.reaches)}" for wake in rule.wakes]
    return {
        "article": rule.article,
        "in force": f"{rule.in_force_from or ''}–{rule.in_force_to or ''}",
        "on": ", ".join(sorted(rule.on)),
        "when": condition_words(rule.when, "en"),
        "owes": "; ".join(owed_words(one, "en") for one in rule.owes),
        "timers": "; ".join(timers),
    }


def _settings(loaded: LoadedPack) -> dict[str, str]:
    return {name: plain(value) for name, value in msgspec.structs.asdict(loaded.pack.settings).items()}


def _unknown(loaded: LoadedPack) -> dict[str, str]:
    return {signal: level.name.lower() for signal, level in loaded.pack.unknown.items()}


def _wordings(loaded: LoadedPack) -> dict[str, str]:
    return {ref: f"{one.zh}\n{one.en}" for ref, one in loaded.templates.items()}


def _tables(what: str, before: Mapping[str, str], after: Mapping[str, str], name: str = "") -> list[Change]:
    return [
        Change(what, name or key, key, before.get(key, ""), after.get(key, ""))
        for key in (*before, *(key for key in after if key not in before))
        if before.get(key) != after.get(key)
    ]

"""The duty register's rows as the packs know them, and which of them a pack answers with rules.

Rows of `RUNTIME` capabilities are decided while people talk and are expected to be rules; the others are people's work
in the offices. A pack says in `elsewhere` which runtime rows it leaves to another part, and to which.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from shouban.packs.pack import LoadedPack

RUNTIME: Final = frozenset({"road", "care", "people", "detection", "complaints"})


@dataclass(frozen=True)
class Row:
    """One duty of the law."""

    id: str
    capability: str
    article: str
    duty: str

    @property
    def is_runtime(self) -> bool:
        return self.capability in RUNTIME


@dataclass(frozen=True)
class Coverage:
    """The register seen from one pack. `open` are runtime rows that neither a rule nor another part answers."""

    by_rules: dict[str, tuple[str, ...]]
    elsewhere: dict[str, str]
    by_offices: tuple[Row, ...]
    open: tuple[Row, ...]


@cache
def register() -> dict[str, Row]:
    """Every row by its id."""
    text = resources.files("shouban.packs").joinpath("register.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["id"]: Row(row["id"], row["capability"], row["article"], row["duty_en"]) for row in rows}


def coverage(loaded: LoadedPack) -> Coverage:
    """Which rows the pack answers, of those it says it answers for."""
    asked = [row for row in register().values() if row.id.startswith(loaded.answers_for)]
    by_rules = _by_rules(loaded)
    runtime = [row for row in asked if row.is_runtime]
    return Coverage(
        by_rules=by_rules,
        elsewhere=dict(loaded.elsewhere),
        by_offices=tuple(row for row in asked if not row.is_runtime and row.id not in by_rules),
        open=tuple(row for row in runtime if row.id not in by_rules and row.id not in loaded.elsewhere),
    )


def _by_rules(loaded: LoadedPack) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for rule in loaded.pack.rules:
        for row in rule.register:
            found.setdefault(row, []).append(rule.id)
    return {row: tuple(rules) for row, rules in sorted(found.items())}

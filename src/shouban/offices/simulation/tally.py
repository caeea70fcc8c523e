"""Counts conversations as they come to their end, and makes the report of the counts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Final

from shouban.core.obligations import Allow, Obligation, WakeAt
from shouban.core.signals import SIGNALS, UNKNOWN, Reading, rank
from shouban.offices.simulation.model import (
    LEVELS,
    Alarms,
    Bad,
    BadLine,
    Bin,
    Evidence,
    Ledger,
    Owed,
    Report,
    RuleCount,
    RuleName,
    Run,
    Seen,
    Timeline,
    Totals,
    Unit,
)  # fmt: skip

# What stops a turn or calls a person: the price of a rule in ordinary talk.
ALARMS: Final = frozenset({"ShowHelp", "Escalate", "NotifyGuardian", "Block", "ReplaceReply", "Interrupt", "Lock"})
MAX_BAD_KEPT: Final = 1_000
MAX_BINS: Final = 400
COARSER: Final[dict[Unit, Unit]] = {"day": "month", "month": "year"}


@dataclass(frozen=True)
class Turn:
    """One message (or a registration, a timer: then `role` is empty), what was read in it and what it made owed."""

    role: str
    at: datetime
    readings: tuple[Reading, ...]
    owed: tuple[Obligation, ...]

    @property
    def duties(self) -> list[Obligation]:
        """Without permission, which is no duty, and timers, which are the machine's own."""
        return [one for one in self.owed if not isinstance(one, Allow | WakeAt)]

    @property
    def is_alarm(self) -> bool:
        """Something was read in this very message, and it stops the turn or calls a person."""
        return bool(self.readings) and any(type(one).__name__ in ALARMS for one in self.duties)


# --- time


@dataclass
class Bins:
    """Counts by day; where the days grow too many, by month, then by year."""

    unit: Unit = "day"
    messages: Counter[date] = field(default_factory=Counter)
    alarms: Counter[date] = field(default_factory=Counter)
    utc_offset: timedelta = timedelta(hours=8)

    def add(self, at: datetime, *, is_alarm: bool) -> None:
        start = start_of(at.astimezone(timezone(self.utc_offset)).date(), self.unit)
        self.messages[start] += 1
        self.alarms[start] += is_alarm
        while len(self.messages) > MAX_BINS and self.unit in COARSER:
            self.unit = COARSER[self.unit]
            self.messages, self.alarms = (self._coarser(table) for table in (self.messages, self.alarms))

    def _coarser(self, table: Mapping[date, int]) -> Counter[date]:
        grown: Counter[date] = Counter()
        for start, count in table.items():
            grown[start_of(start, self.unit)] += count
        return grown

    def timeline(self) -> Timeline:
        bins = tuple(Bin(start, self.messages[start], self.alarms[start]) for start in sorted(self.messages))
        return Timeline(self.unit, bins)


def start_of(day: date, unit: Unit) -> date:
    if unit == "day":
        return day
    return day.replace(day=1) if unit == "month" else day.replace(month=1, day=1)


# --- counting


@dataclass
class _Count:
    count: int = 0
    conversations: int = 0
    example: str = ""

    def add(self, times: int, conversation: str) -> None:
        self.count += times
        self.conversations += 1
        self.example = self.example or conversation


@dataclass
class Tally:
    """Counts as conversations come to their end. Its size depends on the law, never on how much is counted."""

    conversations: int = 0
    persons: int = 0
    readings: int = 0
    alarms: _Count = field(default_factory=_Count)
    roles: Counter[str] = field(default_factory=Counter)
    levels: Counter[tuple[str, str]] = field(default_factory=Counter)
    signals: dict[str, _Count] = field(default_factory=dict)
    owed: dict[str, _Count] = field(default_factory=dict)
    rules: dict[str, _Count] = field(default_factory=dict)
    rule_owed: Counter[tuple[str, str]] = field(default_factory=Counter)
    bins: Bins = field(default_factory=Bins)
    bad: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)

    def add(self, conversation: str, turns: Sequence[Turn], *, is_timed: bool) -> None:
        """A whole conversation, once it is on disk."""
        self.conversations += 1
        self.roles.update(turn.role for turn in turns if turn.role)
        self._add_readings(conversation, turns)
        self._add_owed(conversation, turns)
        alarms = sum(turn.is_alarm for turn in turns)
        if alarms:
            self.alarms.add(alarms, conversation)
        if is_timed:
            for turn in turns:
                if turn.role:
                    self.bins.add(turn.at, is_alarm=turn.is_alarm)

    def refuse(self, line: int, why: str) -> None:
        self.bad += 1
        if len(self.bad_lines) < MAX_BAD_KEPT:
            self.bad_lines.append(BadLine(line, why))

    def _add_readings(self, conversation: str, turns: Sequence[Turn]) -> None:
        seen: Counter[str] = Counter()
        for turn in turns:
            self.readings += len(turn.readings)
            for signal, level in _strongest(turn.readings).items():
                self.levels[signal, level] += 1
                seen[signal] += 1
        _add_all(self.signals, seen, conversation)

    def _add_owed(self, conversation: str, turns: Sequence[Turn]) -> None:
        owed: Counter[str] = Counter()
        rules: Counter[str] = Counter()
        for one in (duty for turn in turns for duty in turn.duties):
            kind = type(one).__name__
            owed[kind] += 1
            rules.update(one.because)
            self.rule_owed.update((rule, kind) for rule in one.because)
        _add_all(self.owed, owed, conversation)
        _add_all(self.rules, rules, conversation)


def _add_all(table: dict[str, _Count], found: Mapping[str, int], conversation: str) -> None:
    for name, times in found.items():
        table.setdefault(name, _Count()).add(times, conversation)


def _strongest(readings: Iterable[Reading]) -> dict[str, str]:
    found: dict[str, Reading] = {}
    for one in readings:
        known = found.get(one.signal)
        if known is None or rank(one.level) > rank(known.level):
            found[one.signal] = one
    return {signal: one.level if one.level == UNKNOWN else LEVELS[int(one.level) - 1] for signal, one in found.items()}


# --- the report


def report_of(tally: Tally, run: Run, rules: Mapping[str, RuleName], ledger: Ledger, evidence: Evidence) -> Report:
    """The counts as they are told: the most frequent first."""
    messages = sum(tally.roles.values())
    seconds = max(run.seconds, 1e-9)
    totals = Totals(
        conversations=tally.conversations, persons=tally.persons, messages=messages, by_role=dict(sorted(tally.roles.items())),
        readings=tally.readings, owed=sum(one.count for one in tally.owed.values()),
        conversations_per_second=round(tally.conversations / seconds, 1), messages_per_second=round(messages / seconds, 1),
    )  # fmt: skip
    return Report(
        run=run, totals=totals, seen=_seen(tally), owed=_owed(tally, messages), rules=_rules(tally, rules),
        alarms=Alarms(tally.alarms.count, per_1000(tally.alarms.count, messages), tally.alarms.conversations),
        timeline=tally.bins.timeline(), ledger=ledger, bad=Bad(tally.bad, tuple(sorted(tally.bad_lines, key=lambda one: one.line))), evidence=evidence,
    )  # fmt: skip


def per_1000(count: int, messages: int) -> float:
    return round(1_000 * count / messages, 2) if messages else 0.0


def _seen(tally: Tally) -> tuple[Seen, ...]:
    """In the order in which the contract names the signals."""
    return tuple(
        Seen(signal, one.count, {level: tally.levels[signal, level] for level in LEVELS}, one.example)
        for signal in SIGNALS
        if (one := tally.signals.get(signal))
    )


def _owed(tally: Tally, messages: int) -> tuple[Owed, ...]:
    found = [
        Owed(kind, one.count, per_1000(one.count, messages), one.conversations, one.example)
        for kind, one in tally.owed.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, one.obligation)))


def _rules(tally: Tally, names: Mapping[str, RuleName]) -> tuple[RuleCount, ...]:
    by_rule: dict[str, dict[str, int]] = {}
    for (rule, kind), count in sorted(tally.rule_owed.items()):
        by_rule.setdefault(rule, {})[kind] = count
    found = [
        RuleCount(
            rule,
            names[rule].article,
            names[rule].title_zh,
            names[rule].title_en,
            one.count,
            one.conversations,
            one.example,
            by_rule[rule],
        )
        for rule, one in tally.rules.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, one.rule)))

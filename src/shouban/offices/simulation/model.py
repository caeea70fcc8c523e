"""What a simulation tells: signals seen, obligations owed, the rules that asked, alarms, time. Pure.

INVARIANT: nothing of this holds a text of anybody's: ids, counts, times, and names of the law only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

import msgspec

from shouban.core.signals import UNKNOWN

Unit = Literal["day", "month", "year"]
LEVELS: Final = ("low", "medium", "high", "severe", UNKNOWN)


class Seen(msgspec.Struct, frozen=True):
    """In how many messages a signal was read, by its strongest level there."""

    signal: str
    messages: int
    levels: dict[str, int]
    example: str


class Owed(msgspec.Struct, frozen=True):
    obligation: str
    count: int
    per_1000: float
    conversations: int
    example: str


class RuleCount(msgspec.Struct, frozen=True):
    """How often a rule was a reason; `owed` by obligation adds up to `count`."""

    rule: str
    article: str
    title_zh: str
    title_en: str
    count: int
    conversations: int
    example: str
    owed: dict[str, int]


class Alarms(msgspec.Struct, frozen=True):
    messages: int
    per_1000: float
    conversations: int


class Bin(msgspec.Struct, frozen=True):
    start: date
    messages: int
    alarms: int


class Timeline(msgspec.Struct, frozen=True):
    """Messages by local day (month, year: whatever keeps it short); only those whose line gave a time."""

    unit: Unit
    bins: tuple[Bin, ...]


class BadLine(msgspec.Struct, frozen=True):
    line: int
    why: str


class Bad(msgspec.Struct, frozen=True):
    """`lines` are the first of `count`."""

    count: int
    lines: tuple[BadLine, ...]


class Ledger(msgspec.Struct, frozen=True):
    """The ledger's rows: of this run, by state, timers apart."""

    owed: int = 0
    done: int = 0
    failed: int = 0
    timers_run: int = 0
    timers_standing: int = 0


class Evidence(msgspec.Struct, frozen=True):
    is_whole: bool
    entries: int
    why: str = ""


class Run(msgspec.Struct, frozen=True):
    """Under what law, when, and how fast."""

    pack: str
    pack_digest: str
    title_zh: str
    title_en: str
    made_at: datetime
    seconds: float
    peak_memory_mb: float


class Totals(msgspec.Struct, frozen=True):
    conversations: int
    persons: int
    messages: int
    by_role: dict[str, int]
    readings: int
    owed: int
    conversations_per_second: float
    messages_per_second: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that a simulation says."""

    format: int = 1
    run: Run
    totals: Totals
    seen: tuple[Seen, ...]
    owed: tuple[Owed, ...]
    rules: tuple[RuleCount, ...]
    alarms: Alarms
    timeline: Timeline
    ledger: Ledger
    bad: Bad
    evidence: Evidence


@dataclass(frozen=True)
class RuleName:
    article: str
    title_zh: str
    title_en: str

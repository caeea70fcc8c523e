"""The report as it stands in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shouban.offices.simulation.model import LEVELS, Report
from shouban.offices.simulation.words import LEVEL_WORDS, named_obligation, named_signal
from shouban.web.language import Language, Text

BAD_SHOWN: Final = 20
HEADINGS: Final[dict[str, Text]] = {
    "conversations": Text("会话", "conversations"),
    "messages": Text("消息", "messages"),
    "seen": Text("读到什么（按消息计，取最强等级）", "what was seen (messages, by strongest level)"),
    "signal": Text("信号", "signal"),
    "owed": Text("负有的义务", "what was owed"),
    "obligation": Text("义务", "obligation"),
    "rules": Text("按规则", "by rule"),
    "rule": Text("规则", "rule"),
    "article": Text("条款", "article"),
    "title": Text("标题", "title"),
    "count": Text("次数", "count"),
    "per_1000": Text("每千条", "per 1000"),
    "example": Text("例", "example"),
}


def print_report(report: Report, console: Console, language: Language) -> None:
    _print_totals(report, console)
    for table in (_seen(report, language), _owed(report, language), _rules(report, language)):
        if table.row_count:
            console.print(table)
    _print_books(report, console)
    _print_bad(report, console)


def _print_totals(report: Report, console: Console) -> None:
    totals, run, alarms = report.totals, report.run, report.alarms
    roles = ", ".join(f"{count} {role}" for role, count in totals.by_role.items())
    console.print(
        f"{run.pack}@{run.pack_digest[:16]}: {totals.conversations} conversations of {totals.persons} persons, {totals.messages} messages ({roles})"
    )
    console.print(
        f"{run.seconds:.1f} s: {totals.conversations_per_second} conversations/s, {totals.messages_per_second} messages/s, "
        f"peak memory {run.peak_memory_mb:.0f} MB"
    )
    console.print(
        f"alarms: {alarms.messages} messages in {alarms.conversations} conversations, {alarms.per_1000} per 1000 messages"
    )


def _print_books(report: Report, console: Console) -> None:
    ledger, evidence = report.ledger, report.evidence
    console.print(
        f"ledger: {ledger.owed} owed, {ledger.done} done, {ledger.failed} failed; timers: {ledger.timers_run} run, {ledger.timers_standing} standing at the end"
    )
    if evidence.is_whole:
        console.print(f"evidence: verified, {evidence.entries} entries")
    else:
        console.print(f"evidence: DOES NOT HOLD: {escape(evidence.why)}", style="bold red")


def _print_bad(report: Report, console: Console) -> None:
    bad = report.bad
    if not bad.count:
        console.print("bad lines: none")
        return
    console.print(f"bad lines, skipped: {bad.count}")
    for one in bad.lines[:BAD_SHOWN]:
        console.print(f"  line {one.line}: {escape(one.why)}")
    if bad.count > BAD_SHOWN:
        console.print(f"  … and {bad.count - BAD_SHOWN} more")


def _table(title: str, language: Language, words: Iterable[str], numbers: Iterable[str]) -> Table:
    """Words fold (Chinese has no spaces to wrap at); numbers stand on the right and stay whole."""
    table = Table(title=HEADINGS[title].to(language), title_justify="left")
    for name in words:
        table.add_column(HEADINGS[name].to(language), overflow="fold")
    for name in numbers:
        table.add_column((HEADINGS.get(name) or LEVEL_WORDS[name]).to(language), justify="right", no_wrap=True)
    return table


def _seen(report: Report, language: Language) -> Table:
    table = _table("seen", language, ["signal"], [*LEVELS, "messages"])
    for one in report.seen:
        name = f"{named_signal(one.signal).to(language)} ({one.signal})" if language == "zh" else one.signal
        table.add_row(name, *(str(one.levels[level] or "") for level in LEVELS), str(one.messages))
    return table


def _owed(report: Report, language: Language) -> Table:
    table = _table("owed", language, ["obligation", "example"], ["count", "per_1000", "conversations"])
    for one in report.owed:
        name = f"{named_obligation(one.obligation).to(language)} ({one.obligation})"
        table.add_row(name, escape(one.example), str(one.count), f"{one.per_1000:.2f}", str(one.conversations))
    return table


def _rules(report: Report, language: Language) -> Table:
    table = _table("rules", language, ["rule", "article", "title", "example"], ["count", "conversations"])
    for one in report.rules:
        title = one.title_zh if language == "zh" else one.title_en
        table.add_row(
            escape(one.rule),
            escape(one.article),
            escape(title),
            escape(one.example),
            str(one.count),
            str(one.conversations),
        )
    return table

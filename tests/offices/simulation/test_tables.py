from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from shouban.core.obligations import ShowHelp
from shouban.core.signals import Level, Reading
from shouban.offices.simulation.model import Evidence, Ledger, Report, RuleName, Run
from shouban.offices.simulation.tables import BAD_SHOWN, print_report
from shouban.offices.simulation.tally import Tally, Turn, report_of
from shouban.web.language import Language

AT = datetime(2026, 8, 3, 2, 0, tzinfo=UTC)


def a_report(*, bad: int = 0, is_whole: bool = True) -> Report:
    tally = Tally()
    help_owed = ShowHelp(template="t", because=("cn.help",))
    turn = Turn("user", AT, (Reading("crisis", Level.HIGH, 0.9, "d", "1"),), (help_owed,))
    tally.add("[bold]c-1[/bold]", [turn], is_timed=False)
    for number in range(bad):
        tally.refuse(number, "`id` is missing")
    run = Run("cn", "0" * 64, "法", "law", AT, 2.0, 100.0)
    return report_of(
        tally,
        run,
        {"cn.help": RuleName("第一条", "求助", "help")},
        Ledger(1, 0, 0),
        Evidence(is_whole, 3, "" if is_whole else "log_entries 2"),
    )


def printed(report: Report, language: Language) -> str:
    out = io.StringIO()
    print_report(report, Console(file=out, width=160), language)
    return out.getvalue()


@pytest.mark.parametrize(
    ("language", "words"), [("zh", ("安抚", "求助", "自杀自伤危机")), ("en", ("comfort", "help", "crisis"))]
)
def test_the_tables_tell_what_was_seen_and_owed_and_why(language: Language, words: tuple[str, ...]) -> None:
    text = printed(a_report(), language)
    for word in (
        *words,
        "cn.help",
        "第一条",
        "1 conversations",
        "evidence: verified, 3 entries",
        "bad lines: none",
        "1 owed, 0 done, 0 failed",
    ):
        assert word in text


def test_an_id_cannot_style_the_terminal() -> None:
    assert "[bold]c-1[/bold]" in printed(a_report(), "en")


def test_bad_lines_and_broken_evidence_are_told() -> None:
    text = printed(a_report(bad=BAD_SHOWN + 3, is_whole=False), "en")
    assert "DOES NOT HOLD: log_entries 2" in text
    assert "line 4: `id` is missing" in text
    assert "and 3 more" in text

"""One rule becomes the core's rule, whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from shouban.core.obligations import Escalate, ShowHelp
from shouban.core.rules import Rule, Wake
from shouban.packs.stack import load_pack

Write = Callable[..., Path]


def rules(folder: Path) -> dict[str, Rule]:
    return {rule.id: rule for rule in load_pack(folder).pack.rules}


def test_a_rule_carries_its_article_dates_and_obligations(write_pack: Write) -> None:
    rule = rules(write_pack())["my.help"]
    assert (rule.article, rule.quote, rule.evidence, rule.register) == ("第一条", "帮助", "记录", ("D044",))
    assert rule.owes == (
        ShowHelp(template="my/help", topic="crisis"),
        Escalate(reason="crisis", urgency="now", answer_within=timedelta(minutes=90)),
    )


def test_a_rule_holds_from_its_first_day_to_the_day_before_its_last(write_pack: Write) -> None:
    rule = rules(write_pack())["my.rest"]
    days = [date(2026, 1, 31), date(2026, 2, 1), date(2027, 1, 31), date(2027, 2, 1)]
    assert [rule.is_in_force(day) for day in days] == [False, True, True, False]


def test_a_timer_names_its_field_and_mark(write_pack: Write) -> None:
    wake = Wake(key="rest", field="use.since_reminder", reaches=timedelta(minutes=30), field_key="rest")
    assert rules(write_pack())["my.rest-clock"].wakes == (wake,)

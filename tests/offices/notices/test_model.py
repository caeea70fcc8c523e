"""What a notice must say, and what the plan of a withdrawal must have in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from shouban.core.errors import CallerError
from shouban.offices.notices import model as m

CHINA = timezone(timedelta(hours=8))
NOON = datetime(2026, 8, 3, 12, tzinfo=CHINA)
PLAN: dict[str, Any] = {
    "kind": "ending", "title_zh": "服务将停止", "text_zh": "因公司调整，本服务将停止。", "ends_on": "2026-10-01", "refunds": "未用完的按比例退回。", "crisis_plan": "值班同事逐一电话交接。",
}  # fmt: skip


def test_a_plan_has_an_end_refunds_and_who_takes_over_people_in_crisis() -> None:
    body = m.checked(m.Posting(**PLAN), NOON)
    assert body.ends_at == datetime(2026, 10, 1, tzinfo=CHINA)
    assert body.over_at == body.ends_at
    assert body.export_until == datetime(2026, 10, 31, tzinfo=CHINA)
    assert body.title_en == "服务将停止"
    read_only = m.checked(m.Posting(**PLAN, read_only_on="2026-09-20"), NOON)
    assert read_only.over_at == datetime(2026, 9, 20, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title_zh": " "}, "title_zh"), ({"text_zh": "长" * 2_001}, "text_zh"), ({"ends_on": "明天"}, "ends_on"), ({"ends_on": "2026-08-03"}, "ends_on"),
        ({"ends_on": "2026-08-20"}, "why_so_soon"), ({"refunds": ""}, "refunds"), ({"crisis_plan": " "}, "crisis_plan"), ({"read_only_on": "2026-10-02"}, "read_only_on"),
        ({"read_only_on": "2026-08-01"}, "read_only_on"), ({"export_until": "2026-09-30"}, "export_until"),
    ],
)  # fmt: skip
def test_what_is_missing_or_cannot_be_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(CallerError) as caught:
        m.checked(m.Posting(**{**PLAN, **change}), NOON)
    assert caught.value.field == field


def test_less_than_thirty_days_needs_a_reason() -> None:
    soon = {**PLAN, "ends_on": "2026-08-20", "why_so_soon": "主管部门要求立即停止提供服务。"}
    assert m.checked(m.Posting(**soon), NOON).why_so_soon


def test_an_outage_or_news_needs_no_plan() -> None:
    body = m.checked(m.Posting("news", "新的陪伴角色", "今天起可以和阿澈聊书。"), NOON)
    assert body.ends_at is None
    assert m.what_of(m.Posting("ending", "a", "b")) == "service"
    with pytest.raises(CallerError):
        m.what_of(m.Posting("withdrawal", "a", "b"))


def test_what_is_down_is_not_taken_down_again() -> None:
    notice = m.Notice("n", "one", "news", "", "posted", NOON, None, "a", 0, m.Body("a", "a", "b", "b"))
    down = m.taken_down(notice, NOON, reached=3)
    assert (down.state, down.reached) == ("down", 3)
    with pytest.raises(CallerError):
        m.taken_down(down, NOON, reached=3)
    assert replace(notice, account="").is_by_itself

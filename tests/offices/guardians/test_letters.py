"""Letters to guardians: lines with bars, in the child's language, without a word of the child's."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from tests.offices.guardians.test_summary import DAYS, NOW, TODAY

from shouban.core.state import PersonState, Session
from shouban.offices.guardians.letters import approval_message, bar, letter
from shouban.offices.guardians.summary import Alert, Summary, summary

FOUND: Summary = summary(
    PersonState(days=DAYS, sessions={"s": Session("s", NOW, NOW, companion="xiaohe")}), TODAY, ["emotion"], [Alert(NOW, "done", answered_at=NOW + timedelta(minutes=1))]
)  # fmt: skip


def child(**profile: Any) -> Any:
    return SimpleNamespace(profile=profile, id="p1")


def test_a_letter_says_how_the_week_went() -> None:
    said = letter(child(nickname="小雨"), FOUND, "weekly", key="k", base="https://sb.example")
    assert said.title == "小雨最近一周的使用概要"
    assert "07-28 ████████████ 60 分钟" in said.text.replace("07-28 ", "07-28 ") or "60 分钟" in said.text
    assert "08-03 · 0 分钟" in said.text
    assert "聊天的角色：xiaohe" in said.text
    assert "安全提醒：1 次，1 次已确认看到" in said.text
    assert said.text.endswith("https://sb.example/guardian/children/p1")
    assert "http" not in letter(child(), FOUND, "weekly", key="k", base="").text


def test_it_is_in_the_language_of_the_profile() -> None:
    said = letter(child(language="en"), FOUND, "daily", key="k", base="")
    assert said.title == "Your child: yesterday in summary"
    assert "Mood: " in said.text
    assert not any("\u4e00" <= sign <= "\u9fff" for sign in said.text)


def test_a_bar_is_as_long_as_its_share() -> None:
    assert [bar(minutes, 60) for minutes in (0, 1, 30, 60)] == ["·", "█", "██████", "████████████"]


def test_a_question_names_what_and_how_much() -> None:
    said = approval_message(child(nickname="小雨"), "月卡", 2990, key="k", base="https://sb.example")
    assert "小雨想买「月卡」，29.90 元" in said.text
    assert "https://sb.example/guardian/children/p1/spending" in said.text

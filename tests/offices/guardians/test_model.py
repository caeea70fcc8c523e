"""What a guardian is shown holds no word of the child's, and what they set is checked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core.errors import CallerError
from shouban.core.rules import EXEMPTIONS
from shouban.core.signals import SIGNALS
from shouban.core.state import DayUse, PersonState, Session
from shouban.offices.guardians.model import DAYS_SHOWN, TOPICS, Limits, Link, checked, summary
from shouban.offices.guardians.words import TOPICS as NAMES

TODAY = date(2026, 8, 3)
NOW = datetime(2026, 8, 3, 4, tzinfo=UTC)


def test_a_week_is_shown_day_by_day() -> None:
    days = tuple(
        DayUse(TODAY - timedelta(days=back), used=timedelta(minutes=10 * back), turns=4, low=back % 2)
        for back in range(9, -1, -1)
    )
    talk = Session("s", NOW, NOW, companion="xiaohe")
    found = summary(
        PersonState(days=days, sessions={"s": talk}), TODAY, ["crisis", "crisis", "prohibited.sexual"], [(NOW, "done")]
    )
    assert [one.minutes for one in found.days] == [60, 50, 40, 30, 20, 10, 0]
    assert len(found.days) == DAYS_SHOWN
    assert found.total_minutes == 210
    assert found.companions == ("xiaohe",)
    assert found.topics == (("danger", 2), ("unsuitable", 1))


@given(st.lists(st.sampled_from(sorted(SIGNALS)), max_size=40))
def test_every_signal_is_a_kind_of_topic_and_none_is_named(signals: list[str]) -> None:
    found = summary(PersonState(), TODAY, signals, [])
    assert sum(count for _, count in found.topics) == len(signals)
    assert {topic for topic, _ in found.topics} <= NAMES.keys()
    assert {topic for topic, _ in found.topics}.isdisjoint(SIGNALS)
    assert set(TOPICS.values()) <= NAMES.keys()


def test_settings_are_what_the_form_says() -> None:
    found = checked(Limits(" 45 ", ["curfew", "curfew"], "夜王， dark-knight,夜王", "yes"))
    assert (found.daily_limit, found.exemptions, found.blocked, found.purchases_allowed) == (
        45,
        ("curfew",),
        ("夜王", "dark-knight"),
        True,
    )
    assert checked(Limits()).daily_limit is None
    assert set(checked(Limits(exemptions=list(EXEMPTIONS))).exemptions) == set(EXEMPTIONS)


@pytest.mark.parametrize(
    ("limits", "field"),
    [(Limits("-1"), "minutes"), (Limits("1441"), "minutes"), (Limits("soon"), "minutes"), (Limits(exemptions=["all"]), "exemptions"), (Limits(blocked="x" * 65), "blocked"), (Limits(blocked=",".join(map(str, range(51)))), "blocked")],
)  # fmt: skip
def test_what_does_not_fit_is_named(limits: Limits, field: str) -> None:
    with pytest.raises(CallerError) as refused:
        checked(limits)
    assert refused.value.field == field


def test_an_invitation_is_open_until_it_is_used_or_old() -> None:
    link = Link("l", "p", "", "invited", NOW, NOW + timedelta(days=7))
    assert link.is_open(NOW)
    assert not link.is_open(NOW + timedelta(days=7))
    assert not Link("l", "p", "a", "active", NOW, NOW + timedelta(days=7)).is_open(NOW)

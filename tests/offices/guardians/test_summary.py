"""A summary holds no word of the child's, and its drawing is of its numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shouban.core.signals import SIGNALS
from shouban.core.state import DayUse, PersonState, Session
from shouban.offices.guardians.summary import HEIGHT, SPANS, TOPICS, WIDTH, Alert, chart, summary
from shouban.offices.guardians.words import TOPICS as NAMES

TODAY = date(2026, 8, 3)
NOW = datetime(2026, 8, 3, 4, tzinfo=UTC)
DAYS = tuple(
    DayUse(TODAY - timedelta(days=back), used=timedelta(minutes=10 * back), turns=4 if back != 3 else 0, low=back % 2)
    for back in range(9, -1, -1)
)


def test_a_week_is_shown_day_by_day() -> None:
    talks = {
        "s": Session("s", NOW, NOW, companion="xiaohe", labels=("tag:a", "name:小禾")), "t": Session("t", NOW, NOW, companion="bare"),
        "old": Session("old", NOW, NOW - timedelta(days=40), companion="old"),
    }  # fmt: skip
    found = summary(
        PersonState(days=DAYS, sessions=talks), TODAY, ["crisis", "crisis", "prohibited.sexual"], [Alert(NOW, "done")]
    )
    assert [one.minutes for one in found.days] == [60, 50, 40, 30, 20, 10, 0]
    assert found.days[3].low_share is None
    assert found.total_minutes == 210
    assert found.companions == ("bare", "小禾")
    assert found.topics == (("danger", 2), ("unsuitable", 1))


@given(st.lists(st.sampled_from(sorted(SIGNALS)), max_size=40))
def test_every_signal_is_a_kind_of_topic_and_none_is_named(signals: list[str]) -> None:
    found = summary(PersonState(), TODAY, signals, [])
    assert sum(count for _, count in found.topics) == len(signals)
    assert {topic for topic, _ in found.topics} <= NAMES.keys()
    assert {topic for topic, _ in found.topics}.isdisjoint(SIGNALS)
    assert set(TOPICS.values()) <= NAMES.keys()


@given(st.sampled_from(SPANS), st.lists(st.integers(0, 1500), min_size=28, max_size=28))
def test_bars_stand_on_the_ground_and_within_the_drawing(span: int, minutes: list[int]) -> None:
    days = tuple(
        DayUse(TODAY - timedelta(days=27 - place), used=timedelta(minutes=one), turns=2, low=1)
        for place, one in enumerate(minutes)
    )
    found = summary(PersonState(days=days), TODAY, [], [], span=span)
    drawn = chart(found)
    assert len(drawn.bars) == span
    for bar in drawn.bars:
        assert abs(bar.y + bar.height - HEIGHT) < 0.2
        assert bar.y >= -0.1
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert abs(bar.height - HEIGHT * bar.day.minutes / drawn.top) < 0.1


def test_the_line_of_mood_is_broken_where_nothing_was_said() -> None:
    drawn = chart(summary(PersonState(days=DAYS), TODAY, [], []))
    assert [len(line.split()) for line in drawn.lines] == [3, 3]

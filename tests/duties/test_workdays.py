"""Working days: China's, with the holidays and the days that make up for them, and what holds where they are not announced yet."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.duties.workdays import end_of_workday, is_announced, is_workday, workdays_left

CHINA = timezone(timedelta(hours=8))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2026-09-30", True), ("2026-10-01", False), ("2026-10-07", False), ("2026-10-08", True), ("2026-10-10", True),  # a Saturday that makes up for the holiday
        ("2026-10-11", False), ("2026-02-17", False), ("2026-02-14", True), ("2026-11-28", False),
    ],
)  # fmt: skip
def test_holidays_are_off_and_make_up_days_are_worked(day: str, worked: bool) -> None:
    assert is_workday(date.fromisoformat(day)) is worked


def test_a_deadline_over_the_national_holiday() -> None:
    """Filed on Monday the 28th of September: two days, the holiday, two days, the Saturday worked, and five more."""
    assert end_of_workday(at("2026-09-28T15:00"), 10, CHINA) == at("2026-10-17T00:00")
    assert end_of_workday(at("2026-09-28T15:00"), 10, CHINA, "weekdays") == at("2026-10-13T00:00")


def test_the_day_itself_does_not_count_in_the_local_zone() -> None:
    late_in_utc = datetime.fromisoformat("2026-11-23T17:30:00+00:00")  # already Tuesday in China
    assert end_of_workday(late_in_utc, 1, CHINA) == at("2026-11-26T00:00")


def test_a_year_that_is_not_announced_counts_monday_to_friday() -> None:
    assert is_announced(2026)
    assert not is_announced(2093)
    assert is_workday(date(2093, 10, 1))  # a Thursday
    assert not is_workday(date(2093, 10, 3))


def test_a_time_of_no_days_is_refused() -> None:
    with pytest.raises(ValueError, match="no working days"):
        end_of_workday(at("2026-11-23T10:00"), 0, CHINA)


@given(
    start=st.integers(1_577_808_000, 1_788_220_800).map(
        lambda one: datetime.fromtimestamp(one, CHINA)
    ),  # 2020 to September 2026
    days=st.integers(1, 60),
)
def test_the_end_is_so_many_working_days_on_and_never_earlier(start: datetime, days: int) -> None:
    end = end_of_workday(start, days, CHINA)
    assert end > start + timedelta(days=days - 1)
    assert is_workday((end - timedelta(days=1)).date())
    assert workdays_left(start, end, CHINA) == days
    assert workdays_left(end + timedelta(hours=1), end, CHINA) <= 0
    assert end_of_workday(start, days + 1, CHINA) > end

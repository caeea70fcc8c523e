"""Working days: of China, with its holidays and the days that are worked to make up for them, or Monday to Friday.

The State Council announces a year's holidays late in the year before (`chinesecalendar` has them year by year). For a year that is not announced
Monday to Friday are worked and no day is off: a deadline is then rather too early than too late.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo

import chinese_calendar  # type: ignore[import-untyped]  # has no types

from shouban.core.rules import CalendarName


def is_workday(day: date, calendar: CalendarName = "cn") -> bool:
    if calendar == "cn" and is_announced(day.year):
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < 5


def is_announced(year: int) -> bool:
    """Whether the holidays of that year are known."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def end_of_workday(at: datetime, workdays: int, zone: tzinfo, calendar: CalendarName = "cn") -> datetime:
    """The end of the day that is so many working days after `at`; the day itself does not count (Civil Code, Art. 201).

    Raises `ValueError` where `workdays` is below one.
    """
    if workdays < 1:
        raise ValueError("a time of no working days is none")
    day = at.astimezone(zone).date()
    left = workdays
    while left:
        day += timedelta(days=1)
        left -= is_workday(day, calendar)
    return datetime.combine(day + timedelta(days=1), time.min, zone)


def workdays_left(at: datetime, due: datetime, zone: tzinfo, calendar: CalendarName = "cn") -> int:
    """How many working days remain, today not counted; below zero once it is over."""
    today, last = at.astimezone(zone).date(), (due - timedelta(microseconds=1)).astimezone(zone).date()
    first, end, sign = (today, last, 1) if last >= today else (last, today, -1)
    days = (first + timedelta(days=one) for one in range(1, (end - first).days + 1))
    return sign * sum(is_workday(day, calendar) for day in days)


def deadline(local: datetime) -> str:
    """A time to read; midnight is the end of the day before."""
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        return f"{local - timedelta(minutes=1):%Y-%m-%d} 24:00"
    return f"{local:%Y-%m-%d %H:%M}"

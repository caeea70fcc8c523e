from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shouban.core.errors import CallerError
from shouban.evidence.timeline import Line
from shouban.offices.staff.model import MINUTES, Breaking, Grant, checked_address, checked_reason, timeline

NOW = datetime(2026, 8, 3, tzinfo=UTC)


def test_the_glass_is_broken_for_a_reason_and_a_while() -> None:
    assert checked_reason(Breaking("  家属来电，确认她今晚是否安全  ", 30)) == (
        "家属来电，确认她今晚是否安全",
        timedelta(minutes=30),
    )
    for wish in (
        Breaking("", 15),
        Breaking("好奇", 15),
        Breaking("x" * 501, 15),
        Breaking("家属来电，确认她是否安全", 24 * 60),
    ):
        with pytest.raises(CallerError):
            checked_reason(wish)
    assert max(MINUTES) <= 60


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("lin@example.org", "mailto:lin@example.org"), (" +86 138-0000 0000 ", "tel:+8613800000000"), ("mailto:a@b.org", "mailto:a@b.org"),
        ("https://hook.example/1", "https://hook.example/1"), ("dingtalk://token", "dingtalk://token"), ("", ""),
    ],
)  # fmt: skip
def test_an_address_is_kept_as_the_ways_out_take_it(given: str, kept: str) -> None:
    assert checked_address(given) == kept


@pytest.mark.parametrize("given", ["小林", "javascript:alert(1)", "a@b@c:1", "https://a\n.example", "x" * 400, "12"])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(CallerError):
        checked_address(given)


def test_a_grant_ends_by_itself() -> None:
    grant = Grant("g", "a", "p", NOW, NOW + timedelta(minutes=15))
    assert grant.stands(NOW)
    assert not grant.stands(NOW + timedelta(minutes=15))
    assert not grant.stands(NOW - timedelta(seconds=1))


def test_the_newest_comes_first() -> None:
    shown = timeline([Line(NOW, "a", [], [], 1), Line(NOW + timedelta(1), "b", ["crisis 4"], ["ShowHelp"], 2)])
    assert [one["what"] for one in shown] == ["b", "a"]

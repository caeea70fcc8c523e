from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shouban.core.errors import CallerError
from shouban.offices.people.appeals import Appeal, Asked, Deciding, checked, decided, frees

NOW = datetime(2026, 8, 3, tzinfo=UTC)
OPEN = Appeal("c", "p", "age", "open", NOW, NOW + timedelta(days=15))


def test_a_decision_says_what_holds_and_why() -> None:
    done = decided(OPEN, Deciding("upheld", "护照复印件已核对", "adult"), by="w", at=NOW)
    assert (done.state, done.decided_by, done.decided_at) == ("upheld", "w", NOW)
    for wish in (
        Deciding("upheld", "", "adult"),
        Deciding("upheld", "护照复印件已核对"),
        Deciding("upheld", "护照复印件已核对", "unknown"),
        Deciding("refused", "  "),
    ):
        with pytest.raises(CallerError):
            decided(OPEN, wish, by="w", at=NOW)


def test_what_is_decided_is_not_decided_again() -> None:
    done = decided(OPEN, Deciding("refused", "没有新的材料"), by="w", at=NOW)
    with pytest.raises(CallerError) as refused:
        decided(done, Deciding("upheld", "护照复印件已核对", "adult"), by="v", at=NOW)
    assert refused.value.status == 409


def test_it_is_late_after_its_day_and_not_once_it_is_decided() -> None:
    assert not OPEN.is_late(OPEN.due_at)
    assert OPEN.is_late(OPEN.due_at + timedelta(seconds=1))
    assert not decided(OPEN, Deciding("refused", "没有新的材料"), by="w", at=NOW).is_late(NOW + timedelta(days=30))


def test_only_an_upheld_appeal_of_an_adult_frees() -> None:
    assert frees(Deciding("upheld", "", "adult"))
    assert not frees(Deciding("upheld", "", "16_17"))
    assert not frees(Deciding("refused", "", "adult"))


def test_a_reason_has_its_bound() -> None:
    with pytest.raises(CallerError):
        checked(Asked(reason="x" * 1001))

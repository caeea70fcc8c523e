"""A report tells where and what, is bounded, and can always be printed."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from shouban.core.errors import EvidenceError
from shouban.evidence.report import MAX_TOLD, Check, Report


def test_all_problems_are_counted_and_the_first_are_told() -> None:
    check = Check("entries")
    for number in range(1000):
        check.blame(f"entry {number}", "is wrong")
    assert (check.wrong, len(check.problems)) == (1000, MAX_TOLD)
    assert check.problems[0].place == "entry 0"


def test_checks_do_not_share_their_problems() -> None:
    one, two = Check("one"), Check("two")
    one.blame("here", "is wrong")
    report = Report("log", 0, "", [one, two])
    assert not report.is_clean
    assert Report("log", 0, "", [two]).is_clean
    assert report.problems() == one.problems


@pytest.mark.parametrize(
    "error", [EvidenceError("does not hold"), OperationalError("SELECT", None, Exception("malformed"))]
)
def test_what_raises_under_guard_is_a_problem_of_its_place(error: Exception) -> None:
    check = Check("tiles")
    with check.guarding("tile/0/000"):
        raise error
    assert check.problems[0].place == "tile/0/000"


def test_a_mistake_of_our_own_is_no_finding() -> None:
    with pytest.raises(ZeroDivisionError), Check("tiles").guarding("here"):
        raise ZeroDivisionError


def test_what_a_damaged_row_holds_can_be_printed() -> None:
    check = Check("entries")
    check.blame("row \udcff", "is \udcfe")
    assert check.problems[0].place.encode() == b"row \\udcff"

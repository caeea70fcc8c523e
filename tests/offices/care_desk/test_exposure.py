"""How much of others' danger somebody had: whatever the order of steps, nobody is in one talk twice at once, and each talk ends."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from tests.offices.care_desk.test_model import MINUTE, NOON, case

from shouban.core import events as e
from shouban.evidence.log import Acted, Decided
from shouban.offices.care_desk.exposure import (
    BREAK,
    MARKS,
    Exposure,
    Limits,
    Step,
    What,
    exposures,
    spans_of,
    step_of,
)
from shouban.offices.care_desk.model import is_severe

LIMITS = Limits(minutes=120, takeovers=4)
STEPS = st.lists(st.tuples(st.sampled_from(get_args(What)), st.sampled_from("abc"), st.sampled_from("abc"), st.integers(0, 90)), max_size=20)  # fmt: skip


def steps(*found: tuple[int, What, str] | tuple[int, What, str, str]) -> list[Step]:
    return [Step(NOON + one[0] * MINUTE, one[1], *one[2:]) for one in found]


@given(STEPS, st.integers(0, 90))
def test_nobody_is_in_a_talk_twice_at_once_and_no_talk_outlasts_now(
    found: list[tuple[What, str, str, int]], gone: int
) -> None:
    at, lived = NOON, []
    for what, account, to, minutes in found:
        at += minutes * MINUTE
        lived.append(Step(at, what, account, to))
    now = at + timedelta(hours=1)
    spans = spans_of(lived, now, at + gone * MINUTE)
    for one in spans:
        assert NOON <= one.since < one.until <= now
        others = [other for other in spans if other is not one and other.account == one.account]
        assert all(other.until <= one.since or one.until <= other.since for other in others)
    total = exposures([(lived, None)], NOON, now)
    assert all(one.spent <= now - NOON for one in total.values())
    assert sum(one.takeovers for one in total.values()) == sum(one.what == "took" for one in lived)


def test_a_talk_is_of_whoever_has_it_from_takeover_to_hand_back() -> None:
    lived = steps((0, "claimed", "lin"), (5, "took", "lin"), (25, "passed", "lin", "zhou"), (35, "back", "zhou"), (40, "closed", "zhou"))  # fmt: skip
    found = exposures([(lived, None)], NOON, NOON + timedelta(hours=2))
    assert (found["lin"].minutes, found["lin"].takeovers) == (20, 1)
    assert (found["zhou"].minutes, found["zhou"].takeovers) == (10, 0)
    assert found["lin"].rest_until is None, "who passed it on has not ended a talk"
    assert found["zhou"].rest_until == NOON + 35 * MINUTE + BREAK, "the talk ended with the hand-back"


def test_a_supervisor_who_joins_hears_it_too() -> None:
    lived = steps((0, "took", "lin"), (10, "joined", "chief"), (30, "left", "chief"), (40, "joined", "chief"), (60, "back", "lin"))  # fmt: skip
    found = exposures([(lived, None)], NOON, NOON + timedelta(hours=2))
    assert (found["lin"].minutes, found["chief"].minutes) == (60, 40)


def test_only_today_counts_and_a_desk_that_is_gone_hears_nothing() -> None:
    lived = steps((-60, "took", "lin"))
    found = exposures([(lived, NOON + 15 * MINUTE)], NOON, NOON + 45 * MINUTE)
    assert (found["lin"].minutes, found["lin"].takeovers) == (15, 0)
    again = [*lived, *steps((30, "claimed", "zhou"))]
    found = exposures([(again, None)], NOON, NOON + 45 * MINUTE)
    assert found["zhou"].minutes == 15


def test_a_false_alarm_that_nobody_took_over_asks_for_no_break() -> None:
    found = exposures([(steps((0, "claimed", "lin"), (5, "closed", "lin")), None)], NOON, NOON + 6 * MINUTE)
    assert found.get("lin", Exposure()).why_rest(LIMITS, NOON + 6 * MINUTE) == ""


def test_when_somebody_should_rest() -> None:
    def why(limits: Limits = LIMITS, **had: object) -> str:
        return Exposure(**had).why_rest(limits, NOON)  # type: ignore[arg-type]  # its fields

    assert why() == ""
    assert why(spent=119 * MINUTE) == ""
    assert why(spent=120 * MINUTE) == "budget"
    assert why(takeovers=4) == "budget"
    assert why(rest_until=NOON + MINUTE) == "break"
    assert why(rest_until=NOON) == ""
    assert why(Limits(0, 0), spent=999 * MINUTE, takeovers=99) == "", "0 is no limit"


def test_who_only_closes_a_case_after_an_earlier_talk_of_the_day_needs_no_break() -> None:
    lived = steps((0, "claimed", "lin"), (0, "took", "lin"), (20, "back", "lin"), (20, "closed", "lin"), (300, "claimed", "zhou"), (301, "closed", "zhou"))  # fmt: skip
    found = exposures([(lived, None)], NOON, NOON + 302 * MINUTE)
    assert found.get("zhou", Exposure()).rest_until is None


def test_a_talk_ends_with_the_line_of_whoever_had_it_and_asks_for_no_break() -> None:
    lived = steps(
        (0, "claimed", "lin"), (0, "took", "lin"), (5, "lost", "lin"), (120, "claimed", "lin"), (121, "took", "lin")
    )
    found = exposures([(lived, None)], NOON, NOON + 125 * MINUTE)
    assert (found["lin"].minutes, found["lin"].rest_until) == (9, None)


def test_a_severe_case_is_one_by_its_record() -> None:
    assert is_severe(case(urgency=2, wants_takeover=False))
    assert is_severe(case(urgency=0, wants_takeover=True))
    assert not is_severe(case(urgency=1, wants_takeover=False, risk=4)), "the danger of this minute is no record"


def test_steps_are_read_from_the_log_and_each_is_found_by_its_mark() -> None:
    acted = Acted(service="s", at=NOON, act="case_passed_on", person="p", facts={"account": "lin", "to": "zhou"})
    assert step_of(acted) == Step(NOON, "passed", "lin", "zhou")
    assert step_of(Acted(service="s", at=NOON, act="looked", facts={})) is None
    found: dict[e.Event, What] = {
        e.HumanTookOver(at=NOON, staff="lin"): "took", e.HumanHandedBack(at=NOON, staff="lin"): "back", e.CaseClosed(at=NOON, case="c", staff="lin"): "closed",
    }  # fmt: skip
    for event, what in found.items():
        assert step_of(_decided(event)) == Step(NOON, what, "lin")
        assert type(event).__name__.encode() in MARKS
    assert step_of(_decided(e.UserSpoke(at=NOON))) is None


def _decided(event: e.Event) -> Decided:
    return Decided(service="s", event=event, owed=(), rules=(), pack="")  # type: ignore[arg-type]  # one of ours

"""No path into force without two people, but an urgent one for 24 hours; whatever they try, in whatever order, at whatever time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import refusal

from shouban.core.errors import CallerError
from shouban.offices.restrictions import model as m

AT = datetime(2026, 8, 3, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
STAFF = ("a", "b", "c")
GROUNDS = "三个人举报同一个账号索要验证码。"


def wish(kind: m.Kind = "suspended", term: str = "3", **more: Any) -> m.Proposing:
    return m.Proposing(kind, "fraud", GROUNDS, GROUNDS, term, **more)


def made(*, by: str = "a", at: datetime = AT, earlier: tuple[m.Restriction, ...] = (), **form: Any) -> m.Restriction:
    asked = wish(**form)
    return m.proposed(f"id{len(earlier)}", "p", asked, m.checked(asked)[0], by=by, at=at, earlier=earlier)


wishes = st.builds(
    wish, st.sampled_from(m.KINDS), st.sampled_from(["1", "2", "23", "25", "170", ""]), unit=st.sampled_from(["hours", "days"]), urgent=st.sampled_from(["", "yes"]),
)  # fmt: skip
deeds = st.tuples(
    st.sampled_from(["propose", "confirm", "refuse", "lift", "appeal", "uphold", "dismiss", "wait"]),
    st.sampled_from(STAFF), st.sampled_from([0, 1, 10, 23, 24, 25, 100, 800]), wishes,
)  # fmt: skip


def step(lived: list[m.Restriction], deed: str, by: str, at: datetime, asked: m.Proposing) -> None:
    """What the office would do, on the newest one."""
    if deed == "wait":
        return
    if deed == "propose":
        lived.append(m.proposed(f"id{len(lived)}", "p", asked, m.checked(asked)[0], by=by, at=at, earlier=lived))
        return
    one = lived[-1]
    if deed == "confirm":
        lived[-1] = m.confirmed(one, by=by, at=at)
    elif deed == "refuse":
        lived[-1] = m.refused(one, by=by, at=at)
    elif deed == "lift":
        lived[-1] = m.lifted(one, by=by, at=at)
    elif deed == "appeal":
        lived[-1] = m.appealed(one, at=at, due_at=at + timedelta(days=14))
    else:
        lived[-1] = m.appeal_decided(one, "upheld" if deed == "uphold" else "refused", by=by, at=at)


@given(st.lists(deeds, max_size=14))
def test_nobody_is_restricted_by_one_person_for_longer_than_a_day_in_thirty(plan: list[tuple[str, str, int, m.Proposing]]) -> None:  # fmt: skip
    lived: list[m.Restriction] = []
    at = AT
    for deed, by, hours, asked in plan:
        at += hours * HOUR
        if lived or deed in {"propose", "wait"}:
            refusal(partial(step, lived, deed, by, at, asked), CallerError)
        assert sum(one.is_open(at) for one in lived) <= 1
        for one in lived:
            check_one(one, at)
    alone = [one for one in lived if one.effect_at is not None and not one.was_confirmed]
    assert all(later.proposed_at - one.proposed_at >= m.URGENT_AGAIN for one, later in pairwise(alone))  # fmt: skip


def check_one(one: m.Restriction, at: datetime) -> None:
    if one.holds(at):
        two = bool(one.decided_by) and one.decided_by != one.proposed_by and one.stage == "in_force"
        assert two or (one.is_urgent and at < one.proposed_at + m.ALONE)
        assert one.until is not None or one.kind == "ended"
        assert one.until is None or one.effect_at is None or one.until - one.effect_at <= m.LONGEST
    if one.answered_at is not None:
        assert one.appeal_by not in {one.proposed_by, one.decided_by, ""}
    if one.appeal == "upheld":
        assert not one.holds(at)


@given(st.lists(deeds, max_size=14))
def test_every_change_is_counted_and_what_is_done_stays_done(plan: list[tuple[str, str, int, m.Proposing]]) -> None:
    lived: list[m.Restriction] = []
    for n, (deed, by, hours, asked) in enumerate(plan):
        before = list(lived)
        if lived or deed == "propose":
            at = AT + n * HOUR + hours * HOUR / 60
            refusal(partial(step, lived, deed, by, at, asked), CallerError)
        for old, new in zip(before, lived, strict=False):
            assert (new.fence == old.fence) == (new == old)
            assert new.stage == old.stage or new.stage in m.MOVES[old.stage]


def test_a_proposal_holds_nobody_and_an_urgent_one_a_day() -> None:
    assert not made().holds(AT + HOUR)
    urgent = made(urgent="yes")
    assert urgent.holds(AT + 23 * HOUR)
    assert not urgent.holds(AT + 24 * HOUR)
    assert urgent.stage_at(AT + 24 * HOUR) == "over"
    assert refusal(lambda: m.confirmed(urgent, by="b", at=AT + 24 * HOUR), CallerError).code == "not_standing"


def test_the_term_of_an_urgent_one_counts_from_when_it_began() -> None:
    one = m.confirmed(made(urgent="yes"), by="b", at=AT + 20 * HOUR)
    assert (one.effect_at, one.until) == (AT, AT + timedelta(days=3))
    short = made(urgent="yes", term="2", unit="hours")
    assert short.until == AT + 2 * HOUR


def test_nobody_confirms_or_refuses_their_own() -> None:
    for deed in (m.confirmed, m.refused):
        assert refusal(partial(deed, made(), by="a", at=AT), CallerError).code == "own_proposal"


def test_who_proposed_or_confirmed_does_not_decide_the_appeal() -> None:
    one = m.appealed(m.confirmed(made(), by="b", at=AT), at=AT, due_at=AT + 9 * HOUR)
    for by in ("a", "b"):
        error = refusal(partial(m.appeal_decided, one, "refused", by=by, at=AT), CallerError)
        assert error.code == "second_person"
    assert m.appeal_decided(one, "upheld", by="c", at=AT).stage == "lifted"
    assert m.appeal_decided(one, "refused", by="c", at=AT).stage == "in_force"
    assert refusal(lambda: m.appealed(one, at=AT, due_at=AT), CallerError).code == "appealed_already"


def test_who_decided_the_appeal_of_an_urgent_one_does_not_confirm_it() -> None:
    one = m.appealed(made(urgent="yes"), at=AT, due_at=AT + 9 * HOUR)
    one = m.appeal_decided(one, "refused", by="b", at=AT)
    assert refusal(lambda: m.confirmed(one, by="b", at=AT), CallerError).code == "second_person"
    assert m.confirmed(one, by="c", at=AT).stage == "in_force"


def test_an_appeal_upheld_after_the_term_lifts_nothing() -> None:
    one = m.appealed(m.confirmed(made(), by="b", at=AT), at=AT, due_at=AT + 9 * HOUR)
    assert m.appeal_decided(one, "upheld", by="c", at=AT + timedelta(days=4)).stage == "in_force"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"term": ""}, "no_term"), ({"term": "181"}, "no_term"), ({"term": "0"}, "no_term"), ({"term": "-1"}, "no_term"), ({"term": "１"}, "no_term"), ({"term": "1.5"}, "no_term"),
        ({"term": "99999"}, "no_term"), ({"kind": "limited", "term": ""}, "no_term"), ({"references": "1 x"}, "no_entry"), ({"references": " ".join("1" * 30)}, "no_entry"),
    ],
)  # fmt: skip
def test_a_proposal_that_does_not_fit_is_refused(form: dict[str, Any], code: str) -> None:
    assert refusal(lambda: m.checked(wish(**form)), CallerError).code == code


def test_words_are_asked_for_and_only_an_ended_service_has_no_end() -> None:
    assert m.checked(wish("ended", ""))[0] is None
    assert m.checked(wish("ended", "10"))[0] == timedelta(days=10)
    assert m.checked(wish(references="3,4，5、 6"))[1].references == (3, 4, 5, 6)
    for text in ("短", "x" * (m.MOST_TEXT + 1), " " * 30, "\u200b" * 30, "\x01" * 30):
        grounds = m.Proposing("ended", "order", text, GROUNDS)
        assert refusal(partial(m.checked, grounds), CallerError).field == "grounds"
        reason = m.Proposing("ended", "order", GROUNDS, text)
        assert refusal(partial(m.checked, reason), CallerError).field == "reason"


def test_the_time_of_a_report_is_local_and_not_to_come() -> None:
    def local(at: datetime) -> datetime:
        return at.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+08:00").tzinfo)

    assert m.moment_of("", AT, local, since=AT - HOUR) == AT
    assert m.moment_of("2026-08-03T11:30", AT, local, since=AT - HOUR) == AT - HOUR / 2
    for typed, code in (("2026-08-03T12:30", "not_then"), ("0001-01-01T00:00", "not_then"), ("2026-08-03T10:30", "not_then"), ("soon", "no_time")):  # fmt: skip
        assert refusal(partial(m.moment_of, typed, AT, local, since=AT - HOUR), CallerError).code == code

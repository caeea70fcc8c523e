"""What a condition means, what silence counts as, and which questions a pack may ask."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core import events as e
from shouban.core.decide import decide
from shouban.core.events import EVENTS, Event
from shouban.core.obligations import (
    OBLIGATIONS,
    Announce,
    AnswerComplaint,
    AskApproval,
    Erase,
    Remind,
    RemindStaff,
    ReviewCompanion,
    StopUse,
    TellComplainant,
)
from shouban.core.rules import (
    FIELDS,
    GIVEN_BY_EVENT,
    OPEN_FIELDS,
    OPERATORS,
    All,
    AnyOf,
    Condition,
    Facts,
    Not,
    Pack,
    Rule,
    Settings,
    holds,
    level_of,
    owed_by,
    signals_of,
)
from shouban.core.rules import Test as Asked
from shouban.core.signals import SIGNALS, Level, Reading, Reads
from shouban.core.state import PersonState

AT: Final = datetime.fromisoformat("2026-08-01T10:00+08:00")
PACK: Final = Pack(id="p", version="1", title_zh="包", title_en="pack", rules=(), unknown={"crisis": Level.HIGH})
SPOKE: Final = e.UserSpoke(at=AT, person="p", session="s")

TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "bool": bool,
    "count": int,
    "level": int,
    "span": timedelta,
    "word": str,
    "words": tuple,
}


def read(signal: str, level: Reads) -> Reading:
    return Reading(signal=signal, level=level, score=0.5, detector="test", version="1")


def facts(event: Event = SPOKE, state: PersonState | None = None) -> Facts:
    state = state or PersonState()
    return Facts(state, state, event, PACK)


def asks(field: str, value: Any, operator: Any = "is", key: str = "", about: Facts | None = None) -> bool:
    return holds(Asked(field, operator, value, key), about or facts())


def minor(answer: bool) -> Condition:
    """A condition that is true, or one that is not."""
    return Asked("user.is_minor", "is", not answer)


conditions: st.SearchStrategy[Condition] = st.recursive(
    st.booleans().map(minor),
    lambda part: st.one_of(
        part.map(Not), st.lists(part, max_size=3).map(tuple).map(All), st.lists(part, max_size=3).map(tuple).map(AnyOf)
    ),
)


def truth(condition: Condition) -> bool:
    match condition:
        case Asked(value=value):
            return value is False
        case Not(of=part):
            return not truth(part)
        case All(of=parts):
            return min((truth(part) for part in parts), default=True)
        case AnyOf(of=parts):
            return max((truth(part) for part in parts), default=False)


@given(conditions)
def test_all_any_and_not_mean_what_they_say(condition: Condition) -> None:
    assert holds(condition, facts()) == truth(condition)


# --- silence


@given(st.lists(st.sampled_from([*Level, "unknown"]), max_size=4), st.sampled_from(list(Level)))
def test_a_silent_detector_counts_as_the_pack_says_and_never_lowers_what_was_heard(
    found: list[Reads], unknown: Level
) -> None:
    readings = tuple(read("crisis", level) for level in found)
    heard = [int(level) for level in found if level != "unknown"]
    silent = [int(unknown)] if "unknown" in found else []
    assert level_of(readings, "crisis", {"crisis": unknown}) == max(heard + silent, default=0)


def test_silence_of_which_the_pack_says_nothing_counts_as_severe() -> None:
    assert level_of((read("emotion", "unknown"),), "emotion", {}) == Level.SEVERE


def test_what_was_heard_is_told_apart_from_what_silence_stands_for() -> None:
    event = e.UserSpoke(
        at=AT, readings=(read("crisis", "unknown"), read("crisis", Level.LOW), read("emotion", Level.LOW))
    )
    about = facts(event)
    assert asks("reading", 3, key="crisis", about=about)
    assert asks("heard", 1, key="crisis", about=about)
    assert asks("silent", True, key="crisis", about=about)
    assert asks("silent", False, key="emotion", about=about)
    assert asks("silent_any", True, about=about)
    assert not asks("silent_any", True)


def test_a_group_reads_as_its_strongest_member() -> None:
    event = e.UserSpoke(at=AT, readings=(read("prohibited.fraud", Level.LOW), read("prohibited.insult", Level.HIGH)))
    assert asks("prohibited", 3, about=facts(event))
    assert asks("manipulation", 0, about=facts(event))


def test_the_signals_that_a_condition_leans_on_are_found_at_any_depth() -> None:
    inner = AnyOf((Not(Asked("reading", "is", 1, "crisis")), Asked("heard", "is", 1, "emotion"), minor(True)))
    assert signals_of(All((inner,))) == {"crisis"}
    assert signals_of(Asked("prohibited", "at_least", 3)) == {
        name for name in SIGNALS if name.startswith("prohibited.")
    }


# --- fields


@pytest.mark.parametrize("name", sorted(FIELDS))
@pytest.mark.parametrize("kind", [e.UserSpoke, e.CompanionSpoke, e.UserSignedIn])
def test_every_field_answers_for_every_event_with_its_type(name: str, kind: type[Event]) -> None:
    field = FIELDS[name]
    key = "crisis" if name in OPEN_FIELDS else ""
    found = field.read(facts(kind(at=AT, session="s")), key)
    assert isinstance(found, TYPES.get(field.type, object))
    assert field.type in OPERATORS
    assert field.about


@pytest.mark.parametrize("name", [name for name in FIELDS if name.startswith("event.")])
def test_an_events_field_is_an_attribute_of_some_event(name: str) -> None:
    attribute = {"event.month": "month_total"}.get(name, name.removeprefix("event."))
    assert any(attribute in kind.__struct_fields__ for kind in EVENTS.values())


def test_leaving_is_seen_in_the_talk_that_was_left_and_in_no_other() -> None:
    state = decide(PersonState(), SPOKE, PACK).state
    state = decide(state, e.UserLeft(at=AT, person="p", session="s", by="button"), PACK).state
    assert asks("session.is_ended", True, about=facts(SPOKE, state))
    assert asks("session.is_ended", False, about=facts(e.UserSpoke(at=AT, session="other"), state))


def test_a_months_total_holds_this_purchase() -> None:
    assert asks("event.month", 700, about=facts(e.PurchaseRequested(at=AT, amount=200, month_total=500)))


# --- rules


def rule(*owes: Any, start: date | None = None, end: date | None = None) -> Rule:
    return Rule(
        id="p.r", article="第一条", title_zh="规", title_en="rule", register=(), on=frozenset({"UserSpoke"}), when=All(()),
        owes=owes, in_force_from=start, in_force_to=end,
    )  # fmt: skip


@given(st.dates(), st.one_of(st.none(), st.dates()), st.one_of(st.none(), st.dates()))
def test_a_rule_is_in_force_from_its_first_day_until_the_day_it_ends(
    day: date, start: date | None, end: date | None
) -> None:
    expected = (start is None or day >= start) and (end is None or day < end)
    assert rule(start=start, end=end).is_in_force(day) == expected


def test_the_day_in_force_is_the_local_day() -> None:
    """In Beijing the 15th has begun while it is still the 14th in Greenwich."""
    pack = msgspec.structs.replace(PACK, rules=(rule(Remind(template="p/x", topic="x"), start=date(2026, 7, 15)),))
    before, after = (datetime.fromisoformat(f"2026-07-14T{time}+00:00") for time in ("15:59", "16:00"))
    assert decide(PersonState(), e.UserSpoke(at=before), pack).rules == ()
    assert decide(PersonState(), e.UserSpoke(at=after), pack).rules == ("p.r",)
    assert Settings().local(after).day == 15


def test_every_obligation_says_which_rule_asks_for_it() -> None:
    (owed,) = owed_by(rule(Remind(template="p/x", topic="x")), SPOKE)
    assert owed.because == ("p.r",)


def test_terms_that_only_the_event_knows_are_taken_from_it() -> None:
    cases = [
        (AnswerComplaint(), e.ComplaintFiled(at=AT, case="c-7"), "case", "c-7"),
        (Erase(scope="all"), e.ErasureRequested(at=AT, scope="message", by="user"), "scope", "message"),
        (
            StopUse(purpose="companionship"),
            e.ConsentWithdrawn(at=AT, purpose="training", by="user"),
            "purpose",
            "training",
        ),
        (ReviewCompanion(), e.CompanionDeclared(at=AT, companion="lin"), "companion", "lin"),
        (AskApproval(), e.PurchaseRequested(at=AT, amount=100, order="o-1"), "order", "o-1"),
        (Announce(template="p/x"), e.FeatureWithdrawn(at=AT, feature="voice", ends_at=AT), "feature", "voice"),
        (RemindStaff(), e.ComplaintFiled(at=AT, case="c-7", answer_by=AT), "answer_by", AT),
        (TellComplainant(), e.ComplaintAnswered(at=AT, case="c-7"), "case", "c-7"),
    ]
    assert {type(owed).__name__ for owed, *_ in cases} == GIVEN_BY_EVENT.keys()
    for owed, event, term, value in cases:
        assert getattr(owed_by(rule(owed), event)[0], term) == value
        assert term in OBLIGATIONS[type(owed).__name__].__struct_fields__

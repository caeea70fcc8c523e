"""Restrictions of a person's service: proposed by one of the staff, confirmed by another, appealed to a third (draft Art. 23; Order 21 Art. 24). Pure.

INVARIANT: nothing takes effect by one person's word, but for an urgent proposal, and that for 24 hours at most.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

import msgspec

from shouban.core.errors import CallerError

Kind = Literal["limited", "suspended", "ended"]
Category = Literal["others", "fraud", "crime", "minors", "account", "order", "other"]
# `over`: its term has ended, or an urgent one was confirmed by nobody in time.
Stage = Literal["proposed", "in_force", "refused", "lifted", "over"]
AppealState = Literal["", "open", "upheld", "refused"]
Decision = Literal["upheld", "refused"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)

MOVES: Final[dict[Stage, frozenset[Stage]]] = {
    "proposed": frozenset({"in_force", "refused", "lifted", "over"}),
    "in_force": frozenset({"lifted", "over"}),
    "refused": frozenset(),
    "lifted": frozenset(),
    "over": frozenset(),
}
OPEN: Final = frozenset(stage for stage, onward in MOVES.items() if onward)

ALONE: Final = timedelta(hours=24)
LONGEST: Final = timedelta(days=180)
# One person must not keep somebody out by proposing day after day what nobody confirms.
URGENT_AGAIN: Final = timedelta(days=30)
LEAST_TEXT: Final = 10
LEAST_WHY: Final = 4
MOST_TEXT: Final = 2_000
MOST_REFERENCES: Final = 20
_REFERENCES: Final = re.compile(r"[0-9]{1,15}")


class Proposing(msgspec.Struct):
    """A form. `grounds` are for the staff, `reason` for the person; `term` counts in `unit`, and is empty where there is to be no end."""

    kind: Kind
    category: Category
    grounds: str
    reason: str
    term: str = ""
    unit: Literal["hours", "days"] = "days"
    urgent: str = ""
    references: str = ""


class Explaining(msgspec.Struct):
    """A form: why it is confirmed, refused or lifted."""

    why: str


class Appealing(msgspec.Struct):
    text: str


class Deciding(msgspec.Struct):
    decision: Decision
    why: str


class Reporting(msgspec.Struct):
    """A form: to whom it was reported, when (local time; now where it is empty), and the number of the receipt."""

    to: str
    receipt: str = ""
    when: str = ""


class Report(msgspec.Struct, frozen=True):
    to: str
    receipt: str
    at: datetime
    by: str


class Words(msgspec.Struct, frozen=True):
    """What is sealed of a restriction."""

    grounds: str
    reason: str
    references: tuple[int, ...] = ()
    why: str = ""
    lifted_why: str = ""
    appeal: str = ""
    answer: str = ""
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True)
class Restriction:
    """`term` none: without end. `effect_at` is when it took effect, `until` when it ends by itself. `fence` counts the changes."""

    id: str
    person: str
    kind: Kind
    category: Category
    stage: Stage
    is_urgent: bool
    proposed_by: str
    proposed_at: datetime
    term: timedelta | None
    decided_by: str = ""
    decided_at: datetime | None = None
    lifted_by: str = ""
    lifted_at: datetime | None = None
    effect_at: datetime | None = None
    until: datetime | None = None
    appeal: AppealState = ""
    appeal_by: str = ""
    appealed_at: datetime | None = None
    appeal_due_at: datetime | None = None
    answered_at: datetime | None = None
    fence: int = 0

    def stage_at(self, at: datetime) -> Stage:
        """What stands in the books is moved on by nobody when a term ends: the clock does that."""
        return "over" if self.stage in OPEN and self.until is not None and at >= self.until else self.stage

    def is_open(self, at: datetime) -> bool:
        return self.stage_at(at) in OPEN

    def holds(self, at: datetime) -> bool:
        """Whether the person is restricted by it."""
        return self.is_open(at) and self.effect_at is not None

    @property
    def was_confirmed(self) -> bool:
        return bool(self.decided_by) and self.stage != "refused"

    def may_appeal(self, at: datetime) -> bool:
        return self.holds(at) and not self.appeal

    def is_late(self, at: datetime) -> bool:
        return self.appeal == "open" and self.appeal_due_at is not None and at > self.appeal_due_at

    @property
    def number(self) -> str:
        """As it is called on paper."""
        return f"R-{self.proposed_at:%Y%m%d}-{self.id[:8].upper()}"


@dataclass(frozen=True)
class Left:
    """A report still owed of somebody who was erased: what the log says of it. `kind` is empty where its entry is not there."""

    duty: str
    person: str
    owed_at: datetime
    due_at: datetime
    kind: str = ""
    until: datetime | None = None


def checked(wish: Proposing) -> tuple[timedelta | None, Words]:
    """The term and the words of a proposal. Raises `CallerError` naming what to change."""
    term = _term(wish)
    if term is None and wish.kind != "ended":
        raise CallerError(
            "only an ended service has no end; give a term of up to 180 days", field="term", code="no_term"
        )
    if term is not None and not timedelta(hours=1) <= term <= LONGEST:
        raise CallerError("a term is 1 hour to 180 days", field="term", code="no_term")
    for name in ("grounds", "reason"):
        checked_text(getattr(wish, name), name, LEAST_TEXT)
    return term, Words(wish.grounds.strip(), wish.reason.strip(), _references(wish.references))


def proposed(
    name: str, person: str, wish: Proposing, term: timedelta | None, *, by: str, at: datetime, earlier: Sequence[Restriction] = ()
) -> Restriction:  # fmt: skip
    """The proposal, in effect at once where it is urgent. `earlier` are the person's others."""
    if any(one.is_open(at) for one in earlier):
        raise CallerError("this person is restricted, or a proposal waits; lift that first", status=409, code="restricted_already")  # fmt: skip
    new = Restriction(name, person, wish.kind, wish.category, "proposed", bool(wish.urgent), by, at, term)
    if not new.is_urgent:
        return new
    if any(one.is_urgent and not one.was_confirmed and at < one.proposed_at + URGENT_AGAIN for one in earlier):
        raise CallerError(
            "an urgent restriction of this person was not confirmed lately; propose this one to a colleague first", field="urgent", status=409, code="urgent_again"
        )  # fmt: skip
    return replace(new, effect_at=at, until=at + min(ALONE, term or ALONE))


def confirmed(one: Restriction, *, by: str, at: datetime) -> Restriction:
    """In force by two people. The term counts from when the person was first restricted."""
    _refuse_closed(one, at, "proposed")
    _refuse_own(one, by)
    if by == one.appeal_by:
        raise CallerError("whoever decided the appeal may not confirm it", status=409, code="second_person")
    since = one.effect_at or at
    until = since + one.term if one.term is not None else None
    return _moved(one, "in_force", decided_by=by, decided_at=at, effect_at=since, until=until)


def refused(one: Restriction, *, by: str, at: datetime) -> Restriction:
    _refuse_closed(one, at, "proposed")
    _refuse_own(one, by)
    return _moved(one, "refused", decided_by=by, decided_at=at)


def lifted(one: Restriction, *, by: str, at: datetime) -> Restriction:
    """Ended early, or a proposal taken back. To free somebody one person is enough."""
    _refuse_closed(one, at, "proposed", "in_force")
    return _moved(one, "lifted", lifted_by=by, lifted_at=at)


def over(one: Restriction) -> Restriction:
    return _moved(one, "over")


def appealed(one: Restriction, *, at: datetime, due_at: datetime) -> Restriction:
    if one.appeal:
        raise CallerError("this was appealed already", status=409, code="appealed_already")
    if not one.holds(at):
        raise CallerError("this restriction does not stand any more", status=409, code="not_standing")
    return _changed(one, appeal="open", appealed_at=at, appeal_due_at=due_at)


def appeal_decided(one: Restriction, decision: Decision, *, by: str, at: datetime) -> Restriction:
    """Decided by neither who proposed it nor who confirmed it; where the person is right the restriction ends."""
    if one.appeal != "open":
        raise CallerError("this appeal is decided already", status=409, code="decided_already")
    if by in {one.proposed_by, one.decided_by}:
        raise CallerError("whoever proposed or confirmed it may not decide the appeal", status=409, code="second_person")  # fmt: skip
    answered = _changed(one, appeal=decision, appeal_by=by, answered_at=at)
    frees = decision == "upheld" and one.is_open(at)
    return replace(answered, stage="lifted", lifted_by=by, lifted_at=at) if frees else answered


def touched(one: Restriction) -> Restriction:
    """Only its words change."""
    return _changed(one)


def reported(words: Words, report: Report) -> Words:
    return msgspec.structs.replace(words, reports=(*words.reports, report))


def checked_text(text: str, field: str, least: int) -> str:
    text = text.strip()
    # What nobody sees is no reason: controls, marks without a width.
    if sum(letter.isprintable() and not letter.isspace() for letter in text) < least:
        raise CallerError(f"say more in `{field}`", field=field, code="too_short")
    if len(text) > MOST_TEXT:
        raise CallerError(f"`{field}` is over {MOST_TEXT} characters", field=field, code="too_long")
    return text


def report_form(one: Restriction, *, legal: Sequence[dict[str, str]], kind: str, category: str, statement: str, now: datetime, local: Any, due_at: datetime | None) -> dict[str, Any]:  # noqa: ANN401  # a function of times  # fmt: skip
    """The report to the authority: what was done to whom, when, why and by what law. No word of the person's, and no name."""
    assert one.effect_at is not None  # noqa: S101  # what never took effect is reported to nobody
    return {
        "number": one.number, "made_at": local(now).isoformat(), "provider": {"name": "", "contact": "", "telephone": ""}, "statement": statement,
        "person": one.person, "measure": one.kind, "measure_in_words": kind, "category": one.category, "category_in_words": category,
        "took_effect_at": local(one.effect_at).isoformat(), "until": local(one.until).isoformat() if one.until else None,
        "ended_at": local(one.lifted_at).isoformat() if one.lifted_at else None, "confirmed_by_second_person": one.was_confirmed,
        "legal_basis": list(legal), "report_by": local(due_at).isoformat() if due_at else None,
    }  # fmt: skip


def moment_of(typed: str, now: datetime, local: Any, *, since: datetime) -> datetime:  # noqa: ANN401  # a function of times
    """A local time as a form sends it; now where it is empty. Raises `CallerError` for what is none, not yet, or before there was anything to tell of."""
    if not typed.strip():
        return now
    try:
        found = datetime.fromisoformat(typed.strip())
    except ValueError as error:
        raise CallerError("write the time like 2026-08-03T12:00", field="when", code="no_time") from error
    found = found if found.tzinfo else found.replace(tzinfo=local(now).tzinfo)
    if not since <= found <= now:
        raise CallerError("this time is before it took effect, or yet to come", field="when", code="not_then")
    return found


# --- inside


def _moved(one: Restriction, to: Stage, **values: Any) -> Restriction:  # noqa: ANN401  # fields of a restriction
    if to not in MOVES[one.stage]:
        raise CallerError(f"a restriction that is `{one.stage}` cannot become `{to}`", status=409, code="decided_already")  # fmt: skip
    return _changed(one, stage=to, **values)


def _changed(one: Restriction, **values: Any) -> Restriction:  # noqa: ANN401  # fields of a restriction
    return replace(one, fence=one.fence + 1, **values)


def _refuse_closed(one: Restriction, at: datetime, *stages: Stage) -> None:
    if one.stage_at(at) == "over":
        raise CallerError("this restriction does not stand any more", status=409, code="not_standing")
    if one.stage not in stages:
        raise CallerError("this is decided already", status=409, code="decided_already")


def _refuse_own(one: Restriction, by: str) -> None:
    if by == one.proposed_by:
        raise CallerError("nobody decides on their own proposal: a colleague must", status=409, code="own_proposal")


def _term(wish: Proposing) -> timedelta | None:
    typed = wish.term.strip()
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        raise CallerError("a term is a whole number of hours or days", field="term", code="no_term")
    return timedelta(**{wish.unit: int(typed)})


def _references(typed: str) -> tuple[int, ...]:
    found = re.split(r"[\s,\uff0c、;\uff1b]+", typed.strip()) if typed.strip() else []
    if len(found) > MOST_REFERENCES or not all(_REFERENCES.fullmatch(one) for one in found):
        raise CallerError(f"name up to {MOST_REFERENCES} entries of the log by their numbers", field="references", code="no_entry")  # fmt: skip
    return tuple(int(one) for one in found)


def entries_missing(wanted: Collection[int], found: Collection[int]) -> CallerError | None:
    missing = sorted(set(wanted) - set(found))
    if not missing:
        return None
    return CallerError(f"entry {missing[0]} is none of this person's", field="references", code="no_entry")

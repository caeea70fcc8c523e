"""A care case: its stages, its clocks, when it may be handed back, and what the desk's forms ask for. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec.structs import replace

from shouban.core.errors import CallerError
from shouban.core.events import Outcome
from shouban.core.obligations import URGENCIES
from shouban.core.state import PersonState

Stage = Literal["open", "claimed", "taken_over", "handed_back", "closed"]
MOVES: Final[dict[Stage, frozenset[Stage]]] = {
    "open": frozenset({"claimed"}),
    "claimed": frozenset({"open", "taken_over", "closed"}),
    "taken_over": frozenset({"handed_back"}),
    "handed_back": frozenset({"open", "taken_over", "closed"}),
    "closed": frozenset(),
}
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
# A desk that is open says so every ten seconds; one that is silent for so long has lost its browser.
LEASE: Final = timedelta(seconds=45)
# After the last words of danger somebody stays at least so long.
COOL_DOWN: Final = timedelta(minutes=10)
DANGER: Final = 3
MOST_TEXT: Final = 2_000
LEAST_WHY: Final = 5
CONTACT_WITHIN: Final = timedelta(minutes=5)
CLOSE_WITHIN: Final = timedelta(hours=24)
# What may be read before the case was opened: how it came to this.
BEFORE: Final = timedelta(minutes=15)
MOST_WORDS: Final = 60
EMERGENCY: Final = URGENCIES.index("emergency")


class Case(msgspec.Struct, frozen=True):
    """Somebody needs a person. `asked_at` is since when one is awaited; `due_at` by when one must have come."""

    id: str
    person: str
    session: str
    reason: str
    urgency: int
    wants_takeover: bool
    stage: Stage
    opened_at: datetime
    asked_at: datetime
    due_at: datetime
    risk: int
    spoke_at: datetime
    claimed_by: str = ""
    fence: int = 0
    lease_until: datetime | None = None
    claimed_at: datetime | None = None
    taken_at: datetime | None = None
    handed_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str = ""

    def is_held(self, at: datetime) -> bool:
        """Whether somebody has it, and their desk is still there."""
        return bool(self.claimed_by) and self.lease_until is not None and at < self.lease_until

    def is_of(self, account: str, at: datetime) -> bool:
        return self.claimed_by == account and self.is_held(at)

    def is_waiting(self, at: datetime) -> bool:
        """Whether somebody must come: nobody has it, or whoever had it is gone in the middle."""
        return self.stage in {"open", "claimed", "taken_over"} and not self.is_held(at)

    @property
    def rank(self) -> tuple[int, int, float]:
        """The first in the queue is the most urgent, then who speaks of the most danger now, then who has waited longest for their time."""
        return -self.urgency, -self.risk, self.due_at.timestamp()


class Join(msgspec.Struct, frozen=True):
    """A supervisor speaks too, beside whoever has the case."""

    id: str
    case: str
    account: str
    at: datetime


class Note(msgspec.Struct, frozen=True):
    id: str
    account: str
    at: datetime
    text: str


def is_with_app(state: PersonState, accounts: Container[str]) -> bool:
    """Whether the app's own people speak with them, who have no account and sit at no desk of ours."""
    return state.takeover == "human" and state.staff not in accounts


def is_severe(case: Case) -> bool:
    """By what the case was opened for, which is a record; not by the danger of this minute."""
    return case.wants_takeover or case.urgency >= EMERGENCY


# --- clocks


class Clock(msgspec.Struct, frozen=True):
    """Runs from its start, stands still while paused, and is late once it has run longer than `within`.

    `dropped`: what it waited for never came, and is awaited no more.
    """

    within: timedelta
    started_at: datetime
    ran: timedelta = timedelta(0)
    running_since: datetime | None = None
    stopped_at: datetime | None = None
    dropped: bool = False

    def spent(self, at: datetime) -> timedelta:
        running = max(at - self.running_since, timedelta(0)) if self.running_since else timedelta(0)
        return self.ran + running

    def is_late(self, at: datetime) -> bool:
        return self.spent(at) > self.within

    def left(self, at: datetime) -> timedelta:
        return self.within - self.spent(at)


def started(at: datetime, within: timedelta) -> Clock:
    return Clock(within, at, running_since=at)


def paused(clock: Clock, at: datetime) -> Clock:
    """What stands still, or has ended, stays as it is; a time set back takes nothing away."""
    return replace(clock, ran=clock.spent(at), running_since=None)


def stopped(clock: Clock, at: datetime) -> Clock:
    if clock.stopped_at is not None:
        return clock
    return replace(paused(clock, at), stopped_at=at)


def dropped(clock: Clock, at: datetime) -> Clock:
    return clock if clock.stopped_at is not None else replace(paused(clock, at), dropped=True)


def clocks(case: Case, contacted_at: datetime | None = None) -> dict[str, Clock]:
    """Of one case: from when a person was asked for until it was claimed, taken over, a contact told; and from the claim until it was closed."""
    within = case.due_at - case.asked_at
    found = {"claim": _until(case, within, case.claimed_at)}
    if case.wants_takeover:
        found["takeover"] = _until(case, within, case.taken_at)
    if case.wants_takeover or contacted_at is not None:
        found["contact"] = _until(case, CONTACT_WITHIN, contacted_at)
    if case.claimed_at is not None:  # whoever is watched after a hand-back keeps nobody waiting
        closing = started(case.claimed_at, CLOSE_WITHIN)
        closing = paused(closing, case.handed_at) if case.handed_at else closing
        found["close"] = stopped(closing, case.closed_at) if case.closed_at else closing
    return found


def _until(case: Case, within: timedelta, ended: datetime | None) -> Clock:
    clock = started(case.asked_at, within)
    if ended is not None:
        return stopped(clock, ended)
    return dropped(clock, case.closed_at) if case.closed_at is not None else clock


def percentiles(spans: Sequence[timedelta], wanted: Sequence[int] = (50, 90, 99)) -> dict[int, timedelta]:
    """By the nearest rank: each is a time that was really taken."""
    ordered = sorted(spans)
    return {one: ordered[max(0, -(-one * len(ordered) // 100) - 1)] for one in wanted} if ordered else {}


# --- moves


def moved(case: Case, to: Stage) -> Case:
    """Raises `CallerError` (409) where the case cannot go there."""
    if to not in MOVES[case.stage]:
        raise CallerError(f"a case that is `{case.stage}` cannot become `{to}`", status=409, code="wrong_stage")
    return replace(case, stage=to)


def require_talk(case: Case) -> None:
    """Raises `CallerError` (409) where no human speaks with the person."""
    if case.stage != "taken_over":
        raise CallerError(f"a case that is `{case.stage}` has no talk to join", status=409, code="wrong_stage")


class HandingBack(msgspec.Struct):
    """A form: `safe` is ticked by who has asked; `why` is what the next of the staff will read."""

    safe: str = ""
    why: Annotated[str, msgspec.Meta(max_length=MOST_TEXT)] = ""


class Closing(msgspec.Struct):
    outcome: Outcome
    why: Annotated[str, msgspec.Meta(max_length=MOST_TEXT)] = ""


class Saying(msgspec.Struct):
    """`key` is of the form, so that a press that was repeated is said once."""

    text: Annotated[str, msgspec.Meta(max_length=MOST_TEXT)]
    key: str = ""


class Noting(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(max_length=MOST_TEXT)]


class Passing(msgspec.Struct):
    """To whom of the staff the case goes."""

    account: str


class Following(msgspec.Struct):
    duty: str
    reached: Literal["yes", "no"] = "yes"
    why: Annotated[str, msgspec.Meta(max_length=MOST_TEXT)] = ""


def checked_back(case: Case, state: PersonState, wish: HandingBack, at: datetime) -> str:
    """Why it may be handed back. Raises `CallerError` naming what is missing.

    A machine takes over again only some time after the last words of danger, once somebody has asked, and says what they heard.
    """
    moved(case, "handed_back")
    if (free_at := back_from(state, at)) is not None:
        told = f"the last words of danger are less than ten minutes old; stay {_minutes(free_at - at) + 1} min more"
        raise CallerError(told, field="safe", status=409, code="too_soon")
    if wish.safe != "yes":
        raise CallerError("tick that you have asked, and that there is no danger now", field="safe", code="not_asked")
    return checked_text(wish.why, "why", least=LEAST_WHY)


def checked_close(case: Case, wish: Closing) -> str:
    """Why it is closed. Raises `CallerError` naming what is missing; that somebody was helped is said of nobody whom nobody has spoken with."""
    moved(case, "closed")
    if wish.outcome == "helped" and is_severe(case) and case.taken_at is None:
        raise CallerError(
            "nobody has taken this talk over: say what else became of it",
            field="outcome",
            status=409,
            code="not_talked",
        )
    return checked_text(wish.why, "why", least=LEAST_WHY)


def back_from(state: PersonState, at: datetime) -> datetime | None:
    """From when it may be handed back, where that is still to come."""
    last = state.risk.seen_at
    if state.risk.level < DANGER or last is None or at - last >= COOL_DOWN:
        return None
    return last + COOL_DOWN


def checked_text(text: str, field: str, *, least: int = 1) -> str:
    plain = text.strip()
    if len(plain) < least:
        raise CallerError(f"`{field}` needs at least {least} characters", field=field, code="too_short")
    return plain


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)

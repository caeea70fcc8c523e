"""How much of others' danger somebody of the staff has had today: minutes in talks of severe cases, takeovers, and the break after each. Pure.

Nobody can listen to this for twelve hours. INVARIANT: it sends nobody away whom a person in danger needs: who refuses a claim asks first whether another is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from shouban.core import events as e
from shouban.evidence.log import Acted, Decided

# After each talk that was handed back or closed.
BREAK: Final = timedelta(minutes=10)
What = Literal["took", "claimed", "passed", "lost", "back", "closed", "joined", "left"]
OF_EVENT: Final[dict[type[e.Event], What]] = {
    e.HumanTookOver: "took",
    e.HumanLost: "lost",
    e.HumanHandedBack: "back",
    e.CaseClosed: "closed",
}
OF_ACT: Final[dict[str, What]] = {
    "case_claimed": "claimed",
    "case_passed_on": "passed",
    "case_joined": "joined",
    "case_left": "left",
}
# Most entries are turns: these words stand in none of them.
MARKS: Final = tuple(one.encode() for one in (*(kind.__name__ for kind in OF_EVENT), *OF_ACT))


class Limits(NamedTuple):
    """Of one day. 0 is no limit."""

    minutes: int = 120
    takeovers: int = 4


class Step(NamedTuple):
    """What somebody of the staff did with a case; `to` is to whom it went."""

    at: datetime
    what: What
    account: str
    to: str = ""


class Span(NamedTuple):
    account: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Exposure:
    spent: timedelta = timedelta(0)
    takeovers: int = 0
    rest_until: datetime | None = None

    @property
    def minutes(self) -> int:
        return int(self.spent.total_seconds() // 60)

    def why_rest(self, limits: Limits, at: datetime) -> Literal["", "budget", "break"]:
        """Why they had better take nobody new, if they had."""
        spent = bool(limits.minutes) and self.spent >= timedelta(minutes=limits.minutes)
        if spent or (limits.takeovers and self.takeovers >= limits.takeovers):
            return "budget"
        return "break" if self.rest_until is not None and at < self.rest_until else ""


@dataclass
class _Talk:
    """A talk as it goes on: who speaks since when."""

    here: dict[str, datetime] = field(default_factory=dict)
    is_on: bool = False
    was_on: bool = False
    holder: str = ""
    spans: list[Span] = field(default_factory=list)

    def begin(self, account: str, at: datetime) -> None:
        self.here.setdefault(account, at)

    def end(self, account: str, at: datetime) -> None:
        since = self.here.pop(account, None)
        if since is not None and since < at:
            self.spans.append(Span(account, since, at))

    def hold(self, account: str, at: datetime) -> None:
        if self.is_on and account != self.holder:
            self.end(self.holder, at)
            self.begin(account, at)
        self.holder = account

    def end_all(self, at: datetime) -> None:
        for account in list(self.here):
            self.end(account, at)
        self.is_on = False


def step_of(entry: Decided | Acted) -> Step | None:
    if isinstance(entry, Acted):
        what = OF_ACT.get(entry.act)
        facts = entry.facts
        return Step(entry.at, what, str(facts.get("account", "")), str(facts.get("to", ""))) if what else None
    found = OF_EVENT.get(type(entry.event))
    return Step(entry.event.at, found, str(getattr(entry.event, "staff", ""))) if found else None


def spans_of(steps: Iterable[Step], at: datetime, gone_at: datetime | None = None) -> list[Span]:
    """Who was in the talk when. `gone_at`: when the holder's desk went away, if it did: nobody listens from then on."""
    talk = _Talk()
    for one in steps:
        _go_on(talk, one)
    if talk.is_on and gone_at is not None and gone_at < at:
        talk.end(talk.holder, gone_at)
    talk.end_all(at)
    return talk.spans


def _go_on(talk: _Talk, step: Step) -> None:
    match step.what:
        case "took":
            talk.hold(step.account, step.at)
            talk.is_on = True
            talk.begin(step.account, step.at)
        case "claimed":
            talk.hold(step.account, step.at)
        case "passed":
            talk.hold(step.to, step.at)
        case "joined":
            talk.begin(step.account, step.at)
        case "left":
            talk.end(step.account, step.at)
        case "lost" | "back" | "closed":
            talk.end_all(step.at)


def exposures(
    talks: Sequence[tuple[Sequence[Step], datetime | None]], since: datetime, at: datetime
) -> Mapping[str, Exposure]:
    """Of everybody, from `since` on; each talk is its steps, and when its holder's desk went away."""
    spent: dict[str, timedelta] = {}
    takeovers: dict[str, int] = {}
    rests: dict[str, datetime] = {}
    for steps, gone_at in talks:
        for span in spans_of(steps, at, gone_at):
            lasted = min(span.until, at) - max(span.since, since)
            spent[span.account] = spent.get(span.account, timedelta(0)) + max(lasted, timedelta(0))
        was_on = False
        for one in steps:
            was_on = (was_on or one.what == "took") and one.what != "lost"
            if one.what == "took" and one.at >= since:
                takeovers[one.account] = takeovers.get(one.account, 0) + 1
            if one.what in {"back", "closed"} and was_on:
                rests[one.account] = max(one.at + BREAK, rests.get(one.account, one.at))
                was_on = False
    accounts = spent.keys() | takeovers.keys() | rests.keys()
    return {
        one: Exposure(spent.get(one, timedelta(0)), takeovers.get(one, 0), rests.get(one)) for one in accounts
    }  # fmt: skip

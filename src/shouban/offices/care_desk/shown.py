"""What lies on a desk: the queue, and one case. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shouban.duties.ledger import Duty
from shouban.duties.ports import PersonPort
from shouban.duties.receipts import Receipt
from shouban.evidence import timeline
from shouban.offices.care_desk import model as m
from shouban.offices.care_desk.shifts import Shift


@dataclass(frozen=True)
class Line:
    """A case in the queue, with what the desk says of the person: no name, no word. `wants`: what who takes it had better be skilled at.

    `is_with_app`: the app's own people speak with them, who sit at no desk of ours: whether they are still there is not known here.
    """

    case: m.Case
    age_band: str
    is_minor: bool
    holder: str
    watchers: tuple[str, ...]
    wants: frozenset[str] = frozenset()
    is_with_app: bool = False

    def fits(self, skills: frozenset[str]) -> bool:
        return not self.wants.isdisjoint(skills)


@dataclass(frozen=True)
class Queue:
    waiting: tuple[Line, ...]
    more: int
    held: tuple[Line, ...]
    follow_ups: tuple[Duty, ...]
    at: datetime
    on_shift: Mapping[str, Shift]
    names_on_shift: tuple[str, ...]
    keeps_roster: bool
    is_deserted: bool

    def skills_of(self, account: str) -> frozenset[str]:
        return self.on_shift[account].skills if account in self.on_shift else frozenset()

    def waiting_for(self, skills: frozenset[str]) -> list[Line]:
        """In the order for somebody of these skills: among equals of urgency and danger, whom they fit best stands first. Nobody is left out."""
        return sorted(
            self.waiting, key=lambda one: (*one.case.rank[:2], not one.fits(skills), one.case.rank[2])
        )  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """A case as it lies on the desk. Words are read by who has it, and by a supervisor who listens or has joined; `whispers` by who said or was told them."""

    case: m.Case | None
    person: PersonPort
    is_mine: bool
    holder: str
    watchers: tuple[str, ...]
    clocks: dict[str, m.Clock]
    receipts: Sequence[Receipt]
    notes: Sequence[m.Note]
    follow_ups: Sequence[Duty]
    timeline: Sequence[timeline.Line]
    colleagues: dict[str, str]
    listens: bool = False
    listeners: tuple[str, ...] = ()
    is_joined: bool = False
    joined: tuple[str, ...] = ()
    whispers: Sequence[m.Note] = ()

    @property
    def may_read(self) -> bool:
        return self.is_mine or self.listens or self.is_joined

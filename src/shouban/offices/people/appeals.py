"""An appeal about one's age: asked for, re-verified, decided by a person, within the time the law gives (Order 21 Art. 14, 21). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from shouban.core.errors import CallerError
from shouban.core.events import MINOR_BANDS, AgeBand

Stage = Literal["open", "upheld", "refused"]
Decision = Literal["upheld", "refused"]
MOST_REASON: Final = 1000
LEAST_ANSWER: Final = 4
# Where no pack says by when.
ANSWER_WITHIN: Final = timedelta(days=15)


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /v1/users/{id}/appeals`."""

    about: Literal["age"] = "age"
    reason: str = ""


class Deciding(msgspec.Struct):
    """A form: what a person of the staff decides, the age band that holds from now on, and why, in words the person will read."""

    decision: Decision
    why: str
    age_band: AgeBand | Literal[""] = ""


class Words(msgspec.Struct, frozen=True):
    """What is sealed of an appeal."""

    reason: str = ""
    why: str = ""
    age_band: str = ""


@dataclass(frozen=True)
class Appeal:
    case: str
    person: str
    about: str
    state: Stage
    opened_at: datetime
    due_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""

    def is_late(self, at: datetime) -> bool:
        return self.state == "open" and at > self.due_at


def checked(asked: Asked) -> Asked:
    if len(asked.reason) > MOST_REASON:
        raise CallerError(f"`reason` is over {MOST_REASON} characters", field="reason")
    return asked


def decided(appeal: Appeal, wish: Deciding, *, by: str, at: datetime) -> Appeal:
    """The appeal once decided. Raises `CallerError` where it is decided already, or the decision says too little."""
    if appeal.state != "open":
        raise CallerError("this appeal is decided already", status=409, code="decided_already")
    if len(wish.why.strip()) < LEAST_ANSWER:
        raise CallerError("say why, in words that the person will read", field="why")
    if wish.decision == "upheld" and wish.age_band in {"", "unknown"}:
        raise CallerError("say which age band holds from now on", field="age_band")
    return replace(appeal, state=wish.decision, decided_at=at, decided_by=by)


def frees(wish: Deciding) -> bool:
    """Whether the decision takes a person out of minors mode."""
    return wish.decision == "upheld" and wish.age_band not in MINOR_BANDS

"""What can be owed: the obligations, and which of them wins where two cannot live together.

Every obligation carries `because`: the ids of the rules that ask for it. `template` is `pack/name`.
Two tables say it all: `ANSWERS` (what becomes of the turn: the strictest wins) and `identity` (which obligations are
one and the same duty asked for twice: merged, the strictest terms kept, all reasons kept). Both are independent of the
order in which packs are stacked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

import msgspec

from shouban.core.events import Mode, Purpose

Urgency = Literal["soon", "now", "emergency"]
Closed = Literal["service", "companionship", "companion", "purchases"]
URGENCIES: tuple[Urgency, ...] = ("soon", "now", "emergency")


class Obligation(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="obligation", forbid_unknown_fields=True, omit_defaults=True
):
    """Something owed to somebody, and why."""

    because: tuple[str, ...] = ()


class Allow(Obligation, frozen=True, kw_only=True, tag=True):
    """The turn may pass. Owed when nothing stricter is."""


class Redact(Obligation, frozen=True, kw_only=True, tag=True):
    """What the signal marked is masked before the text goes on (to the model, a memory or a log)."""

    signal: str = "personal_data"


class Disclose(Obligation, frozen=True, kw_only=True, tag=True):
    """Say that this is an AI, conspicuously."""

    template: str
    topic: str = "ai"


class Remind(Obligation, frozen=True, kw_only=True, tag=True):
    """A dynamic reminder (pop-up, or words in the dialogue)."""

    template: str
    topic: str


class Ground(Obligation, frozen=True, kw_only=True, tag=True):
    """Guide the person back to reality and to people."""

    template: str
    topic: str = "grounding"


class ShowHelp(Obligation, frozen=True, kw_only=True, tag=True):
    """Comfort, encouragement to seek help, and ways to professional help."""

    template: str
    topic: Literal["crisis", "distress", "property", "other"] = "crisis"


class ReplaceReply(Obligation, frozen=True, kw_only=True, tag=True):
    """The model's words are not shown; the template is."""

    template: str


class Block(Obligation, frozen=True, kw_only=True, tag=True):
    """The person's words are not passed on; the template answers."""

    template: str


class Interrupt(Obligation, frozen=True, kw_only=True, tag=True):
    """The play is stopped for a cool-down; the template says why."""

    template: str


class Lock(Obligation, frozen=True, kw_only=True, tag=True):
    """The service, or a part of it, is closed to this person for now; help stays open."""

    template: str
    scope: Closed = "service"


class EndSession(Obligation, frozen=True, kw_only=True, tag=True):
    """The person is let go at once; nothing is sent after them for `quiet_for`."""

    template: str
    quiet_for: timedelta = timedelta(hours=12)


class Escalate(Obligation, frozen=True, kw_only=True, tag=True):
    """A person of the care staff must look; with `takeover` the machine is silent until one has."""

    reason: Literal["crisis", "property", "detector", "abuse", "minor", "hazard", "unanswered"]
    urgency: Urgency = "soon"
    takeover: bool = False
    answer_within: timedelta = timedelta(hours=24)


class PageStaff(Obligation, frozen=True, kw_only=True, tag=True):
    """Whoever is on call is told that a person waits: where no desk is open, or, with `always`, though one is."""

    always: bool = False
    answer_within: timedelta = timedelta(minutes=1)


class FollowUp(Obligation, frozen=True, kw_only=True, tag=True):
    """A person of the staff asks again how they are, at the end of `answer_within`."""

    answer_within: timedelta = timedelta(hours=24)


class NotifyGuardian(Obligation, frozen=True, kw_only=True, tag=True):
    """Tell the guardian, or the emergency contact where `contact` says so or no guardian is known.

    `others`: those told before have not answered; only who was not told yet is. `urgency` `soon` may wait for who asked for urgent alerts only,
    and for the end of the pack's quiet hours: `not_before`, which the decision sets.
    """

    template: str
    contact: Literal["guardian", "emergency"] = "guardian"
    answer_within: timedelta = timedelta(minutes=5)
    urgency: Urgency = "now"
    others: bool = False
    not_before: datetime | None = None


class AskApproval(Obligation, frozen=True, kw_only=True, tag=True):
    """Put one purchase before the guardians."""

    order: str = ""
    answer_within: timedelta = timedelta(hours=24)


class SendSummary(Obligation, frozen=True, kw_only=True, tag=True):
    """Send the guardians who want it the summary of the child's use, without content."""

    answer_within: timedelta = timedelta(hours=12)


class SwitchMode(Obligation, frozen=True, kw_only=True, tag=True):
    mode: Mode
    template: str


class AskRegistration(Obligation, frozen=True, kw_only=True, tag=True):
    """The app owes this person's registration; shown to staff until it is made."""

    missing: tuple[str, ...] = ("age", "contact")


class AskContacts(Obligation, frozen=True, kw_only=True, tag=True):
    """Guide the person to name a contact."""

    template: str


class AskConsent(Obligation, frozen=True, kw_only=True, tag=True):
    purpose: Purpose
    template: str


class StopUse(Obligation, frozen=True, kw_only=True, tag=True):
    """A consent is gone: whatever stood on it stops."""

    purpose: Purpose


class RefusePurchase(Obligation, frozen=True, kw_only=True, tag=True):
    template: str


class Erase(Obligation, frozen=True, kw_only=True, tag=True):
    """Delete what was asked for from every store of plain text, with a certificate."""

    scope: Literal["all", "history", "companion", "session", "message"]
    answer_within: timedelta = timedelta(days=15)


class AnswerComplaint(Obligation, frozen=True, kw_only=True, tag=True):
    """Accept, handle, and tell the result within the published time: by `answer_by` where the filing names it."""

    case: str = ""
    answer_within: timedelta = timedelta(days=15)
    second_person: bool = False
    answer_by: datetime | None = None


class RemindStaff(Obligation, frozen=True, kw_only=True, tag=True):
    """A complaint nears its time (or, `late`, is over it) and nobody has answered: whoever handles complaints is told."""

    case: str = ""
    about: str = ""
    late: bool = False
    answer_within: timedelta = timedelta(days=12)
    answer_by: datetime | None = None
    remind_at: datetime | None = None

    @property
    def at(self) -> datetime | None:
        return self.answer_by if self.late else self.remind_at


class TellComplainant(Obligation, frozen=True, kw_only=True, tag=True):
    """The answer reaches whoever complained, over the channel that they named."""

    case: str = ""
    answer_within: timedelta = timedelta(days=1)


class Announce(Obligation, frozen=True, kw_only=True, tag=True):
    """Tell in advance, or state in public, that something cannot be used."""

    template: str
    topic: Literal["outage", "withdrawal", "restored"] = "outage"
    feature: str = ""
    ends_at: datetime | None = None


class ReviewCompanion(Obligation, frozen=True, kw_only=True, tag=True):
    """A person reviews the persona before it is served."""

    companion: str = ""
    version: int = 0


class ReportHazard(Obligation, frozen=True, kw_only=True, tag=True):
    """Report to the competent department (draft Art. 23)."""

    template: str
    answer_within: timedelta = timedelta(days=1)


class HoldRecords(Obligation, frozen=True, kw_only=True, tag=True):
    """Keep the records of this for `keep_for`: an explicit, dated legal hold."""

    keep_for: timedelta
    topic: str = "crisis"


class WakeAt(Obligation, frozen=True, kw_only=True, tag=True):
    """A timer; its answer is `TimePassed`."""

    key: str
    wake_at: datetime


AnyObligation = (
    Allow | Redact | Disclose | Remind | Ground | ShowHelp | ReplaceReply | Block | Interrupt | Lock | EndSession
    | Escalate | PageStaff | FollowUp | NotifyGuardian | AskApproval | SendSummary | SwitchMode | AskRegistration | AskContacts | AskConsent | StopUse | RefusePurchase
    | Erase | AnswerComplaint | RemindStaff | TellComplainant | Announce | ReviewCompanion | ReportHazard | HoldRecords | WakeAt
)  # fmt: skip

OBLIGATIONS: dict[str, type[Obligation]] = {kind.__name__: kind for kind in get_args(AnyObligation)}

# What becomes of the turn; only one of these can stand, and the one further down wins.
ANSWERS: tuple[type[Obligation], ...] = (Allow, Block, ReplaceReply, Interrupt, Lock)

# What a lock closes, from the least to the most; of several the one further down wins.
LOCKED: tuple[Closed, ...] = ("purchases", "companion", "companionship", "service")

# INVARIANT: a person in danger gets help, whatever else holds: no answer of this table takes ShowHelp away.


# Which of an obligation's own terms tells it from another of its kind.
TOLD_APART_BY: Final[dict[type[Obligation], str]] = {
    Remind: "topic", Ground: "topic", Disclose: "topic", ShowHelp: "topic", Escalate: "reason", FollowUp: "answer_within", AskConsent: "purpose",
    StopUse: "purpose", WakeAt: "key", Redact: "signal", AnswerComplaint: "case", RemindStaff: "late", TellComplainant: "case", AskApproval: "order",
}  # fmt: skip


def identity(owed: Obligation) -> tuple[str, ...]:
    """Obligations of equal identity are one duty, asked for more than once."""
    if type(owed) in ANSWERS:
        return ("answer",)
    term = TOLD_APART_BY.get(type(owed))
    return (type(owed).__name__, str(getattr(owed, term))) if term else (type(owed).__name__,)


def strictness(owed: Obligation) -> tuple[Any, ...]:
    """Orders obligations of one identity: the greatest wins. The last key makes the order total."""
    place = ANSWERS.index(type(owed)) if type(owed) in ANSWERS else 0
    urgency = URGENCIES.index(owed.urgency) if isinstance(owed, Escalate | NotifyGuardian) else 0
    takeover = getattr(owed, "takeover", False)
    within = getattr(owed, "answer_within", timedelta(0))
    kept = getattr(owed, "keep_for", None) or getattr(owed, "quiet_for", None) or timedelta(0)
    wake = -owed.wake_at.timestamp() if isinstance(owed, WakeAt) else 0.0
    mode = owed.mode == "minor" if isinstance(owed, SwitchMode) else False
    closed = LOCKED.index(owed.scope) if isinstance(owed, Lock) else 0
    return (
        place,
        takeover,
        urgency,
        mode,
        closed,
        -within,
        kept,
        wake,
        msgspec.json.encode(msgspec.structs.replace(owed, because=())),
    )


def strictest(owed: Iterable[Obligation]) -> tuple[Obligation, ...]:
    """One obligation an identity, the strictest, with the reasons of all that it stands for.

    Obligations that lost their place keep no reason in the winner's `because` unless they are of the winner's kind:
    a rule that asked to allow does not explain a block.
    """
    groups: dict[tuple[str, ...], list[Obligation]] = {}
    for one in owed:
        groups.setdefault(identity(one), []).append(one)
    winners = [_win(group) for _, group in sorted(groups.items())]
    return tuple(winners)


def _win(group: list[Obligation]) -> Obligation:
    if len(group) == 1:
        return group[0]
    winner = max(group, key=strictness)
    terms = _strictest_terms(group, winner)
    because = tuple(sorted({rule for one in group if type(one) is type(winner) for rule in one.because}))
    return msgspec.structs.replace(winner, because=because, **terms)


def _strictest_terms(group: list[Obligation], winner: Obligation) -> dict[str, Any]:
    """Of one duty asked for twice every single term is the strictest, not only the terms of one asker."""
    same = [one for one in group if type(one) is type(winner)]
    terms: dict[str, Any] = {}
    if hasattr(winner, "answer_within"):
        terms["answer_within"] = min(one.answer_within for one in same)  # type: ignore[attr-defined]  # same type as winner
    if isinstance(winner, Escalate):
        cases = [one for one in same if isinstance(one, Escalate)]
        terms["takeover"] = any(one.takeover for one in cases)
        terms["urgency"] = max((one.urgency for one in cases), key=URGENCIES.index)
    if isinstance(winner, PageStaff):
        terms["always"] = any(one.always for one in same if isinstance(one, PageStaff))
    if isinstance(winner, NotifyGuardian):
        terms["others"] = all(one.others for one in same if isinstance(one, NotifyGuardian))
    if isinstance(winner, AnswerComplaint):
        terms["second_person"] = any(one.second_person for one in same if isinstance(one, AnswerComplaint))
    return terms

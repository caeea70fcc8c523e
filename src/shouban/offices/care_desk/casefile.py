"""The file of a care case, put together from its rows and the log's entries about it. Pure: nothing is read or written here, and no word is chosen.

INVARIANT: no address of anybody; the person and their contacts by name only where the words of the talk are in it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from shouban.core import events as e
from shouban.core.events import readings_of
from shouban.core.obligations import FollowUp, NotifyGuardian
from shouban.core.signals import strongest
from shouban.duties.ledger import IN_TURN, NOTICES, Duty
from shouban.duties.receipts import Receipt
from shouban.evidence.books import KEPT
from shouban.evidence.log import Acted, Decided, moment
from shouban.evidence.note import Checkpoint, parse_checkpoint
from shouban.offices.care_desk.model import Case, Clock, Note, clocks

MOST_LINES: Final = 1_000
# Turns of which no rule said anything: they are counted, and their places in the log are named.
TURNS: Final = (e.UserSpoke, e.ContextRead, e.ReplyRead, e.CompanionSpoke)
# What still belongs to a case once it is closed.
EXPORTED: Final = "case_exported"
AFTERWARDS: Final = frozenset({"looked", "glass_broken", EXPORTED})
NOT_OWED: Final = frozenset({"Allow", "WakeAt"})
# Controls, halves of characters, and marks that turn the order of letters round: a reader would see another text than was written.
_HIDDEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")

Entry = tuple[int, Decided | Acted]
Names = Mapping[str, str]


@dataclass(frozen=True)
class Rows:
    """What was read of a case, all at one moment. `more`: the log has entries of it beyond those read."""

    case: Case
    contacted_at: datetime | None
    entries: Sequence[Entry]
    duties: Sequence[Duty]
    receipts: Sequence[Receipt]
    notes: Sequence[Note]
    checkpoint: str
    more: bool = False


@dataclass(frozen=True)
class Reader:
    """For whom the file is made: what they may see of the contacts, and whether the words go with it."""

    name: str
    at: datetime
    sees_contacts: bool = False
    words: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Law:
    """The wordings in force now: of which pack (`id@digest`, as entries name it), and the version of each."""

    pack: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


class StageAt(NamedTuple):
    stage: str
    at: datetime


class Timed(NamedTuple):
    name: str
    clock: Clock
    is_late: bool


class Actor(NamedTuple):
    """One of the staff: since when, until when, and how often they did what."""

    name: str
    first_at: datetime
    last_at: datetime
    acts: Mapping[str, int]


class Line(NamedTuple):
    """An entry of the log: `about` is the obligation that a `DutyDone` or `DutyFailed` tells of."""

    at: datetime
    leaf: int
    act: str
    about: str
    staff: str
    read: tuple[str, ...]
    owed: tuple[str, ...]
    rules: tuple[str, ...]


class Alert(NamedTuple):
    """`number` tells contacts apart; `kind` is `guardian` or `emergency`, or nothing where nobody was told or they are gone."""

    owed_at: datetime
    template: str
    urgency: str
    others: bool
    state: str
    number: int = 0
    kind: str = ""
    relation: str = ""
    name: str = ""
    told_at: datetime | None = None
    channel: str = ""
    answered_at: datetime | None = None
    able: bool = True


class Wording(NamedTuple):
    """`version` is empty where the pack has changed since: the digest in `pack` tells which it was."""

    template: str
    version: str
    pack: str
    kind: str
    first_at: datetime
    times: int
    unshown: int


class Asked(NamedTuple):
    """A follow-up: when it was due, and, once somebody has asked, when, who, and whether the person was reached."""

    due_at: datetime
    state: str
    asked_at: datetime | None = None
    staff: str = ""
    reached: bool = False


class Said(NamedTuple):
    """`staff` is which of them, where it was one."""

    at: datetime
    role: str
    text: str
    staff: str = ""


class Proof(NamedTuple):
    checkpoint: Checkpoint | None
    note: str
    signature: str
    leaves: str
    total: int
    more: bool


@dataclass(frozen=True)
class CaseFile:
    """All that an export shows. `words` is `None` where they were not asked for."""

    case: Case
    service: str
    nickname: str
    reader: str
    at: datetime
    stages: Sequence[StageAt]
    clocks: Sequence[Timed]
    staff: Sequence[Actor]
    lines: Sequence[Line]
    unlisted: int
    alerts: Sequence[Alert]
    wordings: Sequence[Wording]
    notes: Sequence[Note]
    follow_ups: Sequence[Asked]
    words: Sequence[Said] | None
    proof: Proof


def assembled(rows: Rows, service: str, profile: Mapping[str, Any], names: Names, law: Law, reader: Reader) -> CaseFile:
    """The whole file; `names` are the staff's, by account."""
    entries = [one for one in rows.entries if belongs(rows.case, one[1])]
    found = [line for index, entry in entries if (line := line_of(index, entry, names)) is not None]
    lines = found if len(found) <= MOST_LINES else [*found[: MOST_LINES // 2], *found[-MOST_LINES // 2 :]]
    said = None if reader.words is None else [said_of(one) for one in reader.words]
    return CaseFile(
        case=rows.case, service=service, nickname=legible(profile.get("nickname") or "") if said is not None else "", reader=reader.name, at=reader.at,
        stages=stages_of(rows.case, rows.contacted_at), clocks=timed(rows.case, rows.contacted_at, reader.at), staff=staff_of(entries, names), lines=lines,
        unlisted=sum(not is_kept(entry) for _, entry in entries) - len(lines), alerts=alerts_of(rows, entries, profile, reader), wordings=wordings_of(rows.duties, entries, law),
        notes=[Note(one.id, one.account, one.at, legible(one.text)) for one in rows.notes], follow_ups=follow_ups_of(rows.duties, entries, names), words=said,
        proof=proof_of(rows.checkpoint, [index for index, _ in entries], more=rows.more),
    )  # fmt: skip


def belongs(case: Case, entry: Decided | Acted) -> bool:
    """Whether an entry about the person is one about this case: from its opening to its closing, and what was done about it later."""
    if case.closed_at is None or _at(entry) <= case.closed_at:
        return _at(entry) >= case.opened_at
    return entry.act in AFTERWARDS if isinstance(entry, Acted) else isinstance(entry.event, e.FollowedUp)


# --- stages and clocks


def stages_of(case: Case, contacted_at: datetime | None) -> list[StageAt]:
    """In the order of their times. A case that words of danger opened again has a second `open`; what was before stands in the timeline."""
    again = case.asked_at if case.asked_at > case.opened_at else None
    moments = {
        "opened": case.opened_at, "asked_again": again, "claimed": case.claimed_at, "taken_over": case.taken_at, "contacted": contacted_at,
        "handed_back": case.handed_at, "closed": case.closed_at,
    }  # fmt: skip
    found = [StageAt(name, at) for name, at in moments.items() if at is not None]
    return sorted(found, key=lambda one: one.at)


def timed(case: Case, contacted_at: datetime | None, at: datetime) -> list[Timed]:
    return [Timed(name, clock, clock.is_late(at)) for name, clock in clocks(case, contacted_at).items()]


# --- the timeline


def line_of(index: int, entry: Decided | Acted, names: Names) -> Line | None:
    """What a reader is told of an entry; nothing of those that only stand beside another, and of turns on which no rule said anything."""
    if isinstance(entry, Acted):
        return None if is_kept(entry) else Line(entry.at, index, entry.act, "", _named(entry, names), (), (), ())
    event, owed = entry.event, _owed(entry)
    if not owed and not entry.rules and isinstance(event, (*TURNS, e.TimePassed)):
        return None
    about = str(getattr(event, "obligation", ""))
    if isinstance(event, e.DutyDone) and about in IN_TURN:  # the wordings shown stand in a table of their own
        return None
    return Line(
        event.at, index, type(event).__name__, about, _named(entry, names), _levels(event), owed, tuple(entry.rules)
    )


def staff_of(entries: Iterable[Entry], names: Names) -> list[Actor]:
    """Who of the staff did anything, the first first. Who only looked did something too."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    for _, entry in entries:
        if name := _named(entry, names):
            act = entry.act if isinstance(entry, Acted) else type(entry.event).__name__
            found.setdefault(name, []).append((_at(entry), act))
    actors = [Actor(name, min(done)[0], max(done)[0], counted(act for _, act in done)) for name, done in found.items()]
    return sorted(actors, key=lambda one: (one.first_at, one.name))


def is_kept(entry: Decided | Acted) -> bool:
    """The digest of a row, beside the entry that says what was done."""
    return isinstance(entry, Acted) and entry.act == KEPT


def _at(entry: Decided | Acted) -> datetime:
    return entry.at if isinstance(entry, Acted) else entry.event.at


def _named(entry: Decided | Acted, names: Names) -> str:
    """The staff's name as the desk shows it; an app that took over by itself gives a name of its own."""
    account = str(entry.facts.get("account", "") if isinstance(entry, Acted) else getattr(entry.event, "staff", ""))
    return legible(names.get(account, account))


def _owed(entry: Decided) -> tuple[str, ...]:
    return tuple(sorted({type(one).__name__ for one in entry.owed} - NOT_OWED))


def _levels(event: e.Event) -> tuple[str, ...]:
    """Of each signal the strongest reading; where no detector answered that is told."""
    readings = readings_of(event)
    found = [strongest(readings, signal) for signal in dict.fromkeys(one.signal for one in readings)]
    return tuple(f"{one.signal} {one.level if one.is_unknown else int(one.level)}" for one in found if one is not None)


# --- who was told, and what was shown


def alerts_of(rows: Rows, entries: Sequence[Entry], profile: Mapping[str, Any], reader: Reader) -> list[Alert]:
    """Each alert that was owed: whom it reached, or that it reached nobody yet."""
    contacts = {str(one.get("id", "")): (place, one) for place, one in enumerate(profile.get("contacts", []), 1)}
    able = {
        (one.duty, one.contact): one.able for _, entry in entries if isinstance(one := _event(entry), e.ContactAnswered)
    }
    found: list[Alert] = []
    for duty in rows.duties:
        if not isinstance(duty.owed, NotifyGuardian):
            continue
        base = Alert(moment(duty.owed_us), duty.owed.template, duty.owed.urgency, duty.owed.others, duty.state)
        told = [one for one in rows.receipts if one.duty == duty.id and one.sent_at is not None]
        found += [
            _told(base, one, contacts.get(one.contact), able.get((one.duty, one.contact), True), reader) for one in told
        ] or [base]
    return found


def _told(
    base: Alert, receipt: Receipt, found: tuple[int, Mapping[str, Any]] | None, able: bool, reader: Reader
) -> Alert:
    place, contact = found or (0, {})
    return base._replace(
        number=place, kind=str(contact.get("kind", "")), relation=legible(contact.get("relation") or "") if reader.sees_contacts else "",
        name=legible(contact.get("name") or "") if reader.words is not None and reader.sees_contacts else "", told_at=receipt.sent_at,
        channel=receipt.how.partition(" ")[0], answered_at=receipt.answered_at, able=able,
    )  # fmt: skip


def wordings_of(duties: Iterable[Duty], entries: Sequence[Entry], law: Law) -> list[Wording]:
    """Which approved wordings the person was shown, by template and pack, the first first."""
    packs = {duty: entry.pack for _, entry in entries if isinstance(entry, Decided) for duty in entry.duties}
    found: dict[tuple[str, str, str], list[Duty]] = {}
    for duty in duties:
        template = str(getattr(duty.owed, "template", ""))
        if duty.kind in NOTICES and template:
            found.setdefault((template, packs.get(duty.id, ""), duty.kind), []).append(duty)
    return [
        Wording(
            template, law.versions.get(template, "") if pack == law.pack else "", pack, kind, moment(min(one.owed_us for one in mine)), len(mine),
            sum(one.state != "done" for one in mine),
        )
        for (template, pack, kind), mine in found.items()
    ]  # fmt: skip


def follow_ups_of(duties: Iterable[Duty], entries: Sequence[Entry], names: Names) -> list[Asked]:
    asked = {one.duty: one for _, entry in entries if isinstance(one := _event(entry), e.FollowedUp)}
    found: list[Asked] = []
    for duty in duties:
        if not isinstance(duty.owed, FollowUp):
            continue
        due, done = moment(duty.due_us), asked.get(duty.id)
        found.append(
            Asked(due, duty.state, done.at, legible(names.get(done.staff, done.staff)), done.reached)
            if done
            else Asked(due, duty.state)
        )
    return sorted(found, key=lambda one: one.due_at)


def said_of(message: Mapping[str, Any]) -> Said:
    return Said(
        moment(message["at_us"]), str(message["role"]), legible(message["text"]), legible(message.get("staff") or "")
    )


def _event(entry: Decided | Acted) -> object:
    return entry.event if isinstance(entry, Decided) else None


# --- the proof


def proof_of(note: str, leaves: Sequence[int], *, more: bool) -> Proof:
    """The head of the log at this moment, as it was signed, and where in the log the entries stand."""
    text, _, signature = note.partition("\n\n")
    head = parse_checkpoint(f"{text}\n") if note else None
    return Proof(head, note, signature.strip(), ranges(leaves), len(leaves), more)


def ranges(numbers: Iterable[int]) -> str:
    """`1-3, 7`: numbers in order, those that follow one another as one."""
    found: list[list[int]] = []
    for one in sorted(numbers):
        if found and one == found[-1][1] + 1:
            found[-1][1] = one
        else:
            found.append([one, one])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


# --- text


def legible(text: object) -> str:
    """The text as it was written, letter by letter; what cannot be seen or would mislead stands as its number, `[U+202E]`."""
    plain = str(text).replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", plain.replace("\t", "    "))


def counted(words: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in words:
        found[one] = found.get(one, 0) + 1
    return found

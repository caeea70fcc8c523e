"""Complaints, reports and appeals: what may be filed, how one moves, and what its answer must say (draft Art. 20; Order 21 Art. 21). Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

import msgspec

from shouban.core.errors import CallerError

Sort = Literal["complaint", "report", "appeal"]
About = Literal[
    "child_safety", "danger", "intimacy", "content", "dependence", "ai_notice", "privacy", "spending", "restriction", "exit", "service", "other"
]  # fmt: skip
Channel = Literal["page", "chat", "guardian", "app", "phone", "mail", "letter"]
# By which ways the staff enter what reached them elsewhere.
BY_STAFF: Final = frozenset({"phone", "mail", "letter"})
Stage = Literal["filed", "accepted", "answered", "merged", "withdrawn"]
OPEN: Final = frozenset({"filed", "accepted"})
UNANSWERED: Final = OPEN | {"merged"}
Decision = Literal["upheld", "partly", "refused"]
Kind = Literal["said", "asked", "noted", "accepted", "merged", "withdrawn", "answered"]
# What the complainant sees of what happened; notes are the staff's own.
PUBLIC: Final = frozenset({"said", "asked", "accepted", "merged", "withdrawn", "answered"})

# A child's safety and a danger to life do not wait as long as a bill.
URGENT: Final = frozenset({"child_safety", "danger"})
MOST_TEXT: Final = 5_000
LEAST_TEXT: Final = 5
LEAST_REASON: Final = 10
MOST_LINKED: Final = 20
MOST_FILES: Final = 3
MOST_SIZE: Final = 600_000
APPEAL_WITHIN: Final = timedelta(days=60)
RECEIVED_WITHIN: Final = timedelta(days=60)
# Crockford's letters without those that are taken for others; 50 bits.
LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{10}")
_LOOKS_LIKE: Final = str.maketrans("OIL", "011", " -")
_MAIL: Final = re.compile(r"[^\s@,;&?<>\"]+@[^\s@,;&?<>\"]+\.[^\s@,;&?<>\"]+")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 -]{5,20}")


class Filing(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /v1/complaints`, and the form. `messages`: so many of the last words of the talk may be read with it."""

    text: str
    sort: Literal["complaint", "report"] = "complaint"
    about: About = "other"
    user: str = ""
    session: str = ""
    messages: int = 0
    name: str = ""
    contact: str = ""
    channel: Channel = "page"
    received_on: str = ""


class Words(msgspec.Struct):
    """What is sealed of a complaint. `number` is what the complainant holds."""

    number: str
    text: str
    name: str = ""
    contact: str = ""
    linked: list[dict[str, Any]] = []
    answer: Answer | None = None


class Answer(msgspec.Struct):
    """The statement of reasons: what was found, on what it rests, what was done."""

    decision: Decision
    facts: str
    grounds: str
    measures: str = ""


class Answering(msgspec.Struct):
    """A form: how a complaint is decided, and why, in words the complainant will read."""

    decision: Decision
    facts: str
    grounds: str
    measures: str = ""


class Saying(msgspec.Struct):
    text: str


class Merging(msgspec.Struct):
    into: str


@dataclass(frozen=True)
class Complaint:
    id: str
    person: str
    sort: Sort
    about: str
    channel: str
    is_urgent: bool
    stage: Stage
    parent: str
    taken_by: str
    filed_at: datetime
    remind_at: datetime
    due_at: datetime
    accepted_at: datetime | None
    answered_at: datetime | None
    decided_by: str
    decision: str

    @property
    def reference(self) -> str:
        """What the staff call it. The complainant's number opens it for whoever has it, so they do not."""
        return f"C-{self.id[:6].upper()}"

    @property
    def is_open(self) -> bool:
        return self.stage in OPEN

    @property
    def is_unanswered(self) -> bool:
        """Open, or merged into one that is not answered yet."""
        return self.stage in UNANSWERED

    def is_late(self, at: datetime) -> bool:
        return self.is_unanswered and at > self.due_at

    def is_near(self, at: datetime) -> bool:
        return self.is_unanswered and self.remind_at <= at <= self.due_at

    def may_appeal(self, at: datetime) -> bool:
        """What was not wholly upheld may be decided once more, by somebody else; an appeal itself may not."""
        return (
            self.stage == "answered"
            and self.sort != "appeal"
            and self.decision != "upheld"
            and self.answered_at is not None
            and at <= self.answered_at + APPEAL_WITHIN
        )


@dataclass(frozen=True)
class Entry:
    """Something said, noted or done in a complaint; `who` is empty where it was the complainant."""

    kind: Kind
    at: datetime
    who: str
    text: str


@dataclass(frozen=True)
class Attached:
    id: str
    media: str
    size: int
    name: str


def checked(filing: Filing) -> Filing:
    """The filing as it is kept. Raises `CallerError` naming what to change."""
    text = filing.text.strip()
    if len(text) < LEAST_TEXT:
        raise CallerError("write what happened, in a sentence at least", field="text", code="too_short")
    if len(text) > MOST_TEXT:
        raise CallerError(f"the text is over {MOST_TEXT} characters; attach the rest as a file", field="text")
    if not 0 <= filing.messages <= MOST_LINKED:
        raise CallerError(f"`messages` must be 0 to {MOST_LINKED}", field="messages")
    if len(filing.name) > 80:
        raise CallerError("the name is over 80 characters", field="name")
    address_of(filing.contact)
    return msgspec.structs.replace(filing, text=text, name=filing.name.strip(), contact=filing.contact.strip())


def address_of(contact: str) -> str:
    """The channel of a mail address or telephone number; nothing for nothing. Raises `CallerError` where it is neither."""
    contact = contact.strip()
    if not contact:
        return ""
    if _MAIL.fullmatch(contact) and len(contact) <= 200:
        return f"mailto:{contact}"
    if _PHONE.fullmatch(contact):
        return f"tel:{contact}"
    raise CallerError("this is neither a mail address nor a telephone number", field="contact", code="no_number")


def received(typed: str, at: datetime, local: Callable[[datetime], datetime]) -> datetime:
    """When a call or letter reached us, which is when its time begins: the day as a form sends it, or now. Raises `CallerError` for what is none."""
    if not typed.strip():
        return at
    try:
        day = datetime.strptime(typed.strip(), "%Y-%m-%d").date()  # noqa: DTZ007  # a day has no zone
    except ValueError as error:
        raise CallerError("write the day like 2026-08-03", field="received_on", code="no_day") from error
    today = local(at)
    if not timedelta(0) <= today.date() - day <= RECEIVED_WITHIN:
        raise CallerError(
            f"it came today, or within the last {RECEIVED_WITHIN.days} days", field="received_on", code="no_day"
        )
    return (
        at
        if day == today.date()
        else today.replace(year=day.year, month=day.month, day=day.day, hour=12, minute=0, second=0, microsecond=0)
    )


def checked_channel(channel: str) -> None:
    if channel not in BY_STAFF:
        raise CallerError("say by which way it came", field="channel", code="no_channel")


def number_of(drawn: int) -> str:
    """A number to read out, from 50 random bits: `7KQ3M-0XW5R`."""
    letters = "".join(LETTERS[drawn >> 5 * place & 31] for place in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def read_number(typed: str) -> str:
    """The number as it was given, however it was typed. Raises `CallerError` where it is none."""
    letters = typed.strip().upper().translate(_LOOKS_LIKE)
    if not NUMBER.fullmatch(letters):
        raise CallerError("a number has ten letters and digits, like 7KQ3M-0XW5R", field="number", code="no_receipt")
    return f"{letters[:5]}-{letters[5:]}"


def media_of(content: bytes) -> str:
    """What a file is, by its first bytes and never by its name. Raises `CallerError` where it is nothing that is taken."""
    for mark, media in (
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"%PDF-", "application/pdf"),
    ):
        if content.startswith(mark):
            return media
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CallerError(
            "only pictures (PNG, JPEG, WebP), PDF and plain text are taken", field="files", code="no_file"
        ) from error
    if any(ord(letter) < 32 and letter not in "\t\r\n" for letter in text):
        raise CallerError(
            "only pictures (PNG, JPEG, WebP), PDF and plain text are taken", field="files", code="no_file"
        )
    return "text/plain"


def answered(complaint: Complaint, wish: Answering, *, by: str, before: str = "") -> Answer:
    """The answer, checked. `before`: who decided what this appeals against."""
    if not complaint.is_unanswered:
        raise CallerError("this is answered already", status=409, code="decided_already")
    if by == before:
        raise CallerError("whoever decided first may not decide the appeal", status=409, code="second_person")
    for name in ("facts", "grounds"):
        if len(getattr(wish, name).strip()) < LEAST_REASON:
            raise CallerError(f"say `{name}` in words that the complainant will read", field=name, code="too_short")
    if wish.decision != "refused" and len(wish.measures.strip()) < LEAST_TEXT:
        raise CallerError("say what is done about it", field="measures", code="too_short")
    return Answer(wish.decision, wish.facts.strip(), wish.grounds.strip(), wish.measures.strip())


def statement(
    complaint: Complaint,
    number: str,
    answer: Answer,
    *,
    process: str,
    local: Callable[[datetime], datetime],
    appeal: Complaint | None = None,
) -> dict[str, Any]:
    """The statement of reasons as JSON: whose decision, on what facts and grounds, what was done, and where one may go from here.

    Its parts follow Art. 17 of the EU's Digital Services Act, the only law that lists them; Order 21 Art. 21 asks for the result.
    """
    assert complaint.answered_at is not None  # noqa: S101  # who is answered has a time
    return {
        "number": number, "sort": complaint.sort, "about": complaint.about, "filed_at": local(complaint.filed_at).isoformat(), "due_at": local(complaint.due_at).isoformat(),
        "answered_at": local(complaint.answered_at).isoformat(), "in_time": complaint.answered_at <= complaint.due_at, "decision": answer.decision,
        "facts": answer.facts, "grounds": answer.grounds, "measures": answer.measures, "decided_by": "person", "automated": False,
        "second_person": complaint.sort == "appeal",
        "redress": {
            "appeal_until": local(complaint.answered_at + APPEAL_WITHIN).isoformat() if complaint.may_appeal(complaint.answered_at) and not appeal else None,
            "authority": ["12377", "12345"],
        },
        "appeal": appeal and {
            "filed_at": local(appeal.filed_at).isoformat(), "due_at": local(appeal.due_at).isoformat(), "decision": appeal.decision or None,
            "answered_at": local(appeal.answered_at).isoformat() if appeal.answered_at else None,
        },
        "process": process,
    }  # fmt: skip


def figures(complaints: Iterable[Complaint], at: datetime) -> dict[str, Any]:
    """What the assessment asks for: how many of what, how they were decided, and how many in time (draft Art. 22.3)."""
    found = list(complaints)
    done = [one for one in found if one.stage == "answered" and one.answered_at]
    spans = sorted(one.answered_at - one.filed_at for one in done if one.answered_at)
    in_time = sum(one.answered_at is not None and one.answered_at <= one.due_at for one in done)
    appealed = [one for one in done if one.sort == "appeal"]
    return {
        "filed": len(found), "open": sum(one.is_unanswered for one in found), "late": sum(one.is_late(at) for one in found), "answered": len(done), "in_time": in_time,
        "in_time_share": round(in_time / len(done), 4) if done else None,
        "median_hours": round(spans[len(spans) // 2].total_seconds() / 3600, 2) if spans else None,
        "by_sort": _counted((one.sort for one in found), get_args(Sort)), "by_about": _counted((one.about for one in found), get_args(About)),
        "by_channel": _counted((one.channel for one in found), get_args(Channel)), "by_decision": _counted((one.decision for one in done), get_args(Decision)),
        "appeals_that_changed_something": sum(one.decision in {"upheld", "partly"} for one in appealed),
    }  # fmt: skip


def _counted(names: Iterable[str], known: Sequence[str]) -> dict[str, int]:
    found = Counter(names)
    return {name: found[name] for name in known if found[name]}

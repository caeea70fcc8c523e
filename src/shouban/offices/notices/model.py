"""Public notices and the plan of a withdrawal: what one must say, and by when (draft Art. 19; Order 21 Art. 20; register row D079). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from shouban.core.errors import CallerError

Kind = Literal["outage", "withdrawal", "ending", "news"]
State = Literal["posted", "down"]
# Sooner than that is no "advance notice": the law names no days, this is ours, and less is asked a reason.
AHEAD: Final = timedelta(days=30)
# So long after the end a copy can still be taken and data deleted.
LATEST: Final = timedelta(days=5 * 365)
EXPORT_AFTER: Final = timedelta(days=30)
MOST_TITLE: Final = 80
MOST_TEXT: Final = 2_000
MODEL: Final = "model"
SERVICE: Final = "service"


class Posting(msgspec.Struct):
    """A form. `ends_on` and the other days are local dates; of a withdrawal all that the plan needs must be there."""

    kind: Kind
    title_zh: str
    text_zh: str
    title_en: str = ""
    text_en: str = ""
    what: str = ""
    ends_on: str = ""
    read_only_on: str = ""
    export_until: str = ""
    refunds: str = ""
    why_so_soon: str = ""
    crisis_plan: str = ""


class Body(msgspec.Struct, frozen=True):
    """What a notice says, and the plan behind it."""

    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    ends_at: datetime | None = None
    read_only_at: datetime | None = None
    export_until: datetime | None = None
    refunds: str = ""
    why_so_soon: str = ""
    crisis_plan: str = ""

    @property
    def over_at(self) -> datetime | None:
        """From when on nobody talks any more: the read-only days, or the end."""
        return self.read_only_at or self.ends_at


@dataclass(frozen=True)
class Notice:
    id: str
    service: str
    kind: Kind
    what: str
    state: State
    posted_at: datetime
    down_at: datetime | None
    account: str
    reached: int
    body: Body

    @property
    def is_by_itself(self) -> bool:
        """Whether the gateway announced it, and nobody in particular."""
        return not self.account


def checked(wish: Posting, at: datetime) -> Body:
    """What is posted. Raises `CallerError` naming what to change."""
    title, text = wish.title_zh.strip(), wish.text_zh.strip()
    for field, value, most in (("title_zh", title, MOST_TITLE), ("text_zh", text, MOST_TEXT)):
        if not 2 <= len(value) <= most:
            raise CallerError(f"`{field}` must have 2 to {most} characters", field=field, code="missing_field")
    body = Body(title, wish.title_en.strip()[:MOST_TITLE] or title, text, wish.text_en.strip()[:MOST_TEXT] or text)
    return _planned(wish, body, at) if wish.kind in {"withdrawal", "ending"} else body


def _planned(wish: Posting, body: Body, at: datetime) -> Body:
    ends = _day(wish.ends_on, "ends_on", at)
    if ends > at + LATEST:
        raise CallerError("the end lies more than five years ahead", field="ends_on", code="wrong_day")
    if ends <= at:
        raise CallerError("the end must lie ahead", field="ends_on", code="wrong_day")
    if ends < at + AHEAD and len(wish.why_so_soon.strip()) < 10:
        raise CallerError(
            f"the end is less than {AHEAD.days} days ahead; say why it must be so soon",
            field="why_so_soon",
            code="too_soon_to_end",
        )
    for field in ("refunds", "crisis_plan"):
        if len(getattr(wish, field).strip()) < 4:
            raise CallerError(f"the plan says nothing of `{field}`", field=field, code="missing_field")
    read_only = _day(wish.read_only_on, "read_only_on", at) if wish.read_only_on else None
    export = _day(wish.export_until, "export_until", at) if wish.export_until else ends + EXPORT_AFTER
    if read_only is not None and not at < read_only <= ends:
        raise CallerError("the read-only days begin before the end", field="read_only_on", code="wrong_day")
    if not ends <= export <= ends + LATEST:
        raise CallerError("copies can be taken at least until the end", field="export_until", code="wrong_day")
    return msgspec.structs.replace(
        body, ends_at=ends, read_only_at=read_only, export_until=export, refunds=wish.refunds.strip(), why_so_soon=wish.why_so_soon.strip(),
        crisis_plan=wish.crisis_plan.strip(),
    )  # fmt: skip


def _day(typed: str, field: str, at: datetime) -> datetime:
    """The beginning of that day where `at` is."""
    try:
        return datetime.strptime(typed.strip(), "%Y-%m-%d").replace(
            tzinfo=at.tzinfo
        )  # the zone is given in the same breath
    except ValueError as error:
        raise CallerError(f"`{field}` must be a day like 2026-12-31", field=field, code="wrong_day") from error


def what_of(wish: Posting) -> str:
    """What it is about: all of the service, or a feature by its name."""
    if wish.kind == "ending":
        return SERVICE
    what = wish.what.strip()[:64]
    if wish.kind == "withdrawal" and not what:
        raise CallerError("say which feature is withdrawn", field="what", code="missing_field")
    return what


def taken_down(notice: Notice, at: datetime, *, reached: int) -> Notice:
    if notice.state == "down":
        raise CallerError("this notice is down already", status=409, code="decided_already")
    return replace(notice, state="down", down_at=at, reached=reached)

"""The roster: sets and ends shifts, each with its entry in the log, and says who is on shift now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from shouban.core.errors import CallerError
from shouban.db.engine import view
from shouban.db.schema import ACCOUNTS, CASES, SHIFTS
from shouban.db.writer import Call, Job, Writer
from shouban.duties.cases import is_desk_open
from shouban.evidence.books import kept
from shouban.evidence.log import Acted, leaf_of, microseconds, moment
from shouban.offices.care_desk.model import Case
from shouban.offices.care_desk.records import new_id
from shouban.offices.care_desk.shifts import CARING, ROSTER_LASTS, NewShift, Shift, checked_shift, is_bound
from shouban.web.access import Who
from shouban.web.sessions import Account, SignIns, called

MOST_SHIFTS: Final = 500
HELD: Final = ("claimed", "taken_over")
# A shift that was called off before it began lasts no time.
_LASTING: Final = SHIFTS.c.until_us > SHIFTS.c.from_us


@dataclass(frozen=True)
class Entry:
    """A shift as the roster shows it; `load`: how many cases they have now."""

    shift: Shift
    name: str
    is_on: bool
    load: int


@dataclass(frozen=True)
class Shown:
    entries: Sequence[Entry]
    carers: Mapping[str, str]
    is_deserted: bool


class Roster:
    def __init__(self, engine: Engine, writer: Writer, sign_ins: SignIns) -> None:
        self._engine = engine
        self._writer = writer
        self._sign_ins = sign_ins

    async def shown(self, service: str, at: datetime) -> Shown:
        def read() -> tuple[list[Shift], dict[str, int], bool, bool]:
            with view(self._engine) as connection:
                found = to_come(connection, service, at)
                loads = {one.account: load(connection, service, one.account, at) for one in found}
                return found, loads, has_roster(connection, service, at), is_desk_open(connection, service, at)

        found, loads, keeps_one, is_open = await asyncio.to_thread(read)
        accounts = carers(await self._sign_ins.accounts(service))
        names = called(accounts)
        entries = [
            Entry(one, names[one.account], one.is_on(at), loads[one.account]) for one in found if one.account in names
        ]
        return Shown(entries, names, keeps_one and not is_open and not any(one.is_on for one in entries))

    async def set(self, who: Who, wish: NewShift, at: datetime) -> None:
        shift = checked_shift(wish, new_id(), at)
        if all(one.id != shift.account for one in carers(await self._sign_ins.accounts(who.service))):
            raise CallerError("nobody of the care staff is chosen", field="account", code="no_colleague")

        def add(connection: Connection) -> None:
            hold_account(connection, who.service, shift.account)
            if overlaps(connection, who.service, shift):
                raise CallerError("they have a shift at that time", field="since", status=409, code="shift_overlaps")
            connection.execute(insert(SHIFTS), [_row(shift, who)])

        await self._keep(who, "shift_set", shift.id, add, at, of=shift.account)

    async def end(self, who: Who, shift: str, at: datetime) -> None:
        """A shift that runs ends now; one to come never begins."""
        now = microseconds(at)

        def end(connection: Connection) -> None:
            mine = (SHIFTS.c.service_id == who.service) & (SHIFTS.c.shift_id == shift) & (SHIFTS.c.until_us > now)
            begins = connection.execute(select(SHIFTS.c.from_us).where(mine, _LASTING)).scalar()
            if begins is None:
                raise CallerError("there is no such shift, or it is over", status=404, code="not_found")
            connection.execute(update(SHIFTS).where(mine).values(until_us=max(begins, now)))

        await self._keep(who, "shift_ended", shift, end, at)

    async def addresses(self, service: str, at: datetime) -> list[str]:
        """Where who is on shift now can be reached: those who have an address, and an account that is still open."""

        def read() -> dict[str, Shift]:
            with view(self._engine) as connection:
                return running(connection, service, at)

        on_shift = await asyncio.to_thread(read)
        accounts = carers(await self._sign_ins.accounts(service)) if on_shift else []
        return [address for one in accounts if one.id in on_shift and (address := dialled(one.private.address))]

    async def _keep(self, who: Who, act: str, shift: str, call: Call, at: datetime, **facts: str) -> None:
        told = Acted(
            service=who.service, at=at, act=act, facts={"account": who.account, "shift": shift, **facts}
        )  # fmt: skip
        after = kept(SHIFTS, at, SHIFTS.c.shift_id == shift)
        await self._writer.submit(Job(call=call, leaves=[leaf_of(told)], after=after, alone=True))


def carers(accounts: Sequence[Account]) -> list[Account]:
    """Whose account is open and may sit at the desk."""
    return [one for one in accounts if one.state == "active" and not one.roles.isdisjoint(CARING)]


def dialled(address: str) -> str:
    """A directory gives plain mail addresses."""
    return f"mailto:{address}" if "@" in address and ":" not in address else address


# --- in the database


def running(connection: Connection, service: str, at: datetime) -> dict[str, Shift]:
    """Who is on shift, by account."""
    return {one.account: one for one in to_come(connection, service, at) if one.is_on(at)}


def to_come(connection: Connection, service: str, at: datetime) -> list[Shift]:
    """The shifts that run or are still to come, the first first."""
    theirs = (SHIFTS.c.service_id == service) & (SHIFTS.c.until_us > microseconds(at))
    asked = select(SHIFTS).where(theirs, _LASTING).order_by(SHIFTS.c.from_us, SHIFTS.c.shift_id).limit(MOST_SHIFTS)
    return [_shift(row) for row in connection.execute(asked)]


def has_roster(connection: Connection, service: str, at: datetime) -> bool:
    since = microseconds(at - ROSTER_LASTS)
    theirs = (SHIFTS.c.service_id == service) & (SHIFTS.c.until_us > since) & _LASTING
    return connection.execute(select(SHIFTS.c.shift_id).where(theirs).limit(1)).first() is not None


def overlaps(connection: Connection, service: str, shift: Shift) -> bool:
    theirs = (SHIFTS.c.service_id == service) & (SHIFTS.c.account_id == shift.account)
    at_once = (SHIFTS.c.from_us < microseconds(shift.until)) & (SHIFTS.c.until_us > microseconds(shift.since))
    return connection.execute(select(SHIFTS.c.shift_id).where(theirs, at_once, _LASTING).limit(1)).first() is not None


def load(connection: Connection, service: str, account: str, at: datetime) -> int:
    """How many cases they have now; whom they only watch after a hand-back takes nobody's time."""
    mine = (CASES.c.service_id == service) & (CASES.c.claimed_by == account) & CASES.c.stage.in_(HELD)
    asked = select(func.count()).select_from(CASES).where(mine, CASES.c.lease_until_us > microseconds(at))
    return int(connection.execute(asked).scalar_one())


def refuse_above(connection: Connection, service: str, account: str, case: Case, at: datetime) -> None:
    """For the transaction of a claim."""
    if not is_bound(case, account):
        return
    hold_account(connection, service, account)
    if is_full(connection, service, account, case, at):
        raise CallerError("you have as many cases as your shift allows at once", status=409, code="at_capacity")


def is_full(connection: Connection, service: str, account: str, case: Case, at: datetime) -> bool:
    """Whether their shift has no room for this case. Who is not on shift has no limit: whoever comes is welcome."""
    if not is_bound(case, account):
        return False
    shift = running(connection, service, at).get(account)
    return shift is not None and load(connection, service, account, at) >= shift.most


def hold_account(connection: Connection, service: str, account: str) -> None:
    """What two processes do for one account at once goes one after the other."""
    mine = (ACCOUNTS.c.service_id == service) & (ACCOUNTS.c.account_id == account)
    connection.execute(select(ACCOUNTS.c.account_id).where(mine).with_for_update()).all()


def _row(shift: Shift, who: Who) -> dict[str, Any]:
    return {
        "shift_id": shift.id, "service_id": who.service, "account_id": shift.account, "from_us": microseconds(shift.since), "until_us": microseconds(shift.until),
        "skills": ",".join(sorted(shift.skills)), "most": shift.most, "set_by": who.account,
    }  # fmt: skip


def _shift(row: Row[Any]) -> Shift:
    skills = frozenset(one for one in row.skills.split(",") if one)
    return Shift(row.shift_id, row.account_id, moment(row.from_us), moment(row.until_us), skills, row.most)

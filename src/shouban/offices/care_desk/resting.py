"""Refuses new cases to who has had enough today, or must rest a while: unless nobody else is there, for a person in danger goes first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection, Engine, or_, select

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.db.engine import view
from shouban.db.schema import CASES, LOG_ENTRIES
from shouban.evidence.log import decode_entry, microseconds
from shouban.offices.care_desk import records
from shouban.offices.care_desk.exposure import MARKS, Exposure, Limits, Step, exposures, step_of
from shouban.offices.care_desk.model import Case, is_severe
from shouban.offices.care_desk.roster import carers, is_full
from shouban.web.access import Who
from shouban.web.sessions import SignIns

# A talk that began before midnight goes on after it.
BEFORE_MIDNIGHT: Final = timedelta(hours=12)
# What is shown may be so old; a claim is decided on what is there.
SHOWN_FOR: Final = timedelta(seconds=10)


_log = structlog.get_logger("shouban.care")


class Resting:
    def __init__(self, engine: Engine, sign_ins: SignIns, limits: Limits) -> None:
        self._engine = engine
        self._sign_ins = sign_ins
        self.limits = limits
        self._read: dict[str, tuple[datetime, Mapping[str, Exposure]]] = {}

    async def shown(self, who: Who, at: datetime) -> Exposure:
        """For the bar on the queue; many desks, one reading."""
        read_at, found = self._read.get(who.service, (None, {}))
        if read_at is None or not read_at <= at < read_at + SHOWN_FOR:
            found = await asyncio.to_thread(self._exposures, who.service, at)
            self._read[who.service] = at, found
        return found.get(who.account, Exposure())

    async def checked(self, who: Who, case: Case, at: datetime) -> str:
        """Raises `CallerError` (409) where they must rest and somebody else can come. Gives why they should rest and nobody else can, or nothing.

        What was their own a moment ago is no new case; and who is in a talk that was left alone does not wait for anybody's rest.
        """
        if case.claimed_by == who.account:
            return ""
        found = await asyncio.to_thread(self._exposures, who.service, at)
        why = found.get(who.account, Exposure()).why_rest(self.limits, at)
        if why and case.stage != "taken_over" and await self._others(who, case, found, at):
            raise CallerError("rest first: a colleague is there", status=409, code="rest_first")
        return why

    async def _others(self, who: Who, case: Case, found: Mapping[str, Exposure], at: datetime) -> bool:
        """Whether a colleague sits at a desk who could take this case now: they need not rest, nobody in danger is with them, and their shift has room."""
        colleagues = [one.id for one in carers(await self._sign_ins.accounts(who.service)) if one.id != who.account]
        rested = [one for one in colleagues if not found.get(one, Exposure()).why_rest(self.limits, at)]

        def read() -> bool:
            with view(self._engine) as connection:
                seated = {account for account, _ in records.seated(connection, who.service, at)}
                busy = {
                    one.claimed_by
                    for one in records.held(connection, who.service, at)
                    if one.is_held(at) and is_severe(one)
                }
                return any(
                    one in seated and one not in busy and not is_full(connection, who.service, one, case, at) for one in rested
                )  # fmt: skip

        return await asyncio.to_thread(read)

    def _exposures(self, service: str, at: datetime) -> Mapping[str, Exposure]:
        """Of today, local time, from the severe cases that were open today and the log's entries about them.

        What cannot be read counts nothing: a damaged entry, which `evidence verify` finds, keeps nobody from a person in danger.
        """
        try:
            return self._counted(service, at)
        except Exception:  # noqa: BLE001  # whatever an entry breaks with: rest is for the staff, and the desk is for who waits
            _log.exception("exposure_unread", service=service)
            return {}

    def _counted(self, service: str, at: datetime) -> Mapping[str, Exposure]:
        midnight = Settings().local(at).replace(hour=0, minute=0, second=0, microsecond=0)
        with view(self._engine) as connection:
            open_today = cases_open_since(connection, service, midnight - BEFORE_MIDNIGHT)
            talks = [
                (steps_of(connection, service, person, midnight - BEFORE_MIDNIGHT), gone_at(cases))
                for person, cases in open_today.items()
                if any(is_severe(one) for one in cases)
            ]
        return exposures(talks, midnight, at)


def cases_open_since(connection: Connection, service: str, since: datetime) -> Mapping[str, Sequence[Case]]:
    """By person: somebody may have had two in a day, and the log's entries name the person."""
    lasting = or_(CASES.c.stage != "closed", CASES.c.closed_us >= microseconds(since))
    handed = or_(CASES.c.stage != "handed_back", CASES.c.handed_us >= microseconds(since))
    asked = select(CASES).where(CASES.c.service_id == service, lasting, handed).limit(records.MOST_COUNTED)
    found: dict[str, list[Case]] = {}
    for row in connection.execute(asked):
        found.setdefault(row.person_id, []).append(records.case_of(row))
    return found


def gone_at(cases: Sequence[Case]) -> datetime | None:
    """Until when somebody's desk was there, of the talk that is still on."""
    return next((one.lease_until for one in cases if one.stage == "taken_over"), None)


def steps_of(connection: Connection, service: str, person: str, since: datetime) -> Sequence[Step]:
    mine = (LOG_ENTRIES.c.service_id == service) & (LOG_ENTRIES.c.person_id == person)
    asked = select(LOG_ENTRIES.c.leaf_index, LOG_ENTRIES.c.leaf).where(mine, LOG_ENTRIES.c.at_us >= microseconds(since))
    found = [
        step_of(decode_entry(bytes(leaf), index))
        for index, leaf in connection.execute(asked.order_by(LOG_ENTRIES.c.leaf_index))
        if any(mark in leaf for mark in MARKS)
    ]
    return [one for one in found if one is not None]

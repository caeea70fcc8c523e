"""What a supervisor does beside whoever has a case: listens, whispers to them alone, joins the talk under their own name, and leaves it again.

INVARIANT: the holder keeps the case and its fence, whatever a supervisor does. A whisper goes into a table that nothing reads for the person.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine

from shouban.core.errors import CallerError
from shouban.db.engine import view
from shouban.db.schema import CASE_JOINS, WHISPERS
from shouban.db.writer import Job, Leaf, Writer
from shouban.duties.ports import PersonPort, RoadPort
from shouban.evidence.books import After, kept
from shouban.evidence.log import Acted, leaf_of, microseconds
from shouban.offices.care_desk import model as m
from shouban.offices.care_desk import records
from shouban.offices.care_desk.lost import LostTalks
from shouban.offices.care_desk.scripts import JOINED, LEFT, LEFT_LAST, filled
from shouban.offices.care_desk.work import CareDesk, is_anothers
from shouban.web.access import Who
from shouban.web.language import Language

# A page and its stream are one look; who is gone for longer and comes back looks again.
ONE_LOOK: Final = timedelta(minutes=1)
MOST_LOOKS: Final = 500


class Leading:
    def __init__(self, desk: CareDesk, road: RoadPort, engine: Engine, writer: Writer, lost: LostTalks) -> None:
        self._desk = desk
        self._lost = lost
        self._road = road
        self._engine = engine
        self._writer = writer
        self._looked: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._missed: dict[str, datetime] = {}

    async def listen(self, who: Who, person: PersonPort, at: datetime) -> None:
        """Lets a supervisor read the words of a case that a colleague has. INVARIANT: the log and the person know before they do."""
        found = await self._anothers(who, person, at)
        seen = self._looked.get((who.account, found.id))
        if seen is None or not seen <= at < seen + ONE_LOOK:
            facts = {"account": who.account, "roles": sorted(who.roles), "what": "listens", "why": "a supervisor listens", "case": found.id}  # fmt: skip
            told = Acted(service=who.service, at=at, act="looked", person=person.id, facts=facts)
            await self._writer.submit(Job(leaves=[leaf_of(told)]))
        self.still_listens(who, found.id, at)

    def still_listens(self, who: Who, case: str, at: datetime) -> None:
        """An open stream goes on looking: it is no new look when its line breaks for a moment."""
        self._looked[who.account, case] = at
        self._looked.move_to_end((who.account, case))
        while len(self._looked) > MOST_LOOKS:
            self._looked.popitem(last=False)

    async def whisper(self, who: Who, person: PersonPort, wish: m.Noting, at: datetime) -> None:
        """For whoever has the case at this moment, and nobody else."""
        found = await self._anothers(who, person, at)
        text = m.checked_text(wish.text, "text")
        whisper = records.new_id()
        sealed = person.seal(text.encode(), "whispers", "sealed", whisper)
        row = records.whisper_row(found, who.service, whisper, who.account, at, sealed)
        told = _acted(who, found, "whispered", at, to=found.claimed_by)
        after = kept(WHISPERS, at, WHISPERS.c.whisper_id == whisper)

        def to_the_holder(connection: Connection) -> None:
            now = records.open_case(connection, who.service, person.id)
            if now is None or (now.id, now.fence) != (found.id, found.fence):
                raise CallerError("the case has gone to somebody else this moment", status=409, code="try_again")

        await self._writer.submit(Job(call=to_the_holder, writes=[row], leaves=[told], after=after))
        self._desk.ring(who.service, person)

    async def join(self, who: Who, person: PersonPort, language: Language, at: datetime) -> None:
        """The person is told that another human is here, and who, in the transaction in which they are."""
        found = await self._anothers(who, person, at)
        m.require_talk(found)

        def join(connection: Connection) -> None:
            if not records.join_row(connection, found, who.service, who.account, at):
                raise CallerError("the talk is over, or somebody has joined", status=409, code="joined_already")

        await self._tell(who, person, found, JOINED, language, at, join)

    async def speak(self, who: Who, person: PersonPort, wish: m.Saying, at: datetime) -> None:
        found = await self._desk.open_case(who, person)

        def joined(connection: Connection) -> None:
            m.require_talk(records.open_case(connection, who.service, person.id) or found)
            if all(one.account != who.account for one in records.joins(connection, who.service, person.id)):
                raise _not_joined()

        await self._desk.spoken(who, person, found, wish, joined)

    async def leave(self, who: Who, person: PersonPort, language: Language, at: datetime) -> None:
        """The person is told so, and whether the colleague is still there; where nobody is, somebody is called anew."""
        found = await self._desk.open_case(who, person)
        mine = next((one for one in await self._joins(person) if one.account == who.account), None)
        if mine is None:
            raise _not_joined()
        is_held = found.is_held(at)

        def leave(connection: Connection) -> None:
            now = records.open_case(connection, who.service, person.id)
            if now is None or now.is_held(at) != is_held:
                raise CallerError("your colleague came or went this moment; press again", status=409, code="try_again")
            if not records.end_join(connection, mine.id, at):
                raise _not_joined()

        await self._tell(who, person, found, LEFT if is_held else LEFT_LAST, language, at, leave)
        if not is_held:
            await self._lost.tell(who.service, found, at)

    async def tend(self, service: str, person: PersonPort, at: datetime) -> None:
        """Whoever joined and whose desk is gone has left: the person is not to believe that they are there."""
        joins = await self._joins(person)
        here = set(await asyncio.to_thread(self._seated, service, at)) if joins else set()
        for one in joins:
            if (one.account, one.case) in here:
                self._missed.pop(one.id, None)
                continue
            gone_at = self._missed.setdefault(one.id, at)
            if at - gone_at >= m.LEASE:
                self._missed.pop(one.id)
                who = Who(service, account=one.account, name=await self._desk.name_of(service, one.account))
                with contextlib.suppress(CallerError):  # the talk has ended meanwhile, or they left
                    await self.leave(who, person, "zh", at)

    # --- inside

    async def _tell(
        self, who: Who, person: PersonPort, found: m.Case, script: str, language: Language, at: datetime, call: Callable[[Connection], None]
    ) -> None:  # fmt: skip
        raw = await self._desk.raw_session(person, found)
        words = filled(script, person.profile.get("language") or language, who.name)
        act = LEFT if script == LEFT_LAST else script
        told = _acted(who, found, f"case_{act}", at)
        await self._road.say_as_human(
            person, who.account, words, raw, named=who.name, call=call, after=_after(found, told, at), tells=f"staff_{act}"
        )  # fmt: skip
        self._desk.ring(who.service, person)

    async def _anothers(self, who: Who, person: PersonPort, at: datetime) -> m.Case:
        found = await self._desk.open_case(who, person)
        if not is_anothers(found, who, at):
            raise CallerError("no colleague has this case now", status=409, code="nobody_has_it")
        return found

    async def _joins(self, person: PersonPort) -> list[m.Join]:
        def read() -> list[m.Join]:
            with view(self._engine) as connection:
                return records.joins(connection, person.service, person.id)

        return await asyncio.to_thread(read)

    def _seated(self, service: str, at: datetime) -> list[tuple[str, str]]:
        with view(self._engine) as connection:
            return records.seated(connection, service, at)


def _acted(who: Who, found: m.Case, act: str, at: datetime, **facts: str) -> Leaf:
    told = {"account": who.account, "case": found.id, **facts}
    return leaf_of(Acted(service=who.service, at=at, act=act, person=found.person, facts=told))


def _after(found: m.Case, told: Leaf, at: datetime) -> After:
    """The entry, and the digest of the row as the transaction leaves it."""
    row = kept(
        CASE_JOINS,
        at,
        CASE_JOINS.c.case_id == found.id,
        (CASE_JOINS.c.left_us == 0) | (CASE_JOINS.c.left_us == microseconds(at)),
    )
    return lambda connection: [told, *row(connection)]


def _not_joined() -> CallerError:
    return CallerError("you have not joined this talk", status=409, code="not_joined")

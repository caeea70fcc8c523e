"""Words of the staff on their way to a person whose client only asks for replies.

They wait in the database, not in a process: a restart loses none, and whichever process is asked next brings them.
A word may come twice when a process dies between saying it and noting so; none is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Engine, func, select

from shouban.core.events import NoticeAcknowledged
from shouban.db.schema import MESSAGES, PUSHES
from shouban.gateway.hearing import Hearing, Push
from shouban.gateway.people import Person, open_json

ROLE: Final = "human"
# A push that is sent to nobody: it notes up to which word the replies have brought what the staff said.
BROUGHT: Final = "brought"
LOOK_SECONDS: Final = 1.0


class Said(NamedTuple):
    id: str
    text: str


class StaffWords:
    """What was said and not yet brought."""

    def __init__(self, engine: Engine, hearing: Hearing) -> None:
        self._engine = engine
        self._hearing = hearing

    async def waiting(self, person: Person) -> list[Said]:
        """The words that no reply has brought yet, in their order."""
        return await asyncio.to_thread(self._waiting, person)

    async def awaited(self, person: Person, seconds: float) -> list[Said]:
        """The same; where there are none they are waited for, whichever process hears them first."""
        clock = asyncio.get_running_loop().time
        give_up = clock() + seconds
        while True:
            person.words.clear()
            said = await self.waiting(person)
            left = give_up - clock()
            if said or left <= 0:
                return said
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(person.words.wait(), min(left, LOOK_SECONDS))

    async def note_brought(self, person: Person, said: list[Said], at: datetime) -> None:
        if not said:
            return
        newest = said[-1].id
        event = NoticeAcknowledged(at=at, person=person.id, notice=newest)
        await self._hearing.push(person, event, [Push(BROUGHT, {}, id=mark_of(newest))])

    def _waiting(self, person: Person) -> list[Said]:
        words = (
            (MESSAGES.c.service_id == person.service) & (MESSAGES.c.person_id == person.id) & (MESSAGES.c.role == ROLE)
        )
        marks = (PUSHES.c.service_id == person.service) & (PUSHES.c.person_id == person.id) & (PUSHES.c.kind == BROUGHT)
        with self._engine.connect() as connection:
            newest = connection.execute(select(func.max(PUSHES.c.push_id)).where(marks)).scalar() or ""
            query = select(MESSAGES.c.message_id, MESSAGES.c.sealed).where(
                words, MESSAGES.c.message_id > newest.removeprefix(mark_of(""))
            )
            rows = connection.execute(query.order_by(MESSAGES.c.message_id)).all()
        return [Said(row.message_id, _text(person, row.message_id, bytes(row.sealed))) for row in rows]


def mark_of(message: str) -> str:
    return f"{BROUGHT}:{message}"


def _text(person: Person, message: str, sealed: bytes) -> str:
    body = open_json(person.open(sealed, "messages", "sealed", message), "messages", message)
    return str(body["text"])

"""A reply under way ends when what it stands on is gone, though the model says nothing just then.

The hot path pays a call a chunk for it, and no task. With other processes beside us the person is looked at again a few times a second,
and nothing of the model's goes out on a look older than `TRUST_SECONDS`: whoever takes a conversation over in another process is told that
they speak now only after that (docs/decisions/0018).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Final, Self, TypeVar

from shouban.core.errors import OperatorError, ShoubanError
from shouban.gateway.people import People, Person
from shouban.gateway.talk import Talk

LOOK_SECONDS: Final = 0.25
TRUST_SECONDS: Final = 0.75
# A database that is away for longer ends the reply: nobody knows who is speaking then.
WAITS_SECONDS: Final = 10.0
T = TypeVar("T")


class Halting:
    """Waits for the model, but not past the end of the talk. To be used by one task, as a context."""

    def __init__(self, talk: Talk, people: People) -> None:
        self._talk = talk
        self._people = people
        self._task: asyncio.Task[None] | None = None
        self._waits = False
        self._rang = False
        self._looks: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        self._talk.person.halts.add(self._ring)
        if self._people.is_shared:
            self._looks = asyncio.ensure_future(self._look())
        return self

    def __exit__(self, *error: object) -> None:
        self._talk.person.halts.discard(self._ring)
        if self._looks is not None:
            self._looks.cancel()

    async def before_end(self, coming: Awaitable[T]) -> T | None:
        """What was waited for, or nothing once the talk is over."""
        self._waits = True
        try:
            return await coming
        except asyncio.CancelledError:
            if self._rang and self._task is not None and not self._task.uncancel():
                return None
            raise
        finally:
            self._waits = False

    def _ring(self) -> None:
        if self._waits and not self._rang and self._task is not None and self._talk.is_over:
            self._rang = True
            self._task.cancel()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await _look_at(self._talk.person, self._people)
            self._ring()


async def may_follow(talk: Talk, people: People) -> bool:
    """Whether the model's words may go out now. `OperatorError` where the database does not say so for too long."""
    if people.is_shared:
        began = time.monotonic()
        while time.monotonic() - talk.person.looked >= TRUST_SECONDS:
            if time.monotonic() - began > WAITS_SECONDS:
                raise OperatorError(
                    "the database does not say who is speaking in this conversation; the reply ends here"
                )
            await _look_at(talk.person, people)
    return not talk.is_over


async def _look_at(person: Person, people: People) -> None:
    try:
        await people.look_again(person)
    except ShoubanError:  # a database that is away is looked at again when it is back
        await asyncio.sleep(0.05)

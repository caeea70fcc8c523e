"""A reply under way ends when what it stands on is gone, though the model says nothing just then.

The hot path pays a call a chunk for it, and no task. With other processes beside us the person is looked at again a few times a second.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Final, Self, TypeVar

from shouban.core.errors import ShoubanError
from shouban.gateway.people import People
from shouban.gateway.talk import Talk

LOOK_SECONDS: Final = 0.25
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
            with contextlib.suppress(ShoubanError):  # a database that is away is looked at again when it is back
                await self._people.look_again(self._talk.person)
            self._ring()

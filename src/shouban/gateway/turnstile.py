"""On a busy core new words go through here, so many for each turn of the event loop; whoever needs help goes past it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

# Enough that what is written is written together, few enough that a turn stays short.
AT_ONCE: Final = 8


class Turnstile:
    """Lets so many pass for each turn of the loop, in the order in which they came.

    Without it a busy loop takes up all who have come, hundreds, before it looks again: its turns last for seconds, and everything that takes a few of
    them, a crisis, the desk, a call to a contact, as many seconds more. What is begun is finished before more is begun.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._passed = 0

    @property
    def is_full(self) -> bool:
        """Whether the next one has to wait."""
        return self._passed >= AT_ONCE

    async def passed(self) -> None:
        """Waits for its turn; at once where there is room in this one."""
        loop = asyncio.get_running_loop()
        if not self.is_full:
            self._pass(loop)
            return
        waits = loop.create_future()
        self._waiting.append(waits)
        await waits

    def _pass(self, loop: asyncio.AbstractEventLoop) -> None:
        self._passed += 1
        if self._passed == 1:
            loop.call_soon(self._turn, loop)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._passed = 0
        while self._waiting and not self.is_full:
            waits = self._waiting.popleft()
            if not waits.done():  # whoever waited may have gone away
                waits.set_result(None)
                self._pass(loop)

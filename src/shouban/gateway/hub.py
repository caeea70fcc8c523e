"""Who is listening now: live fan-out inside one process. What is pushed is in the database first, so nothing hangs on it."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict

Key = tuple[str, str]


class Hub:
    """Wakes the listeners of one person; they read what is new from the database themselves."""

    def __init__(self) -> None:
        self._listeners: defaultdict[Key, set[asyncio.Event]] = defaultdict(set)
        self._rang: dict[Key, float] = {}

    def listen(self, person: Key) -> asyncio.Event:
        bell = asyncio.Event()
        self._listeners[person].add(bell)
        return bell

    def leave(self, person: Key, bell: asyncio.Event) -> None:
        self._listeners[person].discard(bell)
        if not self._listeners[person]:
            del self._listeners[person]
            self._rang.pop(person, None)

    def has_listener(self, person: Key) -> bool:
        return bool(self._listeners.get(person))

    def ring(self, person: Key) -> None:
        bells = self._listeners.get(person, ())
        if bells:
            self._rang[person] = time.monotonic()
        for bell in bells:
            bell.set()

    def rang_at(self, person: Key) -> float:
        """When somebody who listens was last rung, by the steady clock: what was read before that is old."""
        return self._rang.get(person, -math.inf)

    def ring_all(self) -> None:
        for bells in self._listeners.values():
            for bell in bells:
                bell.set()

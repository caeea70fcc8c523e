"""Who is listening now: live fan-out inside one process. What is pushed is in the database first, so nothing hangs on it."""

from __future__ import annotations

import asyncio
from collections import defaultdict

Key = tuple[str, str]


class Hub:
    """Wakes the listeners of one person; they read what is new from the database themselves."""

    def __init__(self) -> None:
        self._listeners: defaultdict[Key, set[asyncio.Event]] = defaultdict(set)

    def listen(self, person: Key) -> asyncio.Event:
        bell = asyncio.Event()
        self._listeners[person].add(bell)
        return bell

    def leave(self, person: Key, bell: asyncio.Event) -> None:
        self._listeners[person].discard(bell)
        if not self._listeners[person]:
            del self._listeners[person]

    def has_listener(self, person: Key) -> bool:
        return bool(self._listeners.get(person))

    def ring(self, person: Key) -> None:
        for bell in self._listeners.get(person, ()):
            bell.set()

    def ring_all(self) -> None:
        for bells in self._listeners.values():
            for bell in bells:
                bell.set()

"""Who is listening now: live fan-out inside one process. What is pushed is in the database first, so nothing hangs on it.

Only that somebody types is nowhere else: it passes by, and whoever listens in another process misses it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

Key = tuple[str, str]
# So long somebody is taken to type on, so often it is told, and so many are remembered.
TYPING_LASTS: Final = 5.0
TYPING_EACH: Final = 1.0
MOST_TYPING: Final = 5_000
MOST_PASSING: Final = 8


class Bell(asyncio.Event):
    """Rings where there is news; `passing` is what is told and kept nowhere, the newest few."""

    def __init__(self) -> None:
        super().__init__()
        self.passing: deque[tuple[str, dict[str, Any]]] = deque(maxlen=MOST_PASSING)


class Hub:
    """Wakes the listeners of one person; they read what is new from the database themselves."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._listeners: defaultdict[Key, set[Bell]] = defaultdict(set)
        self._rang: dict[Key, float] = {}
        self._typed: OrderedDict[Key, float] = OrderedDict()
        self._clock = clock

    def listen(self, person: Key) -> Bell:
        bell = Bell()
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

    # --- what passes by

    def tell(self, person: Key, kind: str, body: dict[str, Any]) -> None:
        """To whoever listens at this moment, and to nobody later."""
        for bell in self._listeners.get(person, ()):
            bell.passing.append((kind, body))
            bell.set()

    def note_typing(self, who: Key) -> bool:
        """Whether it is worth telling: a flood of keys is told once a second."""
        now = self._clock()
        typed = self._typed.get(who)
        if typed is not None and now - typed < TYPING_EACH:
            return False
        self._typed[who] = now
        self._typed.move_to_end(who)
        while len(self._typed) > MOST_TYPING:
            self._typed.popitem(last=False)
        return True

    def is_typing(self, who: Key) -> bool:
        typed = self._typed.get(who)
        return typed is not None and self._clock() - typed < TYPING_LASTS

    def stop_typing(self, who: Key) -> None:
        """The words are there."""
        self._typed.pop(who, None)

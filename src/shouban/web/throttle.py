"""So many tries a while from one address: a bucket that refills, in this process's memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from shouban.core.errors import CallerError

MOST_ADDRESSES: Final = 10_000


class Throttle:
    """`most` tries at once from an address, and as many again each `per_seconds`."""

    def __init__(self, most: int, *, per_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._rate = most / per_seconds
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def count(self, address: str) -> None:
        """One try more; raises `CallerError` (429) where it was one too many."""
        now = self._clock()
        left, at = self._left.pop(address, (float(self._most), now))
        left = min(float(self._most), left + (now - at) * self._rate)
        is_refused = left < 1
        self._left[address] = (left if is_refused else left - 1, now)  # who is refused loses nothing more by asking
        while len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)
        if is_refused:
            raise CallerError("too many tries from this address; wait a minute", status=429, code="too_many_tries")

    def forgive(self, address: str) -> None:
        """The last try was right: it does not count."""
        left, at = self._left.get(address, (float(self._most), self._clock()))
        self._left[address] = (min(float(self._most), left + 1), at)

"""How far a streamed reply may go out: the release mark.

INVARIANT: released <= read <= received, and nothing follows a cut.
"""

from __future__ import annotations

import msgspec


class Mark(msgspec.Struct, frozen=True):
    """Characters of one reply: taken in, read by the detectors, given to the person; and whether it was cut."""

    received: int = 0
    read: int = 0
    released: int = 0
    cut: bool = False


def receive(mark: Mark, chars: int) -> Mark:
    return mark if mark.cut else Mark(mark.received + chars, mark.read, mark.released)


def read_to(mark: Mark, chars: int) -> Mark:
    """The detectors have read up to `chars`; never past what was taken in, never back."""
    return mark if mark.cut else Mark(mark.received, min(max(mark.read, chars), mark.received), mark.released)


def release(mark: Mark) -> Mark:
    """All that was read may go out, unless the reply was cut."""
    return mark if mark.cut else Mark(mark.received, mark.read, mark.read)


def cut(mark: Mark) -> Mark:
    return msgspec.structs.replace(mark, cut=True)

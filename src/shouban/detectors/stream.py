"""A text read while it arrives: each chunk costs a glance at a short window; only where that stirs, the window is read.

INVARIANT: what the end of a stream reads equals what the whole text reads, however it was cut.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import msgspec

from shouban.core.signals import Reading, Role, rank
from shouban.detectors.normalise import Normalised, fold, squeeze

Key = tuple[str, str | None, str]


@runtime_checkable
class Windowed(Protocol):
    """A detector that can be read on a window at the end of a text."""

    name: str
    version: str
    signals: frozenset[str]
    # How many squeezed characters `wakes` must see, and how many a finding and what bears on it may span.
    glance: int
    reach: int

    def wakes(self, window: str, fresh: int, role: Role) -> bool:
        """Whether the last `fresh` characters of the squeezed `window` may have completed a finding. Must be cheap."""
        ...

    def read_open(self, normalised: Normalised, role: Role) -> tuple[Reading, ...]:
        """The findings that no further text can cancel."""
        ...


class StreamReader:
    """One streamed text. `feed` gives what is new with a chunk, `finish` what the whole text reads."""

    def __init__(
        self,
        role: Role,
        detectors: tuple[Windowed, ...],
        *,
        whole: Callable[[str], tuple[Reading, ...]],
        failed: Callable[[Windowed, Exception], tuple[Reading, ...]],
    ) -> None:
        self._role = role
        self._detectors = detectors
        self._whole = whole
        self._failed = failed
        self._glance = max((d.glance for d in detectors), default=0)
        self._reach = max((d.reach for d in detectors), default=0)
        self._chunks: list[str] = []
        self._sizes: list[int] = []
        self._length = 0
        self._tail = ""
        self._gap = False
        self._seen: dict[Key, float] = {}

    def feed(self, chunk: str) -> tuple[Reading, ...]:
        fresh = self._squeezed(fold(chunk))
        self._chunks.append(chunk)
        self._sizes.append(len(fresh))
        self._length += len(chunk)
        window = self._tail + fresh
        self._tail = window[-self._glance :] if self._glance else ""
        new: tuple[Reading, ...] = ()
        for detector in self._detectors:
            new += self._read_by(detector, window, len(fresh))
        return new

    def finish(self) -> tuple[Reading, ...]:
        return self._whole("".join(self._chunks))

    def _squeezed(self, folded: str) -> str:
        """The chunk without separators, joined to what came before as the whole text would be."""
        if folded.isalnum() and not self._gap:
            return folded
        fresh = squeeze(folded)
        if not fresh:
            self._gap = self._gap or bool(folded)
            return ""
        joins = self._gap or not folded[0].isalnum()
        self._gap = not folded[-1].isalnum()
        if joins and self._tail and self._tail[-1] < "\x80" and fresh[0] < "\x80":
            return " " + fresh
        return fresh

    def _read_by(self, detector: Windowed, window: str, fresh: int) -> tuple[Reading, ...]:
        try:
            if not detector.wakes(window, fresh, self._role):
                return ()
            text, start = self._window()
            found = detector.read_open(Normalised(text), self._role)
        except Exception as error:  # noqa: BLE001 whatever a detector raises, its signals read unknown
            return self._new(self._failed(detector, error), 0)
        return self._new(found, start)

    def _window(self) -> tuple[str, int]:
        """The end of the text that holds `reach` squeezed characters, and where it starts."""
        size, first = 0, len(self._chunks)
        while first and size < self._reach:
            first -= 1
            size += self._sizes[first]
        text = "".join(self._chunks[first:])
        return text, self._length - len(text)

    def _new(self, readings: tuple[Reading, ...], start: int) -> tuple[Reading, ...]:
        """Those stronger than any read before, with their places in the whole text."""
        new = [reading for reading in readings if self._is_new(reading)]
        return tuple(_shifted(reading, start) for reading in new)

    def _is_new(self, reading: Reading) -> bool:
        key = (reading.signal, reading.kind, reading.detector)
        strength = rank(reading.level)
        if self._seen.get(key, 0.0) >= strength:
            return False
        self._seen[key] = strength
        return strength > 0


def _shifted(reading: Reading, start: int) -> Reading:
    if reading.span is None or not start:
        return reading
    return msgspec.structs.replace(reading, span=(reading.span[0] + start, reading.span[1] + start))

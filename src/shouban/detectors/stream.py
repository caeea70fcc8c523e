"""A text read while it arrives: each chunk costs a glance at a short window; only where that stirs, the window is read.

INVARIANT: what the end of a stream reads equals what the whole text reads, however it was cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, runtime_checkable

import msgspec

from shouban.core.signals import Reading, Role, rank
from shouban.detectors.normalise import Normalised, fold, last_bytes, squeeze

# Text blown up with separators or marks beyond this is looked back into no further until its end, when all is read.
_PADDING: Final = 8

Key = tuple[str, str | None, str]


@runtime_checkable
class Windowed(Protocol):
    """A detector that can be read on a window at the end of a text."""

    name: str
    version: str
    signals: frozenset[str]
    # How many bytes of squeezed text `wakes` must see; for how many characters more text can cancel a finding; how many
    # characters a finding and what stands before it and bears on it may span.
    glance: int
    linger: int
    reach: int

    def wakes(self, window: str, fresh: int, role: Role) -> bool:
        """Whether the last `fresh` characters of the squeezed `window` may have completed a finding. Must be cheap."""
        ...

    def read_open(self, normalised: Normalised, role: Role) -> tuple[Reading, ...]:
        """The findings that no further text can cancel."""
        ...


class Follows(Protocol):
    """A detector's own reader of one streamed text."""

    def feed(self, chunk: str) -> tuple[Reading, ...]:
        """What is new with `chunk`."""
        ...

    def finish(self) -> tuple[Reading, ...]:
        """What the whole text reads, without reading again what was read on the way."""
        ...


@runtime_checkable
class Following(Protocol):
    """A detector that reads a text sentence by sentence as it arrives; places are those of the whole text."""

    name: str
    version: str
    signals: frozenset[str]

    def follow(self, role: Role, context: Sequence[tuple[Role, str]]) -> Follows: ...


class StreamReader:
    """One streamed text. `feed` gives what is new with a chunk, `finish` what the whole text reads."""

    def __init__(
        self,
        role: Role,
        detectors: tuple[Windowed, ...],
        following: tuple[Following, ...] = (),
        *,
        whole: Callable[[str], tuple[Reading, ...]],
        failed: Callable[[Windowed | Following, Exception], tuple[Reading, ...]],
        context: Sequence[tuple[Role, str]] = (),
    ) -> None:
        self._role = role
        self._detectors = detectors
        self._followers = [(detector, detector.follow(role, context)) for detector in following]
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
        # Detectors that found something that more text may cancel, and how many characters long that lasts.
        self._awake: dict[str, int] = {}

    def feed(self, chunk: str) -> tuple[Reading, ...]:
        fresh = self._squeezed(fold(chunk))
        self._chunks.append(chunk)
        self._sizes.append(len(fresh))
        self._length += len(chunk)
        window = self._tail + fresh
        self._tail = last_bytes(window, self._glance)
        new: tuple[Reading, ...] = ()
        for detector in self._detectors:
            new += self._read_by(detector, window, len(fresh))
        for follower in self._followers:
            new += self._follow(*follower, chunk)
        return new

    def finish(self) -> tuple[Reading, ...]:
        readings = self._whole("".join(self._chunks))
        for detector, follower in self._followers:
            try:
                readings += follower.finish()
            except Exception as error:  # noqa: BLE001 as below
                readings += self._failed(detector, error)
        return readings

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
            if not self._is_awake(detector, window, fresh):
                return ()
            text, start, recent = self._window(detector.linger + fresh)
            found = detector.read_open(Normalised(text), self._role)
        except Exception as error:  # noqa: BLE001 whatever a detector raises, its signals read unknown
            return self._new(self._failed(detector, error), 0)
        # What lies further back was judged when it was new, with more of what stood before it.
        return self._new(tuple(one for one in found if one.span is None or one.span[1] > recent), start)

    def _follow(self, detector: Following, follower: Follows, chunk: str) -> tuple[Reading, ...]:
        try:
            return self._new(follower.feed(chunk), 0)
        except Exception as error:  # noqa: BLE001 as above
            return self._new(self._failed(detector, error), 0)

    def _is_awake(self, detector: Windowed, window: str, fresh: int) -> bool:
        if fresh and detector.wakes(window, fresh, self._role):
            self._awake[detector.name] = detector.linger
            return True
        left = self._awake.get(detector.name)
        if left is None:
            return False
        if left <= fresh:
            del self._awake[detector.name]
        else:
            self._awake[detector.name] = left - fresh
        return True

    def _window(self, recent: int) -> tuple[str, int, int]:
        """The end of the text that holds the last `recent` squeezed characters and `reach` before them; where it starts
        in the text; and where in it the recent ones start.
        """
        late = self._chunks_back(len(self._chunks), recent)
        first = self._chunks_back(late, self._reach)
        text = "".join(self._chunks[first:])
        return text, self._length - len(text), sum(map(len, self._chunks[first:late]))

    def _chunks_back(self, before: int, characters: int) -> int:
        """The first of the chunks up to `before` that together hold so many squeezed characters, within reason."""
        held, padded = 0, 0
        while before and held < characters and padded < characters * _PADDING:
            before -= 1
            held += self._sizes[before]
            padded += len(self._chunks[before])
        return before

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

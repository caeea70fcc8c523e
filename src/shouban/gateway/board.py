"""What is announced to everybody: shown to whoever listens, at once; told to whoever talks, once. The notices office writes it, the gateway shows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from shouban.duties.announcements import TOLD_TO_EACH, Announcement, ended_frame


async def _nobody(service: str, person: str, notice: str, at: datetime, how: str) -> None:
    """Where no office counts."""


class Board:
    """What holds now, by service. `reached` is told whom a notice has reached, and gives nothing back."""

    def __init__(self) -> None:
        self._posted: dict[str, dict[str, Announcement]] = {}
        self.reached: Callable[[str, str, str, datetime, str], Awaitable[None]] = _nobody
        self.was_reached: Callable[[str, str, str], Awaitable[bool]] | None = None

    def put(self, posted: Mapping[str, Mapping[str, Announcement]]) -> bool:
        """Whether anything is other than before."""
        fresh = {service: dict(ones) for service, ones in posted.items() if ones}
        is_new = fresh != self._posted
        self._posted = fresh
        return is_new

    def posted(self, service: str) -> list[Announcement]:
        return list(self._posted.get(service, {}).values())

    def for_each(self, service: str) -> list[Announcement]:
        """Those that each person is told of in their talk."""
        return [one for one in self._posted.get(service, {}).values() if one.kind in TOLD_TO_EACH]

    def over(self, service: str, at: datetime) -> Announcement | None:
        """What says that this service has ended, if one does."""
        found = (one for one in self._posted.get(service, {}).values() if one.kind == "ending")
        return next((one for one in found if one.over_at is not None and at >= one.over_at), None)

    def news(self, service: str, shown: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
        """What a listener who was `shown` that has not seen: id of a new one or nothing, and the frame. `shown` is brought up to date."""
        now = self._posted.get(service, {})
        for name in [name for name in shown if name not in now]:
            del shown[name]
            yield "", ended_frame(name)
        for name, one in now.items():
            if shown.get(name) != one:
                shown[name] = one
                yield name, one.frame()

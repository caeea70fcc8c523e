"""A public notice as everybody may read it: what the notices office puts on the board, and the gateway shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

Kind = Literal["outage", "withdrawal", "ending", "news"]
# What must reach each person by itself, and not only the page.
TOLD_TO_EACH: Final = frozenset({"withdrawal", "ending"})


class Announcement(msgspec.Struct, frozen=True):
    """One public notice as everybody may read it. `what` is the feature; `over_at`: from then on nobody talks any more."""

    id: str
    service: str
    kind: Kind
    what: str
    title: Mapping[str, str]
    text: Mapping[str, str]
    at: datetime
    ends_at: datetime | None = None
    over_at: datetime | None = None

    def frame(self) -> bytes:
        data = {
            "id": self.id, "kind": self.kind, "what": self.what, "title": self.title, "text": self.text, "at": self.at, "ends_at": self.ends_at, "page": "/status",
        }  # fmt: skip
        return b"event: announcement\ndata: " + msgspec.json.encode(data) + b"\n\n"


def ended_frame(name: str) -> bytes:
    return b"event: announcement_ended\ndata: " + msgspec.json.encode({"id": name}) + b"\n\n"


class BoardPort(Protocol):
    """Where announcements are put up; see `gateway.board`."""

    reached: Callable[[str, str, str, datetime, str], Awaitable[None]]
    was_reached: Callable[[str, str, str], Awaitable[bool]] | None

    def put(self, posted: Mapping[str, Mapping[str, Announcement]]) -> bool: ...

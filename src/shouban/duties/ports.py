"""What offices and workers may ask of the road without knowing the gateway: ports that `app.py` fills."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from shouban.core.events import Actor, Event
from shouban.core.rules import Settings
from shouban.core.state import PersonState
from shouban.db.writer import Call
from shouban.duties.consents import Consent
from shouban.duties.ledger import Duty, Writes
from shouban.duties.notices import Notice
from shouban.evidence.books import After

# A person that the road itself handed out: it knows more of it than the port says.
Handed = Any


class PersonPort(Protocol):
    """A person, as offices see one."""

    service: str
    id: str
    app_id: str
    state: PersonState
    profile: dict[str, Any]

    def session(self, raw: str) -> str: ...
    def fingerprint(self, role: str, text: str) -> bytes: ...
    def seal(self, data: bytes, table: str, column: str, row: str) -> bytes: ...
    def open(self, sealed: bytes, table: str, column: str, row: str) -> bytes: ...


class RoadPort(Protocol):
    """Finds persons and lets events reach them."""

    def settings_of(self, service: str) -> Settings:
        """The numbers of the law that holds for a service."""
        ...

    def now(self, at_header: str | None = None) -> datetime: ...
    async def find(self, service: str, app_id: str) -> PersonPort | None: ...
    async def by_id(self, service: str, person: str) -> PersonPort | None: ...
    async def make(self, service: str, app_id: str, profile: dict[str, Any]) -> PersonPort: ...
    async def change_profile(self, person: Handed, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None: ...

    async def act(
        self, person: Handed, event: Event, *, raw_session: str = "", writes: Writes | None = None, call: Call | None = None,
        after: After | None = None, waits: bool = False, named: str = "", how: str = "",
    ) -> Sequence[Notice]:  # fmt: skip
        """Hears the event, delivers the notices it owes, and gives them; all of it is on disk when this returns.

        `writes`, `call` and `after` are of the event's own transaction; where `call` raises, the event was not heard.

        `named` is by which name the person is told of the staff whose account the event names.

        `how` says in the log how the notices have reached whom they concern, where they are not given with an answer.

        With `waits` the notices stay owed until the person is seen: on an open event stream, or at the next reply.
        """
        ...

    async def was_owed(self, person: Handed, duty: str) -> bool:
        """Whether this notice was ever owed to this person."""
        ...

    async def of_service(self, service: str) -> PersonPort:
        """Whom events of the whole service reach: nobody in particular."""
        ...

    async def say_as_human(
        self, person: Handed, staff: str, text: str, raw_session: str, *, named: str = "", call: Call | None = None,
        after: After | None = None, tells: str = "",
    ) -> None:  # fmt: skip
        """`tells` is an event of the person's stream that goes before the words: who came, who left. `call` and `after` as of `act`."""
        ...

    async def messages_of(
        self, person: Handed, after: tuple[int, str] = (0, ""), most: int = 500
    ) -> list[dict[str, Any]]: ...
    async def notices_of(self, person: Handed, session: str) -> list[dict[str, Any]]: ...
    async def looks_at(self, person: Handed, most: int = 200) -> list[dict[str, Any]]: ...
    async def consents_of(self, person: Handed) -> Sequence[Consent]: ...
    async def copy_of(self, person: Handed) -> dict[str, Any]: ...
    async def erase(
        self, person: Handed, scope: str, target: str, at: datetime, by: Actor = "app"
    ) -> dict[str, Any]: ...


class BellsPort(Protocol):
    """Who listens for news: of a person, or of a service's care desk (`cases.desk_of`)."""

    def listen(self, key: tuple[str, str]) -> asyncio.Event: ...
    def leave(self, key: tuple[str, str], bell: asyncio.Event) -> None: ...
    def ring(self, key: tuple[str, str]) -> None: ...
    def ring_all(self) -> None: ...
    def rang_at(self, key: tuple[str, str]) -> float: ...
    def tell(self, key: tuple[str, str], kind: str, body: dict[str, Any]) -> None:
        """To who listens at this moment in this process; it is kept nowhere."""
        ...

    def note_typing(self, who: tuple[str, str]) -> bool:
        """Somebody types. Gives whether that is worth telling: no more than once a second."""
        ...

    def is_typing(self, who: tuple[str, str]) -> bool: ...
    def stop_typing(self, who: tuple[str, str]) -> None: ...


class CarrierPort(Protocol):
    """Carries one kind of duty out; gives how it was done, or raises why it was not."""

    async def __call__(self, duty: Duty) -> str: ...


class IdentityPort(Protocol):
    """Whether name and identity number belong together, by a real-name provider; raises `OperatorError` where it does not answer."""

    async def __call__(self, name: str, number: str) -> bool: ...

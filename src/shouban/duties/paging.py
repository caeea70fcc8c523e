"""Pages whoever is on call: nobody sits at a desk, or those who do have not taken over in time (draft Art. 11.3; register row D045).

The page says that somebody waits, why, and where the desk is; no name and no word. Who is on shift is paged before who is on call; the first page goes to the
first who takes it, a later one to all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, select

from shouban.core.errors import OperatorError
from shouban.core.obligations import PageStaff
from shouban.db.engine import view
from shouban.db.schema import CASES
from shouban.duties.cases import STILL_OPEN, is_desk_open
from shouban.duties.channels import Channels, Message
from shouban.duties.ledger import Duty
from shouban.duties.ports import RoadPort
from shouban.evidence.log import microseconds

WAITING: Final = frozenset({"open", "claimed"})
TITLE: Final = "守伴：有人需要人工接管"
TEXT: Final = "有人说了危险的话，正在等真人接管（{waits}）。请马上打开关怀台：{desk}\nSomebody in danger waits for a person. Open the care desk now."
FIRST: Final = "刚刚开始等"
AGAIN: Final = "已经等了一分钟以上，还没有人接管"
# Addresses of whoever is on shift at a service now.
OnShift = Callable[[str, datetime], Awaitable[Sequence[str]]]


class Pager:
    """See `ports.CarrierPort`. `on_call` are addresses of the operator's own choice, in the order of calling; `on_shift` gives those of who is on shift."""

    def __init__(
        self, road: RoadPort, engine: Engine, channels: Channels, on_call: Sequence[str], base: str, on_shift: OnShift
    ) -> None:
        self._road = road
        self._engine = engine
        self._channels = channels
        self._on_call = on_call
        self._on_shift = on_shift
        self._desk = f"{base}/care"

    async def __call__(self, duty: Duty) -> str:
        owed = duty.owed
        assert isinstance(owed, PageStaff)  # noqa: S101  # the worker gives each carrier its own kind
        if (has_it := await asyncio.to_thread(self._who_has_it, duty, owed)) is not None:
            return has_it
        called = await self._called(duty.service)
        if not called:
            raise OperatorError("no desk is open, and nobody is on call: set `on_call`")
        message = Message(
            duty.id, TITLE, TEXT.format(waits=AGAIN if owed.always else FIRST, desk=self._desk), {"desk": self._desk}
        )
        told, faults = await (self._all if owed.always else self._first)(called, message)
        if not told:
            raise OperatorError(f"nobody on call could be reached ({'; '.join(faults)})")
        return "; ".join([*told, *faults])

    async def _first(self, called: Sequence[tuple[str, str]], message: Message) -> tuple[list[str], list[str]]:
        faults: list[str] = []
        for place, address in called:
            try:
                return [f"{place}: {await self._channels.send(address, message)}"], faults
            except OperatorError as error:
                faults.append(f"{place}: {error}")
        return [], faults

    async def _all(self, called: Sequence[tuple[str, str]], message: Message) -> tuple[list[str], list[str]]:
        """At once: the last of the list waits for no phone before it."""
        sent = [self._channels.send(address, message) for _, address in called]
        found = list(zip(called, await asyncio.gather(*sent, return_exceptions=True), strict=True))
        for _, one in found:
            if isinstance(one, BaseException) and not isinstance(one, OperatorError):
                raise one
        told = [f"{place}: {one}" for (place, _), one in found if not isinstance(one, BaseException)]
        return told, [f"{place}: {one}" for (place, _), one in found if isinstance(one, BaseException)]

    async def _called(self, service: str) -> list[tuple[str, str]]:
        """Who is called, in this order, each by a name that says nothing of the address; nobody twice."""
        found: dict[str, str] = {}
        for place, address in enumerate(await self._on_shift(service, self._road.now()), 1):
            found.setdefault(address, f"on shift {place}")
        for place, address in enumerate(self._on_call, 1):
            found.setdefault(address, f"on call {place}")
        return [(place, address) for address, place in found.items()]

    def _who_has_it(self, duty: Duty, owed: PageStaff) -> str | None:
        """Why nobody need be paged, if nobody need."""
        mine = (CASES.c.service_id == duty.service) & (CASES.c.person_id == duty.person) & STILL_OPEN
        with view(self._engine) as connection:
            now = microseconds(self._road.now())
            row = connection.execute(select(CASES.c.stage, CASES.c.lease_until_us).where(mine)).one_or_none()
            if row is None or row.stage not in WAITING:
                return "somebody has taken over, or it is closed"
            if duty.attempts and row.stage == "claimed" and row.lease_until_us > now:
                return "somebody has come meanwhile, and has the case"
            if not owed.always and is_desk_open(connection, duty.service, self._road.now()):
                return "a desk is open"
        return None

"""What an open desk is sent while it is open (server-sent events): the queue, or one case. An open desk also says that somebody sits there.

The pages' own parts are sent, rendered here, when they change; one reading serves every desk that shows the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Final

import msgspec

from shouban.core.errors import ShoubanError
from shouban.duties.cases import desk_of
from shouban.duties.ports import PersonPort
from shouban.offices.care_desk import records
from shouban.offices.care_desk.exposure import Exposure
from shouban.offices.care_desk.leading import Leading
from shouban.offices.care_desk.shown import Opened, Queue
from shouban.offices.care_desk.work import CareDesk
from shouban.web.access import Who, may
from shouban.web.language import Language

# Another process opens cases too: they are found within this, which leaves half a second to show them.
LOOK_SECONDS: Final = 0.4
BEAT_SECONDS: Final = 10.0
# Many desks, one reading.
FRESH_SECONDS: Final = 0.15
# Who is rung again and again reads no oftener than that.
BETWEEN_SECONDS: Final = 0.05
# Who shows the queue: their language, what they are skilled at, and whether they may come themselves.
Reader = tuple[Language, frozenset[str], bool]
Render = Callable[[Queue, Reader], str]
StillIn = Callable[[], Awaitable[bool]]


class QueueFeed:
    """The queue of each service as its desks see it."""

    def __init__(self, desk: CareDesk, render: Render, now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._render = render
        self._now = now
        self._read: dict[str, tuple[float, Queue]] = {}
        self._shown: dict[tuple[str, Reader], tuple[Queue, bytes]] = {}
        self._lock = asyncio.Lock()

    async def urgent(self, service: str) -> bytes:
        """Who newly waits is heard on the page of a case too."""
        async with self._lock:
            return frame_of("urgent", {"urgent": _urgent(await self._queue(service))})

    async def frame(self, who: Who, language: Language) -> bytes:
        service = who.service
        async with self._lock:
            queue = await self._queue(service)
            reader = reader_of(who, language, queue)
            known = self._shown.get((service, reader))
            if known is None or known[0] is not queue:
                known = queue, self._frame(queue, reader)
                self._shown[service, reader] = known
            return known[1]

    async def _queue(self, service: str) -> Queue:
        read_at, queue = self._read.get(service, (-math.inf, None))
        is_old = read_at <= self._desk.bells.rang_at(desk_of(service))
        if queue is None or is_old or time.monotonic() - read_at >= FRESH_SECONDS:
            await asyncio.sleep(max(0.0, read_at + BETWEEN_SECONDS - time.monotonic()))
            read_at = time.monotonic()
            queue = await self._desk.queue(service, self._now())
            self._read[service] = read_at, queue
        return queue

    def _frame(self, queue: Queue, reader: Reader) -> bytes:
        body = {
            "html": self._render(queue, reader),
            "waiting": len(queue.waiting) + queue.more,
            "urgent": _urgent(queue),
        }
        return frame_of("queue", body)


class Desk:
    """One open page of one of the staff: beats, and notices that it was closed."""

    def __init__(
        self, office: CareDesk, leading: Leading, who: Who, still_in: StillIn, now: Callable[[], datetime]
    ) -> None:
        self._office = office
        self._leading = leading
        self._who = who
        self._still_in = still_in
        self._now = now
        self._seat = records.new_id()

    async def queue(
        self, feed: QueueFeed, language: Language, render: Callable[[Exposure], str]
    ) -> AsyncIterator[bytes]:
        async def look() -> list[bytes]:
            mine = await self._office.resting.shown(self._who, self._now())
            return [await feed.frame(self._who, language), frame_of("exposure", {"html": render(mine)})]

        async def beat() -> None:
            await self._office.sit(self._who, self._seat, "", self._now())

        async for part in self._stream([desk_of(self._who.service)], look, beat):
            yield part

    async def case(
        self, feed: QueueFeed, person: PersonPort, render: Callable[[Opened], Awaitable[dict[str, str]]], *, listens: bool = False,
    ) -> AsyncIterator[bytes]:  # fmt: skip
        seen: list[Opened] = []
        heard: set[str] = set()

        async def look() -> list[bytes]:
            opened = await self._office.opened(self._who, person, self._now(), listens=listens)
            if opened.listens and opened.case and opened.case.id not in heard:
                # The page was let in to the case of that moment; another case of the same person is another look.
                await self._leading.listen(self._who, person, self._now())
                heard.add(opened.case.id)
            seen[:] = [opened]
            parts = [frame_of(name, {"html": html}) for name, html in (await render(opened)).items()]
            with contextlib.suppress(ShoubanError):
                parts.append(await feed.urgent(self._who.service))
            return parts

        async def beat() -> None:
            await self._office.renew(self._who, person, self._now())
            case, listening = (seen[0].case, seen[0].listens) if seen else (None, False)
            if listening and case:
                self._leading.still_listens(self._who, case.id, self._now())
            await self._office.sit(self._who, self._seat, case.id if case else "", self._now(), listens=listening)
            await self._leading.tend(self._who.service, person, self._now())

        bells = [desk_of(self._who.service), (person.service, person.id)]
        async for part in self._stream(bells, look, beat):
            yield part

    async def _stream(
        self,
        keys: list[tuple[str, str]],
        look: Callable[[], Awaitable[list[bytes]]],
        beat: Callable[[], Awaitable[None]],
    ) -> AsyncIterator[bytes]:
        """Whatever has changed, within `LOOK_SECONDS`; ends where the sign-in has ended."""
        bells = [(key, self._office.bells.listen(key)) for key in keys]
        rung = [asyncio.ensure_future(bell.wait()) for _, bell in bells]
        clock = asyncio.get_running_loop().time
        sent: dict[int, bytes] = {}
        next_beat = clock()
        try:
            yield b"retry: 1000\n\n"
            while True:
                is_due = clock() >= next_beat
                if is_due and not await self._still_in():
                    yield frame_of("signed_out", {})
                    return
                for _, bell in bells:
                    bell.clear()
                with contextlib.suppress(ShoubanError):  # a database that is away is looked at again
                    for place, part in enumerate(await look()):
                        if sent.get(place) != part:
                            sent[place] = part
                            yield part
                if is_due:
                    # Apart from what is shown: whatever cannot be read, the desk is there, and nobody's talk is lost for it.
                    with contextlib.suppress(ShoubanError):
                        await beat()
                        next_beat = clock() + BEAT_SECONDS
                        yield b": here\n\n"
                rung = [
                    one if not one.done() else asyncio.ensure_future(bell.wait())
                    for one, (_, bell) in zip(rung, bells, strict=True)
                ]
                await asyncio.wait(rung, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in rung:
                one.cancel()
            for key, bell in bells:
                self._office.bells.leave(key, bell)
            with contextlib.suppress(ShoubanError):
                await asyncio.shield(self._office.stand_up(self._seat))


def _urgent(queue: Queue) -> list[str]:
    return [one.case.id for one in queue.waiting if one.case.urgency > 0]


def reader_of(who: Who, language: Language, queue: Queue) -> Reader:
    return language, queue.skills_of(who.account), may(who, "take_case")


def frame_of(name: str, body: dict[str, object]) -> bytes:
    return f"event: {name}\ndata: ".encode() + msgspec.json.encode(body) + b"\n\n"

"""Notices by itself that the model is gone, and that it is back (draft Art. 19; Order 21 Art. 20; register row D079).

The first request that cannot reach the model is followed by a try to connect at once: where that fails too, it is an outage, and the tries go on until
one succeeds. A model that can be reached and answers nothing of use (errors, silence, garbage) is one after three failures in a row; the next good
answer ends it. No request of our own is sent to the model: connecting is enough, and costs nobody anything.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import structlog

from shouban.core.errors import ShoubanError, UpstreamReason

IN_A_ROW: Final = 3
EACH_SECONDS: Final = 1.0
CONNECT_SECONDS: Final = 2.0

_log = structlog.get_logger("shouban.outages")

# Says that the model of a service is gone, or back.
Told = Callable[[str, bool], Awaitable[None]]


async def _unheard(service: str, is_out: bool) -> None:  # a port's own form
    """Where no office announces."""


class Outages:
    """Watches the models of all services; one watch a service."""

    def __init__(self) -> None:
        self.told: Told = _unheard
        self._failures: dict[str, int] = {}
        self._out: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def is_out(self, service: str) -> bool:
        return service in self._out

    def answered(self, service: str) -> None:
        """A whole answer: whatever was wrong is over."""
        self._failures.pop(service, None)
        if service in self._out and service not in self._tasks:
            self._spawn(service, self._say(service, is_out=False))

    def failed(self, service: str, reason: UpstreamReason, url: str) -> None:
        """A request has failed; `url` is the model's."""
        self._failures[service] = self._failures.get(service, 0) + 1
        if service in self._out or service in self._tasks:
            return
        if url.startswith(("http://", "https://")) and reason in {"dead", "cut"}:
            self._spawn(service, self._watch(service, url))
        elif self._failures[service] >= IN_A_ROW:
            self._spawn(service, self._say(service, is_out=True))

    def standing(self, urls: Mapping[str, str]) -> None:
        """Outages that are announced, by whichever process, with the model's address: this one sees to their end too."""
        for service, url in urls.items():
            if service not in self._out and service not in self._tasks:
                self._out.add(service)
                self._spawn(service, self._resume(service, url))
        for service in self._out - urls.keys() - self._tasks.keys():
            self._out.discard(service)

    async def _resume(self, service: str, url: str) -> None:
        """One that can be reached gives no answers of use: the next good one ends it."""
        if url.startswith(("http://", "https://")) and not await can_connect(url):
            await self._until_back(service, url)

    async def stop(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self, service: str, url: str) -> None:
        if await can_connect(url):
            # A single stumble. Three in a row are an outage, whoever can connect.
            if self._failures.get(service, 0) >= IN_A_ROW:
                await self._say(service, is_out=True)
            return
        await self._say(service, is_out=True)
        await self._until_back(service, url)

    async def _until_back(self, service: str, url: str) -> None:
        while True:
            if await can_connect(url):
                break
            await asyncio.sleep(EACH_SECONDS)
        await self._say(service, is_out=False)

    async def _say(self, service: str, *, is_out: bool) -> None:
        """Tried until it is on disk: an outage that nobody is told of is the worst of both."""
        while True:
            try:
                await self.told(service, is_out)
            except ShoubanError as error:
                _log.warning("outage_untold", why=str(error))
                await asyncio.sleep(EACH_SECONDS)
            else:
                break
        (self._out.add if is_out else self._out.discard)(service)
        self._failures.pop(service, None)

    def _spawn(self, service: str, what: Awaitable[None]) -> None:
        async def run() -> None:
            try:
                await what
            finally:
                self._tasks.pop(service, None)

        self._tasks[service] = asyncio.create_task(run(), name="outage")


async def can_connect(url: str) -> bool:
    """Whether somebody listens there."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname or "", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True

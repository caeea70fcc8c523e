"""Talks to a server as many apps at once would, and remembers each turn whose last byte came: what it was promised."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import aiohttp
from tests.gateway.serving import KEY
from tests.upstreams.behaviours import DONE, Behaviour, completion, event
from tests.upstreams.faulty import Exchange

DANGER: Final = "我想自杀，今晚就跳楼"
# No word list and no detector knows words of these letters.
LETTERS: Final = "bdfgkpqvwxz"
PACE: Final = 0.004
IN_DANGER: Final = 0.25

_numbers = count(1)


def mark(chance: random.Random) -> str:
    """A word nobody else says."""
    return "".join(chance.choices(LETTERS, k=12))


def echoing(pace: float = PACE) -> Behaviour:
    """A model that says the last word it was told, in pieces."""

    async def behave(exchange: Exchange) -> None:
        word = (exchange.request.last_words.split() or [""])[-1]
        said = ["嗯，", "我听到了 ", word[:5], word[5:], "。"]
        if not exchange.streams:
            await asyncio.sleep(pace)
            await exchange.answer(completion([{"role": "assistant", "content": "".join(said)}]))
            return
        await exchange.begin()
        for piece in said:
            await exchange.send(event({"content": piece}))
            await asyncio.sleep(pace)
        await exchange.send(event({}, finish="stop") + DONE)
        await exchange.end()

    return behave


@dataclass(frozen=True)
class Turn:
    """One turn that was acknowledged: `said` by the person; `reply` is what the client read."""

    user: str
    said: str
    reply: str
    is_danger: bool


@dataclass
class Load:
    """Clients that talk until they are told to stop, or nobody answers any more."""

    urls: Sequence[str]
    contact: str
    clients: int = 12
    chance: random.Random = field(default_factory=lambda: random.Random(20260715))
    turns: list[Turn] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    broken: int = 0

    async def run(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=20)
        connector = aiohttp.TCPConnector(limit=0)
        headers = {"Authorization": f"Bearer {KEY}"}
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as http,
            asyncio.TaskGroup() as group,
        ):
            for number in range(self.clients):
                group.create_task(self._talk(http, f"somebody-{number}"))

    async def _talk(self, http: aiohttp.ClientSession, user: str) -> None:
        while True:
            if self.chance.random() < IN_DANGER:
                await self._in_danger(http)
            else:
                await self._say(http, user, f"昨天看了一本书 {mark(self.chance)}", is_danger=False)

    async def _in_danger(self, http: aiohttp.ClientSession) -> None:
        user = f"danger-{next(_numbers)}"
        wish = {
            "id": user,
            "age_band": "adult",
            "contacts": [{"kind": "guardian", "name": "王芳", "relation": "mother", "channels": [self.contact]}],
            "agreement": "1",
        }
        try:
            async with http.post(f"{self._url()}/v1/users", json=wish) as answer:
                await answer.read()
                if answer.status != 201:
                    self.refused.append((answer.status, await answer.text()))
                    return
        except (aiohttp.ClientError, OSError, TimeoutError):
            await self._broke()
            return
        self.registered.append(user)
        await self._say(http, user, f"{DANGER} {mark(self.chance)}", is_danger=True)

    async def _say(self, http: aiohttp.ClientSession, user: str, said: str, *, is_danger: bool) -> None:
        is_stream = self.chance.random() < 0.6
        ask = {"model": "m", "user": user, "stream": is_stream, "messages": [{"role": "user", "content": said}]}
        body = b""
        status = 0
        try:
            async with http.post(f"{self._url()}/v1/chat/completions", json=ask) as answer:
                status = answer.status
                async for part in answer.content.iter_any():
                    body += part
        except (aiohttp.ClientError, OSError, TimeoutError):
            await self._broke()
        if status == 200 and (reply := reply_in(body, is_stream=is_stream)) is not None:
            self.turns.append(Turn(user, said, reply, is_danger))
        elif status not in {0, 200} or b'"error"' in body:
            self.refused.append((status, body.decode("utf-8", "replace")[-1000:]))

    def _url(self) -> str:
        return self.chance.choice(self.urls)

    async def _broke(self) -> None:
        self.broken += 1
        await asyncio.sleep(0.02)


def reply_in(body: bytes, *, is_stream: bool) -> str | None:
    """The reply, if its last byte came and it is no error."""
    if not is_stream:
        with suppress(ValueError):
            return str(json.loads(body)["choices"][0]["message"]["content"])
        return None
    if not body.endswith(DONE) or b'data: {"error"' in body:
        return None
    chunks: list[dict[str, Any]] = [
        json.loads(one[6:]) for one in body.decode().split("\n\n") if one and one != "data: [DONE]"
    ]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk.get("choices", []))

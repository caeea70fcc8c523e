"""The scripted model as an upstream: no key, no network, clearly labelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from shouban.duties.notices import language_of
from shouban.gateway.scripted import MODEL_NAME, chunks, reply_to

PAUSE_SECONDS: Final = 0.03
_ENCODE = msgspec.json.Encoder().encode


class ScriptedUpstream:
    """Answers in OpenAI's shapes from prepared lines."""

    @asynccontextmanager
    async def ask(self, body: bytes) -> AsyncGenerator[ScriptedReply, None]:
        request = msgspec.json.decode(body)
        last = next((one.get("content") for one in reversed(request["messages"]) if one.get("role") == "user"), "")
        language = language_of(last if isinstance(last, str) else "", "zh")
        yield ScriptedReply(reply_to(request["messages"], request.get("model", ""), language))

    async def models(self) -> bytes:
        return _ENCODE(
            {"object": "list", "data": [{"id": MODEL_NAME, "object": "model", "created": 0, "owned_by": "shouban"}]}
        )

    async def close(self) -> None:
        """Holds nothing."""


class ScriptedReply:
    def __init__(self, text: str) -> None:
        self._text = text
        self._base = {"id": "scripted", "created": int(time.time()), "model": MODEL_NAME}

    async def whole(self) -> bytes:
        choice = {"index": 0, "message": {"role": "assistant", "content": self._text}, "finish_reason": "stop"}
        return _ENCODE({**self._base, "object": "chat.completion", "choices": [choice]})

    async def events(self) -> AsyncIterator[list[bytes]]:
        for piece in chunks(self._text):
            yield [self._chunk({"content": piece}, None)]
            await asyncio.sleep(PAUSE_SECONDS)
        yield [self._chunk({}, "stop")]

    def _chunk(self, delta: dict[str, Any], finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _ENCODE({**self._base, "object": "chat.completion.chunk", "choices": [choice]})

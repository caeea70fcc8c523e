"""The built-in model behind the gateway: clearly labelled, with no key and no network."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.gateway.serving import Served

from shouban.gateway.demo import ScriptedUpstream
from shouban.gateway.scripted import MODEL_NAME, reply_to


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_it_answers_in_openais_shapes_under_its_own_name(world: Served, stream: bool) -> None:
    reply = world.chat("你好", key="sk-scripted", stream=stream, model="xiaohe")
    assert reply.finish == "stop"
    assert reply.text.endswith(reply_to([{"role": "user", "content": "你好"}], "xiaohe", "zh"))
    assert MODEL_NAME in {chunk["model"] for chunk in reply.chunks}


def test_it_lists_itself_as_the_only_model(world: Served) -> None:
    assert [one["id"] for one in world.get("/v1/models", key="sk-scripted").json()["data"]] == [MODEL_NAME]


def test_it_says_the_same_whole_and_in_pieces() -> None:
    async def both(document: dict[str, Any]) -> tuple[str, str]:
        upstream = ScriptedUpstream()
        body = json.dumps(document).encode()
        async with upstream.ask(body) as reply:
            whole = json.loads(await reply.whole())["choices"][0]["message"]["content"]
        async with upstream.ask(body) as reply:
            chunks = [
                json.loads(payload)["choices"][0]["delta"] async for payloads in reply.events() for payload in payloads
            ]
        await upstream.close()
        return whole, "".join(one.get("content", "") for one in chunks)

    whole, pieces = asyncio.run(both({"model": "lao-lin", "messages": [{"role": "user", "content": "hello"}]}))
    assert whole == pieces


def test_a_message_in_parts_or_none_at_all_is_answered(world: Served) -> None:
    assert world.chat({"role": "user", "content": [{"type": "text", "text": "你好"}]}, key="sk-scripted").text
    assert world.chat({"role": "system", "content": "你叫小禾"}, key="sk-scripted").text

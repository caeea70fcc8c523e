"""How a judge model may answer, well and badly; and what it was asked. Each is a behaviour of `FaultyUpstream`."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from tests.upstreams.behaviours import Behaviour, completion
from tests.upstreams.faulty import Exchange, Received

from shouban.core.signals import Reading, Role
from shouban.detectors.learned import DOUBTS
from shouban.detectors.normalise import Normalised

ASKED = re.compile(r"Signals asked: ([\w., ]+)\. What")
DOUBTED = re.compile(r"疑([a-z_.]+)")


def asked_in(request: Received) -> list[str]:
    """The signals that the judge was asked about."""
    found = ASKED.search(request.document["messages"][0]["content"])
    assert found is not None
    return found[1].split(", ")


def data_in(request: Received) -> dict[str, Any]:
    """What stands between the marks; fails where there is not exactly one place between them, or no JSON."""
    content = request.document["messages"][1]["content"]
    assert (content.count("⟦"), content.count("⟧")) == (1, 1)
    found = json.loads(content[content.index("⟦") + 1 : content.index("⟧")])
    assert isinstance(found, dict)
    return found


def grades(given: Mapping[str, int] | None = None, *, after: float = 0.0) -> Behaviour:
    """Grades every signal asked about: as given, otherwise 0; `after` some seconds."""

    async def behave(exchange: Exchange) -> None:
        await asyncio.sleep(after)
        told = {one: (given or {}).get(one, 0) for one in asked_in(exchange.request)}
        await exchange.answer(completion([{"role": "assistant", "content": json.dumps(told)}]))

    return behave


def answers(content: object) -> Behaviour:
    """A well-formed completion whose content is this."""

    async def behave(exchange: Exchange) -> None:
        await exchange.answer(completion([{"role": "assistant", "content": content}]))

    return behave


def silent() -> Behaviour:
    """Takes the question and never answers."""

    async def behave(exchange: Exchange) -> None:
        await asyncio.Event().wait()

    return behave


def held(gate: threading.Event, then: Behaviour) -> Behaviour:
    """Answers once the test says so."""

    async def behave(exchange: Exchange) -> None:
        await asyncio.to_thread(gate.wait, 10)
        await then(exchange)

    return behave


class Doubtful:
    """A detector that does not know: `疑crisis` in a text leaves it in doubt about `crisis`."""

    name = "doubtful"
    version = "1"
    prompt = True
    signals = frozenset({"crisis"})
    roles: frozenset[Role] = frozenset({"user"})

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        normalised.notes[DOUBTS] = dict.fromkeys(DOUBTED.findall(normalised.original), 0.4)
        return ()

"""Asks for a second opinion where the detectors are in doubt, while the model is asked for its reply.

INVARIANT: what was asked is settled (heard by the core, and on disk where somebody is to be helped) before a byte of the
model's reply goes out. Where nobody is configured, or nothing is in doubt, nothing of this runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from shouban.core import events as e
from shouban.core.signals import Reading, Role
from shouban.detectors.judge import Judge
from shouban.detectors.opinion import AT_ONCE, Opinion, asked_of, opinions_on, readings_of
from shouban.detectors.reader import Doubts
from shouban.gateway.context import Gateway, Service
from shouban.gateway.upstream import Reply

if TYPE_CHECKING:
    from shouban.gateway.talk import Talk

Context = Sequence[tuple[Role, str]]

# What is heard for nobody who waits; held here, or nothing would hold it.
_UNHEARD: set[asyncio.Task[None]] = set()

_log = structlog.get_logger("shouban.gateway")


@dataclass(frozen=True)
class Asked:
    """One message of the person about which somebody is being asked; `turn` and `chars` are those of its first event."""

    turn: str
    chars: int
    work: asyncio.Task[list[Opinion]]


def ask_about(talk: Talk, text: str, doubts: Doubts, context: Context, *, turn: str, chars: int) -> None:
    """Starts asking, if somebody knows of a signal in doubt; `settle` hears the answers."""
    advisers = talk.service.advisers
    if any(asked_of(one, doubts) for one in advisers):
        work = asyncio.ensure_future(opinions_on(text, doubts, context, advisers))
        talk.asked.append(Asked(turn, chars, work))


async def settle(talk: Talk) -> None:
    """Waits for the answers, each within its own deadline; what they read is heard as a further word on the same turn."""
    while talk.asked:
        asked = talk.asked[0]
        # Who waits may be cancelled; who is asked is not.
        opinions = await asyncio.shield(asked.work)
        talk.asked.remove(asked)
        count(talk.gateway, opinions)
        if readings := readings_of(opinions):
            await talk.hear(_event(talk, asked, readings))
    if talk.must_wait:
        await talk.committed()


@asynccontextmanager
async def once_settled(talk: Talk, answer: AbstractAsyncContextManager[Reply | None]) -> AsyncIterator[Reply | None]:
    """The model's answer, asked for at once and given when all is settled; none where that leaves no place for it."""
    async with AsyncExitStack() as stack:
        opening = asyncio.ensure_future(stack.enter_async_context(answer))
        try:
            await settle(talk)
            reply = None if talk.has_no_model or talk.is_over else await opening
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        if reply is None:
            await stack.aclose()  # nobody needs what the model is saying
        yield reply


def _event(talk: Talk, asked: Asked, readings: tuple[Reading, ...]) -> e.Event:
    """`earlier`: the turn itself was heard before, so this one counts for no use and no strike."""
    return e.UserSpoke(
        at=talk.at, person=talk.person.id, session=talk.session, turn=asked.turn, chars=asked.chars, readings=readings,
        earlier=True, again=True,
    )  # fmt: skip


def hear_out(talk: Talk) -> None:
    """The client is gone, or the turn has failed: who is still being asked, at most for a deadline, is heard all the same.

    Somebody who says farewell and closes the app is who the question was about.
    """
    if talk.asked:
        task = asyncio.ensure_future(settle(talk))
        _UNHEARD.add(task)
        task.add_done_callback(_heard_out)


def _heard_out(task: asyncio.Task[None]) -> None:
    _UNHEARD.discard(task)
    if not task.cancelled() and (error := task.exception()):
        _log.error("opinion_lost", error=type(error).__name__)


async def opinion_of(
    gateway: Gateway, service: Service, text: str, doubts: Doubts, context: Context
) -> tuple[Reading, ...]:
    """Asks and waits, for those who want one answer about one text (`/v1/check`)."""
    opinions = await opinions_on(text, doubts, context, service.advisers)
    count(gateway, opinions)
    return readings_of(opinions)


def count(gateway: Gateway, opinions: Iterable[Opinion]) -> None:
    figures = gateway.metrics
    for opinion in opinions:
        for reading in opinion.readings:
            if reading.is_unknown:
                figures.unknown.labels(reading.signal).inc()
        if opinion.why:
            _log.warning("no_opinion", adviser=opinion.adviser, outcome=opinion.outcome, why=opinion.why)
        if opinion.adviser != Judge.name:
            continue
        for signal in opinion.asked:
            figures.judge_asked.labels(signal).inc()
        figures.judge_answers.labels(opinion.outcome).inc()
        if opinion.outcome not in AT_ONCE:
            figures.judge_seconds.observe(opinion.seconds)

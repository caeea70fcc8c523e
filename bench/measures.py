"""The five measures, taken of all targets in turn, round after round, so that a busy moment meets them all alike."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median, quantiles

from bench import asks
from bench.load import ClosedLoop, Probe, Reading, StreamReading, Tally, WholeReading
from bench.procfs import cpu_seconds, peak_memory_mb
from bench.targets import Target

REQUESTS, CHUNKS, CPU, FIRST, FIRST_P99, MEMORY = (
    "requests_per_s",
    "chunks_per_s",
    "cpu_us_per_chunk",
    "first_words_ms",
    "first_words_p99_ms",
    "memory_mb",
)
MOST_SECONDS_PER_PROBE = 5.0
MOST_LOOKS_TO_WARM, ANSWERS_TO_WARM = 500, 24


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much is measured."""

    seconds: float
    rounds: int
    connections: int
    streams: int
    samples: int


@dataclass
class Measured:
    """What one target gave: every round's value of every measure, errors by words, the proxy's share of its core."""

    values: dict[str, list[float]] = field(default_factory=dict)
    busy: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, Counter[str]] = field(default_factory=dict)
    first_words: list[float] = field(default_factory=list)

    def add(self, measure: str, window: Window, value: float | None) -> None:
        """Keeps a round's value, where there is one, and what else the window showed."""
        self.errors.setdefault(measure, Counter()).update(window.errors)
        if value is None:
            return
        self.values.setdefault(measure, []).append(value)
        self.busy.setdefault(measure, []).append(window.cpu / window.seconds)


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of steady load: what was delivered in it, and the CPU the proxy used for it."""

    seconds: float
    cpu: float
    answers: int
    chunks: int
    errors: Counter[str]


async def measure(targets: Sequence[Target], settings: Settings, tick: Callable[[str], None]) -> dict[str, Measured]:
    """All measures of all targets; `tick` hears what is about to be measured."""
    results = {target.name: Measured() for target in targets}
    for target in targets:
        tick(f"{target.name}, warming up")
        await _warm(target)
    for turn in range(settings.rounds):
        first = turn % len(targets)
        order = [*targets[first:], *targets[:first]]
        for target in order:
            tick(f"{target.name}, round {turn + 1}")
            await _measure_round(target, settings, results[target.name])
        tick(f"first words, round {turn + 1}")
        await _measure_first_words(order, settings, results)
    for target in targets:
        _conclude(target, results[target.name])
    return results


async def _measure_round(target: Target, settings: Settings, result: Measured) -> None:
    plain = await _window(target, settings, asks.PLAIN, stream=False)
    result.add(REQUESTS, plain, plain.answers / plain.seconds if plain.answers else None)
    burst = await _window(target, settings, asks.PLAIN, stream=True)
    result.add(CHUNKS, burst, burst.chunks / burst.seconds if burst.chunks else None)
    paced = await _window(target, replace(settings, connections=settings.streams), asks.PACED, stream=True)
    spent = paced.cpu / paced.chunks * 1e6 if paced.chunks and target.pid is not None else None
    result.add(CPU, paced, spent)


async def _window(target: Target, settings: Settings, model: str, *, stream: bool) -> Window:
    """Runs the load up, then looks at a window of it, then stops it."""

    loop = _closed_loop(target, model, stream=stream)
    await loop.start(settings.connections, over=settings.seconds / 2)
    before, cpu, since = (loop.tally.answers, loop.tally.chunks), _cpu(target), time.perf_counter()
    await asyncio.sleep(settings.seconds)
    seconds = time.perf_counter() - since
    answers, chunks = loop.tally.answers - before[0], loop.tally.chunks - before[1]
    cpu = _cpu(target) - cpu
    await loop.stop()
    await _rest(target)
    return Window(seconds=seconds, cpu=cpu, answers=answers, chunks=chunks, errors=loop.tally.errors)


def _closed_loop(target: Target, model: str, *, stream: bool) -> ClosedLoop:
    def read(tally: Tally) -> Reading:
        return StreamReading(tally, asks.CHUNKS) if stream else WholeReading()

    return ClosedLoop(target.port, asks.requests(model, stream=stream, port=target.port), read)


async def _warm(target: Target) -> None:
    """Lets a target load what it loads at its first answers; what goes wrong here will show when it is measured."""
    for stream in (False, True):
        loop = _closed_loop(target, asks.PLAIN, stream=stream)
        await loop.start(4, over=0)
        for _ in range(MOST_LOOKS_TO_WARM):
            if loop.tally.answers + loop.tally.errors.total() >= ANSWERS_TO_WARM:
                break
            await asyncio.sleep(0.02)
        await loop.stop()


async def _rest(target: Target) -> None:
    """Waits until the proxy has cleared away what the last load left behind, a few seconds at most."""
    for _ in range(60):
        before = _cpu(target)
        await asyncio.sleep(0.05)
        if _cpu(target) - before < 0.005:
            return


def _cpu(target: Target) -> float:
    return 0.0 if target.pid is None else cpu_seconds(target.pid)


async def _measure_first_words(order: Sequence[Target], settings: Settings, results: dict[str, Measured]) -> None:
    """One question to each target in turn, over and over, with nothing else going on."""
    probes = {t.name: Probe(t.port, asks.requests(asks.SHORT, stream=True, port=t.port), 3) for t in order}
    await _ask_each(probes)  # opens the connections on both sides of every proxy
    for _ in range(settings.samples // settings.rounds):
        for name, taken in (await _ask_each(probes)).items():
            results[name].first_words.append(taken * 1000)
    for name, probe in probes.items():
        probe.close()
        results[name].errors.setdefault(FIRST, Counter()).update(probe.tally.errors)


async def _ask_each(probes: dict[str, Probe]) -> dict[str, float]:
    taken: dict[str, float] = {}
    for name, probe in probes.items():
        try:
            seconds = await asyncio.wait_for(probe.first_words_after(), MOST_SECONDS_PER_PROBE)
        except (OSError, TimeoutError) as error:
            probe.tally.errors[type(error).__name__] += 1
            probe.close()
        else:
            if seconds is not None:
                taken[name] = seconds
    return taken


def _conclude(target: Target, result: Measured) -> None:
    """The measures that are one figure for the whole run."""
    if len(result.first_words) >= 2:
        result.values[FIRST] = [median(result.first_words)]
        result.values[FIRST_P99] = [quantiles(result.first_words, n=100, method="inclusive")[98]]
    if target.pid is not None:
        result.values[MEMORY] = [peak_memory_mb(target.pid)]

"""Takeovers at random moments of streams, some with the service killed or the desk dropped right after: does a word of the model follow? `python -m bench.takeovers`.

The model says with each word when it spoke (the machine's steady clock, which all processes share). A takeover is over for whoever made it when its answer is there: a
word spoken later and read by the person is one too many. After each kill -9 the service is started again over the same data, and everybody who was taken over
is asked after: a model's word in the answer is one too many as well.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web
from rich.console import Console

from bench import procfs, report
from bench.asks import KEY
from bench.targets import Place, Target, start_service

HEADERS = {"Authorization": f"Bearer {KEY}"}
AT_ONCE = 10
SPOKEN_SECONDS = 1.5
PAUSE_SECONDS = 0.01
_STAMP = re.compile(r"\[([0-9.]+)\]")


@dataclass
class Result:
    """What became of all takeovers. `late`: words of the model that came after one."""

    takeovers: int = 0
    late: int = 0
    silent_streams: int = 0
    unanswered: int = 0
    kills: int = 0
    dropped: int = 0
    after_restart: int = 0
    lost: int = 0
    words_before: int = 0
    took_ms: list[float] = field(default_factory=list)


def _chunk(text: str) -> dict[str, object]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return {"id": "t", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}


@asynccontextmanager
async def speaking_model() -> AsyncIterator[int]:
    async def speak(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        if not asked.get("stream"):
            choice = {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": f"[{time.monotonic():.4f}] "},
            }
            return web.json_response(
                {"id": "t", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
            )
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        ends = time.monotonic() + SPOKEN_SECONDS
        with contextlib.suppress(ConnectionError):  # told to stop: somebody was taken over
            while (now := time.monotonic()) < ends:
                await answer.write(b"data: " + json.dumps(_chunk(f"[{now:.4f}] ")).encode() + b"\n\n")
                await asyncio.sleep(PAUSE_SECONDS)
            await answer.write(b"data: [DONE]\n\n")
        return answer

    async def models(_: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": []})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", speak)
    app.router.add_get("/v1/models", models)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # noqa: SLF001  # aiohttp tells it nowhere else
    finally:
        await runner.cleanup()


class Round:
    """So many people talk at once; each is taken over at a moment of their own."""

    def __init__(self, target: Target, result: Result, chance: random.Random) -> None:
        self._base = f"http://127.0.0.1:{target.port}"
        self._result = result
        self._chance = chance
        self.taken: dict[str, float] = {}

    async def run(self, names: list[str], *, drops: bool) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(self._base, connector=connector, headers=HEADERS) as app:
            for name in names:
                async with app.post("/v1/users", json={"id": name, "age_band": "adult"}) as answer:
                    assert answer.status == 201, await answer.text()
            await asyncio.gather(*(self._one(app, name, drops=drops) for name in names))

    async def _one(self, app: aiohttp.ClientSession, name: str, *, drops: bool) -> None:
        words: list[str] = []
        reading = asyncio.create_task(self._read(app, name, words))
        await asyncio.sleep(0.1 + self._chance.random() * (SPOKEN_SECONDS - 0.3))
        began = time.monotonic()
        try:
            body = {"action": "take_over", "staff": "bench"}
            async with app.post(f"/v1/users/{name}/human", json=body) as answer:
                over = time.monotonic()
                is_taken = answer.status == 200
        except aiohttp.ClientError:
            is_taken, over = False, time.monotonic()
        if is_taken and drops and self._chance.random() < 0.5:
            self._result.dropped += 1  # whoever took over is gone: nobody says a word, and nobody hands back
        await reading
        if not is_taken:
            self._result.unanswered += 1
            return
        self.taken[name] = over
        self._result.takeovers += 1
        self._result.took_ms.append((over - began) * 1e3)
        spoken = [float(one) for one in _STAMP.findall("".join(words))]
        self._result.words_before += sum(one <= over for one in spoken)
        self._result.silent_streams += not spoken
        self._result.late += sum(one > over for one in spoken)

    async def _read(self, app: aiohttp.ClientSession, name: str, words: list[str]) -> None:
        body = {
            "model": "m",
            "user": name,
            "stream": True,
            "messages": [{"role": "user", "content": "今天下班路上看到河边的柳树都发芽了"}],
        }
        try:
            async with app.post("/v1/chat/completions", json=body) as answer:
                async for line in answer.content:
                    words += [line.decode(errors="replace")]
        except aiohttp.ClientError:
            return  # the service was killed: what was read until then counts

    async def asked_after(self, names: list[str]) -> None:
        """Whoever was taken over before the kill hears no model after it."""
        async with aiohttp.ClientSession(self._base, headers=HEADERS) as app:
            for name in names:
                body = {"model": "m", "user": name, "messages": [{"role": "user", "content": "还在吗"}]}
                async with app.get(f"/v1/users/{name}") as answer:
                    self._result.lost += (await answer.json()).get("takeover") != "human"
                async with app.post("/v1/chat/completions", json=body) as answer:
                    self._result.after_restart += bool(_STAMP.search(await answer.text()))


async def measure(total: int, kill_each: int, seed: int, folder: Path) -> Result:
    """Takes over so many; after each `kill_each` of them the service is killed while a round is under way."""
    result, chance, data = Result(), random.Random(seed), folder / "takeovers"
    asked = 0
    os.environ["SHOUBAN_HUMAN_WAIT"] = "0"
    async with speaking_model() as model:
        while result.takeovers < total and asked < 3 * total:
            with ExitStack() as stack:
                place = Place(stack=stack, folder=folder, upstream=0, core=procfs.cores()[0], litellm_python=None)
                target = await asyncio.to_thread(_start, place, data, model)
                before = asked
                while asked - before < kill_each and result.takeovers < total:
                    names = [f"person-{seed}-{asked + one}" for one in range(AT_ONCE)]
                    asked += AT_ONCE
                    await Round(target, result, chance).run(names, drops=True)
                names = [f"person-{seed}-{asked + one}" for one in range(AT_ONCE)]
                asked += AT_ONCE
                last = Round(target, result, chance)
                running = asyncio.create_task(last.run(names, drops=False))
                await asyncio.sleep(0.3 + chance.random() * SPOKEN_SECONDS)
                assert target.pid is not None
                os.killpg(target.pid, signal.SIGKILL)
                result.kills += 1
                await asyncio.gather(running, return_exceptions=True)
            with ExitStack() as stack:
                place = Place(stack=stack, folder=folder, upstream=0, core=procfs.cores()[0], litellm_python=None)
                target = await asyncio.to_thread(_start, place, data, model)
                await Round(target, result, chance).asked_after(list(last.taken))
    return result


def _start(place: Place, data: Path, model: int) -> Target:
    with procfs.pinned_to(place.core):
        return start_service(place, "takeovers", data, f"http://127.0.0.1:{model}/v1")


def main() -> int:
    """0: no word of a model came after a takeover; 1: one did, or a takeover was lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.takeovers", description=__doc__)
    parser.add_argument("--takeovers", type=int, default=1_000)
    parser.add_argument("--kill-each", type=int, default=100, help="a kill -9 after so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as folder, procfs.pinned_to(procfs.cores()[-1]):
        result = uvloop.run(measure(given.takeovers, given.kill_each, given.seed, Path(folder)))
    line = told(result)
    Console(width=None if sys.stdout.isatty() else 140).print(line)
    if given.json:
        given.json.write_text(json.dumps(asdict(result)), encoding="utf-8")
    if given.markdown:
        report.write_between_marks(given.markdown, "bench-takeovers", line + "\n")
    return int(bool(result.late or result.after_restart or result.lost))


def told(result: Result) -> str:
    took = sorted(result.took_ms)
    high = took[int(len(took) * 0.99)] if took else 0.0
    return (
        f"{result.takeovers:,} takeovers at random moments of a reply (median {took[len(took) // 2] if took else 0:,.0f} ms, p99 {high:,.0f}), {result.kills} × kill -9 among them and {result.dropped} "
        f"desks that went silent: {result.late} words of the model after a takeover ({result.words_before:,} before), {result.after_restart} in answers after a restart, {result.lost} takeovers "
        f"lost; {result.unanswered} were cut off by a kill before they were answered."
    )


if __name__ == "__main__":
    sys.exit(main())

"""A crisis under load: first byte of the template, the case on an open desk, the contact's phone; and 200 desks over 10,000 cases. `python -m bench.care`.

The service runs on one core, this client on the other. Ordinary messages come at an even rate whether the service keeps up or not (open loop): a rate that
it cannot carry shows as such. A crisis comes twice a second, each of somebody new with a phone of their own (a webhook of ours).
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import aiohttp
import uvloop
from aiohttp import web
from rich.console import Console
from rich.table import Table

from bench import procfs, report
from bench.asks import KEY
from bench.targets import Place, Target, start_service, start_upstream

PLAN = "我写好遗书了，今晚就去死"
TALK = "今天下班路上看到河边的柳树都发芽了，风吹在脸上一点也不冷了。编号"
PEOPLE = 200
GOALS = {"template": 50.0, "desk": 1_000.0, "contact": 5_000.0}
_CASE = re.compile(r"/care/cases/([0-9a-f]{16,40})/claim")
HEADERS = {"Authorization": f"Bearer {KEY}"}
PASSWORD = "bench-of-care-staff-1"


@dataclass
class Crises:
    """When each was said, and when what followed was there; milliseconds."""

    template: list[float] = field(default_factory=list)
    desk: list[float] = field(default_factory=list)
    contact: list[float] = field(default_factory=list)


@dataclass
class Measured:
    """One rate of ordinary messages a second, offered and answered."""

    rate: int
    answered: float = 0.0
    waits_ms: float = 0.0
    failed: int = 0
    said: int = 0
    crises: Crises = field(default_factory=Crises)


@dataclass
class Desks:
    """Many desks over a long queue: how long a page and a claim take, and how soon a new case is on all of them."""

    desks: int
    cases: int
    page_ms: list[float] = field(default_factory=list)
    claim_ms: list[float] = field(default_factory=list)
    all_ms: list[float] = field(default_factory=list)


class Phones:
    """The contacts' phones; `/phone/<number>` is one of them."""

    def __init__(self) -> None:
        self.rang: dict[str, float] = {}
        self.news = asyncio.Event()
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Phones]:
        async def ring(request: web.Request) -> web.Response:
            self.rang.setdefault(request.match_info["number"], time.perf_counter())
            self.news.set()
            await request.read()
            return web.Response(status=204)

        app = web.Application()
        app.router.add_post("/phone/{number}", ring)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # noqa: SLF001  # aiohttp tells it nowhere else
        try:
            yield self
        finally:
            await runner.cleanup()


class Desk:
    """An open desk: which cases it has shown, and when each first."""

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}
        self.news = asyncio.Event()

    async def watch(self, client: aiohttp.ClientSession) -> None:
        async with client.get("/care/events", timeout=aiohttp.ClientTimeout(total=None)) as answer:
            async for line in answer.content:
                at = time.perf_counter()
                for person in _CASE.findall(line.decode(errors="replace")):
                    if person not in self.seen:
                        self.seen[person] = at
                        self.news.set()


async def under_load(target: Target, rate: int, seconds: float) -> Measured:
    measured, phones, numbers = Measured(rate), Phones(), itertools.count()
    connector = aiohttp.TCPConnector(limit=0)
    base = f"http://127.0.0.1:{target.port}"
    async with (
        phones.open(),
        aiohttp.ClientSession(base, connector=connector, headers=HEADERS) as app,
        staff(base) as desk_client,
    ):
        for number in range(PEOPLE):
            await _post(app, "/v1/users", {"id": f"talker-{number}", "age_band": "adult"})
        desk = Desk()
        watching = asyncio.create_task(desk.watch(desk_client))
        await asyncio.sleep(0.5)
        ends = time.perf_counter() + seconds
        talking = asyncio.create_task(_talk(app, measured, rate, ends))
        try:
            while time.perf_counter() < ends:
                began = time.perf_counter()
                await _crisis(app, desk, phones, measured, f"crisis-{rate}-{next(numbers)}")
                await asyncio.sleep(max(0.0, 0.5 - (time.perf_counter() - began)))
            await talking
        finally:
            watching.cancel()
    measured.answered = measured.said / seconds
    return measured


async def _talk(app: aiohttp.ClientSession, measured: Measured, rate: int, ends: float) -> None:
    """Ordinary messages, evenly; none waits for the one before. What is still open a second after the end has failed."""
    if not rate:
        await asyncio.sleep(max(0.0, ends - time.perf_counter()))
        return
    waits: list[float] = []

    async def say(number: int) -> None:
        body = {
            "model": "fake-c20",
            "user": f"talker-{number % PEOPLE}",
            "messages": [{"role": "user", "content": f"{TALK}{number}"}],
        }
        began = time.perf_counter()
        try:
            async with app.post("/v1/chat/completions", json=body) as answer:
                await answer.read()
                good = answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            good = False
        if good and time.perf_counter() <= ends:
            measured.said += 1
            waits.append((time.perf_counter() - began) * 1e3)
        else:
            measured.failed += 1

    began, tasks = time.perf_counter(), set()
    for number in itertools.count():
        due = began + number / rate
        if due >= ends:
            break
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.add(asyncio.create_task(say(number)))
    _, late = await asyncio.wait(tasks, timeout=1.0)
    for one in late:
        one.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    measured.failed += len(late)
    measured.waits_ms = median(waits) if waits else 0.0


async def _crisis(app: aiohttp.ClientSession, desk: Desk, phones: Phones, measured: Measured, user: str) -> None:
    phone = {"kind": "emergency", "name": "联系人", "channels": [f"http://127.0.0.1:{phones.port}/phone/{user}"]}
    await _post(app, "/v1/users", {"id": user, "age_band": "adult", "contacts": [phone]})
    body = {"model": "fake-c20", "user": user, "stream": True, "messages": [{"role": "user", "content": PLAN}]}
    before = set(desk.seen)
    said = time.perf_counter()
    async with app.post("/v1/chat/completions", json=body) as answer:
        first = await answer.content.readany()
        measured.crises.template.append((time.perf_counter() - said) * 1e3)
        if b"12356" not in first + await answer.read():
            raise SystemExit("the template had no number in it; see the service's log")
    give_up = said + 20
    while not (set(desk.seen) - before) and time.perf_counter() < give_up:
        desk.news.clear()
        await asyncio.wait([asyncio.ensure_future(desk.news.wait())], timeout=0.05)
    fresh = set(desk.seen) - before
    measured.crises.desk.append((min(desk.seen[one] for one in fresh) - said) * 1e3 if fresh else 20_000.0)
    while user not in phones.rang and time.perf_counter() < give_up:
        phones.news.clear()
        await asyncio.wait([asyncio.ensure_future(phones.news.wait())], timeout=0.05)
    measured.crises.contact.append((phones.rang.get(user, give_up) - said) * 1e3)


async def over_many(target: Target, desks: int, cases: int) -> Desks:
    """A queue of so many cases, so many desks open over it."""
    found, phones = Desks(desks, cases), Phones()
    base = f"http://127.0.0.1:{target.port}"
    async with (
        phones.open(),
        aiohttp.ClientSession(base, connector=aiohttp.TCPConnector(limit=0), headers=HEADERS) as app,
        staff(base) as client,
    ):
        await _fill(app, cases)
        for _ in range(20):
            began = time.perf_counter()
            async with client.get("/care") as answer:
                page = await answer.text()
            found.page_ms.append((time.perf_counter() - began) * 1e3)
        for person in _CASE.findall(page)[:20]:
            began = time.perf_counter()
            async with client.post(f"/care/cases/{person}/claim", data={"go": "1"}, allow_redirects=False) as answer:
                assert answer.status == 303, answer.status
            found.claim_ms.append((time.perf_counter() - began) * 1e3)
        open_desks = [Desk() for _ in range(desks)]
        watching = [asyncio.create_task(one.watch(client)) for one in open_desks]
        await asyncio.sleep(5)
        for number in range(5):
            await _see_everywhere(app, open_desks, found, f"late-{number}")
        for one in watching:
            one.cancel()
    return found


async def _see_everywhere(app: aiohttp.ClientSession, desks: Sequence[Desk], found: Desks, user: str) -> None:
    """A case of the highest urgency, until the last desk shows it."""
    await _post(app, "/v1/users", {"id": user, "age_band": "adult"})
    before = [set(one.seen) for one in desks]
    said = time.perf_counter()
    body = {"model": "fake-c20", "user": user, "messages": [{"role": "user", "content": PLAN}]}
    async with app.post("/v1/chat/completions", json=body) as answer:
        await answer.read()
    give_up = said + 20
    while time.perf_counter() < give_up and not all(
        set(one.seen) - was for one, was in zip(desks, before, strict=True)
    ):
        waiting = next(one for one, was in zip(desks, before, strict=True) if not set(one.seen) - was)
        waiting.news.clear()
        await asyncio.wait([asyncio.ensure_future(waiting.news.wait())], timeout=0.05)
    last = [
        min((one.seen[name] for name in set(one.seen) - was), default=said + 20)
        for one, was in zip(desks, before, strict=True)
    ]
    found.all_ms.append((max(last) - said) * 1e3)


async def _fill(app: aiohttp.ClientSession, cases: int) -> None:
    """So many people who have said that they would rather not live: a case each, less urgent than a plan."""
    gate = asyncio.Semaphore(8)

    async def one(number: int) -> None:
        async with gate:
            await _post(app, "/v1/users", {"id": f"waiting-{number}", "age_band": "adult"})
            body = {
                "model": "fake-c20",
                "user": f"waiting-{number}",
                "messages": [{"role": "user", "content": "不想活了"}],
            }
            async with app.post("/v1/chat/completions", json=body) as answer:
                await answer.read()

    await asyncio.gather(*(one(number) for number in range(cases)))


@asynccontextmanager
async def staff(base: str) -> AsyncIterator[aiohttp.ClientSession]:
    """One of the care staff, made by the administrator and signed in."""
    origin = {"Origin": base, "Accept": "text/html"}
    name = f"care-{time.monotonic_ns()}"
    async with aiohttp.ClientSession(base, cookie_jar=aiohttp.CookieJar(unsafe=True), headers=origin) as admin:
        await _form(admin, "/sign-in", {"name": "admin", "password": "bench-administrator-1"})
        await _form(admin, "/office/accounts", {"name": name, "password": PASSWORD, "roles": "care"})
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        base, connector=connector, cookie_jar=aiohttp.CookieJar(unsafe=True), headers=origin
    ) as client:
        await _form(client, "/sign-in", {"name": name, "password": PASSWORD})
        yield client


async def _post(app: aiohttp.ClientSession, path: str, body: dict[str, object]) -> None:
    async with app.post(path, json=body) as answer:
        if answer.status >= 400:
            raise SystemExit(f"{path} gave {answer.status}: {(await answer.text())[:200]}")


async def _form(client: aiohttp.ClientSession, path: str, form: dict[str, str]) -> None:
    async with client.post(path, data=form, allow_redirects=False) as answer:
        if answer.status not in {200, 303}:
            raise SystemExit(f"{path} gave {answer.status}: {(await answer.text())[:200]}")


# --- the run


def main() -> int:
    """0: measured, all goals met or not; 1: nothing could be measured."""
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rates = [int(one) for one in given.rates.split(",")]
    loads, desks = [], None
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stack.enter_context(procfs.pinned_to(procfs.cores()[-1]))
        upstream = start_upstream(stack, Path(folder))
        for rate in rates:
            with _started(Path(folder), f"care-{rate}", upstream) as target:
                loads.append(uvloop.run(under_load(target, rate, given.seconds)))
        if given.cases:
            with _started(Path(folder), "desks", upstream) as target:
                desks = uvloop.run(over_many(target, given.desks, given.cases))
    _show(loads, desks)
    if given.json:
        given.json.write_text(json.dumps(_plain(loads, desks), ensure_ascii=False, indent=2), encoding="utf-8")
    if given.markdown:
        report.write_between_marks(given.markdown, "bench-care", _markdown(loads, desks))
    return 0 if loads else 1


@contextmanager
def _started(folder: Path, name: str, upstream: int) -> Iterator[Target]:
    """The service on a core of its own, over a new directory."""
    with ExitStack() as stack:
        place = Place(stack=stack, folder=folder, upstream=upstream, core=procfs.cores()[0], litellm_python=None)
        with procfs.pinned_to(place.core):
            target = start_service(place, name, folder / name, f"http://127.0.0.1:{upstream}/v1")
        yield target


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.care", description=__doc__)
    parser.add_argument("--rates", default="0,50,400", help="ordinary messages a second, one run each")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each run; a crisis twice a second")
    parser.add_argument("--desks", type=int, default=200)
    parser.add_argument("--cases", type=int, default=10_000, help="in the queue; 0 leaves this part out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables")
    return parser.parse_args()


def _high(taken: Sequence[float]) -> float:
    return quantiles(taken, n=100, method="inclusive")[98] if len(taken) > 1 else taken[0]


def _row(one: Measured) -> list[str]:
    cells = [f"{one.rate}", f"{one.answered:.0f}", f"{one.failed}"]
    for name, goal in GOALS.items():
        taken = getattr(one.crises, name)
        high = _high(taken)
        cells.append(f"{median(taken):,.0f} / {high:,.0f}{'' if high <= goal else ' (over)'}")
    return [*cells, f"{len(one.crises.template)}"]


HEADS = [
    "offered/s",
    "answered/s",
    "not answered",
    "template ms, median / p99 (≤ 50)",
    "desk ms (≤ 1,000)",
    "contact ms (≤ 5,000)",
    "crises",
]


def _desk_line(desks: Desks) -> str:
    return (
        f"{desks.desks} open desks over {desks.cases:,} cases: the queue's page {median(desks.page_ms):,.0f} ms (p99 {_high(desks.page_ms):,.0f}), a claim {median(desks.claim_ms):,.0f} ms "
        f"(p99 {_high(desks.claim_ms):,.0f}), a new case on the last of all desks after {median(desks.all_ms):,.0f} ms (longest {max(desks.all_ms):,.0f})."
    )


def _show(loads: Sequence[Measured], desks: Desks | None) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table(*HEADS)
    for one in loads:
        table.add_row(*_row(one))
    console.print(table)
    if desks:
        console.print(_desk_line(desks))


def _plain(loads: Sequence[Measured], desks: Desks | None) -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(), "loads": [
            {"rate": one.rate, "answered": one.answered, "failed": one.failed, "wait_ms": one.waits_ms, **{name: getattr(one.crises, name) for name in GOALS}} for one in loads
        ],
        "desks": None if desks is None else {"desks": desks.desks, "cases": desks.cases, "page_ms": desks.page_ms, "claim_ms": desks.claim_ms, "all_ms": desks.all_ms},
    }  # fmt: skip


def _markdown(loads: Sequence[Measured], desks: Desks | None) -> str:
    lines = [
        report.markdown_row(HEADS),
        report.markdown_row(["---"] * len(HEADS)),
        *(report.markdown_row(_row(one)) for one in loads),
    ]
    lines += ["", _desk_line(desks)] if desks else []
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

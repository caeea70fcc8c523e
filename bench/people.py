"""A million people: how soon is one of them registered, let in, or told that the day's limit is reached? `python -m bench.people`.

Two databases are filled with people as registration leaves them (`bench.population`), one large and one small, and the real
service runs over each. The same calls go to both in turn, one after another on a connection that is kept, so that a busy
moment meets both alike; each call is for somebody whom the service has not loaded since it started.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import Progress

from bench import people_report, procfs, report
from bench.asks import KEY
from bench.people_report import Measured, Run
from bench.population import KINDS, Kind, NotAsExpected, Pattern, app_id, fill, kind_of, patterns_in, registration
from bench.targets import FailedToStart, NotInstalled, Place, Target, start_service

SCRIPTED = "scripted"
# Not counted: the first calls open connections to the database and load what is loaded late.
WARMING = 20
# How `cn-words/locked-daily` and, at night, `cn-words/locked-night` begin.
_LOCKED = ("今天的使用时间到了", "现在是休息时间")
_WORDS = "在吗？今天的作业写完了，想和你说说学校里的事。编号"


class WrongAnswer(Exception):  # noqa: N818  told to who runs the bench
    """The service answered, but not as it should."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One kind of request, whom it is for, and what a right answer to it says."""

    name: str
    whom: frozenset[Kind]
    ask: Callable[[int], tuple[str, Mapping[str, object]]]
    is_right: Callable[[Any], bool]
    is_new: bool = False


def _registering(number: int) -> tuple[str, Mapping[str, object]]:
    return "/v1/users", registration(number, datetime.now(UTC).date())


def _signing_in(number: int) -> tuple[str, Mapping[str, object]]:
    return f"/v1/users/{app_id(number)}/login", {}


def _buying(number: int) -> tuple[str, Mapping[str, object]]:
    return "/v1/purchases/check", {"user": app_id(number), "amount": 600, "month_total": 0}


def _talking(number: int) -> tuple[str, Mapping[str, object]]:
    said = {"role": "user", "content": f"{_WORDS}{number}"}
    return "/v1/chat/completions", {"model": SCRIPTED, "user": app_id(number), "messages": [said]}


def _is_locked(answer: Any) -> bool:  # noqa: ANN401  # parsed JSON
    said: str = answer["choices"][0]["message"]["content"]
    return said.startswith(_LOCKED)


GROWN_UP, MINORS = frozenset[Kind]({"adult", "elder"}), frozenset[Kind]({"minor"})
REGISTRATION = Call(
    name="registration", whom=GROWN_UP | MINORS, ask=_registering, is_right=lambda answer: answer["registered"] is True,
    is_new=True,
)  # fmt: skip
CALLS = (
    REGISTRATION,
    Call(name="login", whom=GROWN_UP, ask=_signing_in, is_right=lambda answer: answer["registered"] is True),
    Call(name="purchase, allowed", whom=GROWN_UP, ask=_buying, is_right=lambda answer: answer["allowed"] is True),
    Call(name="purchase, a minor's", whom=MINORS, ask=_buying, is_right=lambda answer: answer["allowed"] is False),
    Call(name="chat, past the day's limit", whom=MINORS, ask=_talking, is_right=_is_locked),
)


@dataclass
class Side:
    """One database, what was measured over it, and the service that stands on it for the moment."""

    name: str
    data: Path
    measured: Measured
    target: Target | None = None
    line: http.client.HTTPConnection | None = None

    def numbers(self, call: Call, count: int) -> list[int]:
        """Whom to ask for: people new to the service, or different ones of those who are there, at random."""
        users = self.measured.users
        if call.is_new:
            return list(range(users, users + count))
        return random.sample([number for number in range(users) if kind_of(number) in call.whom], count)

    def ask(self, call: Call, number: int) -> float:
        """Milliseconds from asking to the answer's last byte; raises `WrongAnswer`."""
        assert self.line is not None
        path, document = call.ask(number)
        body = json.dumps(document, ensure_ascii=False).encode()
        since = time.perf_counter()
        self.line.request("POST", path, body, _HEADERS)
        answer = self.line.getresponse()
        read = answer.read()
        taken = (time.perf_counter() - since) * 1000
        if answer.status >= 400 or not call.is_right(json.loads(read)):
            raise WrongAnswer(f"{call.name}: POST {path} gave {answer.status} {read[:300].decode(errors='replace')}")
        return taken


_HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "X-Shouban-Client": "aware"}
Tick = Callable[[str, float], None]


def main() -> int:
    """0: measured, whatever the figures are; 1: it could not be measured."""
    given = _arguments()
    # Asked to end, we leave by the door, so that the processes we started end with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run = _run(given)
    except (WrongAnswer, NotAsExpected, FailedToStart, NotInstalled) as error:
        print(f"not measured: {error or type(error).__name__}", file=sys.stderr)
        return 1
    people_report.show(run, Console(width=None if sys.stdout.isatty() else 140))
    if given.json:
        given.json.write_text(json.dumps(people_report.to_json(run), ensure_ascii=False, indent=2), encoding="utf-8")
    if given.markdown:
        report.write_between_marks(given.markdown, "people", people_report.to_markdown(run))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.people", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000, help="in the large database")
    parser.add_argument("--beside", type=int, default=1_000, help="in the small one")
    parser.add_argument("--requests", type=int, default=300, help="of each kind, over each database")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table")
    given = parser.parse_args()
    if given.requests < 2:
        parser.error("--requests must be 2 or more")
    fewest = 2 * (given.requests + WARMING) // len(KINDS) * len(KINDS) + len(KINDS)
    if min(given.users, given.beside) < fewest:
        parser.error(
            f"--users and --beside must be {fewest:,} or more, to ask {given.requests:,} times for somebody else"
        )
    return given


def _run(given: argparse.Namespace) -> Run:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shouban-people-")))
        tick = stack.enter_context(_progress(given.users + given.beside + len(CALLS) * given.requests))
        patterns = _patterns(folder, tick)
        sides = [
            _filled("large", folder, given.users, patterns, tick),
            _filled("small", folder, given.beside, patterns, tick),
        ]
        others = [_measure(call, sides, folder, given.requests, tick) for call in CALLS]
        disk = _disk_ms(folder)
    return Run(
        at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=procfs.machine(),
        requests=given.requests,
        others_busy=sum(others) / len(others),
        disk_ms=disk,
        large=sides[0].measured,
        small=sides[1].measured,
    )


@contextmanager
def _progress(total: float) -> Iterator[Tick]:
    """Hears what is done and how much of it; shows it on a terminal only."""
    console = Console(stderr=True)
    with Progress(console=console) if console.is_terminal else nullcontext() as progress:
        task = progress.add_task("starting", total=total) if progress else None

        def tick(words: str, done: float) -> None:
            if progress and task is not None:
                progress.update(task, description=words, advance=done)

        yield tick


def _patterns(folder: Path, tick: Tick) -> dict[Kind, Pattern]:
    """One person of each kind, registered with the real service."""
    tick("registering one of each kind", 0)
    side = Side("patterns", folder / "patterns", Measured(users=0))
    numbers = {kind: KINDS.index(kind) for kind in KINDS}
    with _serving([side], folder):
        for number in numbers.values():
            side.ask(REGISTRATION, number)
    return patterns_in(side.data, numbers)


def _filled(name: str, folder: Path, users: int, patterns: Mapping[Kind, Pattern], tick: Tick) -> Side:
    side = Side(name, folder / name, Measured(users=users))
    since = time.perf_counter()
    fill(side.data, users, patterns, lambda done: tick(f"filling with {users:,} people", done))
    side.measured.fill_seconds = time.perf_counter() - since
    side.measured.database_mb = sum(file.stat().st_size for file in side.data.glob("shouban.db*")) / 1e6
    return side


def _measure(call: Call, sides: Sequence[Side], folder: Path, requests: int, tick: Tick) -> float:
    """Asks both services in turn; gives the share of the machine that other programs used meanwhile."""
    tick(call.name, 0)
    with _serving(sides, folder):
        since, used, ours = time.monotonic(), procfs.busy_seconds(), procfs.cpu_seconds(os.getpid())
        chosen = [side.numbers(call, WARMING + requests) for side in sides]
        for turn, numbers in enumerate(zip(*chosen, strict=True)):
            pairs = list(zip(sides, numbers, strict=True))
            for side, number in pairs if turn % 2 else reversed(pairs):
                taken = side.ask(call, number)
                if turn >= WARMING:
                    side.measured.taken.setdefault(call.name, []).append(taken)
            tick(call.name, turn >= WARMING)
        others = procfs.busy_seconds() - used - (procfs.cpu_seconds(os.getpid()) - ours)
        return max(others / (time.monotonic() - since) / (os.cpu_count() or 1), 0.0)


@contextmanager
def _serving(sides: Sequence[Side], folder: Path) -> Iterator[None]:
    """A service over each database, all on one core and we on the other; none has loaded anybody yet."""
    cores = procfs.cores()
    with ExitStack() as stack, procfs.pinned_to(cores[-1]):
        place = Place(stack=stack, folder=folder, upstream=0, core=cores[0], litellm_python=None)
        for side in sides:
            since = time.perf_counter()
            with procfs.pinned_to(place.core):
                side.target = start_service(place, side.name, side.data, SCRIPTED)
            side.measured.ready_seconds.append(time.perf_counter() - since)
            side.line = http.client.HTTPConnection("127.0.0.1", side.target.port, timeout=60)
            stack.callback(side.line.close)
        yield
        for side in sides:
            _note_memory(side)


def _disk_ms(folder: Path) -> float:
    """How long the disk takes to make one page last, the median of many: each commit waits for that."""
    taken = []
    with (folder / "page").open("wb", buffering=0) as file:
        for _ in range(100):
            since = time.perf_counter()
            file.write(b"\1" * 4096)
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - since) * 1000)
    return median(taken)


def _note_memory(side: Side) -> None:
    pid = side.target.pid if side.target else None
    if pid is not None:
        side.measured.memory_mb = max(side.measured.memory_mb, procfs.memory_mb(pid))
        side.measured.peak_mb = max(side.measured.peak_mb, procfs.peak_memory_mb(pid))


if __name__ == "__main__":
    sys.exit(main())

"""Measures speed and cost side by side; an example: `python -m bench --seconds 2 --markdown docs/performance.md`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import Progress

from bench import procfs, report
from bench.measures import Measured, Settings, measure
from bench.targets import STARTERS, FailedToStart, NotInstalled, Place, Target, start, start_upstream

QUICK = Settings(seconds=0.4, rounds=1, connections=8, streams=32, samples=20)


def main() -> int:
    """0: measured; 1: nothing could be measured."""
    given = _arguments()
    # Asked to end, we leave by the door, so that the processes we started end with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run = _run(_settings(given), _names(given), given.litellm_python)
    report.show(run, Console(width=None if sys.stdout.isatty() else 120))
    if given.json:
        given.json.write_text(json.dumps(report.to_json(run), ensure_ascii=False, indent=2), encoding="utf-8")
    if given.markdown:
        report.write_between_marks(given.markdown, "bench", report.to_markdown(run))
    return 0 if run.results else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds: whether it runs, not how fast it is")
    parser.add_argument("--seconds", type=_positive, default=2.0, help="of each window of load")
    parser.add_argument(
        "--rounds", type=_whole_positive, default=3, help="over all targets; figures are the middle round's"
    )
    parser.add_argument("--only", metavar="NAME,…", help=f"of {', '.join(STARTERS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table")
    found = os.environ.get("BENCH_LITELLM_PYTHON")
    parser.add_argument(
        "--litellm-python",
        type=Path,
        metavar="FILE",
        default=Path(found) if found else None,
        help="the Python of an environment that has litellm[proxy] (or BENCH_LITELLM_PYTHON)",
    )
    given = parser.parse_args()
    unknown = [name for name in (given.only or "").split(",") if name and name not in STARTERS]
    if unknown:
        parser.error(f"--only names `{unknown[0]}`; known are {', '.join(STARTERS)}")
    return given


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 60:
        raise argparse.ArgumentTypeError(f"`{text}` is not between 0 and 60")
    return value


def _whole_positive(text: str) -> int:
    return int(_positive(str(int(text))))


def _settings(given: argparse.Namespace) -> Settings:
    if given.quick:
        return QUICK
    return Settings(seconds=given.seconds, rounds=given.rounds, connections=16, streams=256, samples=600)


def _names(given: argparse.Namespace) -> list[str]:
    chosen = set(given.only.split(",")) if given.only else set(STARTERS)
    return [name for name in STARTERS if name in chosen]


def _run(settings: Settings, names: list[str], litellm_python: Path | None) -> report.Report:
    """Starts the targets on one core, measures them from another, and ends them."""
    cores = procfs.cores()
    os.sched_setaffinity(0, {cores[-1]})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shouban-bench-")))
        upstream = start_upstream(stack, folder)
        place = Place(stack=stack, folder=folder, upstream=upstream, core=cores[0], litellm_python=litellm_python)
        targets, absent = _start_all(names, place)
        since, used, ours = time.monotonic(), procfs.busy_seconds(), procfs.cpu_seconds(os.getpid())
        results = _measure(targets, settings) if targets else {}
        others = procfs.busy_seconds() - used - (procfs.cpu_seconds(os.getpid()) - ours)
        spent = (time.monotonic() - since) * (os.cpu_count() or 1)
    return report.Report(
        at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=procfs.machine(),
        settings=asdict(settings),
        others_busy=max(others / spent, 0.0),
        absent=absent,
        notes={target.name: target.note for target in targets},
        results=results,
    )


def _start_all(names: list[str], place: Place) -> tuple[list[Target], dict[str, str]]:
    """What could be started, and why the rest could not."""
    targets: list[Target] = []
    absent: dict[str, str] = {}
    for name in names:
        try:
            targets.append(start(name, place))
        except NotInstalled:
            absent[name] = "not installed: left out"
        except FailedToStart as error:
            absent[name] = f"failed: {error}"
    return targets, absent


def _measure(targets: list[Target], settings: Settings) -> dict[str, Measured]:
    console = Console(stderr=True)
    with Progress(console=console) if console.is_terminal else nullcontext() as progress:
        task = (
            progress.add_task("starting", total=len(targets) + settings.rounds * (len(targets) + 1))
            if progress
            else None
        )

        def tick(words: str) -> None:
            if progress and task is not None:
                progress.update(task, description=words, advance=1)

        return uvloop.run(measure(targets, settings, tick))


if __name__ == "__main__":
    sys.exit(main())

"""The figures of a million people: as a table for people, as JSON for machines and as Markdown for the manual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from bench.report import machine_line, markdown_row

# What each call may take, in milliseconds.
AIM = 10.0


@dataclass(kw_only=True)
class Measured:
    """One database and the service over it; `taken` is milliseconds by call. Memory is the most of all starts."""

    users: int
    fill_seconds: float = 0.0
    database_mb: float = 0.0
    ready_seconds: list[float] = field(default_factory=list)
    memory_mb: float = 0.0
    peak_mb: float = 0.0
    taken: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything one run gave."""

    at: str
    machine: Mapping[str, str | int]
    requests: int
    others_busy: float
    disk_ms: float
    large: Measured
    small: Measured


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one call over one database, in milliseconds."""

    median: float
    p95: float
    p99: float

    def named(self) -> dict[str, float]:
        return {"median": self.median, "p95": self.p95, "p99": self.p99}


def figures(taken: Sequence[float]) -> Figures:
    cuts = quantiles(taken, n=100, method="inclusive")
    return Figures(median=median(taken), p95=cuts[94], p99=cuts[98])


def missed(run: Run) -> dict[str, dict[str, float]]:
    """The figures over the large database that miss the aim, by call."""
    over = {
        call: {name: value for name, value in figures(taken).named().items() if value > AIM}
        for call, taken in run.large.taken.items()
    }
    return {call: found for call, found in over.items() if found}


def to_json(run: Run) -> dict[str, object]:
    """The whole run; every number a reader may want to look at again."""
    return {
        "at": run.at,
        "machine": dict(run.machine),
        "requests": run.requests,
        "others_busy": run.others_busy,
        "disk_ms": run.disk_ms,
        "aim_ms": AIM,
        "missed": missed(run),
        "large": _side_json(run.large),
        "small": _side_json(run.small),
    }


def _side_json(side: Measured) -> dict[str, object]:
    return {
        "users": side.users,
        "fill_seconds": side.fill_seconds,
        "database_mb": side.database_mb,
        "ready_seconds": side.ready_seconds,
        "memory_mb": side.memory_mb,
        "peak_mb": side.peak_mb,
        "figures": {call: figures(taken).named() for call, taken in side.taken.items()},
        "taken": side.taken,
    }


def to_markdown(run: Run) -> str:
    """The table and what belongs to it, as they stand in the manual."""
    header, *rows = _cells(run)
    lines = [f"{machine_line(run.machine, run.at)}.", "", markdown_row(header)]
    lines += [markdown_row(["---", *["---:"] * (len(header) - 1)]), *map(markdown_row, rows)]
    lines += ["", *(f"- {line}" for line in _remarks(run)), "", _verdict(run)]
    return "\n".join(lines) + "\n"


def show(run: Run, console: Console) -> None:
    """Prints the run."""
    header, *rows = _cells(run)
    table = Table(title=f"Milliseconds of a call, {run.requests:,} of each", caption=machine_line(run.machine, run.at))
    for place, title in enumerate(header):
        table.add_column(title, justify="right" if place else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    style = "bold red" if missed(run) else "green"
    console.print(Group(table, *(Text(f"· {line}") for line in _remarks(run)), Text(_verdict(run), style=style)))


def _cells(run: Run) -> list[list[str]]:
    large, small = f"{run.large.users:,}", f"{run.small.users:,}"
    header = ["ms", f"median, {large} people", "p95", "p99", "aim", f"median, {small} people", "p95", "p99", "ratio"]
    return [header, *(_row(run, call) for call in run.large.taken)]


def _row(run: Run, call: str) -> list[str]:
    large, small = figures(run.large.taken[call]), figures(run.small.taken[call])
    ours = [f"{value:.1f}{' !' if value > AIM else ''}" for value in large.named().values()]
    theirs = [f"{value:.1f}" for value in small.named().values()]
    return [call, *ours, f"{AIM:g}", *theirs, f"{large.median / small.median:.2f}×"]


def _remarks(run: Run) -> list[str]:
    lines = [
        f"{run.requests:,} calls of each kind, one after another on a kept connection, each for somebody not loaded before",
        "ratio: of the medians, large to small; !: misses the aim",
    ]
    lines += [_about(side) for side in (run.large, run.small)]
    lines.append(
        f"the disk takes {run.disk_ms:.1f} ms (median) to make a page last, and what is acknowledged waits for it"
    )
    if run.others_busy > 0.05:
        lines.append(f"the machine was not quiet: other programs used {run.others_busy:.0%} of it")
    return lines


def _about(side: Measured) -> str:
    return (
        f"{side.users:,} people: filled in {side.fill_seconds:,.0f} s, database {side.database_mb:,.1f} MB, service ready in "
        f"{median(side.ready_seconds):.1f} s, resident memory {side.memory_mb:.0f} MB (peak {side.peak_mb:.0f} MB)"
    )


def _verdict(run: Run) -> str:
    over = f"over {run.large.users:,} people"
    found = missed(run)
    if not found:
        return f"Every figure {over} is within {AIM:g} ms."
    said = (
        f"{call} ({', '.join(f'{name} {value:.1f}' for name, value in late.items())})" for call, late in found.items()
    )
    return f"Misses {AIM:g} ms {over}: {'; '.join(said)}."

"""What Linux says of processes and of the machine: CPU time, memory, cores."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROC = Path("/proc")
# clock_getcpuclockid(3): the CPU clock of a whole process, with its ended threads, in nanoseconds.
_PROCESS_CLOCK = 2
_BUSY_FIELDS = (1, 2, 3, 6, 7, 8)


def tree(pid: int) -> list[int]:
    """The process and everything under it."""
    parents: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            parents.setdefault(_parent(entry), []).append(int(entry.name))
    found = [pid]
    for member in found:
        found.extend(parents.get(member, []))
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of the process and of its living children."""
    return sum(_own_cpu_seconds(member) for member in tree(pid))


def peak_memory_mb(pid: int) -> float:
    """The sum of the peaks of resident memory, in MB of 1,000,000 bytes, of the process and its living children."""
    return sum(_kb(member, "VmHWM:") for member in tree(pid)) * 1024 / 1e6


def memory_mb(pid: int) -> float:
    """Resident memory of the process and its living children now, in MB of 1,000,000 bytes."""
    return sum(_kb(member, "VmRSS:") for member in tree(pid)) * 1024 / 1e6


def busy_seconds() -> float:
    """CPU time that everything on this machine has used."""
    fields = (_PROC / "stat").read_text().splitlines()[0].split()
    return sum(int(fields[place]) for place in _BUSY_FIELDS) / os.sysconf("SC_CLK_TCK")


def cores() -> list[int]:
    """The cores this process may use."""
    return sorted(os.sched_getaffinity(0))


@contextmanager
def pinned_to(core: int) -> Iterator[None]:
    """Keeps this process, and what it starts meanwhile for good, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def machine() -> dict[str, str | int]:
    """What a reader needs to compare figures with their own."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count() or 1,
        "memory_gb": round(memory / 1e9),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _parent(entry: Path) -> int:
    try:
        stat = (entry / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def _own_cpu_seconds(pid: int) -> float:
    try:
        return time.clock_gettime((~pid << 3) | _PROCESS_CLOCK)
    except OSError:  # it ended while we looked
        return 0.0


def _kb(pid: int, field: str) -> int:
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def _cpu_model() -> str:
    lines = (_PROC / "cpuinfo").read_text().splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())

"""The shell's clock: real, or set by the caller in tests.

The real one reads the system's time once and then counts by the machine's own steady clock, so that a system clock set
back or forward does not change how long a person has been here.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from shouban.core.errors import CallerError

MAX_BEHIND = timedelta(days=1)
JUMP = timedelta(seconds=5)


class RealClock:
    """Never goes back while it runs; at the start it is not behind the log's last entry, if that is less than a day ahead."""

    is_virtual = False

    def __init__(self, last_seen: datetime | None = None) -> None:
        wall = datetime.now(UTC)
        ahead = last_seen is not None and wall < last_seen <= wall + MAX_BEHIND
        self._start = last_seen if ahead and last_seen is not None else wall
        self._steady = _steady()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=_steady() - self._steady)

    def jumped(self) -> timedelta | None:
        """How far the system's clock has moved away from the steady one, if by more than five seconds."""
        moved = datetime.now(UTC) - self.now()
        return moved if abs(moved) > JUMP else None


class VirtualClock:
    """Stands still until it is told the time; for tests only."""

    is_virtual = True

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime.now(UTC)

    def now(self) -> datetime:
        return self._now

    def set(self, at: datetime) -> None:
        self._now = at


Clock = RealClock | VirtualClock


def parse_at(value: str) -> datetime:
    """The time in `X-Shouban-At`: RFC 3339 with an offset, or seconds since 1970."""
    try:
        at = datetime.fromtimestamp(float(value), UTC) if _is_number(value) else datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError) as error:
        raise CallerError(
            f"`X-Shouban-At` is `{value[:40]}`; write a time like `2026-08-01T10:00:00+08:00`", field="X-Shouban-At"
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _is_number(value: str) -> bool:
    return value.replace(".", "", 1).isdigit()


def _steady() -> float:
    # BOOTTIME counts on while the machine sleeps; a person who used it before and after has paused.
    return time.clock_gettime(time.CLOCK_BOOTTIME)

"""What happened to one person, line by line, read from the log: when, what, what was read, what was owed. No words stand there."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from shouban.core.events import TimePassed, readings_of
from shouban.db.schema import LOG_ENTRIES
from shouban.evidence.books import KEPT
from shouban.evidence.log import Acted, Decided, decode_entry

MOST_SHOWN: Final = 200


class Line(NamedTuple):
    """`leaf` is the entry's place in the log: its number, by which a restriction or an inspector may name it."""

    at: datetime
    what: str
    read: list[str]
    owed: list[str]
    leaf: int


def entries_of(connection: Connection, service: str, person: str) -> list[Line]:
    """The newest of a person's entries, oldest first; timers that only ran out are left out."""
    asked = (
        select(LOG_ENTRIES.c.leaf_index, LOG_ENTRIES.c.leaf).where(LOG_ENTRIES.c.service_id == service, LOG_ENTRIES.c.person_id == person)
        .order_by(LOG_ENTRIES.c.leaf_index.desc()).limit(MOST_SHOWN)
    )  # fmt: skip
    found = [(decode_entry(bytes(leaf), index), index) for index, leaf in connection.execute(asked)]
    return [line for entry, index in reversed(found) if (line := _line(entry, index)) is not None]


def _line(entry: Decided | Acted, leaf: int) -> Line | None:
    if isinstance(entry, Acted):
        if entry.act == KEPT:  # beside the entry that says what was done
            return None
        return Line(entry.at, entry.act, [], [], leaf)
    owed = sorted({type(one).__name__ for one in entry.owed} - {"Allow", "WakeAt"})
    if isinstance(entry.event, TimePassed) and not owed:
        return None
    levels = [
        f"{one.signal} {one.level if one.level == 'unknown' else int(one.level)}" for one in readings_of(entry.event)
    ]
    read = list(dict.fromkeys(levels))
    return Line(entry.event.at, type(entry.event).__name__, read, owed, leaf)

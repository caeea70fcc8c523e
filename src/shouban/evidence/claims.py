"""What the log says of the records beside it, laid out to be looked up: in a file of its own on disk, not in memory.

Entries are noted in their order. Each record found to be as the log says is crossed off; what is left is missing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from shouban.core.events import DutyDone, DutyFailed, TimePassed
from shouban.core.obligations import Allow, AnyObligation, HoldRecords, Obligation, WakeAt
from shouban.evidence.log import Acted, Decided, Entry, microseconds

TABLES: Final = """
CREATE TABLE owed (duty TEXT PRIMARY KEY, entry, service, person, session, at_us, body, timer, how, seen DEFAULT 0) WITHOUT ROWID;
CREATE TABLE holds (duty TEXT PRIMARY KEY, entry) WITHOUT ROWID;
CREATE TABLE timers (service, person, key, entry, PRIMARY KEY (service, person, key)) WITHOUT ROWID;
CREATE TABLE passed (service, person, key, at_us, PRIMARY KEY (service, person, key, at_us)) WITHOUT ROWID;
CREATE TABLE ended (duty TEXT PRIMARY KEY, state, at_us, how, attempts, failed_us) WITHOUT ROWID;
CREATE TABLE spoken (service, person, turn, entry, text, at_us, session, PRIMARY KEY (service, person, turn)) WITHOUT ROWID;
CREATE TABLE persons (service, person, entry, state, version, seen DEFAULT 0, PRIMARY KEY (service, person)) WITHOUT ROWID;
CREATE TABLE erased (service, person, whole, messages, PRIMARY KEY (service, person)) WITHOUT ROWID;
CREATE TABLE kept (book, name, service, person, entry, digest, PRIMARY KEY (book, name)) WITHOUT ROWID;
"""
NOTES: Final[dict[str, str]] = {
    "owed": "INSERT OR IGNORE INTO owed (duty, entry, service, person, session, at_us, body, timer, how) VALUES (?,?,?,?,?,?,?,?,?)",
    "holds": "INSERT OR IGNORE INTO holds VALUES (?,?)",
    "timers": "INSERT OR REPLACE INTO timers VALUES (?,?,?,?)",
    "passed": "INSERT OR IGNORE INTO passed VALUES (?,?,?,?)",
    # A duty that is done stays done, unless it is told to have failed after all: as in the ledger itself.
    "ended": "INSERT INTO ended VALUES (?,?,?,?,?,?) ON CONFLICT (duty) DO UPDATE SET state = excluded.state, at_us = excluded.at_us, "
    "how = excluded.how, attempts = coalesce(excluded.attempts, attempts), failed_us = coalesce(excluded.failed_us, failed_us) "
    "WHERE ended.state = 'owed' OR excluded.attempts IS NOT NULL",
    "spoken": "INSERT OR IGNORE INTO spoken VALUES (?,?,?,?,?,?,?)",
    "persons": "INSERT INTO persons (service, person, entry, state, version) VALUES (?,?,?,?,1) "
    "ON CONFLICT (service, person) DO UPDATE SET entry = excluded.entry, state = excluded.state, version = version + 1",
    "kept": "INSERT OR REPLACE INTO kept VALUES (?,?,?,?,?,?)",
    "erased": "INSERT INTO erased VALUES (?,?,?,?) ON CONFLICT (service, person) DO UPDATE SET "
    "whole = max(whole, excluded.whole), messages = messages + excluded.messages",
}
PAGE: Final = 2000

_OWED = msgspec.json.Decoder(AnyObligation)


class Owed(NamedTuple):
    """A duty as the log owes it. `how`: the decision itself carried its notices out that way."""

    duty: str
    entry: int
    service: str
    person: str
    session: str
    at_us: int
    body: bytes
    how: str

    @property
    def obligation(self) -> Obligation:
        owed: Obligation = _OWED.decode(self.body)
        return owed


class Ended(NamedTuple):
    """What the log says became of a duty: `state` is the ledger's word; still `owed` after an attempt that failed."""

    state: str
    at_us: int
    how: str
    attempts: int
    failed_us: int


class Spoken(NamedTuple):
    entry: int
    text: str
    at_us: int
    session: str


class Newest(NamedTuple):
    """The newest decision on a person, the digest of the state it left, and how many decisions there were."""

    entry: int
    state: str
    version: int


class Claims:
    """Filled by `note`, then asked."""

    def __init__(self) -> None:
        # An empty name is SQLite's private file on disk: bounded memory, gone when closed.
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.executescript(TABLES)
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute("BEGIN")
        self._waiting: dict[str, list[tuple[Any, ...]]] = {name: [] for name in NOTES}
        self._count = 0

    def close(self) -> None:
        self._file.close()

    # --- filling

    def note(self, index: int, entry: Entry, data: bytes) -> None:
        """The entry, and the bytes it was read from: what is owed stands in the ledger as it stands there."""
        if isinstance(entry, Decided):
            self._note_decision(index, entry, data)
        else:
            self._note_act(index, entry)
        self._count += 1
        if self._count % PAGE == 0:
            self.flush()

    def flush(self) -> None:
        """Puts down what waits, a table at a time: no table's notes depend on another's."""
        for name, rows in self._waiting.items():
            self._file.executemany(NOTES[name], rows)
            rows.clear()

    def _note_decision(self, index: int, entry: Decided, data: bytes) -> None:
        event, waiting, at_us = entry.event, self._waiting, microseconds(entry.event.at)
        person = (entry.service, event.person)
        waiting["persons"].append((*person, index, entry.state))
        if entry.text:
            turn = getattr(event, "turn", "") or f"of entry {index}"
            waiting["spoken"].append((*person, turn, index, entry.text, at_us, event.session))
        if isinstance(event, TimePassed):
            waiting["passed"].append((*person, event.key, at_us))
        elif isinstance(event, DutyDone):
            waiting["ended"].append((event.duty, "done", at_us, event.how, None, None))
        elif isinstance(event, DutyFailed):
            waiting["ended"].append(
                (event.duty, "failed" if event.final else "owed", at_us, event.why, event.attempts, at_us)
            )
        for duty, (owed, body) in zip(entry.duties, _bodies(entry, data), strict=False):
            timer = owed.key if isinstance(owed, WakeAt) else None
            waiting["owed"].append((duty, index, *person, event.session, at_us, body, timer, entry.done))
            if timer is not None:
                waiting["timers"].append((*person, timer, index))
            if isinstance(owed, HoldRecords):
                waiting["holds"].append((duty, index))

    def _note_act(self, index: int, entry: Acted) -> None:
        at_us, facts = microseconds(entry.at), entry.facts
        if entry.act == "kept":
            row = (str(facts.get("table")), str(facts.get("row")))
            self._waiting["kept"].append((*row, entry.service, entry.person, index, str(facts.get("digest"))))
        if entry.act == "erased":
            rows = entry.facts.get("rows", {})
            self._waiting["erased"].append(
                (entry.service, entry.person, int(entry.facts.get("scope") == "all"), rows.get("messages", 0))
            )
        for duty in entry.facts.get("duties", ()):
            self._waiting["ended"].append((duty, "done", at_us, entry.facts.get("how", entry.act), None, None))

    # --- asking

    def owed(self, duty: object) -> Owed | None:
        """What the log owes under this id."""
        row = self._one("SELECT duty, entry, service, person, session, at_us, body, how FROM owed WHERE duty = ?", duty)
        return Owed(*row) if row else None

    def cross_off_duty(self, duty: str) -> None:
        self._file.execute("UPDATE owed SET seen = 1 WHERE duty = ?", (duty,))

    def cross_off_hold(self, duty: str) -> None:
        self._file.execute("DELETE FROM holds WHERE duty = ?", (duty,))

    def ended(self, duty: str) -> Ended | None:
        row = self._one(
            "SELECT state, at_us, how, coalesce(attempts, 0), coalesce(failed_us, 0) FROM ended WHERE duty = ?", duty
        )
        return Ended(*row) if row else None

    def has_passed(self, owed: Owed, timer: WakeAt) -> bool:
        """Whether the timer ran out, at its time."""
        found = self._one(
            "SELECT 1 FROM passed WHERE service = ? AND person = ? AND key = ? AND at_us = ?",
            owed.service,
            owed.person,
            timer.key,
            microseconds(timer.wake_at),
        )
        return found is not None

    def is_erased(self, service: object, person: object) -> bool:
        found = self._one("SELECT whole FROM erased WHERE service = ? AND person = ?", service, person)
        return found is not None and bool(found[0])

    def spoken(self, service: object, person: object, turn: object) -> Spoken | None:
        """What the log says was said, crossed off."""
        row = self._one(
            "SELECT entry, text, at_us, session FROM spoken WHERE service = ? AND person = ? AND turn = ?",
            service,
            person,
            turn,
        )
        if row is None:
            return None
        self._file.execute("DELETE FROM spoken WHERE service = ? AND person = ? AND turn = ?", (service, person, turn))
        return Spoken(*row)

    def newest(self, service: object, person: object) -> Newest | None:
        row = self._one("SELECT entry, state, version FROM persons WHERE service = ? AND person = ?", service, person)
        if row is None:
            return None
        self._file.execute("UPDATE persons SET seen = 1 WHERE service = ? AND person = ?", (service, person))
        return Newest(*row)

    def kept(self, book: str, name: str) -> tuple[int, str] | None:
        """The newest entry about a row of an office's book, and its digest; crossed off."""
        row = self._one("SELECT entry, digest FROM kept WHERE book = ? AND name = ?", book, name)
        if row is None:
            return None
        self._file.execute("DELETE FROM kept WHERE book = ? AND name = ?", (book, name))
        return int(row[0]), str(row[1])

    # --- what was not crossed off

    def kept_left(self, book: str) -> Iterator[tuple[str, int]]:
        """Rows that are gone, but for those of persons who were erased."""
        yield from self._file.execute(
            "SELECT name, entry FROM kept LEFT JOIN erased USING (service, person) WHERE book = ? AND coalesce(whole, 0) = 0 ORDER BY entry",
            (book,),
        )

    def duties_left(self) -> Iterator[tuple[str, int]]:
        """Duties of no row, with their entry; a timer that a later one of its key replaced is none."""
        yield from self._file.execute(
            "SELECT duty, owed.entry FROM owed LEFT JOIN timers ON timers.service = owed.service AND timers.person = owed.person AND key = timer "
            "WHERE seen = 0 AND (timer IS NULL OR timers.entry <= owed.entry) ORDER BY owed.entry"
        )

    def holds_left(self) -> Iterator[tuple[str, int]]:
        yield from self._file.execute("SELECT duty, entry FROM holds ORDER BY entry")

    def endings_of_nothing(self) -> Iterator[tuple[str]]:
        """Duties that the log says were ended, and that nothing in it owes."""
        yield from self._file.execute(
            "SELECT ended.duty FROM ended LEFT JOIN owed USING (duty) WHERE owed.duty IS NULL"
        )

    def persons_left(self) -> Iterator[tuple[str, str, int]]:
        """Persons with decisions and no state, who were not erased."""
        yield from self._file.execute(
            "SELECT persons.service, persons.person, entry FROM persons LEFT JOIN erased USING (service, person) "
            "WHERE seen = 0 AND coalesce(whole, 0) = 0"
        )

    def words_left(self) -> Iterator[tuple[str, str, int, int, int]]:
        """By person not erased: how many messages are gone, how many were erased, and the first entry of one that is gone."""
        yield from self._file.execute(
            "SELECT service, person, gone, coalesce(messages, 0), first FROM "
            "(SELECT service, person, count(*) AS gone, min(entry) AS first FROM spoken GROUP BY service, person) "
            "LEFT JOIN erased USING (service, person) WHERE coalesce(whole, 0) = 0 AND gone <> coalesce(messages, 0)"
        )

    def _one(self, query: str, *values: object) -> Any:  # noqa: ANN401  # a row of whatever was asked for
        # What a damaged row holds in place of an id is asked for as it is, and not found.
        safe = [value if isinstance(value, int | str | bytes | None) else repr(value) for value in values]
        try:
            return self._file.execute(query, safe).fetchone()
        except (UnicodeEncodeError, OverflowError):
            return None


class _Bodies(msgspec.Struct):
    owed: tuple[msgspec.Raw, ...] = ()


_BODIES = msgspec.json.Decoder(_Bodies)


def _bodies(entry: Decided, data: bytes) -> list[tuple[Obligation, bytes]]:
    if not entry.duties:
        return []
    return [
        (one, bytes(body))
        for one, body in zip(entry.owed, _BODIES.decode(data).owed, strict=True)
        if not isinstance(one, Allow)
    ]


def duties_in(entry: Decided) -> Sequence[Obligation]:
    """What of `owed` is a duty, in the order of `duties`: to allow is none."""
    return [one for one in entry.owed if not isinstance(one, Allow)]

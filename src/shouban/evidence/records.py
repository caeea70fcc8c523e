"""The records of people held against the log: keys, persons, states, messages and pushes, each opened and compared.

Every sealed value opens with its person's key, or the person was erased and the log says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Table, and_

from shouban.core.errors import EvidenceError
from shouban.db.keys import MasterKey, PersonKey, row_name
from shouban.db.reading import raw, raw_rows
from shouban.db.schema import MESSAGES, PERSON_KEYS, PERSONS, PUSHES, STATES
from shouban.evidence.claims import Claims
from shouban.evidence.report import Check

_BODY: Final = msgspec.json.Decoder(dict[str, Any])

# Looks at one row and blames what does not hold. What the log claims is crossed off first: a row that does not open is there.
RowCheck = Callable[[Row[Any], str, Check], None]


def check_records(connection: Connection, master: MasterKey, claims: Claims) -> Iterator[Check]:
    """One check a table."""
    records = _Records(connection, master, claims)
    yield records.keys()
    yield records.each(PERSONS, records.person)
    yield records.states()
    yield records.messages()
    yield records.each(PUSHES, records.push)


class _Records:
    """What the checks share."""

    def __init__(self, connection: Connection, master: MasterKey, claims: Claims) -> None:
        self._connection = connection
        self._master = master
        self._claims = claims
        self._last: tuple[Any, PersonKey] | None = None

    def keys(self) -> Check:
        """Each key opens with the master key, and is somebody's."""
        check = Check(str(PERSON_KEYS.name))
        owner = and_(PERSONS.c.service_id == PERSON_KEYS.c.service_id, PERSONS.c.person_id == PERSON_KEYS.c.person_id)
        query = raw(*PERSON_KEYS.c, PERSONS.c.lookup).select_from(PERSON_KEYS.outerjoin(PERSONS, owner))
        with check.guarding(PERSON_KEYS.name):
            for row in raw_rows(self._connection, query):
                check.looked += 1
                place = _place(PERSON_KEYS, row)
                with check.guarding(place):
                    self._unwrap(row)
                    if row.lookup is None:
                        check.blame(place, "is the key of nobody in `persons`")
        return check

    def states(self) -> Check:
        check = self.each(STATES, self.state)
        for service, person, entry in self._claims.persons_left():
            check.blame(
                f"states {service}/{person}",
                f"is missing; entry {entry} decided on this person, and no erasure is in the log",
            )
        return check

    def messages(self) -> Check:
        check = self.each(MESSAGES, self.message)
        for service, person, gone, erased, first in self._claims.words_left():
            check.blame(
                f"messages {service}/{person}",
                f"{gone} messages of the log are missing, the first of entry {first}; {erased} were erased by request",
            )
        return check

    def each(self, table: Table, look: RowCheck) -> Check:
        """`look` at every row of the table, person by person."""
        check = Check(str(table.name))
        key = and_(PERSON_KEYS.c.service_id == table.c.service_id, PERSON_KEYS.c.person_id == table.c.person_id)
        query = raw(*table.c, PERSON_KEYS.c.wrapped).select_from(table.outerjoin(PERSON_KEYS, key))
        with check.guarding(table.name):
            for row in raw_rows(self._connection, query.order_by(table.c.service_id, table.c.person_id)):
                check.looked += 1
                place = _place(table, row)
                with check.guarding(place):
                    look(row, place, check)
        return check

    # --- one row each

    def person(self, row: Row[Any], place: str, check: Check) -> None:
        profile = _decoded(_opened(row, self._key_of(row), PERSONS, row.person_id))
        if row.lookup != self._master.lookup(row.service_id, str(profile.get("id"))):
            check.blame(place, "`lookup` does not lead from the app's id to this person")
        if row.created_us != profile.get("created_us"):
            check.blame(place, "`created_us` is not what the profile says")

    def state(self, row: Row[Any], place: str, check: Check) -> None:
        newest = self._claims.newest(row.service_id, row.person_id)
        digest = sha256(_opened(row, self._key_of(row), STATES, row.person_id)).hexdigest()[:32]
        if newest is None:
            check.blame(place, "is the state of a person on whom no entry decided")
            return
        if digest != newest.state:
            check.blame(place, f"is not the state that entry {newest.entry} left")
        if row.version != newest.version:
            check.blame(place, f"`version` is {row.version}; the log has {newest.version} decisions on this person")

    def message(self, row: Row[Any], place: str, check: Check) -> None:
        spoken = self._claims.spoken(row.service_id, row.person_id, row.message_id)
        key = self._key_of(row)
        body = _decoded(_opened(row, key, MESSAGES, row.message_id))
        text = str(body.get("text")).encode("utf-8", "surrogatepass")
        if spoken is None:
            check.blame(place, "no entry of the log is about this message")
            return
        said = {
            "sealed": (key.digest(text).hex(), spoken.text), "at_us": (row.at_us, spoken.at_us), "session_id": (row.session_id, spoken.session),
            "session": (key.session_name(str(body.get("session"))), spoken.session), "fingerprint": (row.fingerprint, key.fingerprint(_printable(row.role), text)),
        }  # fmt: skip
        for column, (found, expected) in said.items():
            if found != expected:
                check.blame(place, f"`{column}` is not what entry {spoken.entry} and the text say")

    def push(self, row: Row[Any], _place: str, _check: Check) -> None:
        """The plain columns are bound to the sealed one: opening it proves them too."""
        _decoded(_opened(row, self._key_of(row), PUSHES, row_name(row.push_id, row.session_id, row.kind, row.at_us)))

    # --- keys

    def _key_of(self, row: Row[Any]) -> PersonKey:
        if row.wrapped is None:
            erased = self._claims.is_erased(row.service_id, row.person_id)
            raise EvidenceError(
                "this person was erased, and yet the row is there" if erased else "there is no key for it"
            )
        return self._unwrap(row)

    def _unwrap(self, row: Row[Any]) -> PersonKey:
        whose = (row.service_id, row.person_id, row.wrapped)
        if self._last is None or self._last[0] != whose:
            if not all(isinstance(value, str) for value in whose[:2]) or not isinstance(row.wrapped, bytes):
                raise EvidenceError("the person's key is damaged")
            self._last = (whose, self._master.unwrap(row.wrapped, row.service_id, row.person_id))
        return self._last[1]


def _opened(row: Row[Any], key: PersonKey, table: Table, name: object) -> bytes:
    if not isinstance(row.sealed, bytes):
        raise EvidenceError("the sealed value is not bytes")
    try:
        return key.open(row.sealed, row.service_id, table.name, "sealed", str(name))
    except UnicodeEncodeError as error:
        raise EvidenceError("the row's own name is damaged") from error


def _printable(value: object) -> str:
    return str(value).encode("utf-8", "backslashreplace").decode()


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        return _BODY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EvidenceError(f"what is sealed is not in a form we know ({error})") from error


def _place(table: Table, row: Row[Any]) -> str:
    """`messages SERVICE/PERSON/MESSAGE`: the table and the row's own name."""
    last = [getattr(row, name) for name in ("message_id", "push_id") if name in table.c]
    return f"{table.name} {'/'.join(map(str, (row.service_id, row.person_id, *last)))}"

"""A new master key: every person's key is wrapped anew, every blind index made anew. What the persons' keys have sealed stays as it is.

ISO/IEC 27001 A.8.24 and register row D066 ask for keys that can be changed. It is one transaction: all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, bindparam, select, tuple_, update

from shouban.core.errors import OperatorError
from shouban.db.keys import MasterKey
from shouban.db.schema import META, PERSON_KEYS, PERSONS

PAGE: Final = 1_000
# The key that is to be the master key once the transaction has gone through; a process that ended between the two finds it here.
NEXT_FILE: Final = Path("keys/master.next")

_WRAPPED = (
    update(PERSON_KEYS)
    .where(PERSON_KEYS.c.service_id == bindparam("of_service"), PERSON_KEYS.c.person_id == bindparam("of_person"))
    .values(wrapped=bindparam("fresh"))
)
_LOOKUP = (
    update(PERSONS)
    .where(PERSONS.c.service_id == bindparam("of_service"), PERSONS.c.person_id == bindparam("of_person"))
    .values(lookup=bindparam("fresh"))
)


def rewrap_people(connection: Connection, old: MasterKey, new: MasterKey, step: Callable[[int], None]) -> int:
    """Gives how many. Raises what opening with `old` raises: a row that does not open is not thrown away."""
    count, after = 0, ("", "")
    place = tuple_(PERSON_KEYS.c.service_id, PERSON_KEYS.c.person_id)
    owner = (PERSON_KEYS.c.service_id == PERSONS.c.service_id) & (PERSON_KEYS.c.person_id == PERSONS.c.person_id)
    asked = select(PERSON_KEYS, PERSONS.c.sealed).outerjoin(PERSONS, owner).order_by(*place.clauses).limit(PAGE)
    while rows := connection.execute(asked.where(place > after)).all():
        wrapped, lookups = [], []
        for row in rows:
            key = old.unwrap(bytes(row.wrapped), row.service_id, row.person_id)
            mine = {"of_service": row.service_id, "of_person": row.person_id}
            wrapped.append({**mine, "fresh": new.wrap(key, row.service_id, row.person_id)})
            if row.sealed is not None:
                opened = key.open(bytes(row.sealed), row.service_id, "persons", "sealed", row.person_id)
                profile: dict[str, Any] = msgspec.json.decode(opened)
                lookups.append({**mine, "fresh": new.lookup(row.service_id, profile["id"])})
        connection.execute(_WRAPPED, wrapped)
        if lookups:
            connection.execute(_LOOKUP, lookups)
        count, after = count + len(rows), (rows[-1].service_id, rows[-1].person_id)
        step(len(rows))
    return count


def change_mark(connection: Connection, old: MasterKey, new: MasterKey) -> None:
    """What the database remembers of its master key. Raises `OperatorError` where `old` is not that key."""
    mine = (META.c.key == "master") & (META.c.value == old.check_value())
    if connection.execute(update(META).where(mine).values(value=new.check_value())).rowcount != 1:
        raise OperatorError("the master key is not the one this database was made with; give the right one first")

from __future__ import annotations

import pytest

from shouban.core.errors import EvidenceError, OperatorError
from shouban.db.engine import connect, migrate
from shouban.db.keys import MasterKey
from shouban.db.rotation import change_mark, rewrap_people
from shouban.db.schema import META, PERSON_KEYS, PERSONS

OLD, NEW, OTHER = (MasterKey(byte * 32) for byte in (b"o", b"n", b"x"))


def test_more_than_a_page_of_people_and_none_twice(database_url: str) -> None:
    engine = connect(database_url)
    migrate(engine)
    keys = {f"p{place:05d}": OLD.new_person() for place in range(2_345)}
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(META.insert(), [{"key": "master", "value": OLD.check_value()}])
        rows = [
            {"service_id": "s", "person_id": one, "lookup": OLD.lookup("s", one), "created_us": 0, "sealed": key.seal(f'{{"id":"{one}"}}'.encode(), "s", "persons", "sealed", one)}
            for one, key in keys.items()
        ]  # fmt: skip
        connection.execute(PERSONS.insert(), rows)
        connection.execute(
            PERSON_KEYS.insert(),
            [{"service_id": "s", "person_id": one, "wrapped": OLD.wrap(key, "s", one)} for one, key in keys.items()],
        )
    steps: list[int] = []
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        with pytest.raises(OperatorError):
            change_mark(connection, OTHER, NEW)
        with pytest.raises(EvidenceError):
            rewrap_people(connection, OTHER, NEW, steps.append)
        change_mark(connection, OLD, NEW)
        assert rewrap_people(connection, OLD, NEW, steps.append) == len(keys)
    assert sum(steps) == len(keys)
    with engine.connect() as connection:
        for row in connection.execute(PERSON_KEYS.select()):
            assert NEW.unwrap(bytes(row.wrapped), "s", row.person_id).raw == keys[row.person_id].raw
        found = {row.person_id: row.lookup for row in connection.execute(PERSONS.select())}
        assert found == {one: NEW.lookup("s", one) for one in keys}
    engine.dispose()

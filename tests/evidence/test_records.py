"""Each record of a person opens with that person's key and is what the log says; what does not is named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update
from tests.core.histories import START
from tests.evidence.service import SERVICE, SmallService

from shouban.core import events as e
from shouban.db.schema import MESSAGES, PERSON_KEYS, PERSONS, PUSHES
from shouban.evidence.report import Problem


@pytest.fixture
def service(tmp_path: Path) -> SmallService:
    return SmallService(tmp_path)


def lived(service: SmallService) -> None:
    for name in ("a", "b"):
        service.live(name, [e.UserSpoke(at=START + timedelta(minutes=n), session="s") for n in range(4)])


def problems(service: SmallService) -> list[Problem]:
    return service.report().problems()


def test_a_messages_text_is_the_one_the_log_has_the_digest_of(service: SmallService) -> None:
    """Even who holds the keys cannot put other words in anybody's mouth."""
    with service:
        lived(service)
        person = service.loop.run(service.road.find(SERVICE, "a"))
        assert person is not None
        with service.store.engine.connect().execution_options(write=True) as connection, connection.begin():
            row = connection.execute(MESSAGES.select().where(MESSAGES.c.person_id == person.id)).first()
            assert row is not None
            body = person.open(row.sealed, "messages", "sealed", row.message_id).replace("第".encode(), "其".encode())
            sealed = person.seal(body, "messages", "sealed", row.message_id)
            connection.execute(update(MESSAGES).where(MESSAGES.c.message_id == row.message_id).values(sealed=sealed))
        assert {problem.what.split()[0] for problem in problems(service)} == {"`sealed`", "`fingerprint`"}


def test_a_destroyed_key_without_an_erasure_in_the_log_is_found(service: SmallService) -> None:
    with service:
        lived(service)
        person = service.loop.run(service.road.find(SERVICE, "a"))
        assert person is not None
        with service.store.engine.connect().execution_options(write=True) as connection, connection.begin():
            connection.execute(delete(PERSON_KEYS).where(PERSON_KEYS.c.person_id == person.id))
        found = problems(service)
        assert all(person.id in problem.place and problem.what == "there is no key for it" for problem in found)
        assert {problem.place.split()[0] for problem in found} == {"persons", "states", "messages", "pushes"}


def test_a_row_left_of_a_person_who_was_erased_is_found(service: SmallService) -> None:
    with service:
        lived(service)
        with service.store.engine.connect() as connection:
            row = connection.execute(PERSONS.select()).mappings().first()
            assert row is not None
        service.erase("a")
        service.erase("b")
        with service.store.engine.connect().execution_options(write=True) as connection, connection.begin():
            connection.execute(PERSONS.insert().values(**row))
        assert [problem.what for problem in problems(service)] == ["this person was erased, and yet the row is there"]


def test_a_key_of_nobody_is_found(service: SmallService) -> None:
    with service:
        lived(service)
        key = service.store.master.new_person()
        wrapped = service.store.master.wrap(key, SERVICE, "nobody")
        with service.store.engine.connect().execution_options(write=True) as connection, connection.begin():
            connection.execute(PERSON_KEYS.insert().values(service_id=SERVICE, person_id="nobody", wrapped=wrapped))
        assert [problem.place for problem in problems(service)] == [f"person_keys {SERVICE}/nobody"]


def test_a_push_cannot_change_its_kind_its_time_or_its_talk(service: SmallService) -> None:
    with service:
        lived(service)
        for values in ({"kind": "other"}, {"at_us": 1}, {"session_id": "other"}):
            with service.store.engine.connect().execution_options(write=True) as connection:
                turn = connection.begin()
                connection.execute(update(PUSHES).values(**values))
                turn.commit()
            assert all(problem.place.startswith("pushes ") for problem in problems(service))
            assert problems(service)

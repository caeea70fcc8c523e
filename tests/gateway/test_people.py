"""The people in the process: found, made, loaded, forgotten; the database has all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateway.serving import Served, fresh, serving, settings_for

from shouban.app import Store, open_store
from shouban.core.errors import CallerError, ConflictError, EvidenceError
from shouban.core.state import PersonState
from shouban.db.engine import connect
from shouban.db.schema import METADATA, STATES
from shouban.gateway.people import MAX_HELD, People, open_json, require
from shouban.settings import Settings


@pytest.fixture
def store(tmp_path: Path, database_url: str) -> Iterator[Store]:
    found = open_store(Settings(data=str(tmp_path), database=database_url), {})
    yield found
    found.close()


def people_of(store: Store) -> People:
    return People(store.engine, store.writer, store.master)


def test_who_was_made_is_found_again_by_another_process(store: Store) -> None:
    async def journey() -> None:
        made = await people_of(store).make("s", "ann", {"nickname": "安"}, now_us=1)
        found = await people_of(store).find("s", "ann")
        assert found is not None
        assert (found.id, found.profile["nickname"], found.state, found.version) == (made.id, "安", PersonState(), 0)
        assert found.key.raw == made.key.raw
        by_id = await people_of(store).by_id("s", made.id)
        assert by_id is not None
        assert by_id.app_id == "ann"

    asyncio.run(journey())


def test_nobody_is_found_under_another_service_or_name(store: Store) -> None:
    async def journey() -> None:
        people = people_of(store)
        made = await people.make("s", "ann", {}, now_us=1)
        assert await people.find("t", "ann") is None
        assert await people.find("s", "bob") is None
        assert await people.by_id("t", made.id) is None
        assert await people.by_id("s", "nobody") is None

    asyncio.run(journey())


def test_of_two_who_make_one_person_at_once_one_is_told(store: Store) -> None:
    async def journey() -> None:
        one, other = people_of(store), people_of(store)
        made = await asyncio.gather(
            one.make("s", "ann", {}, now_us=1), other.make("s", "ann", {}, now_us=1), return_exceptions=True
        )
        assert sorted(isinstance(result, ConflictError) for result in made) == [False, True]
        first, second = await one.find("s", "ann"), await other.find("s", "ann")
        assert first is not None
        assert second is not None
        assert first.id == second.id

    asyncio.run(journey())


def test_one_process_has_one_object_of_a_person(store: Store) -> None:
    async def journey() -> None:
        await people_of(store).make("s", "ann", {}, now_us=1)
        people = people_of(store)
        found = await asyncio.gather(*(people.find("s", "ann") for _ in range(10)))
        assert len({id(one) for one in found}) == 1
        known = found[0]
        assert known is not None
        assert await people.by_id("s", known.id) is known
        people.forget(known)
        assert await people.find("s", "ann") is not known

    asyncio.run(journey())


def test_two_who_change_a_profile_at_once_both_hold(database_url: str, tmp_path: Path) -> None:
    """Each remembers the profile as it was before the other's change."""
    store = open_store(Settings(data=str(tmp_path), database=database_url), {})

    async def journey() -> None:
        one, other = people_of(store), people_of(store)
        first = await one.make("s", "ann", {}, now_us=1)
        second = await other.find("s", "ann")
        assert second is not None
        await asyncio.gather(
            one.change_profile(first, lambda held: {**held, "nickname": "安安"}),
            other.change_profile(second, lambda held: {**held, "language": "en"}),
        )
        found = await people_of(store).find("s", "ann")
        assert found is not None
        assert (found.profile["nickname"], found.profile["language"]) == ("安安", "en")

    asyncio.run(journey())
    store.close()


def test_a_profile_that_is_saved_is_there_for_all(store: Store) -> None:
    async def journey() -> None:
        people = people_of(store)
        person = await people.make("s", "ann", {}, now_us=1)
        await people.change_profile(person, lambda held: {**held, "nickname": "安安"})
        found = await people_of(store).find("s", "ann")
        assert found is not None
        assert found.profile["nickname"] == "安安"

    asyncio.run(journey())


def test_ids_of_any_script_and_length_are_ids(store: Store) -> None:
    async def journey() -> None:
        people = people_of(store)
        for app_id in ("用户一", "a/b?c=d&e", "' OR 1=1 --", "\u0000", "é" * 256, " "):
            made = await people.make("s", app_id, {}, now_us=1)
            found = await people_of(store).find("s", app_id)
            assert found is not None
            assert (found.id, found.app_id) == (made.id, app_id)

    asyncio.run(journey())


def test_a_talks_pseudonym_names_nobody_and_is_each_persons_own(store: Store) -> None:
    async def journey() -> None:
        people = people_of(store)
        ann, bob = await people.make("s", "ann", {}, now_us=1), await people.make("s", "bob", {}, now_us=1)
        assert ann.session("wang-fang-phone") == ann.session("wang-fang-phone")
        assert ann.session("wang-fang-phone") != bob.session("wang-fang-phone")
        assert "wang" not in ann.session("wang-fang-phone")
        assert ann.fingerprint("user", "你好") != bob.fingerprint("user", "你好")
        assert ann.fingerprint("user", "你好") != ann.fingerprint("companion", "你好")

    asyncio.run(journey())


def test_a_damaged_row_is_told_as_such_and_not_taken(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    user = fresh()
    with serving(settings) as served:
        served.chat("你好", user=user)
        person = served.person_id(user)
    engine = connect(f"sqlite:///{tmp_path / 'shouban.db'}")
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(STATES.update().where(STATES.c.person_id == person).values(sealed=b"\x01" + b"x" * 60))
    engine.dispose()
    with serving(settings) as served:
        reply = served.chat("你好", user=user)
        assert reply.status == 503
        assert "does not open" in (reply.error or {})["message"]
        assert served.chat("你好").status == 200


def test_no_table_holds_a_name_or_a_word_in_the_clear(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path)) as served:
        user = fresh("zhangsan")
        served.register(
            user, contacts=[{"kind": "guardian", "name": "李四光", "channels": ["tel:13900001111"]}], nickname="小明明"
        )
        served.chat("一句很私密的话", user=user, session="secret-session", companion="xiaohe")
        served.post(f"/v1/users/{user}/exit", {"session": "secret-session"})
        with served.engine.connect() as connection:
            raw = b"".join(
                repr(tuple(row)).encode() + b"".join(bytes(value) for value in row if isinstance(value, bytes))
                for table in METADATA.tables.values()
                for row in connection.execute(table.select())
            )
    for secret in (user, "李四光", "13900001111", "小明明", "一句很私密的话", "secret-session"):
        assert secret.encode() not in raw, secret
    for file in tmp_path.rglob("shouban.db*"):
        assert "一句很私密的话".encode() not in file.read_bytes()


def test_what_is_held_has_a_limit(world: Served) -> None:
    assert world.app is not None
    people = world.app.gateway.people
    assert len(people._held) <= MAX_HELD


def test_an_unknown_person_is_the_callers_matter() -> None:
    with pytest.raises(CallerError) as missing:
        require(None, "ann")
    assert (missing.value.status, missing.value.field) == (404, "user")


def test_a_row_that_is_no_json_is_evidence_of_damage() -> None:
    with pytest.raises(EvidenceError, match="persons"):
        open_json(b"{", "persons", "p")

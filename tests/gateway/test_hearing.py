"""What is heard is on disk together or not at all, in one process and in several."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from tests.evidence.service import verified
from tests.gateway.serving import BOTH_WAYS, NOON, Served, fresh, guardian, noon, serving, settings_for
from tests.upstreams.faulty import FaultyUpstream

from shouban.core import events as e
from shouban.core.errors import CallerError, OperatorError
from shouban.db.schema import LEDGER, STATES
from shouban.duties.ledger import done
from shouban.gateway.context import Gateway
from shouban.gateway.hearing import Words, new_id
from shouban.gateway.people import Person


def gateway_of(served: Served) -> Gateway:
    assert served.app is not None
    return served.app.gateway


def block_writes(served: Served, what: str = "full") -> None:
    with served.engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.exec_driver_sql(
            f"CREATE TRIGGER {what} BEFORE INSERT ON log_entries BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )


def free_writes(served: Served, what: str = "full") -> None:
    with served.engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.exec_driver_sql(f"DROP TRIGGER {what}")


def test_what_was_not_written_did_not_happen(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path)) as served:
        user = fresh()
        served.chat("你好", user=user)
        before = served.get(f"/v1/users/{user}/data").json()
        block_writes(served)
        failed = served.chat("再见", user=user, at=noon(minutes=1))
        assert failed.error is not None
        free_writes(served)
        after = served.get(f"/v1/users/{user}/data").json()
        assert after["messages"] == before["messages"]
        assert after["state"] == before["state"]
        assert "free some disk" in failed.error["message"]
        assert served.chat("再见", user=user, aware=True, at=noon(minutes=2)).shouban[0]["state"]["session"] == "ended"
        served.log_size()


def test_an_error_of_the_database_gives_away_no_words(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path)) as served:
        user = fresh("zhangsan")
        block_writes(served)
        reply = served.chat("一句很私密的话", user=user)
        assert "私密" not in reply.body.decode()
        assert user not in reply.body.decode()
        free_writes(served)


def test_two_processes_on_one_database_keep_one_state_of_a_person(tmp_path: Path, postgresql_url: str) -> None:
    keys = tmp_path / "one"
    user = fresh()
    settings = settings_for(keys, database=postgresql_url)
    with serving(settings) as one, serving(settings) as other:
        told = []
        for minute in range(0, 125, 5):
            served = one if minute % 10 else other
            told += [minute] if "两个小时" in served.chat("嗯", user=user, at=noon(minutes=minute)).text else []
        assert told == [120]
        copies = [served.get(f"/v1/users/{user}/data").json() for served in (one, other)]
        assert copies[0]["messages"] == copies[1]["messages"]
        assert len([message for message in copies[0]["messages"] if message["role"] == "user"]) == 25
        assert one.log_size() == other.log_size()


def test_two_processes_that_speak_at_once_lose_nothing(tmp_path: Path, postgresql_url: str) -> None:
    user = fresh()
    settings = settings_for(tmp_path, database=postgresql_url)
    with serving(settings) as one, serving(settings) as other:
        one.register(user)

        async def both() -> list[int]:
            asks = [
                asyncio.to_thread(served.chat, f"{name}{number}", user=user)
                for number in range(6)
                for name, served in (("甲", one), ("乙", other))
            ]
            return [reply.status for reply in await asyncio.gather(*asks)]

        statuses = asyncio.run(both())
        kept = [text for role, text in one.messages(user) if role == "user"]
        assert len(kept) == len(set(kept))
        assert len(kept) >= statuses.count(200)
        assert statuses.count(200) >= 6
        one.log_size()


def test_what_one_process_pushes_another_delivers(tmp_path: Path, postgresql_url: str) -> None:
    user = fresh()
    settings = settings_for(tmp_path, database=postgresql_url)
    with serving(settings) as one, serving(settings) as other:
        one.register(user)
        with other.listening(user) as events:
            one.post(f"/v1/users/{user}/exit", {"session": "s"})
            assert events.until("session_ended")[-1]["session"] == "s"


def test_who_was_erased_by_one_process_is_not_brought_back_by_another(tmp_path: Path, postgresql_url: str) -> None:
    user = fresh()
    settings = settings_for(tmp_path, database=postgresql_url)
    with serving(settings) as one, serving(settings) as other:
        one.chat("你好", user=user)
        other.chat("在吗", user=user, at=noon(minutes=1))
        person = one.person_id(user)
        assert one.ask("DELETE", f"/v1/users/{user}/data").status_code == 200
        assert other.chat("还记得我吗", user=user, at=noon(minutes=2)).status == 200
        assert other.person_id(user) != person
        for table in ("messages", "pushes", "states", "person_keys", "persons"):
            assert one.rows(table, person) == 0
        assert [text for role, text in one.messages(user) if role == "user"] == ["还记得我吗"]


def test_a_contact_changed_in_one_process_is_changed_in_all(tmp_path: Path, postgresql_url: str) -> None:
    user = fresh()
    settings = settings_for(tmp_path, database=postgresql_url)
    with serving(settings) as one, serving(settings) as other:
        one.register(user)
        assert other.get(f"/v1/users/{user}").json()["contacts"][0]["unsafe"] is False
        one.post(f"/v1/users/{user}/contacts", {"contacts": [guardian(unsafe=True)]})
        assert other.get(f"/v1/users/{user}").json()["contacts"][0]["unsafe"] is True


def test_event_words_and_duties_are_one_transaction(world: Served) -> None:
    user = fresh()
    world.register(user)
    gateway = gateway_of(world)
    commits = gateway.writer.commits

    async def hear() -> None:
        person = await gateway.people.find("default", user)
        assert person is not None
        words = Words(new_id(), "user", "再见", person.session("s"), "s")
        event = e.UserLeft(at=NOON, person=person.id, session=person.session("s"), by="voice")
        heard = await gateway.hearing.hear(person, event, gateway.by_id("default").pack, words=words)
        await heard.committed

    asyncio.run(hear())
    assert gateway.writer.commits == commits + 1
    assert world.messages(user) == [("user", "再见")]
    assert "EndSession" in {row.kind for row in world.ledger(user)}


def test_ids_made_later_sort_after_those_made_before() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(set(ids))


def test_a_write_that_fails_is_told_to_who_waits_for_it(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path)) as served:
        user = fresh()
        served.register(user)
        block_writes(served)
        gateway = gateway_of(served)

        async def hear() -> None:
            person = await gateway.people.find("default", user)
            assert person is not None
            event = e.UserSpoke(at=NOON, person=person.id, session=person.session("s"))
            heard = await gateway.hearing.hear(person, event, gateway.by_id("default").pack)
            with pytest.raises(OperatorError, match="full"):
                await heard.committed
            assert await gateway.people.find("default", user) is not person

        asyncio.run(hear())
        free_writes(served)


@BOTH_WAYS
def test_when_the_last_byte_is_here_the_turn_is_on_disk(world: Served, stream: bool) -> None:
    for number in range(5):
        user = fresh()
        world.chat(f"第{number}句话", user=user, stream=stream)
        with world.engine.connect() as connection:
            owed = connection.execute(
                select(LEDGER).where(LEDGER.c.person_id == world.person_id(user), LEDGER.c.kind == "Disclose")
            ).all()
        assert [row.state for row in owed] == ["done"]
        assert world.messages(user)[:1] == [("user", f"第{number}句话")]
        assert len(world.messages(user)) == 2
    world.log_size()


def test_a_database_that_takes_no_write_gives_an_error_and_no_word(tmp_path: Path, upstream: FaultyUpstream) -> None:
    with serving(settings_for(tmp_path, upstream.url)) as served:
        user = fresh()
        assert served.chat("你好", user=user).status == 200
        with served.engine.connect().execution_options(write=True) as connection, connection.begin():
            connection.exec_driver_sql(
                "CREATE TRIGGER full BEFORE INSERT ON log_entries BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
        for stream in (False, True):
            reply = served.chat("我不想活了", user=user, stream=stream)
            assert reply.error is not None
            assert reply.error["type"] == "server_error"
        with served.engine.connect().execution_options(write=True) as connection, connection.begin():
            connection.exec_driver_sql("DROP TRIGGER full")
        assert "12356" in served.chat("我不想活了", user=user).text
        assert served.log_size() > 0


def test_a_duty_that_another_process_has_done_is_not_done_again_by_one_who_was_told_since(
    tmp_path: Path, postgresql_url: str
) -> None:
    """The other's answer was on its way when this process took the newer state: no version tells it of the deed."""
    user = fresh()
    settings = settings_for(tmp_path, database=postgresql_url)
    with serving(settings) as one, serving(settings) as other:
        one.register(user)
        assert "12356" in one.chat("我想自杀，今晚就跳楼", user=user).text
        duty = next(row.duty_id for row in one.ledger(user) if row.kind == "Escalate")

        async def end(served: Served) -> int:
            """Says that the duty is done, as a process would that still believes it owed."""
            gateway = gateway_of(served)
            person = await gateway.people.find("default", user)
            assert person is not None
            told = e.DutyDone(at=NOON, person=person.id, duty=duty, obligation="Escalate", how="answered")
            pack = gateway.by_id("default").pack
            heard = await gateway.hearing.hear(person, told, pack, writes=done(duty, NOON, "answered"))
            await heard.committed
            return person.version

        assert asyncio.run(end(one)) == asyncio.run(end(other))


def refuse(_: Connection) -> None:
    raise CallerError("somebody was faster", status=409, code="decided_already")


def spoke(person: Person) -> e.UserSpoke:
    return e.UserSpoke(at=NOON, person=person.id, session=person.session("s"))


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["waited-for", "gone"])
def test_what_is_refused_moves_nothing_and_hurts_nobody_beside_it(tmp_path: Path, is_cancelled: bool) -> None:
    """Of many who act on one person at once those that are not refused are all on disk, in whatever order they came."""
    with serving(settings_for(tmp_path, encoder=False)) as served:
        user = fresh()
        served.register(user)
        gateway = gateway_of(served)

        async def live() -> int:
            person = await gateway.people.find("default", user)
            assert person is not None
            pack = gateway.by_id("default").pack
            version = person.version

            async def one(number: int) -> bool:
                try:
                    heard = await gateway.hearing.hear(
                        person, spoke(person), pack, call=refuse if number % 3 == 0 else None
                    )
                    await heard.committed
                except CallerError:
                    return False
                return True

            tasks = [asyncio.ensure_future(one(number)) for number in range(30)]
            if is_cancelled:
                await asyncio.sleep(0)
                tasks[0].cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            kept = await gateway.people.find("default", user)
            assert kept is not None
            good = sum(one is True for one in done)
            assert [one for one in done if isinstance(one, Exception)] == []
            with served.engine.connect() as connection:
                row = connection.execute(select(STATES.c.version).where(STATES.c.person_id == person.id)).scalar_one()
            assert row == version + good
            assert kept.version == row
            return good

        assert asyncio.run(live()) == 20
    assert verified(tmp_path).is_clean

"""A reply under way ends within a second of what ends it, though the model is silent; and what was deleted meanwhile is not kept again."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.duties.test_contact import hook
from tests.gateway.serving import Reply, Served, answering, fresh, noon, serving, settings_for
from tests.offices.guardians.family import linked
from tests.upstreams.behaviours import Behaviour, event
from tests.upstreams.faulty import Exchange, FaultyUpstream, running

from shouban.core.errors import OperatorError
from shouban.gateway.halting import TRUST_SECONDS
from shouban.gateway.people import People, Person

FIRST = "先说到这里"
LATER = "后面的话"
WITHIN = 1.0


def says_then_waits(seconds: float = 6.0) -> Behaviour:
    """A few words at once; the rest only much later."""

    async def behave(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send(event({"role": "assistant", "content": FIRST}))
        await asyncio.sleep(seconds)
        await exchange.send(event({"content": LATER}))
        await exchange.end()

    return behave


@pytest.fixture(scope="module")
def model() -> Iterator[FaultyUpstream]:
    with running(FaultyUpstream(says_then_waits())) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, model: FaultyUpstream) -> Iterator[Served]:
    settings = settings_for(tmp_path_factory.mktemp("halting"), model.url, encoder=False)
    with serving(settings) as served:
        yield served


def cut_by(
    office: Served, model: FaultyUpstream, user: str, act: Callable[[], object], *, companion: str = ""
) -> tuple[Reply, float]:
    """The reply that `act` breaks into, and the seconds from there to its end."""
    asked, found = len(model.requests), []

    def talk() -> None:
        said = office.chat("今天食堂的鸡腿没有了", user=user, stream=True, at=noon(minutes=1), companion=companion)
        found.append((said, time.monotonic()))

    thread = threading.Thread(target=talk)
    thread.start()
    assert model.wait_asked(asked + 1)
    time.sleep(0.3)
    began = time.monotonic()
    act()
    thread.join(10)
    reply, ended = found[0]
    return reply, ended - began


def a_child(office: Served) -> str:
    user = fresh("小雨")
    office.register(user, "14_15", at=noon())
    office.post(f"/v1/users/{user}/consents", {"purpose": "companionship", "by": "guardian"}, at=noon())
    return user


def test_a_withdrawn_consent_ends_the_reply_within_a_second(office: Served, model: FaultyUpstream) -> None:
    user = a_child(office)
    gone = {"purpose": "companionship", "by": "guardian", "given": False}
    reply, took = cut_by(
        office, model, user, lambda: office.post(f"/v1/users/{user}/consents", gone, at=noon(minutes=1))
    )
    assert took < WITHIN
    assert FIRST in reply.text
    assert LATER not in reply.text
    assert reply.is_done
    assert reply.finish == "content_filter"
    assert model.wait_closed(1), "and the model is told to stop"
    assert "监护人" in office.chat("还在吗", user=user, at=noon(minutes=2)).text


def test_a_whole_answer_that_is_waited_for_ends_too(office: Served, model: FaultyUpstream) -> None:
    user = a_child(office)
    asked, found = len(model.requests), []
    thread = threading.Thread(target=lambda: found.append(office.chat("嗯", user=user, at=noon(minutes=1))))
    thread.start()
    assert model.wait_asked(asked + 1)
    began = time.monotonic()
    office.post(f"/v1/users/{user}/mode", {"mode": "minor"}, at=noon(minutes=1))  # is in it already: nothing ends
    office.post(
        f"/v1/users/{user}/consents", {"purpose": "companionship", "by": "guardian", "given": False}, at=noon(minutes=1)
    )
    thread.join(10)
    assert time.monotonic() - began < WITHIN
    assert LATER not in found[0].text
    assert found[0].status == 200


def test_who_is_found_to_be_a_minor_hears_no_more_of_the_grown_up_talk(office: Served, model: FaultyUpstream) -> None:
    user = fresh()
    office.register(user, at=noon())
    found = {"method": "store", "signal": "under_13"}
    reply, took = cut_by(office, model, user, lambda: office.post(f"/v1/users/{user}/age", found, at=noon(minutes=1)))
    assert took < WITHIN
    assert LATER not in reply.text


@pytest.mark.parametrize("scope", ["history", "all"])
def test_what_is_deleted_during_a_reply_stays_deleted(office: Served, model: FaultyUpstream, scope: str) -> None:
    user = fresh()
    office.register(user, at=noon())
    person = office.person_id(user)
    reply, took = cut_by(
        office, model, user, lambda: office.ask("DELETE", f"/v1/users/{user}/data?scope={scope}", at=noon(minutes=1))
    )
    assert took < WITHIN
    assert LATER not in reply.text
    assert office.rows("messages", person) == 0
    if scope == "all":
        assert [office.rows(table, person) for table in ("persons", "person_keys", "states")] == [0, 0, 0]
        assert office.get(f"/v1/users/{user}").status_code == 404
    else:
        assert office.get(f"/v1/users/{user}").status_code == 200


def test_a_companion_blocked_in_mid_reply_falls_silent(office: Served, model: FaultyUpstream) -> None:
    with hook() as phone:
        user, client, page = linked(office, phone, "14_15")
        office.post(f"/v1/users/{user}/consents", {"purpose": "companionship", "by": "guardian"}, at=noon())
        blocked = {"relations": "other"}
        reply, took = cut_by(
            office, model, user, lambda: client.post(f"{page}/limits", data=blocked), companion="knight"
        )
        assert took < WITHIN
        assert LATER not in reply.text


def test_what_another_process_decides_ends_the_reply_here(
    tmp_path: Path, postgresql_url: str, model: FaultyUpstream
) -> None:
    settings = settings_for(tmp_path, model.url, database=postgresql_url, encoder=False)
    with serving(settings) as here, serving(settings) as there:
        user = a_child(here)
        gone = {"purpose": "companionship", "by": "guardian", "given": False}
        reply, took = cut_by(
            here, model, user, lambda: there.post(f"/v1/users/{user}/consents", gone, at=noon(minutes=1))
        )
    assert took < WITHIN
    assert LATER not in reply.text


def stamped(pace: float = 0.02, seconds: float = 3.0) -> Behaviour:
    """Each word of the model says when it was spoken."""

    async def behave(exchange: Exchange) -> None:
        await exchange.begin()
        ends = time.monotonic() + seconds
        while (now := time.monotonic()) < ends:
            await exchange.send(event({"role": "assistant", "content": f"[{now:.4f}] "}))
            await asyncio.sleep(pace)
        await exchange.end()

    return behave


def test_no_word_spoken_after_a_takeover_in_another_process_reaches_the_person(
    tmp_path: Path, postgresql_url: str, model: FaultyUpstream
) -> None:
    settings = settings_for(tmp_path, model.url, database=postgresql_url, encoder=False)
    with serving(settings) as here, serving(settings) as there, answering(model, stamped()):
        user = fresh()
        here.register(user, at=noon())
        taken: list[float] = []

        def take() -> None:
            assert there.post(
                f"/v1/users/{user}/human", {"action": "take_over", "staff": "小林"}, at=noon(minutes=1)
            ).is_success
            taken.append(time.monotonic())

        reply, _ = cut_by(here, model, user, take)
    spoken = [float(stamp) for stamp in re.findall(r"\[([\d.]+)\]", reply.text)]
    assert len(spoken) > 5, "the model was speaking"
    assert max(spoken) < taken[0]
    assert reply.is_done
    assert reply.finish == "content_filter"


def test_where_the_database_does_not_say_who_speaks_nothing_follows(
    tmp_path: Path, postgresql_url: str, model: FaultyUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away for longer than anybody may trust what they knew."""
    monkeypatch.setattr("shouban.gateway.halting.WAITS_SECONDS", 0.5)
    settings = settings_for(tmp_path, model.url, database=postgresql_url, encoder=False)
    with serving(settings) as here, answering(model, stamped()):
        user = fresh()
        here.register(user, at=noon())
        away: list[float] = []

        async def is_away(people: People, person: Person) -> None:
            raise OperatorError("the database does not answer")

        def lose() -> None:
            monkeypatch.setattr(People, "look_again", is_away)
            away.append(time.monotonic())

        reply, took = cut_by(here, model, user, lose)
    spoken = [float(stamp) for stamp in re.findall(r"\[([\d.]+)\]", reply.text)]
    assert len(spoken) > 5
    assert max(spoken) < away[0] + TRUST_SECONDS + 0.1
    assert took < 3.0
    assert reply.error is not None

"""Claims are fenced: of many who press at once one has the case, and who lost it changes nothing any more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from tests.core.histories import START
from tests.duties.test_cases import spoke
from tests.evidence.service import SERVICE, SmallService

from shouban.core.signals import Level
from shouban.db.engine import view
from shouban.offices.care_desk import records
from shouban.offices.care_desk.model import LEASE, Case

SECOND = timedelta(seconds=1)


def open_case(small: SmallService) -> Case:
    with view(small.store.engine) as connection:
        [found], count = records.queue(connection, SERVICE, START)
    assert count == 1
    return found


def claim(engine: Engine, found: Case, account: str, at: datetime) -> bool:
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        return records.claim(connection, found, account, at)


def test_of_many_who_press_at_once_one_has_it(tmp_path: Path, database_url: str) -> None:
    with SmallService(tmp_path, database_url) as small:
        small.live("a", [spoke(Level.SEVERE)])
        found = open_case(small)
        with ThreadPoolExecutor(8) as pool:
            claimed = list(pool.map(lambda n: claim(small.store.engine, found, f"staff{n}", START), range(8)))
        assert sum(claimed) == 1
        with view(small.store.engine) as connection:
            held = records.open_case(connection, SERVICE, found.person)
            assert records.queue(connection, SERVICE, START) == ([], 0)
            assert len(records.held(connection, SERVICE, START)) == 1
        assert held is not None
        assert (held.claimed_by, held.fence) == (f"staff{claimed.index(True)}", found.fence + 1)


DEEDS = st.lists(
    st.tuples(st.sampled_from(["claim", "renew", "use"]), st.sampled_from("abc"), st.integers(0, 60)), max_size=25
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DEEDS)
def test_whatever_the_order_only_who_has_it_changes_it(
    tmp_path_factory: object, deeds: list[tuple[str, str, int]]
) -> None:
    """Against a plain picture of it: one holder, a lease, and what each of the staff believes to hold."""
    folder: Path = tmp_path_factory.mktemp("fence")  # type: ignore[attr-defined]  # pytest's own
    with SmallService(folder) as small:
        small.live("a", [spoke(Level.SEVERE)])
        engine, now = small.store.engine, START
        seen: dict[str, Case] = {}
        holder, until = "", now
        for deed, who, seconds in deeds:
            now += seconds * SECOND
            with view(engine) as connection:
                found = records.open_case(connection, SERVICE, open_person(small))
            assert found is not None
            if deed == "claim":
                got = claim(engine, found, who, now)
                assert got == (not holder or now >= until)
                if got:
                    holder, until = who, now + LEASE
                    with view(engine) as connection:
                        mine = records.open_case(connection, SERVICE, found.person)
                    assert mine is not None
                    seen[who] = mine
            elif who in seen:
                with engine.connect().execution_options(write=True) as connection, connection.begin():
                    done = records.renew(connection, seen[who], who, now)
                assert done == (who == holder and now < until and seen[who].fence == found.fence)
                until = now + LEASE if done else until


def open_person(small: SmallService) -> str:
    person = small.loop.run(small.road.find(SERVICE, "a"))
    assert person is not None
    return person.id


def test_who_sits_at_a_desk_is_there_for_a_while(tmp_path: Path) -> None:
    with SmallService(tmp_path) as small, small.store.engine.connect() as connection:
        for seat, account, at in (("1", "a", START), ("2", "b", START), ("1", "a", START + 20 * SECOND)):
            records.sit(connection, seat, SERVICE, account, "case", at)
        assert sorted(records.seated(connection, SERVICE, START + 25 * SECOND)) == [("a", "case"), ("b", "case")]
        assert records.seated(connection, SERVICE, START + 45 * SECOND) == [("a", "case")]
        records.stand_up(connection, "1")
        assert records.seated(connection, SERVICE, START + 45 * SECOND) == []
        assert records.seated(connection, "other", START) == []

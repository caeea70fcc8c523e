"""The verbs below the pages: numbers of the board, what is read of a talk, and a desk that lost its case in the middle of a word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.core.histories import START
from tests.duties.test_cases import MINUTE, spoke
from tests.evidence.service import SERVICE, SmallService

from shouban.core.errors import CallerError
from shouban.core.signals import Level
from shouban.duties.ports import PersonPort
from shouban.duties.receipts import Receipts
from shouban.gateway.hub import Hub
from shouban.offices.care_desk.model import Case, Closing, HandingBack, Saying
from shouban.offices.care_desk.work import CareDesk
from shouban.web.access import Who
from shouban.web.sessions import SignIns

LIN = Who(SERVICE, account="lin", roles=frozenset({"care"}), name="小林")
ZHOU = Who(SERVICE, account="zhou", roles=frozenset({"care"}), name="小周")


def desk_of(small: SmallService) -> CareDesk:
    store = small.store
    sign_ins = SignIns(store.engine, store.writer, store.master, second_factor=False)
    return CareDesk(small.road, store.engine, store.writer, sign_ins, Receipts(store.engine, store.writer), Hub())


def test_the_board_says_how_long_it_really_took_and_what_is_late(tmp_path: Path) -> None:
    with SmallService(tmp_path) as small:
        desk = desk_of(small)
        for n in range(4):
            small.live(f"p{n}", [spoke(Level.SEVERE, n * 60)])
        at = small.clock.now() + 5 * MINUTE

        async def live() -> None:
            for n in range(3):
                person = await small.road.find(SERVICE, f"p{n}")
                assert person is not None
                when = START + n * 60 * MINUTE + timedelta(seconds=30 * (n + 1))
                await desk.claim(LIN, person, when)
                await desk.take_over(LIN, person, "zh", when + timedelta(seconds=5))
            board = await desk.board(SERVICE, at)
            assert board["cases"] == 4
            claims = board["clocks"]["claim"]
            counted = {name: claims[name] for name in ("all", "in_time", "late", "running", "dropped")}
            assert counted == {"all": 4, "in_time": 2, "late": 2, "running": 0, "dropped": 0}, (
                "90 s is late, and who still waits"
            )
            soon = (await desk.board(SERVICE, START + timedelta(seconds=10)))["clocks"]["claim"]
            assert (soon["in_time"], soon["running"]) == (2, 1), "who waits is not in time yet"
            assert claims["took"] == {50: timedelta(seconds=60), 90: timedelta(seconds=90), 99: timedelta(seconds=90)}
            assert board["clocks"]["takeover"]["took"][50] == timedelta(seconds=65)

        small.loop.run(live())
        assert small.report().is_clean


def test_who_lost_the_case_in_the_middle_of_a_word_does_not_say_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fence is in the transaction of the word itself, not only in a look before it."""
    with SmallService(tmp_path) as small:
        desk = desk_of(small)
        small.live("a", [spoke(Level.SEVERE)])

        async def live() -> None:
            person = await small.road.find(SERVICE, "a")
            assert person is not None
            await desk.claim(LIN, person, START + MINUTE)
            await desk.take_over(LIN, person, "zh", START + MINUTE)
            before: Case = await desk._mine(LIN, person, START + MINUTE)  # what the desk looked at before
            await desk.claim(ZHOU, person, START + 2 * MINUTE)

            async def as_before(*_: object) -> Case:
                return before

            monkeypatch.setattr(desk, "_mine", as_before)
            say, back = Saying(text="我还在"), HandingBack("yes", "问过了，没有危险")
            deeds: list[Callable[[PersonPort], Awaitable[None]]] = [
                lambda person: desk.say(LIN, person, say, START + 2 * MINUTE),
                lambda person: desk.hand_back(LIN, person, back, START + 20 * MINUTE),
            ]
            for deed in deeds:
                person = await small.road.find(SERVICE, "a")
                assert person is not None
                with pytest.raises(CallerError) as refused:
                    await deed(person)
                assert refused.value.code == "lost_case"
            person = await small.road.find(SERVICE, "a")
            assert person is not None
            assert [one["text"] for one in await small.road.messages_of(person) if one["text"] == "我还在"] == []
            assert person.state.takeover == "human", "and the machine stays silent"

        small.loop.run(live())
        assert small.report().is_clean


def test_a_case_that_was_closed_leaves_the_machine_free_to_speak(tmp_path: Path) -> None:
    with SmallService(tmp_path) as small:
        desk = desk_of(small)
        small.live("a", [spoke(Level.HIGH)])

        async def live() -> None:
            person = await small.road.find(SERVICE, "a")
            assert person is not None
            assert person.state.takeover == "requested"
            await desk.claim(LIN, person, START + MINUTE)
            await desk.close(LIN, person, Closing("mistaken", "是一句歌词，没有危险"), START + MINUTE)
            freed: str = person.state.takeover
            assert freed == "none"
            with pytest.raises(CallerError) as refused:
                await desk.claim(LIN, person, START + MINUTE)
            assert refused.value.code == "no_case"

        small.loop.run(live())
        assert small.report().is_clean

"""On a busy core everybody waits for their turn, in order; but for whoever needs help."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.serving import PLAN, fresh, serving, settings_for
from tests.upstreams.faulty import FaultyUpstream

from shouban.gateway.turnstile import AT_ONCE, Turnstile


def test_so_many_pass_at_each_turn_of_the_loop_and_in_order() -> None:
    async def crowd() -> list[list[int]]:
        turnstile, passed, turns = Turnstile(), [], []

        async def one(number: int) -> None:
            await turnstile.passed()
            passed.append(number)

        waiting = [asyncio.create_task(one(number)) for number in range(3 * AT_ONCE)]
        gone = waiting[AT_ONCE + 1]
        while not all(task.done() for task in waiting):
            await asyncio.sleep(0)
            turns.append(passed.copy())
            passed.clear()
            gone.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert not turnstile.is_full
        await asyncio.wait_for(turnstile.passed(), 10)  # nobody is there any more
        return turns

    turns = asyncio.run(crowd())
    assert [one for turn in turns for one in turn] == [one for one in range(3 * AT_ONCE) if one != AT_ONCE + 1]
    assert max(len(turn) for turn in turns) <= AT_ONCE
    assert len([turn for turn in turns if turn]) >= 3


class Shut(Turnstile):
    """A loop that is busy until it is told that it is not."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting, self.is_shut = 0, True

    @property
    def is_full(self) -> bool:
        return self.is_shut

    async def passed(self) -> None:
        self.waiting += 1
        while self.is_shut:  # noqa: ASYNC110  # another thread opens it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("words", [PLAN, "活着真没意思，有时候不想醒来"])
def test_whoever_needs_help_goes_past_all_who_wait(tmp_path: Path, upstream: FaultyUpstream, words: str) -> None:
    with serving(settings_for(tmp_path, upstream.url)) as served, ThreadPoolExecutor(4) as pool:
        assert served.app is not None
        shut = served.app.gateway.turnstile = Shut()
        others = [pool.submit(served.chat, "今天的晚霞真好看", user=fresh()) for _ in range(3)]
        try:
            assert "12356" in served.chat(words, user=fresh(), stream=True).text
            assert not any(one.done() for one in others)
        finally:
            shut.is_shut = False
        assert [one.result().status for one in others] == [200] * 3
        assert shut.waiting == 3


class Busy(Turnstile):
    """Always full, and always just about to turn."""

    @property
    def is_full(self) -> bool:
        return True

    async def passed(self) -> None:
        await asyncio.sleep(0)


def test_what_was_read_while_they_waited_is_not_read_again(
    tmp_path: Path, upstream: FaultyUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, asked = "今天的晚霞真好看", []
    with serving(settings_for(tmp_path, upstream.url)) as served:
        assert served.app is not None
        gateway = served.app.gateway
        read = gateway.detectors.read_with_doubts

        def counted(text: str, **how: Any) -> Any:
            asked.append(text)
            return read(text, **how)

        monkeypatch.setattr(gateway.detectors, "read_with_doubts", counted)
        gateway.turnstile = Busy()
        assert served.chat(words).status == 200
        assert asked.count(words) == 1
        assert "12356" in served.chat(PLAN).text
        assert asked.count(PLAN) == 1

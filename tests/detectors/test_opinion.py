"""A second opinion is asked of those who know the signal in doubt, of all at once; none given is unknown, never none."""

from __future__ import annotations

import asyncio

from shouban.core.signals import Level, Reading
from shouban.detectors.opinion import Context, Opinion, about, asked_of, opinions_on, readings_of, unread


class Friend:
    """An adviser who waits for all of its group, and then grades 3 whatever it is asked about."""

    version = "1"

    def __init__(self, name: str, signals: set[str], group: asyncio.Barrier | None = None) -> None:
        self.name = name
        self.signals = frozenset(signals)
        self._group = group

    async def ask(self, text: str, signals: frozenset[str], context: Context) -> Opinion:
        if self._group is not None:
            await self._group.wait()
        readings = tuple(Reading(one, Level.HIGH, 0.9, self.name, self.version) for one in sorted(signals))
        return Opinion(self.name, signals, readings, "answered")

    async def close(self) -> None:
        """Holds nothing."""


def test_each_is_asked_about_what_it_knows_and_all_at_the_same_time() -> None:
    async def ask() -> list[Opinion]:
        group = asyncio.Barrier(2)
        friends = [
            Friend("a", {"crisis", "emotion"}, group),
            Friend("b", {"crisis"}, group),
            Friend("c", {"jailbreak"}),
        ]
        return await asyncio.wait_for(opinions_on("x", {"crisis": 0.4, "minor_cue": 0.3}, (), friends), 5)

    found = asyncio.run(ask())
    assert [(one.adviser, set(one.asked)) for one in found] == [("a", {"crisis"}), ("b", {"crisis"})]
    assert [one.detector for one in readings_of(found)] == ["a", "b"]


def test_who_knows_nothing_of_the_doubt_is_not_asked() -> None:
    assert asked_of(Friend("a", {"crisis"}), {"emotion": 0.4}) == frozenset()


def test_no_opinion_reads_unknown_on_all_that_was_asked() -> None:
    none = unread(Friend("a", {"crisis", "emotion"}), frozenset({"crisis", "emotion"}), "late", 2.0)
    assert {(one.signal, one.level) for one in none.readings} == {("crisis", "unknown"), ("emotion", "unknown")}
    assert (none.outcome, none.seconds) == ("late", 2.0)


def test_who_is_asked_can_be_told() -> None:
    assert about([Friend("a", {"b", "a"})]) == [{"name": "a", "version": "1", "signals": ["a", "b"]}]

"""Second opinions for the commands that judge texts one by one: the judge is asked, and waited for, text by text."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping
from typing import Self

from shouban.core.signals import Reading
from shouban.detectors.advisers import NOBODY, Advisers, advisers_of
from shouban.detectors.opinion import Context, Outcome, asked_of, opinions_on, readings_of
from shouban.detectors.reader import Doubts
from shouban.settings import PREFIX, read_settings

# Of the environment only what says who is asked is looked at: these commands serve nobody.
NAMES = ("JUDGE", "CLASSIFIER", "UPSTREAM")


class Opinions:
    """Those who are asked, on a loop of their own; `texts` counts about how many, `outcomes` what became of it."""

    def __init__(self, advisers: Advisers) -> None:
        self._advisers = advisers
        self._runner = asyncio.Runner()
        self.texts = 0
        self.outcomes: Counter[Outcome] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._advisers:
            self._runner.run(one.close())
        self._runner.close()

    @property
    def is_nobody(self) -> bool:
        return not self._advisers

    def asked(self, doubts: Doubts) -> frozenset[str]:
        """The signals about which somebody would be asked."""
        return frozenset[str]().union(*(asked_of(one, doubts) for one in self._advisers))

    def read(self, text: str, doubts: Doubts, context: Context) -> tuple[Reading, ...]:
        if not self.asked(doubts):
            return ()
        found = self._runner.run(opinions_on(text, doubts, context, self._advisers))
        self.texts += 1
        self.outcomes.update(one.outcome for one in found)
        return readings_of(found)


def opinions_for(judge: str | None, judge_model: str | None, environment: Mapping[str, str] | None = None) -> Opinions:
    """By the flags, and `SHOUBAN_JUDGE…`, `SHOUBAN_CLASSIFIER` of the environment; the judge's key comes from there alone."""
    given = os.environ if environment is None else environment
    named = {name: value for name, value in given.items() if name.startswith(tuple(PREFIX + one for one in NAMES))}
    settings = read_settings(None, named, {"judge": judge, "judge_model": judge_model})
    if not (settings.judge or settings.classifier):
        return Opinions(NOBODY)
    return Opinions(advisers_of(settings)[settings.served()[0].id])

"""Who gives a second opinion follows from the settings, service by service."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.upstreams.behaviours import says
from tests.upstreams.faulty import FaultyUpstream
from tests.upstreams.judging import grades

from shouban.core.errors import OperatorError
from shouban.detectors.advisers import Advisers, advisers_of
from shouban.settings import ServiceSettings, Settings

CRISIS = frozenset({"crisis"})


def judging(**given: Any) -> Settings:
    return Settings(judge_model="m", judge_signals="crisis", **given)


def test_by_default_nobody_is_asked() -> None:
    assert advisers_of(Settings()) == {"default": ()}


def test_one_judge_by_its_address_serves_all_services() -> None:
    services = [ServiceSettings(id="a"), ServiceSettings(id="b")]
    found = advisers_of(judging(judge="http://127.0.0.1:1/v1", services=services))
    (one,), (other,) = found["a"], found["b"]
    assert one is other
    assert (one.name, one.version, one.signals) == ("judge", "judge-1/m", CRISIS)


def test_the_upstream_as_judge_is_asked_with_each_services_own_address_and_key() -> None:
    async def run() -> None:
        async with FaultyUpstream(grades({"crisis": 2})) as one, FaultyUpstream(says("no")) as other:
            services = [
                ServiceSettings(id="a", upstream=one.url, upstream_key="sk-a"),
                ServiceSettings(id="b", upstream=other.url, upstream_key="sk-b"),
            ]
            found = advisers_of(judging(judge="upstream", judge_key="sk-unused", services=services))
            opinions = [await found[name][0].ask("算了", CRISIS, ()) for name in ("a", "b")]
            assert [opinion.outcome for opinion in opinions] == ["answered", "malformed"]
            assert [server.requests[0].headers["authorization"] for server in (one, other)] == [
                "Bearer sk-a",
                "Bearer sk-b",
            ]
            await _close(found)

    asyncio.run(run())


def test_a_classifier_that_cannot_be_loaded_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"heads\.json"):
        advisers_of(Settings(classifier=str(tmp_path)))


async def _close(found: dict[str, Advisers]) -> None:
    for advisers in found.values():
        for one in advisers:
            await one.close()

"""Obligations as written become the core's own types."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shouban.core.errors import PackError
from shouban.core.obligations import AskRegistration, Erase, Escalate, Obligation, Remind, StopUse
from shouban.packs.owing import WRITTEN, read_obligation
from shouban.packs.source import read_yaml


def written(text: str, tmp_path: Path) -> Obligation:
    (tmp_path / "o.yaml").write_text(text, encoding="utf-8")
    return read_obligation(read_yaml(tmp_path / "o.yaml", "o.yaml"), "r", "my")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Remind: {template: rest, topic: rest}", Remind(template="my/rest", topic="rest")),
        ("Remind: {template: cn-words/rest, topic: rest}", Remind(template="cn-words/rest", topic="rest")),
        (
            "Escalate: {reason: crisis, takeover: true, answer_within: 60s}",
            Escalate(reason="crisis", takeover=True, answer_within=timedelta(seconds=60)),
        ),
        ("AskRegistration", AskRegistration()),
        ("AskRegistration: {missing: [age]}", AskRegistration(missing=("age",))),
        ("Erase: {answer_within: 3d}", Erase(scope="all", answer_within=timedelta(days=3))),
        ("StopUse", StopUse(purpose="companionship")),
    ],
)
def test_an_obligation_means_what_it_says(text: str, meant: Obligation, tmp_path: Path) -> None:
    assert written(text, tmp_path) == meant


@pytest.mark.parametrize(
    "text",
    [
        "Allow",
        "WakeAt: {key: x}",
        "Erase: {scope: all}",
        "Remind: {because: [x]}",
        "Escalate: {takeover: maybe, reason: crisis}",
        "{A: 1, B: 2}",
    ],
)
def test_what_a_rule_may_not_ask_for_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"o\.yaml:1: "):
        written(text, tmp_path)


def test_timers_and_allowing_are_never_written() -> None:
    assert not {"Allow", "WakeAt"} & WRITTEN.keys()

"""Conditions as written become the core's conditions, and nothing else."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from shouban.core.errors import PackError
from shouban.core.rules import FIELDS, OPEN_FIELDS, All, AnyOf, Condition, Not
from shouban.core.rules import Test as Asked
from shouban.packs.conditions import ALWAYS, read_condition
from shouban.packs.source import read_yaml

CALM = Asked("user.takeover", "is", "none")


def written(text: str, tmp_path: Path) -> Condition:
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    return read_condition(read_yaml(tmp_path / "c.yaml", "c.yaml"), "r", {"calm": CALM})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("always", ALWAYS),
        ("calm", CALM),
        ("{user.is_minor: true}", Asked("user.is_minor", "is", True)),
        ("{reading.crisis: high}", Asked("reading", "is", 3, "crisis")),
        ("{reading.prohibited.sexual: {at_least: 2}}", Asked("reading", "at_least", 2, "prohibited.sexual")),
        ("{session.relation: [kin, partner]}", Asked("session.relation", "in", ("kin", "partner"))),
        ("{user.exemptions: curfew}", Asked("user.exemptions", "has", "curfew")),
        ('{time_of_day: {below: "06:00"}}', Asked("time_of_day", "below", time(6))),
        (
            "{use.since_reminder.two-hours: {at_least: 2h}}",
            Asked("use.since_reminder", "at_least", timedelta(hours=2), "two-hours"),
        ),
        (
            "{strikes.row: {at_least: 2, below: 5}}",
            All((Asked("strikes.row", "at_least", 2), Asked("strikes.row", "below", 5))),
        ),
        (
            "{user.is_minor: true, user.mode: elder}",
            All((Asked("user.is_minor", "is", True), Asked("user.mode", "is", "elder"))),
        ),
        ("{any: [calm, {not: calm}]}", AnyOf((CALM, Not(CALM)))),
        ("{all: [calm]}", All((CALM,))),
    ],
)
def test_a_condition_means_what_it_says(text: str, meant: Condition, tmp_path: Path) -> None:
    assert written(text, tmp_path) == meant


def test_an_open_field_knows_its_keys(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"`session.drift` has no `partners`; did you mean `partner`\?"):
        written("{session.drift.partners: medium}", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "{all: []}",
        "{any: calm}",
        "[calm]",
        "{user.is_minor: [true]}",
        "{strikes.row: {}}",
        "{user.exemptions: curfews}",
    ],
)
def test_a_condition_that_means_nothing_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"c\.yaml:1: "):
        written(text, tmp_path)


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_every_field_of_the_core_can_be_asked_about(field: str, tmp_path: Path) -> None:
    values = {"bool": "true", "count": "1", "level": "1", "span": "{at_least: 1m}", "time_of_day": '{below: "06:00"}'}
    key = f".{min(FIELDS[field].keys or {'crisis'})}" if field in OPEN_FIELDS else ""
    value = values.get(FIELDS[field].type) or (FIELDS[field].values or ("x",))[0]
    assert isinstance(written(f"{{{field}{key}: {value}}}", tmp_path), Asked)

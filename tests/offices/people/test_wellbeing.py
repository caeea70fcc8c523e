"""What weeks of use say is told in figures and in two languages, and holds nobody's words."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from shouban.core.dependence import WEIGHTS
from shouban.core.state import DayUse, PersonState
from shouban.offices.people.wellbeing import wellbeing

TODAY = date(2026, 8, 30)


def heavy() -> PersonState:
    days = tuple(
        DayUse(
            TODAY - timedelta(days=back), used=timedelta(hours=8), hours=0xFFFFFF, turns=30, low=20, lowest=1,
            dependence=3, withdrawal=2, returns=2,
        )
        for back in range(6, -1, -1)
    )  # fmt: skip
    return PersonState(days=days, age_points=14)


def test_each_component_is_explained_with_its_share_and_figures() -> None:
    told = wellbeing(heavy(), TODAY)
    components = told["dependence"]["components"]
    assert [one["name"] for one in components] == list(WEIGHTS)
    assert all(one["title"]["zh"] and one["about"]["en"] and one["points"] <= one["of"] for one in components)
    assert components[0]["figures"] == {"hours_a_day": 8.0, "days_of_7": 7}
    assert told["dependence"]["level"] == 4
    assert told["mood"]["low_days_in_a_row"] == 7
    assert told["age_evidence"] == {"points": 14, "minor_cue": 2}


def test_a_stranger_has_nothing_to_explain() -> None:
    told = wellbeing(PersonState(), TODAY)
    assert (told["dependence"]["level"], told["dependence"]["points"], told["mood"]["low_days_in_a_row"]) == (0, 0, 0)
    msgspec.json.encode(told)

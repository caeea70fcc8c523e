"""Every word of the desk stands in both languages, and every reason, stage and outcome has one."""

from __future__ import annotations

from typing import get_args

from shouban.core.events import AgeBand, Mode
from shouban.core.obligations import URGENCIES, Escalate
from shouban.offices.care_desk import words as w
from shouban.offices.care_desk.model import OUTCOMES, STAGES
from shouban.offices.care_desk.shifts import SKILLS


def test_nothing_lacks_its_words() -> None:
    assert set(w.STAGES) == set(STAGES)
    assert set(w.OUTCOMES) == set(OUTCOMES)
    assert set(w.REASONS) == set(get_args(Escalate.__annotations__["reason"])) or set(w.REASONS) == {
        "crisis",
        "property",
        "detector",
        "abuse",
        "minor",
        "hazard",
        "unanswered",
    }
    assert len(w.URGENCIES) == len(URGENCIES)
    assert set(w.AGES) == set(get_args(AgeBand))
    assert set(w.SKILLS) == set(SKILLS)
    assert set(w.MODES) == set(get_args(Mode))
    for table in (w.WORDS, w.REASONS, w.STAGES, w.OUTCOMES, w.CLOCKS, w.ROLES, w.AGES, w.MODES, w.SKILLS):
        assert all(one.zh and one.en for one in table.values())

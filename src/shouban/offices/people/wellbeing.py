"""What weeks of use say of a person, in figures and in words that the person and the care staff can follow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from shouban.core.days import mood_of
from shouban.core.dependence import WEIGHTS, Component, Name, dependence_of
from shouban.core.state import PersonState

# Title, then what the component means; its figures follow by name.
_WORDS: Final[Mapping[Name, tuple[str, str, str, str]]] = {
    "salience": ("占据生活", "每天在这里的时间", "Salience", "how much of the day goes here"),
    "tolerance": ("越用越多", "这一周与之前几周相比", "Tolerance", "this week against the weeks before"),
    "mood_modification": ("用来排解情绪", "情绪低落的日子里用了一小时以上", "Mood modification", "low days with an hour or more here"),
    "withdrawal_symptoms": ("离开会难受", "说过没有它就睡不着、做不了事、过不下去", "Withdrawal symptoms", "said that sleep, work or life fail without it"),
    "conflict": ("影响了别的事", "为它疏远人、少睡、多花钱，取最重的一项", "Conflict", "at the cost of people, sleep or money, the worst of the three"),
    "relapse": ("想停停不下", "离开后一小时内又回来", "Relapse", "left, and was back within the hour"),
}  # fmt: skip


def wellbeing(state: PersonState, today: date) -> dict[str, Any]:
    """Shares are of what a component can weigh, in [0, 1]; points are of a hundred; `of` is the most a component can add."""
    dependence, mood = dependence_of(state.days, today), mood_of(state.days, today)
    return {
        "as_of": today.isoformat(),
        "dependence": {
            "level": dependence.level, "points": dependence.points, "strongest_recent_words": dependence.words, "trend": dependence.trend,
            "components": [_component(one) for one in dependence.components],
        },
        "mood": {"low_days_in_a_row": mood.low_days, "low_share_this_week": round(mood.week, 3), "low_share_before": round(mood.before, 3), "trend": mood.trend},
        "age_evidence": {"points": state.age_points, "minor_cue": state.minor_cue},
    }  # fmt: skip


def _component(one: Component) -> dict[str, Any]:
    title_zh, about_zh, title_en, about_en = _WORDS[one.name]
    return {
        "name": one.name, "title": {"zh": title_zh, "en": title_en}, "about": {"zh": about_zh, "en": about_en},
        "share": one.share, "points": one.points, "of": WEIGHTS[one.name], "figures": one.why,
    }  # fmt: skip

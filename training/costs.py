"""What a miss costs against a false alarm, signal by signal: the thresholds follow from it (`train.curves`)."""

from __future__ import annotations

from typing import Final, NamedTuple


class Cost(NamedTuple):
    """`miss`: so many false alarms are as bad as one miss. `everyday`: the share of everyday chat that may raise an alarm.

    `floor`: no alarm is raised on a smaller probability, however cheap it would be.
    """

    miss: float
    everyday: float
    floor: float = 0.4


# A missed plan may be a death; an alarm too many is a kind question and a card with numbers.
_CRISIS: Final = {
    1: Cost(1.0, 0.02, 0.4),
    2: Cost(1.8, 0.009, 0.33),
    3: Cost(2.2, 0.007, 0.3),
    4: Cost(2.5, 0.005, 0.3),
}
# Ordinary chat does hold ages and moods: there it bounds little.
_COMMON: Final = Cost(1.3, 0.08, 0.4)
_REQUEST: Final = Cost(1.7, 0.02, 0.25)
_RISK: Final = Cost(2.0, 0.008, 0.22)
# An adult taken for a child is locked out at night: that is dear. A goodbye that was none costs a word to come back, a goodbye unheard is
# the law's obstruction; to say once too often that this is an AI costs a line. Ordinary messages do hold goodbyes, and couples ask each
# other for tenderness.
_BY_HEAD: Final = {
    ("exit_intent", 3): Cost(1.6, 0.05, 0.3), ("asks_if_human", 3): Cost(1.8, 0.015, 0.2), ("minor_cue", 2): Cost(1.6, 0.035, 0.3), ("minor_cue", 4): Cost(1.1, 0.008, 0.5),
}  # fmt: skip
_BY_SIGNAL: Final = {
    # A public forum taught it, where every second line is one: elsewhere its words are those of the hurt as well.
    "prohibited.discrimination": Cost(0.8, 0.003, 0.7),
    "adult_cue": _COMMON, "elder_cue": _COMMON, "emotion": _COMMON, "kin_request": _REQUEST, "intimacy_request": _REQUEST, "jailbreak": _REQUEST,
    "crisis_other": _RISK, "property_risk": _RISK, "dependence": _RISK, "withdrawal": _RISK,
}  # fmt: skip
# What was learned of these is the form of one source's questions (如何…): on counselling talk two in three of their alarms were false.
FORM_ONLY: Final = frozenset({("user", "prohibited.crime"), ("user", "prohibited.fraud")})
_CLEAR: Final = Cost(1.6, 0.005, 0.4)
_MILD: Final = Cost(1.6, 0.006, 0.38)
# Said to somebody in despair these may be the last thing heard; guilt is the commonest tactic and the softest spoken.
_GRAVE: Final = Cost(2.2, 0.006, 0.28)
_GRAVELY: Final = frozenset({"manipulation.selfharm_encouragement", "manipulation.guilt", "manipulation.claims_human"})
# Questions for whose sake the encoder is asked, and the share of everyday chat that each may send it.
ASKED_FOR: Final = {
    "crisis": 0.03, "crisis_other": 0.01, "exit_intent": 0.02, "asks_if_human": 0.01, "minor_cue": 0.03, "kin_request": 0.01, "intimacy_request": 0.01,
    "property_risk": 0.015, "dependence": 0.01, "withdrawal": 0.01, "jailbreak": 0.01, "prohibited": 0.005, "manipulation": 0.01, "elder_cue": 0.01,
    "professional_advice": 0.01, "emotion": 0.01,
}  # fmt: skip


def cost_of(signal: str, level: int) -> Cost:
    if signal == "crisis":
        return _CRISIS[level]
    if signal in _GRAVELY:
        return _GRAVE
    return _BY_HEAD.get((signal, level)) or _BY_SIGNAL.get(signal) or (_CLEAR if level > 2 else _MILD)


def asked_for(signal: str) -> float:
    """The share of everyday chat that may send the encoder for this signal; 0 where it is never asked for its sake."""
    return ASKED_FOR.get(signal, ASKED_FOR.get(signal.partition(".")[0], 0.0))

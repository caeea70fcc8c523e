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
    1: Cost(0.7, 0.02, 0.4),
    2: Cost(1.5, 0.006, 0.4),
    3: Cost(2.0, 0.004, 0.35),
    4: Cost(2.5, 0.003, 0.35),
}
# Ordinary chat does hold ages and moods: there it bounds little.
_COMMON: Final = Cost(2.0, 0.05)
# A goodbye that was none ends a talk, and an adult taken for a child is locked out at night: these are dear.
_BY_HEAD: Final = {
    ("crisis_other", 2): Cost(2.0, 0.003), ("crisis_other", 3): Cost(2.0, 0.003), ("property_risk", 2): Cost(2.0, 0.004), ("property_risk", 3): Cost(2.0, 0.004),
    ("exit_intent", 3): Cost(1.0, 0.006, 0.6), ("asks_if_human", 3): Cost(1.0, 0.006, 0.6), ("minor_cue", 2): Cost(2.0, 0.02, 0.4), ("minor_cue", 4): Cost(1.0, 0.005, 0.8),
    ("adult_cue", 2): _COMMON, ("adult_cue", 4): _COMMON, ("elder_cue", 2): _COMMON, ("elder_cue", 4): _COMMON, ("emotion", 2): _COMMON, ("emotion", 3): _COMMON,
    ("kin_request", 3): Cost(1.0, 0.004, 0.7), ("intimacy_request", 3): Cost(1.0, 0.004, 0.7),
}  # fmt: skip
_CLEAR: Final = Cost(1.5, 0.004, 0.5)
_MILD: Final = Cost(2.0, 0.005)


def cost_of(signal: str, level: int) -> Cost:
    if signal == "crisis":
        return _CRISIS[level]
    return _BY_HEAD.get((signal, level), _CLEAR if level > 2 else _MILD)

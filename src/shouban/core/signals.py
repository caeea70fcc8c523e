"""What a detector may say of a text: the signals, their levels, and a reading (design §7; boundaries in labels.md)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Literal

import msgspec

Role = Literal["user", "companion"]


class Level(IntEnum):
    """How strong a signal is; for `crisis` the levels follow C-SSRS (Posner et al. 2011) as labels.md states."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    SEVERE = 4


UNKNOWN: Final = "unknown"
Reads = Level | Literal["unknown"]

BOTH: Final[frozenset[Role]] = frozenset({"user", "companion"})
USER: Final[frozenset[Role]] = frozenset({"user"})
COMPANION: Final[frozenset[Role]] = frozenset({"companion"})

PROHIBITED: Final = (
    "sexual", "gambling", "violence", "crime", "insult", "fraud", "illicit_ads", "rumour", "extremism", "state",
    "discrimination", "minors_harm",
)  # fmt: skip
MANIPULATION: Final = (
    "exit_obstruction", "guilt", "isolation", "dependence", "sycophancy", "false_promise", "upsell", "claims_human",
    "verbal_abuse", "selfharm_encouragement", "minor_intimacy", "kin_impersonation", "secret_elicitation", "unsafe_advice",
)  # fmt: skip

SIGNALS: Final[dict[str, frozenset[Role]]] = {
    "crisis": USER,
    "crisis_other": USER,
    "emotion": USER,
    "dependence": USER,
    "withdrawal": USER,
    "exit_intent": USER,
    "asks_if_human": USER,
    "minor_cue": USER,
    "adult_cue": USER,
    "elder_cue": USER,
    "kin_request": USER,
    "intimacy_request": USER,
    "property_risk": USER,
    "personal_data": BOTH,
    "professional_advice": BOTH,
    "jailbreak": USER,
    **{f"prohibited.{name}": BOTH for name in PROHIBITED},
    **{f"manipulation.{name}": COMPANION for name in MANIPULATION},
}


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """One detector's word on one signal of one text.

    `score` in [0, 1]; `span` is [start, end) in characters of the original text; `kind` names a finer sort (the sort of
    emotion, of personal data, of profession). `level` is 0 to 4, or `unknown` where the detector failed or was late.
    """

    signal: str
    level: Level | Literal["unknown"]
    score: float
    detector: str
    version: str
    span: tuple[int, int] | None = None
    kind: str | None = None

    @property
    def is_unknown(self) -> bool:
        return self.level == UNKNOWN


def strongest(readings: tuple[Reading, ...], signal: str) -> Reading | None:
    """The reading of `signal` that asks for most: `unknown` counts above none and below any level seen."""
    found = [reading for reading in readings if reading.signal == signal]
    return max(found, key=lambda reading: (rank(reading.level), reading.score), default=None)


def heard_level(readings: tuple[Reading, ...], signal: str) -> int:
    """The strongest level that a detector which answered read of `signal`; silence counts as nothing."""
    return max((int(one.level) for one in readings if one.signal == signal and one.level != "unknown"), default=0)


def rank(level: Level | Literal["unknown"]) -> float:
    return 0.5 if level == UNKNOWN else float(level)

"""What ends a reply under way is counted, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shouban.core import events as e
from shouban.core.decide import decide
from shouban.core.signals import Level, Reading
from shouban.core.state import PersonState
from shouban.packs.stack import load_pack

PACK = load_pack("cn").pack
AT = datetime(2026, 8, 3, 4, tzinfo=UTC)
BEFORE = PersonState(
    announced=True, age_band="14_15", mode="minor", guardians=1, consents=("companionship", "training")
)
ADULT = PersonState(announced=True, age_band="adult", emergencies=1)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (BEFORE, e.ConsentWithdrawn(at=AT, purpose="companionship", by="guardian")), (ADULT, e.ConsentWithdrawn(at=AT, purpose="third_party", by="user", party="model")),
        (BEFORE, e.GuardianSet(at=AT, blocked=("x",))), (ADULT, e.RestrictionSet(at=AT, restriction="suspended", staff="s")),
        (ADULT, e.AgeFound(at=AT, age_band="under_14", age_basis="verified")), (ADULT, e.ModeSet(at=AT, mode="minor", by="user")),
        (ADULT, e.ErasureRequested(at=AT, scope="history", by="user")),
    ],
)  # fmt: skip
def test_these_end_what_is_being_said(state: PersonState, event: e.Event) -> None:
    after = decide(state, event, PACK).state
    assert after.stops == 1
    assert after.erasures == isinstance(event, e.ErasureRequested)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (BEFORE, e.ConsentWithdrawn(at=AT, purpose="training", by="guardian")), (BEFORE, e.GuardianSet(at=AT, daily_limit=10, purchases_allowed=True)),
        (ADULT, e.UserSpoke(at=AT, session="s", readings=(Reading("crisis", Level.SEVERE, 0.9, "d", "1"),))), (ADULT, e.ModeSet(at=AT, mode="standard", by="user")),
        (BEFORE, e.AgeFound(at=AT, age_band="under_14", age_basis="verified")), (ADULT, e.ConsentGiven(at=AT, purpose="training", by="user")),
    ],
)  # fmt: skip
def test_these_let_it_go_on(state: PersonState, event: e.Event) -> None:
    assert decide(state, event, PACK).state.stops == 0


def test_what_was_unblocked_ends_nothing() -> None:
    state = decide(BEFORE, e.GuardianSet(at=AT, blocked=("x", "y")), PACK).state
    assert decide(state, e.GuardianSet(at=AT, blocked=("x",)), PACK).state.stops == state.stops

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.offices.guardians.family import MOTHER, YOUNG, number

from shouban.core.errors import CallerError
from shouban.core.state import PersonState
from shouban.offices.guardians.work import refuse_a_child

NOW = datetime(2026, 8, 3, tzinfo=UTC)


def child(**profile: Any) -> Any:
    return SimpleNamespace(profile=profile, id="p", service="s", state=PersonState(age_band="14_15", mode="minor"))


def test_a_guardian_is_of_age_and_not_the_child() -> None:
    refuse_a_child(number(MOTHER), child(birth_date="2012-01-01"), NOW)
    for wrong, profile in ((number(YOUNG), {}), (number(MOTHER), {"birth_date": "1980-01-01"}), ("", {})):
        with pytest.raises(CallerError):
            refuse_a_child(wrong, child(**profile), NOW)


@given(st.text(max_size=18))
def test_what_is_no_number_lets_nobody_in(text: str) -> None:
    with pytest.raises(CallerError):
        refuse_a_child(text, child(), NOW)

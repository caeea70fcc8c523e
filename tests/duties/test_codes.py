from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shouban.core.errors import CallerError
from shouban.duties.codes import CODE_DIGITS, CODE_LIFE, CODE_TRIES, new_code, sent, tried

NOW = datetime(2026, 8, 3, tzinfo=UTC)


def test_a_code_is_digits_and_not_always_the_same() -> None:
    found = {new_code() for _ in range(50)}
    assert len(found) > 40
    assert all(len(one) == CODE_DIGITS and one.isdigit() for one in found)


@given(st.text(max_size=8), st.text(max_size=8))
def test_only_the_right_code_of_the_right_owner_is_right(owner: str, code: str) -> None:
    kept = sent({}, owner, code.strip(), NOW)
    assert tried(kept, owner, code, NOW)[1] is None
    assert isinstance(tried(kept, owner + "x", code, NOW)[1], CallerError)
    assert isinstance(tried(kept, owner, code + "x", NOW)[1], CallerError)
    assert isinstance(tried(kept, owner, code, NOW + CODE_LIFE + timedelta(seconds=1))[1], CallerError)


def test_guessing_ends_after_a_few_tries() -> None:
    kept = sent({}, "o", "123456", NOW)
    for _ in range(CODE_TRIES):
        kept, wrong = tried(kept, "o", "000000", NOW)
        assert wrong is not None
    _, wrong = tried(kept, "o", "123456", NOW)
    assert wrong is not None
    assert wrong.code == "too_many_tries"

from __future__ import annotations

import pytest

from shouban.core.errors import CallerError
from shouban.web.throttle import MOST_ADDRESSES, Throttle


def test_one_try_too_many_is_refused_and_time_gives_them_back() -> None:
    now = [0.0]
    throttle = Throttle(3, per_seconds=60, clock=lambda: now[0])
    for _ in range(3):
        throttle.count("a")
    with pytest.raises(CallerError) as refused:
        throttle.count("a")
    assert refused.value.status == 429
    throttle.count("b")
    now[0] = 20.0
    throttle.count("a")
    with pytest.raises(CallerError):
        throttle.count("a")


def test_many_addresses_take_no_more_than_their_share_of_memory() -> None:
    throttle = Throttle(1, per_seconds=60, clock=lambda: 0.0)
    for number in range(MOST_ADDRESSES + 50):
        throttle.count(str(number))
    assert len(throttle._left) == MOST_ADDRESSES


def test_a_try_that_was_right_does_not_count() -> None:
    throttle = Throttle(1, per_seconds=60, clock=lambda: 0.0)
    for _ in range(3):
        throttle.count("a")
        throttle.forgive("a")
    throttle.forgive("b")
    throttle.count("b")
    with pytest.raises(CallerError):
        throttle.count("b")

"""The release mark: nothing unread goes out, and nothing follows a cut."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from shouban.core.release import Mark, cut, read_to, receive, release

Step = Callable[[Mark], Mark]


def _receives(chars: int) -> Step:
    return lambda mark: receive(mark, chars)


def _reads(chars: int) -> Step:
    return lambda mark: read_to(mark, chars)


NUMBERS = st.integers(0, 50)
MOVES = st.one_of(NUMBERS.map(_receives), st.integers(-5, 200).map(_reads), st.just(release))
WITH_CUTS = st.lists(st.one_of(MOVES, MOVES, MOVES, st.just(cut)), max_size=40)


@given(WITH_CUTS)
def test_what_is_released_was_read_and_what_is_read_was_received(steps: list[Step]) -> None:
    mark = Mark()
    for step in steps:
        before, mark = mark, step(mark)
        assert 0 <= mark.released <= mark.read <= mark.received
        assert (before.received, before.read, before.released) <= (mark.received, mark.read, mark.released)


@given(st.lists(MOVES, max_size=20), st.lists(st.one_of(MOVES, st.just(cut)), max_size=20))
def test_nothing_follows_a_cut(before: list[Step], after: list[Step]) -> None:
    mark = Mark()
    for step in before:
        mark = step(mark)
    ended = cut(mark)
    assert (ended.received, ended.read, ended.released) == (mark.received, mark.read, mark.released)
    for step in after:
        assert step(ended) == ended


@given(st.lists(MOVES, max_size=30))
def test_only_what_was_read_before_a_release_is_out(steps: list[Step]) -> None:
    mark, read_at_release = Mark(), 0
    for step in steps:
        mark = step(mark)
        if step is release:
            read_at_release = mark.read
        assert mark.released == read_at_release


@given(NUMBERS, NUMBERS)
def test_all_that_was_read_may_go_out_at_once(received: int, read: int) -> None:
    assert release(read_to(receive(Mark(), received), read)).released == min(received, read)

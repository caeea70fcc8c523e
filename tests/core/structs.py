"""Random values of the core's own structs, field by field from their types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from shouban.core.signals import SIGNALS, Level, Reading

Kind = TypeVar("Kind", bound=msgspec.Struct)

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # Hypothesis adds the zone
SPANS = st.timedeltas(timedelta(0), timedelta(days=400))
READINGS = st.builds(
    Reading,
    signal=st.sampled_from(sorted(SIGNALS)),
    level=st.sampled_from([*Level, "unknown"]),
    score=st.floats(0, 1),
    detector=st.text(max_size=8),
    version=st.text(max_size=4),
    span=st.none() | st.tuples(st.integers(0, 99), st.integers(100, 199)),
    kind=st.none() | st.text(max_size=8),
)
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**40), 2**40),
    str: st.text(max_size=12),
    datetime: TIMES,
    timedelta: SPANS,
    Reading: READINGS,
}


@cache
def drawn(kind: type[Kind]) -> st.SearchStrategy[Kind]:
    """Any value of this struct; each field with a default is now and then left out."""
    fields = msgspec.structs.fields(kind)
    given = {one.name: _of_type(one.type) for one in fields if one.required}
    more = {one.name: _of_type(one.type) for one in fields if not one.required}
    return st.fixed_dictionaries(given, optional=more).map(lambda values: kind(**values))


def _of_type(hint: Any) -> st.SearchStrategy[Any]:
    if hint in BY_TYPE:
        return BY_TYPE[hint]
    if get_origin(hint) is tuple:
        return st.lists(_of_type(get_args(hint)[0]), max_size=3).map(tuple)
    found: st.SearchStrategy[Any] = st.from_type(hint)
    return found

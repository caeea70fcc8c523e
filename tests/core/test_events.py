"""Events are what the log keeps: each survives being written down, and holds nobody's words."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.structs import drawn

from shouban.core.events import EVENTS, MINOR_BANDS, AnyEvent, Event, OutageBegan, UserLeft, UserSpoke, readings_of
from shouban.core.signals import Reading

ANY = st.sampled_from(sorted(EVENTS)).flatmap(lambda name: drawn(EVENTS[name]))
AT = datetime(2026, 8, 3, tzinfo=UTC)


@given(ANY)
def test_every_event_survives_being_written_down(event: Event) -> None:
    again = msgspec.json.decode(msgspec.json.encode(event), type=AnyEvent)
    assert again == event
    assert type(again) is type(event)


@given(ANY)
def test_an_event_written_again_is_the_same_bytes(event: Event) -> None:
    """The evidence hashes what was written: one event has one form."""
    written = msgspec.json.encode(event)
    assert msgspec.json.encode(msgspec.json.decode(written, type=AnyEvent)) == written


@given(ANY)
def test_an_event_says_what_it_is_by_name(event: Event) -> None:
    written = msgspec.json.decode(msgspec.json.encode(event))
    assert EVENTS[written["event"]] is type(event)


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS.keys())
def test_no_event_has_a_field_for_anybodys_text(kind: type[Event]) -> None:
    assert not {"text", "content", "message", "words", "prompt"} & set(kind.__struct_fields__)


@given(ANY)
def test_readings_are_those_of_the_text_behind_the_event(event: Event) -> None:
    assert readings_of(event) == (event.readings if hasattr(event, "readings") else ())


def test_an_event_without_text_has_no_readings() -> None:
    reading = Reading("crisis", 3, 1.0, "d", "1")  # type: ignore[arg-type]  # a level written as its number
    assert readings_of(UserSpoke(at=AT, readings=(reading,))) == (reading,)
    assert readings_of(UserLeft(at=AT, by="button")) == ()


@pytest.mark.parametrize(
    "written",
    [
        b'{"event": "UserLeft", "at": "2026-08-03T00:00:00Z"}',
        b'{"event": "UserLeft", "at": "2026-08-03T00:00:00Z", "by": "force"}',
        b'{"event": "UserLeft", "at": "2026-08-03T00:00:00Z", "by": "button", "text": "x"}',
        b'{"event": "UserSang", "at": "2026-08-03T00:00:00Z"}',
        b'{"event": "OutageBegan", "what": "x"}',
    ],
)
def test_an_event_that_does_not_fit_is_refused(written: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(written, type=AnyEvent)


def test_nobody_changes_what_has_happened() -> None:
    event = OutageBegan(at=AT, what="x")
    with pytest.raises(AttributeError):
        event.what = "y"  # type: ignore[misc]  # that is the point


def test_minors_are_those_below_18() -> None:
    assert {"under_14", "14_15", "16_17"} == MINOR_BANDS

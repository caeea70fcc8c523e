from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core import events as e
from shouban.core.errors import CallerError
from shouban.offices.simulation.intake import (
    NEXT_TALK,
    ROLES,
    START,
    STEP,
    Conversation,
    Profile,
    Said,
    conversation_of,
    moments,
    registered,
)

SECRET = "我的秘密心事"
LINE: dict[str, Any] = {"id": "a", "messages": [{"role": "user", "content": SECRET}]}
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  # Hypothesis adds the zone itself


def line(**changes: Any) -> bytes:
    return json.dumps({**LINE, **changes}, ensure_ascii=False).encode()


def message(**changes: Any) -> bytes:
    return line(messages=[{**LINE["messages"][0], **changes}])


BAD = {
    "not JSON": (b"hello", "not JSON in UTF-8"),
    "half a line": (line()[:-4], "not JSON in UTF-8"),
    "two values": (line() + line(), "not JSON in UTF-8"),
    "not UTF-8": (line().replace(b"\xe6", b"\xff", 1), "not JSON in UTF-8"),
    "a number": (b"12", "Expected `object`"),
    "a list": (b"[]", "Expected `object`"),
    "no id": (b'{"messages": []}', "`id`"),
    "empty id": (line(id=""), "`id` has 0 characters"),
    "long id": (line(id="x" * 257), "`id` has 257 characters"),
    "null id": (line(id=None), "$.id"),
    "no messages": (b'{"id": "a"}', "`messages`"),
    "empty messages": (line(messages=[]), "`messages` is empty"),
    "messages that are text": (line(messages="hello"), "$.messages"),
    "no role": (line(messages=[{"content": SECRET}]), "`role`"),
    "unknown role": (message(role="usr"), "did you mean `user`"),
    "a role that is a sentence": (message(role=SECRET), "is something else"),
    "no content": (line(messages=[{"role": "user"}]), "`content`"),
    "null content": (message(content=None), "$.messages[0].content"),
    "content of parts": (message(content=[{"type": "text", "text": SECRET}]), "$.messages[0].content"),
    "half a character": (b'{"id":"a","messages":[{"role":"user","content":"\\ud800"}]}', ""),
    "time without offset": (message(at="2026-08-03T10:00:00"), "has no offset"),
    "no time at all": (message(at="yesterday"), "is no time"),
    "milliseconds": (message(at=1785722400000), "is no time"),
    "before 1970": (message(at=-5), "is no time"),
    "an endless time": (b'{"id":"a","messages":[{"role":"user","content":"x","at":1e308}]}', "is no time"),
    "a true time": (message(at=True), "$.messages[0].at"),
    "a misspelt profile": (line(user={"age_bnad": "14_15"}), "did you mean `age_band`"),
    "an unknown age band": (line(user={"age_band": "teen"}), "$.user.age_band"),
    "fewer than no guardians": (line(user={"guardians": -1}), "cannot be below 0"),
    "an empty user": (line(user=""), "`user` has 0 characters"),
    "too deep": (b'{"x":' * 100_000 + b"1" + b"}" * 100_000, ""),
}  # fmt: skip


@pytest.mark.parametrize(("given_line", "why"), BAD.values(), ids=BAD)
def test_a_bad_line_says_what_does_not_fit_and_never_what_was_said(given_line: bytes, why: str) -> None:
    with pytest.raises(CallerError) as refused:
        conversation_of(given_line, 7)
    assert why in str(refused.value)
    assert SECRET not in str(refused.value)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_line_is_a_conversation_or_is_refused(given_line: bytes) -> None:
    with contextlib.suppress(CallerError):
        assert isinstance(conversation_of(given_line, 1), Conversation)


def test_a_line_is_read_with_its_person_roles_and_times() -> None:
    messages = [
        {"role": role, "content": role, "at": 1785722400 + place, "extra": {}} for place, role in enumerate(ROLES)
    ]
    found = conversation_of(line(id=12, messages=messages, user={"id": "u", "age_band": "14_15"}, source="x"), 3)
    assert (found.line, found.id, found.user, found.profile.age_band) == (3, "12", "u", "14_15")
    assert [one.role for one in found.said] == list(ROLES.values())
    assert found.said[1].at == datetime.fromtimestamp(1785722401, UTC)
    assert found.is_timed


@pytest.mark.parametrize(
    "at", ["2026-08-03T10:00:00+08:00", "2026-08-03T02:00:00Z", "1785722400", 1785722400, 1785722400.0]
)
def test_a_time_is_rfc_3339_or_seconds(at: str | float) -> None:
    assert conversation_of(message(at=at), 1).said[0].at == START


def test_a_conversation_without_user_has_a_person_of_its_own_and_no_times() -> None:
    found = conversation_of(line(), 1)
    assert (found.user, found.profile, found.is_timed) == ("", Profile(), False)


def said(*times: datetime | None) -> list[Said]:
    return [Said("user", "x", at) for at in times]


@given(st.lists(st.none() | TIMES, min_size=1, max_size=8), st.none() | TIMES)
def test_every_message_has_a_moment_and_given_times_are_kept(
    times: list[datetime | None], last_seen: datetime | None
) -> None:
    found = moments(said(*times), last_seen)
    assert len(found) == len(times)
    assert all(at is None or at == moment for at, moment in zip(times, found, strict=True))
    assert all(
        at is not None or moment == before + STEP
        for at, moment, before in zip(times[1:], found[1:], found, strict=False)
    )


def test_a_talk_without_times_begins_in_the_morning_and_the_next_one_a_day_later() -> None:
    assert moments(said(None, None), None) == [START, START + STEP]
    assert moments(said(None), START + timedelta(hours=3)) == [START + timedelta(hours=3) + NEXT_TALK]


def test_what_comes_before_the_first_time_was_said_just_before_it() -> None:
    assert moments(said(None, None, START), None) == [START - 2 * STEP, START - STEP, START]


def test_an_adult_begins_with_an_emergency_contact_and_a_minor_with_a_guardian_who_consents() -> None:
    (adult,) = registered(Profile(), "p", START)
    assert isinstance(adult, e.UserRegistered)
    assert (adult.guardians, adult.emergencies) == (0, 1)
    minor, consent = registered(Profile(age_band="under_14"), "p", START)
    assert isinstance(minor, e.UserRegistered)
    assert (minor.guardians, minor.emergencies) == (1, 0)
    assert isinstance(consent, e.ConsentGiven)


def test_a_profile_may_say_otherwise() -> None:
    told = registered(Profile(age_band="elder", mode="standard", emergencies=0, guardians=2), "p", START)
    assert [type(one).__name__ for one in told] == ["UserRegistered", "ModeSet"]
    assert isinstance(told[0], e.UserRegistered)
    assert (told[0].guardians, told[0].emergencies) == (2, 0)

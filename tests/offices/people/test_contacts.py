"""A contact is verified by a code over their own channel; nobody is flooded, and a code is not guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core.errors import CallerError
from shouban.duties.codes import CODE_LIFE, CODE_TRIES, CODES_A_DAY
from shouban.offices.people.contacts import (
    ALL_CODES_A_DAY,
    RECHECK_AFTER,
    ContactChange,
    changed,
    counted,
    found_in,
    identified,
    replaced,
    safe_ids,
    settled,
    shown,
    standing,
    tried,
    with_code,
)

NOW = datetime(2026, 8, 3, tzinfo=UTC)
MOTHER: dict[str, Any] = {"kind": "guardian", "name": "王芳", "channels": ["tel:+861"], "unsafe": False}
FATHER: dict[str, Any] = {**MOTHER, "name": "李明"}
contacts = st.lists(st.fixed_dictionaries({"kind": st.sampled_from(["guardian", "emergency"]), "name": st.text(max_size=4), "channels": st.lists(st.text(max_size=6), max_size=2)}), max_size=6)  # fmt: skip


def one(*, at: datetime = NOW) -> dict[str, Any]:
    return with_code(identified([MOTHER], [])[0], "123456", at)


@given(contacts)
def test_who_is_the_same_as_before_keeps_what_is_known(found: list[dict[str, Any]]) -> None:
    first = [{**one, "verified_at": NOW.isoformat()} for one in identified(found, [])]
    again = identified(found, first)
    assert len({one["id"] for one in again}) == len(found), "everybody has an id of their own"
    reached = [place for place, one in enumerate(found) if one["channels"]]
    assert {again[place]["id"] for place in reached} <= {one["id"] for one in first}
    assert identified(again, again) == again, "who has an id is who they are"


def test_ids_say_nothing_of_whose_they_are() -> None:
    assert identified([MOTHER], [])[0]["id"] != identified([MOTHER], [])[0]["id"]


def test_another_number_is_the_same_contact_and_not_verified() -> None:
    held = [{**identified([MOTHER], [])[0], "verified_at": NOW.isoformat()}]
    fresh = identified([{**MOTHER, "channels": ["tel:+862"]}], held)
    assert fresh[0]["id"] == held[0]["id"]
    assert standing(fresh[0], NOW) == "unverified"


def without_word(contact: dict[str, Any]) -> dict[str, Any]:
    """As an app posts it that does not know of the mark."""
    return {key: value for key, value in contact.items() if key not in {"unsafe", "id"}}


def marked(*contacts: dict[str, Any]) -> dict[str, Any]:
    """A profile whose first contact is a danger."""
    held = settled([without_word(one) for one in contacts], {})
    return {**held, "contacts": changed(held["contacts"], held["contacts"][0]["id"], ContactChange(unsafe=True))}


def test_a_danger_stays_one_through_another_number_another_name_and_a_time_away() -> None:
    plain, profile = without_word(MOTHER), marked(MOTHER)
    mark = profile["contacts"][0]["id"]
    for spelled in ({"channels": ["tel:+862"]}, {"name": "妈妈"}, {"channels": ["tel:86-1"]}, {"kind": "emergency"}):
        again = settled([{**plain, **spelled}], profile)["contacts"][0]
        assert again["unsafe"], spelled
        assert (again["id"] == mark) == (spelled not in ({"channels": ["tel:+862"]}, {"kind": "emergency"})), (
            "a name alone has no history"
        )
    away, father = profile, without_word({**FATHER, "channels": ["tel:+864"]})
    for others in ([father], [], [father, {**father, "name": "奶奶", "channels": ["tel:+867"]}]):
        away = settled(others, away)
    assert settled([plain], away)["contacts"][0]["unsafe"], "taken out, several changes ago, and put back"
    assert not settled([{**plain, "name": "李明", "channels": ["tel:+863"]}], away)["contacts"][0]["unsafe"]
    said = settled([{**plain, "unsafe": False}], away)
    assert not said["contacts"][0]["unsafe"], "unless it is said outright"
    assert not settled([plain], settled([], said))["contacts"][0]["unsafe"], "and that holds from then on"


def test_one_of_two_of_a_name_is_the_danger_and_not_the_other() -> None:
    other = {**MOTHER, "channels": ["tel:+865"]}
    profile = marked(MOTHER, other)
    assert [one["unsafe"] for one in profile["contacts"]] == [True, False]
    for order in ((MOTHER, other), (other, MOTHER)):
        again = settled([without_word(one) for one in order], profile)["contacts"]
        assert {one["channels"][0]: one["unsafe"] for one in again} == {"tel:+861": True, "tel:+865": False}


def test_who_is_named_twice_is_the_same_danger_twice() -> None:
    profile = marked(MOTHER, {**MOTHER, "kind": "emergency"})
    assert safe_ids(profile["contacts"]) == ()


def test_who_was_taken_out_by_mistake_and_comes_back_is_the_same() -> None:
    profile = settled([without_word(MOTHER), without_word({**FATHER, "channels": ["tel:+864"]})], {})
    mother = profile["contacts"][0]["id"]
    later = settled([without_word({**FATHER, "channels": ["tel:+864"]})], profile)
    back = settled([without_word(MOTHER)], settled([], later))
    assert back["contacts"][0]["id"] == mother
    assert standing(back["contacts"][0], NOW) == "unverified"
    stranger = settled([without_word({**MOTHER, "channels": ["tel:+868"]})], later)
    assert stranger["contacts"][0]["id"] != mother, "a name alone brings nobody back"


def test_what_the_person_named_is_the_apps_once_the_app_names_it() -> None:
    held = settled([{**without_word(MOTHER), "named_by": "self"}], {})
    assert held["contacts"][0]["named_by"] == "self"
    assert "named_by" not in settled([without_word(MOTHER)], held)["contacts"][0]


def test_the_same_phone_twice_is_one_to_be_told() -> None:
    both = identified([MOTHER, {**MOTHER, "kind": "emergency"}, FATHER | {"channels": ["tel:+869"]}], [])
    assert len(both) == 3
    assert len(safe_ids(both)) == 2


def test_the_right_code_verifies_once_and_for_a_while() -> None:
    fresh, wrong = tried(one(), " 123456 ", NOW + timedelta(minutes=1))
    assert wrong is None
    assert standing(fresh, NOW) == "verified"
    assert standing(fresh, NOW + RECHECK_AFTER + timedelta(minutes=1)) == "recheck"
    _, again = tried(fresh, "123456", NOW + timedelta(minutes=2))
    assert again is not None
    assert again.code == "no_code"


def test_a_code_is_not_guessed_and_grows_old() -> None:
    contact = one()
    for _ in range(CODE_TRIES):
        contact, wrong = tried(contact, "000000", NOW)
        assert wrong is not None
        assert wrong.code == "wrong_code"
    _, wrong = tried(contact, "123456", NOW)
    assert wrong is not None
    assert wrong.status == 429
    _, late = tried(one(), "123456", NOW + CODE_LIFE + timedelta(seconds=1))
    assert late is not None
    _, none = tried(identified([MOTHER], [])[0], "123456", NOW)
    assert none is not None


def test_nobody_is_flooded_with_codes() -> None:
    contact, at = identified([MOTHER], [])[0], NOW
    for _ in range(CODES_A_DAY):
        contact = with_code(contact, "1", at)
        with pytest.raises(CallerError):
            with_code(contact, "2", at + timedelta(seconds=30))
        at += timedelta(minutes=2)
    with pytest.raises(CallerError) as refused:
        with_code(contact, "3", at)
    assert refused.value.status == 429
    assert with_code(contact, "4", NOW + timedelta(days=1, minutes=10))


def test_a_verified_contact_may_be_sent_no_more_codes_than_another() -> None:
    verified, _ = tried(one(), "123456", NOW)
    with pytest.raises(CallerError):
        with_code(verified, "2", NOW + timedelta(seconds=30))


def test_the_code_is_shown_to_nobody() -> None:
    assert "code" not in shown(one(), NOW)
    assert "123456" not in repr(one())


def test_the_order_of_calling_is_changed_and_nobody_is_lost() -> None:
    held = identified([MOTHER, FATHER], [])
    mother, father = (one["id"] for one in held)
    assert [one["id"] for one in changed(held, father, ContactChange(place=0))] == [father, mother]
    assert [one["unsafe"] for one in changed(held, mother, ContactChange(unsafe=True))] == [True, False]
    assert [one["id"] for one in changed(held, mother, ContactChange(unsafe=True))] == [mother, father]
    for place in (-1, 2):
        with pytest.raises(CallerError):
            changed(held, mother, ContactChange(place=place))


def test_who_is_not_there_is_not_found() -> None:
    held = identified([MOTHER], [])
    with pytest.raises(CallerError) as refused:
        found_in(held, "nobody")
    assert refused.value.status == 404
    assert replaced(held, {**held[0], "unsafe": True})[0]["unsafe"]


def test_a_person_has_so_many_codes_a_day_whatever_their_contacts_are_called() -> None:
    profile: dict[str, Any] = {}
    for _ in range(ALL_CODES_A_DAY):
        profile = counted(profile, NOW)
    with pytest.raises(CallerError) as refused:
        counted(profile, NOW + timedelta(hours=23))
    assert refused.value.status == 429
    assert len(counted(profile, NOW + timedelta(hours=25))["codes_sent"]) == 1

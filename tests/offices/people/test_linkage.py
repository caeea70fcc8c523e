"""Device, app and store switch together; a signal that was overtaken changes nothing; the strictest side holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import Served, fresh, noon, serving, settings_for

from shouban.core.errors import CallerError
from shouban.offices.people.linkage import MOST_SIDES, Linking, held_by, linked

AT = datetime(2026, 8, 3, tzinfo=UTC)
SIGNALS = st.lists(
    st.builds(Linking, source=st.sampled_from(["device", "app", "store"]), mode=st.sampled_from(["minor", "standard"]), number=st.integers(0, 6)), max_size=20
)  # fmt: skip


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("linkage"), encoder=False)) as served:
        yield served


@given(SIGNALS)
def test_of_each_side_the_newest_word_holds_in_whatever_order_they_come(signals: list[Linking]) -> None:
    sides: dict[str, Any] = {}
    newest: dict[str, Linking] = {}
    for one in signals:
        if one.side in newest and one.number <= newest[one.side].number and one.mode != "minor":
            with pytest.raises(CallerError) as stale:
                linked(sides, one, AT)
            assert stale.value.code == "stale_signal"
        else:
            sides, newest = linked(sides, one, AT), {**newest, one.side: one}
    assert held_by(sides) == sorted(side for side, one in newest.items() if one.mode == "minor")


def test_sides_are_few_and_none_that_protects_is_refused() -> None:
    sides: dict[str, Any] = {}
    for place in range(MOST_SIDES):
        sides = linked(sides, Linking("device", "standard" if place else "minor", 1, device=f"d{place}"), AT)
    sides = linked(sides, Linking("store", "minor", 1), AT)
    assert len(sides) == MOST_SIDES
    assert held_by(sides) == ["device:d0", "store"]


def send(office: Served, user: str, **body: Any) -> Any:
    return office.post(f"/v1/users/{user}/linkage", body, at=noon(minutes=1))


def test_one_tap_on_any_side_switches_all_and_leaving_needs_every_side_and_the_guardian(office: Served) -> None:
    user = fresh()
    office.register(user, at=noon())
    with office.listening(user) as events:
        assert send(office, user, source="device", device="phone", mode="minor", number=1).json()["mode"] == "minor"
        assert events.until("mode_changed")[-1]["mode"] == "minor"
    assert send(office, user, source="store", mode="minor", number=7).json()["held_by"] == ["device:phone", "store"]
    left = send(office, user, source="device", device="phone", mode="standard", number=2, verified=True).json()
    assert (left["mode"], left["held_by"]) == ("minor", ["store"])
    assert send(office, user, source="store", mode="standard", number=8).json()["mode"] == "minor", (
        "nobody was verified"
    )
    stale = send(office, user, source="store", mode="standard", number=8, verified=True)
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "stale_signal")
    assert send(office, user, source="store", mode="minor", number=8).json()["held_by"] == ["store"]
    app = office.post(f"/v1/users/{user}/mode", {"mode": "standard", "by": "guardian", "verified": True}, at=noon())
    assert (app.status_code, "store" in app.json()["error"]["message"]) == (403, True)
    assert send(office, user, source="store", mode="standard", number=9, verified=True).json()["mode"] == "standard"


def test_a_child_stays_a_child_whatever_the_switches_say(office: Served) -> None:
    user = fresh("小雨")
    office.register(user, "14_15", at=noon())
    left = send(office, user, source="device", mode="standard", number=1, verified=True).json()
    assert (left["mode"], left["is_minor"], left["signal"]) == ("minor", True, "13_15")


def test_an_age_signal_of_the_store_is_evidence_and_makes_it_a_minors_account(office: Served) -> None:
    user = fresh()
    office.register(user, at=noon())
    found = send(office, user, source="store", mode="standard", number=1, signal="under_13").json()
    assert (found["age_band"], found["mode"], found["signal"]) == ("under_14", "minor", "under_13")
    assert send(office, user, source="store", mode="minor", number=2, signal="old").status_code == 400
    shown = office.get(f"/v1/users/{user}/linkage", at=noon(minutes=2)).json()
    assert shown["sides"]["store"]["number"] == 1, "what did not fit has changed nothing"
    assert shown["controls"]["purchases_allowed"] is False

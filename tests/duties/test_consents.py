"""Every consent has its row, in the transaction of its event, and ends with its withdrawal."""

from __future__ import annotations

from typing import Any

from tests.gateway.serving import Served, fresh, noon


def say(world: Served, user: str, *, minutes: int, **wish: Any) -> None:
    answer = world.post(f"/v1/users/{user}/consents", wish, at=noon(minutes=minutes))
    assert answer.status_code == 200, answer.text


def records(world: Served, user: str) -> list[tuple[str, str, str, bool]]:
    found = world.get(f"/v1/users/{user}/consents").json()["records"]
    return [(one["purpose"], one["party"], one["by"], one["withdrawn_at"] is None) for one in found]


def test_who_agreed_to_what_in_which_words_and_how_it_is_known(world: Served) -> None:
    user = fresh()
    world.register(user)
    say(world, user, minutes=1, purpose="training", text_version="2026-08", verified="checkbox in the app")
    shown = world.get(f"/v1/users/{user}/consents").json()
    assert shown["standing"] == ["training"]
    (one,) = shown["records"]
    assert (one["purpose"], one["by"], one["text_version"], one["verified"], one["withdrawn_at"]) == (
        "training",
        "user",
        "2026-08",
        "checkbox in the app",
        None,
    )
    assert one["given_at"].startswith("2026-08-03T04:01:00")


def test_a_withdrawal_ends_the_row_and_a_second_consent_is_a_second_row(world: Served) -> None:
    user = fresh()
    world.register(user)
    say(world, user, minutes=1, purpose="training")
    say(world, user, minutes=2, purpose="training", given=False)
    assert records(world, user) == [("training", "", "user", False)]
    say(world, user, minutes=3, purpose="training")
    assert records(world, user) == [("training", "", "user", True), ("training", "", "user", False)]
    say(world, user, minutes=4, purpose="training")
    assert [stands for *_, stands in records(world, user)] == [True, False, False], "the newest words hold"


def test_each_third_party_has_a_consent_of_its_own(world: Served) -> None:
    user = fresh()
    world.register(user)
    say(world, user, minutes=1, purpose="third_party", party="model")
    say(world, user, minutes=2, purpose="third_party", party="judge")
    say(world, user, minutes=3, purpose="third_party", party="model", given=False)
    assert {party for _, party, _, stands in records(world, user) if stands} == {"judge"}
    assert world.get(f"/v1/users/{user}/consents").json()["standing"] == ["third_party:judge"]


def test_what_does_not_fit_is_refused(world: Served) -> None:
    user = fresh()
    world.register(user)
    for wish in ({"purpose": "everything"}, {"purpose": "training", "party": "x" * 65}, {}):
        assert world.post(f"/v1/users/{user}/consents", wish).status_code == 400
    assert world.get("/v1/users/nobody/consents").status_code == 404

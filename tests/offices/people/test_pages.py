"""The routes of the people office: each there, each with the service key, each of its own service."""

from __future__ import annotations

from typing import Any

import pytest
from tests.gateway.serving import Served, fresh

ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/v1/users/{}", None),
    ("PATCH", "/v1/users/{}", {"nickname": "x"}),
    ("POST", "/v1/users/{}/login", None),
    ("POST", "/v1/users/{}/exit", {}),
    ("POST", "/v1/users/{}/mode", {"mode": "standard"}),
    ("POST", "/v1/users/{}/consents", {"purpose": "training"}),
    ("POST", "/v1/users/{}/contacts", {"contacts": []}),
    ("POST", "/v1/users/{}/human", {"action": "take_over", "staff": "李"}),
    ("GET", "/v1/users/{}/data", None),
    ("DELETE", "/v1/users/{}/data", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_every_route_answers_its_own_service_only(world: Served, method: str, path: str, body: Any) -> None:
    user = fresh()
    world.register(user)
    place = path.format(user)
    assert world.ask(method, place, body, key="").status_code == 401
    assert world.ask(method, place, body, key="sk-other").status_code == 404
    assert world.ask(method, place, body).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"), [route for route in ROUTES if route[2] is not None and route[1] != "/v1/users/{}/exit"]
)
@pytest.mark.parametrize("sent", [b"{", b"[]", b"null", b"7", b"\xff", b'{"no_such_field": 1}'])
def test_a_body_that_does_not_fit_is_refused_in_openais_shape(
    world: Served, method: str, path: str, body: Any, sent: bytes
) -> None:
    user = fresh()
    world.register(user)
    answer = world.ask(method, path.format(user), sent)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "code", "param"}
    assert body is not None


def test_a_registration_is_created(world: Served) -> None:
    answer = world.post("/v1/users", {"id": fresh(), "age_band": "adult"})
    assert answer.status_code == 201
    assert world.post("/v1/users", {"id": fresh(), "age_band": "adult"}, key="").status_code == 401

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import KEY, Served, fresh, noon
from tests.upstreams.faulty import FaultyUpstream

from shouban.core.errors import CallerError
from shouban.gateway.clock import parse_at
from shouban.gateway.context import Gateway, key_digest


def gateway_of(world: Served) -> Gateway:
    assert world.app is not None
    return world.app.gateway


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER  {KEY} "])
def test_the_key_names_its_service(world: Served, header: str) -> None:
    assert gateway_of(world).service_of(header).id == "default"
    assert gateway_of(world).service_of("Bearer sk-other").id == "other"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", KEY, f"Basic {KEY}", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}"]
)
def test_anything_else_is_refused(world: Served, header: str) -> None:
    with pytest.raises(CallerError) as refused:
        gateway_of(world).service_of(header)
    assert refused.value.status == 401


@given(st.text())
def test_any_key_has_a_digest_and_is_not_in_it(key: str) -> None:
    digest = key_digest(key)
    assert len(digest) == 32
    assert not key or key.encode("utf-8", "surrogatepass") not in digest or len(key) < 3


def test_keys_are_kept_as_digests_only(world: Served) -> None:
    assert key_digest(KEY) in gateway_of(world).services
    assert KEY.encode() not in (world.data / "keys" / "services.json").read_bytes()


def test_a_virtual_clock_takes_the_time_of_the_request(world: Served) -> None:
    gateway = gateway_of(world)
    assert gateway.time(noon(hours=3)) == parse_at(noon(hours=3))
    assert gateway.time(None) == parse_at(noon(hours=3))
    gateway.time(noon())


def test_two_services_have_their_own_keys_laws_models_and_people(
    world: Served, upstream: FaultyUpstream, other_upstream: FaultyUpstream
) -> None:
    user = fresh()
    before = len(upstream.requests)
    world.register(user)
    assert world.get(f"/v1/users/{user}", key="sk-other").status_code == 404
    world.chat("这是另一家的话", user=user, key="sk-other")
    assert other_upstream.requests[-1].last_words == "这是另一家的话"
    assert len(upstream.requests) == before
    assert ("user", "这是另一家的话") not in world.messages(user)
    assert ("user", "这是另一家的话") in world.messages(user, key="sk-other")
    reply = world.chat("你好", key="sk-other", aware=True)
    assert all(rule.startswith("cn-2025-draft.") for rule in reply.notices[0]["because"])

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import KEY, Served, noon

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

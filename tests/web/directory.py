"""A real OpenID provider on loopback (`oidc-provider-mock`): it signs in whom the test says, over HTTP, with keys of its own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import oidc_provider_mock


@contextmanager
def directory(**claims: Any) -> Iterator[str]:
    """Its address. Everybody it signs in has these claims."""
    with oidc_provider_mock.run_server_in_thread(
        user_claims=[oidc_provider_mock.User(sub="w-1", claims=claims)]
    ) as server:
        yield f"http://localhost:{server.server_port}"


def come_back(address: str, subject: str = "w-1") -> httpx.URL:
    """Signs in at the directory as a browser would; gives the address it sends the browser back to."""
    answer = httpx.post(address, data={"sub": subject}, trust_env=False)
    return httpx.URL(answer.headers["location"])

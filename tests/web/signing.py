"""Signs in to pages as a browser does: a client with its cookies that says where its requests come from."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import pyotp
from tests.gateway.serving import Served

from shouban.web.roles import Role
from shouban.web.sessions import Account, Private, SignIns

PASSWORD = "correct horse battery"
Given = TypeVar("Given")


def sign_ins_of(served: Served, *, second_factor: bool = False) -> SignIns:
    assert served.app is not None
    store = served.app.store
    return SignIns(store.engine, store.writer, store.master, second_factor=second_factor)


def now_of(served: Served) -> datetime:
    assert served.app is not None
    return served.app.gateway.clock.now().astimezone(UTC)


def run(what: Coroutine[Any, Any, Given]) -> Given:
    """In a thread of its own: where a browser is driven, this one has a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, what).result()


def staff(
    served: Served,
    name: str,
    *roles: Role,
    service: str = "default",
    secret: str = "",
    address: str = "",
    shown: str = "",
) -> Account:
    """A new account with the password of all of them."""
    private = Private(name, address=address, code_secret=secret, shown=shown)
    return run(sign_ins_of(served).add(service, private, roles, at=now_of(served), by="test", password=PASSWORD))


def browser(served: Served) -> httpx.Client:
    """Not signed in yet."""
    headers = {"origin": served.url, "accept": "text/html"}
    return httpx.Client(base_url=served.url, headers=headers, timeout=30, trust_env=False)


def enter(served: Served, name: str, password: str = PASSWORD, *, service: str = "") -> httpx.Client:
    """Signed in by name and password."""
    client = browser(served)
    answer = client.post("/sign-in", data={"name": name, "password": password, "service": service})
    assert answer.status_code == 303, answer.text
    return client


def code_now(served: Served, secret: str) -> str:
    return pyotp.TOTP(secret).at(int(now_of(served).timestamp()))

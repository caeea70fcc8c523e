"""A real-name provider over real HTTP: a yes, a no, and whatever else is neither."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.duties.test_contact import hook
from tests.gateway.serving import fresh, noon, serving, settings_for
from tests.offices.guardians.family import MOTHER, accepted, child, invited, number

from shouban.core.errors import OperatorError
from shouban.duties.identity import HttpIdentity


class Provider:
    """Knows one person; may answer with something else."""

    def __init__(self, body: bytes | None, status: int) -> None:
        provider = self
        self.asked: list[tuple[str, dict[str, Any]]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                provider.asked.append((self.headers.get("authorization", ""), asked))
                known = asked == {"name": "王芳", "id_number": number(MOTHER)}
                said = body if body is not None else json.dumps({"match": known, "more": 1}).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/match"


@contextmanager
def provider(body: bytes | None = None, status: int = 200) -> Iterator[Provider]:
    found = Provider(body, status)
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.server.shutdown()
        found.server.server_close()
        thread.join()


def test_a_yes_and_a_no() -> None:
    with provider() as real:
        ask = HttpIdentity(real.url, "key-1")
        assert asyncio.run(ask("王芳", number(MOTHER)))
        assert not asyncio.run(ask("李四", number(MOTHER)))
    assert real.asked[0][0] == "Bearer key-1"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{}", 200), (b"yes", 200), (b'{"match": "true"}', 200), (b'{"match": true}', 503), (b"", 302)],
)
def test_what_is_no_answer_verifies_nobody(body: bytes, status: int) -> None:
    with provider(body, status) as real, pytest.raises(OperatorError) as refused:
        asyncio.run(HttpIdentity(real.url, "")("王芳", number(MOTHER)))
    assert number(MOTHER) not in str(refused.value)
    with pytest.raises(OperatorError):
        asyncio.run(HttpIdentity("http://127.0.0.1:9/", "")("王芳", number(MOTHER)))


def test_with_a_provider_age_and_guardians_are_verified_by_it(tmp_path: Path) -> None:
    with provider() as real, hook() as phone:
        settings = settings_for(tmp_path, identity_url=real.url, encoder=False)
        with serving(settings) as office:
            user = fresh()
            office.register(user, at=noon())
            told = {"method": "id_number", "id_number": number(MOTHER)}
            wrong = office.post(f"/v1/users/{user}/age", {**told, "name": "李四"}, at=noon())
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "not_verified")
            right = office.post(f"/v1/users/{user}/age", {**told, "name": "王芳"}, at=noon()).json()
            assert right["age_basis"] == "verified"
            small, contact = child(office, phone)
            address = invited(office, phone, small, contact)
            assert "身份证上的姓名" in accepted(office, address, real_name="")[1].text
            refused = accepted(office, address, real_name="李四")[1]
            assert (refused.status_code, "对不上" in refused.text) == (403, True)
            assert accepted(office, address, real_name="王芳")[1].status_code == 303
        with serving(settings_for(tmp_path, identity_url="http://127.0.0.1:9/", encoder=False)) as office:
            away = office.post(f"/v1/users/{user}/age", {**told, "name": "王芳"}, at=noon(minutes=2))
            assert away.status_code >= 500, "without an answer nobody is verified"

"""Guardians and contacts are told: in their order, by a webhook that takes it, with the least that helps."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import PLAN, Served, fresh, noon, serving, settings_for

from shouban.duties.contact import in_order

CONTACTS = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["guardian", "emergency"]), "unsafe": st.booleans(), "name": st.text(max_size=3)}
    ),
    max_size=6,
)


class Hook:
    """A guardian's phone, as a webhook: remembers what it was told, and may refuse."""

    def __init__(self, status: int) -> None:
        hook = self
        self.told: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"


@contextmanager
def hook(status: int = 204) -> Iterator[Hook]:
    found = Hook(status)
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.server.shutdown()
        found.server.server_close()
        thread.join()


def contact(url: str, kind: str = "guardian", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "name": "王芳", "channels": [url], **more}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data: Path = tmp_path_factory.mktemp("contacts")
    with serving(settings_for(data)) as found:
        yield found


def in_danger(served: Served, contacts: list[dict[str, Any]], **profile: Any) -> tuple[str, Any]:
    """Somebody with these contacts speaks of a plan; gives who, and the duty to tell."""
    user = fresh()
    served.register(user, contacts=contacts, **profile)
    served.chat(PLAN, user=user)
    served.chat("你好", at=noon(seconds=1))
    return user, served.ledger(user, kinds=["NotifyGuardian"])[0]


def test_the_guardian_is_told_at_once_and_told_nothing_of_the_words(served: Served) -> None:
    with hook() as phone:
        user, duty = in_danger(served, [contact(phone.url)])
    [told] = phone.told
    assert (duty.state, duty.outcome) == ("done", "contact 1: webhook answered 204")
    assert told["idempotency_key"] == duty.duty_id
    assert (told["user"], told["contact"]) == (user, "王芳")
    assert "请马上联系" in told["text"]
    assert "遗书" not in json.dumps(told, ensure_ascii=False)


def test_an_english_profile_is_told_in_english(served: Served) -> None:
    with hook() as phone:
        in_danger(served, [contact(phone.url)], language="en")
    assert "may be in danger now" in phone.told[0]["text"]


def test_who_does_not_take_it_is_passed_over_for_the_next(served: Served) -> None:
    with hook(500) as broken, hook() as phone:
        _, duty = in_danger(
            served,
            [contact("tel:13900001111"), contact("http://127.0.0.1:9/"), contact(broken.url), contact(phone.url)],
        )
    assert duty.outcome == "contact 4: webhook answered 204"
    assert (len(broken.told), len(phone.told)) == (1, 1)


def test_an_unsafe_contact_is_never_told(served: Served) -> None:
    with hook() as unsafe, hook() as friend:
        in_danger(served, [contact(unsafe.url, unsafe=True), contact(friend.url, "emergency")])
    assert (len(unsafe.told), len(friend.told)) == (0, 1)


def test_nobody_reached_is_tried_again_and_shows(served: Served) -> None:
    user, duty = in_danger(served, [contact("http://127.0.0.1:9/")])
    assert (duty.state, duty.attempts) == ("owed", 1)
    assert "cannot be reached" in duty.outcome
    with hook() as phone:
        changed = served.post(f"/v1/users/{user}/contacts", {"contacts": [contact(phone.url)]}, at=noon(seconds=2))
        assert changed.status_code == 200
        served.chat("你好", at=noon(seconds=30))
    assert served.ledger(user, kinds=["NotifyGuardian"])[0].state == "done"
    assert len(phone.told) == 1


@pytest.mark.parametrize(
    "contacts", [[], [{"kind": "guardian", "name": "x", "channels": ["http://127.0.0.1:9/"], "unsafe": True}]]
)
def test_nobody_on_record_is_a_matter_for_the_staff(served: Served, contacts: list[dict[str, Any]]) -> None:
    _, duty = in_danger(served, contacts)
    assert (duty.state, duty.outcome) == ("owed", "no contact is on record; a person of the staff must find one")


@pytest.mark.parametrize(
    "address", ["http://", "http://[", "https://exa mple/", "http://\udcff/", "http://127.0.0.1:99999/"]
)
def test_an_address_that_is_none_is_no_reason_to_stop(served: Served, address: str) -> None:
    with hook() as phone:
        _, duty = in_danger(served, [contact(address.encode("utf-8", "replace").decode()), contact(phone.url)])
    assert duty.state == "done"
    assert len(phone.told) == 1


@given(CONTACTS, st.sampled_from(["guardian", "emergency"]))
def test_the_wanted_sort_comes_first_and_unsafe_ones_never(contacts: list[dict[str, Any]], first: str) -> None:
    ordered = in_order(contacts, first)
    assert not [one for one in ordered if one["unsafe"]]
    assert len(ordered) == len([one for one in contacts if not one["unsafe"]])
    wanted = [one["kind"] == first for one in ordered]
    assert wanted == sorted(wanted, reverse=True)
    assert [one for one in ordered if one["kind"] == first] == [
        one for one in contacts if one["kind"] == first and not one["unsafe"]
    ]

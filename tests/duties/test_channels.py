"""Words reach an address over real HTTP and real SMTP, and what cannot be reached says so without giving the address away."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from apprise import Apprise
from tests.duties.test_contact import hook

from shouban.core.errors import OperatorError
from shouban.duties.channels import KNOWN, VENDORS, Channels, Message

MESSAGE = Message("duty-1", "守伴安全提醒", "您关心的人现在可能需要您。", {"contact": "王芳"})


class Postbox:
    """Takes mail, and remembers it."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # the library's own name
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 taken"


@pytest.fixture
def mail() -> Iterator[tuple[Postbox, str]]:
    box = Postbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, f"mailto://127.0.0.1:{port}?from=notice@shouban.test&format=text"
    server.stop()


def send(channels: Channels, address: str) -> str:
    return asyncio.run(channels.send(address, MESSAGE))


def test_a_webhook_gets_all_of_it() -> None:
    with hook() as found:
        assert send(Channels(), found.url) == "webhook answered 204"
        assert found.told == [
            {"idempotency_key": "duty-1", "title": MESSAGE.title, "text": MESSAGE.text, "contact": "王芳"}
        ]


def test_a_mail_goes_out_by_the_services_own_server(mail: tuple[Postbox, str]) -> None:
    box, server = mail
    assert send(Channels(mail=server), "mailto:wang@example.org") == "mail took it"
    to, letter = box.mails[0]
    assert to == ["wang@example.org"]
    assert str(make_header(decode_header(letter["subject"]))) == MESSAGE.title
    body = letter if not letter.is_multipart() else letter.get_payload()[0]
    assert MESSAGE.text in body.get_payload(decode=True).decode()


def test_a_phone_is_reached_by_the_gateway_of_the_service() -> None:
    with hook() as gateway:
        assert send(Channels(sms=gateway.url), "tel:+8613800000000") == "webhook answered 204"
        assert gateway.told[0]["to"] == "+8613800000000"


@pytest.mark.parametrize(
    ("channels", "address", "told"),
    [
        (Channels(), "mailto:wang@example.org", "set `mail`"), (Channels(), "tel:+8613800000000", "set `sms`"), (Channels(), "carrier-pigeon://home", "no carrier"),
        (Channels(), "file:///etc/passwd", "no carrier"), (Channels(), "syslog://localhost", "no carrier"), (Channels(), "", "no carrier"), (Channels(), "王芳的手机", "no carrier"),
        (Channels(), "http://127.0.0.1:9/secret-token", "cannot be reached"), (Channels(mail="mailto://127.0.0.1:9?from=a@b.test"), "mailto:wang@example.org", "did not take"),
        (Channels(), "http://[broken", "cannot be reached"),
    ],
)  # fmt: skip
def test_what_cannot_be_reached_says_why_and_not_where(channels: Channels, address: str, told: str) -> None:
    with pytest.raises(OperatorError, match=told) as refused:
        send(channels, address)
    assert not any(secret in str(refused.value) for secret in ("wang", "secret-token", "13800000000", "王芳"))


def test_a_refusal_and_a_redirect_are_no_delivery() -> None:
    for status in (302, 404, 500):
        with hook(status) as found, pytest.raises(OperatorError, match=str(status)):
            send(Channels(), found.url)


def test_a_recipient_cannot_add_settings_to_the_mail_server(mail: tuple[Postbox, str]) -> None:
    box, server = mail
    with pytest.raises(OperatorError):
        send(Channels(mail=server), "mailto:a@example.org&to=evil@example.org&smtp=evil.test")
    assert box.mails == []


def test_only_schemes_that_carry_words_to_one_place_are_known() -> None:
    assert {"dingtalk", "feishu", "wecombot"} <= KNOWN
    assert KNOWN.isdisjoint(
        {"file", "syslog", "dbus", "macosx", "windows", "exec", "json", "xml", "form", "mailto", "mailtos"}
    )


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:9/x", "http://localhost:9/x", "http://[::1]:9/x", "http://169.254.169.254/latest", "http://10.0.0.8/"],
)  # fmt: skip
def test_in_production_a_contact_is_no_machine_beside_this_one(address: str) -> None:
    with pytest.raises(OperatorError) as refused:
        send(Channels(public_only=True), address)
    assert str(refused.value) == "webhook cannot be reached"


@pytest.mark.parametrize(
    "address",
    [
        "ntfy://127.0.0.1:9/topic", "ntfys://localhost/topic", "bark://10.0.0.5:8080/key", "pushdeer://127.0.0.1:9/key", "matrix://user:pass@127.0.0.1:9/room",
        "ntfy://[::1]/topic", "ntfy://169.254.169.254/topic", "msteams://127.0.0.1/a/b/c", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ?verify=no",
        "ntfy://a-name-that-changes.example/topic",
    ],
)  # fmt: skip
def test_in_production_a_messenger_is_its_vendors_own_server(address: str) -> None:
    with pytest.raises(OperatorError, match="in production only those of dingtalk"):
        send(Channels(public_only=True), address)


@pytest.mark.parametrize(
    "address",
    [
        "dingtalk://secret@12345678901234567890123456789012", "feishu://127001aa-bbbb-cccc-dddd-eeeeeeeeeeee", "lark://127001aa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "wecombot://693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa", "tgram://123456789:abcdefg_hijklmnop/12315544", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "pover://azGDORePK8gMaC0QOYAMyEEuzJnyUi@uQiRzpo4DXghDmr9QzzfQu27cmVRsG", "schan://SCTabcdef",
    ],
)  # fmt: skip
def test_every_vendor_is_one_that_the_library_knows(address: str) -> None:
    assert address.partition(":")[0] in VENDORS
    assert Apprise.instantiate(address) is not None


def test_one_address_is_one_place(mail: tuple[Postbox, str]) -> None:
    box, server = mail
    for address in ("mailto:a@example.org,b@example.org", "ntfy://one,two", "mailto:a@example.org?to=b@example.org"):
        with pytest.raises(OperatorError):
            send(Channels(mail=server), address)
    assert box.mails == []

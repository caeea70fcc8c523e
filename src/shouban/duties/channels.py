"""Sends a few words to an address: webhooks by ourselves; mail, SMS, DingTalk, Feishu, WeCom and others by apprise.

An address is what a contact gave: `https://…`, `mailto:name@host`, `tel:+86…`, or an apprise URL (`dingtalk://…`, `feishu://…`, `wecombot://…`).
The service's own ways out are settings: `mail` (an apprise URL of a mail server) and `sms` (an account with Aliyun or Tencent Cloud, see `duties.sms`; an
apprise URL; or a webhook of an SMS gateway).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from shouban.core.errors import CallerError, OperatorError
from shouban.duties.loading import loaded
from shouban.duties.sms import send_sms
from shouban.settings import sms_account

WITHIN_SECONDS: Final = 10
WEBHOOKS: Final = ("http://", "https://")
PHONES: Final = ("tel:", "sms:")
MAIL: Final = "mailto:"
# One recipient and nothing else: what follows in an apprise URL would be read as a setting, or as one more.
RECIPIENTS: Final = {
    "mail": ("mail", re.compile(r"[^\s@,;&?<>\"]+@[^\s@,;&?<>\"]+")),
    "phone": ("sms", re.compile(r"\+?[0-9][0-9 -]{2,20}")),
}
# Schemes of apprise that carry words to one place. Local files, commands and the like are no contact's channel.
# Of the first the vendor's own server is the only one there is; of the others the address names the server.
VENDORS: Final = frozenset({"dingtalk", "feishu", "lark", "wecombot", "tgram", "slack", "pover", "schan"})
OWN_SERVERS: Final = frozenset(
    {"msteams", "ntfy", "ntfys", "matrix", "matrixs", "bark", "barks", "pushdeer", "pushdeers"}
)
KNOWN: Final = VENDORS | OWN_SERVERS


@dataclass(frozen=True)
class Message:
    """What is said; `key` is the same for the same duty, so that who gets it twice can tell."""

    key: str
    title: str
    text: str
    more: Mapping[str, str]

    def document(self) -> dict[str, str]:
        return {"idempotency_key": self.key, "title": self.title, "text": self.text, **self.more}


class Channels:
    """The ways out of a service."""

    def __init__(self, mail: str = "", sms: str = "", *, public_only: bool = False) -> None:
        self._mail = mail
        self._sms = sms
        self._account = sms_account(sms)
        # In production a contact's webhook is out on the network: never a machine beside this one.
        self._public_only = public_only

    def kind(self, address: str) -> str:
        """`webhook`, `mail`, `phone` or the scheme; never the address, which stands in no log."""
        if address.startswith(WEBHOOKS):
            return "webhook"
        if address.startswith(MAIL):
            return "mail"
        scheme = address.partition("://")[0] if "://" in address else ""
        return "phone" if address.startswith(PHONES) else scheme[:16] or "nothing known"

    def has(self, kind: str) -> bool:
        """Whether this service has a way out for `mail` and `phone`; other kinds bring their own."""
        return bool({"mail": self._mail, "phone": self._sms}.get(kind, "own"))

    async def send(self, address: str, message: Message) -> str:
        """Hands the message over; gives how. Raises `OperatorError` saying why not, without the address."""
        kind = self.kind(address)
        if kind == "webhook":
            if self._public_only:
                await asyncio.to_thread(refuse_neighbours, address)
            return await self._post(address, message.document())
        if kind in RECIPIENTS and not RECIPIENTS[kind][1].fullmatch(address.split(":", 1)[1]):
            raise OperatorError(f"the {kind} address is none")
        if self._public_only and kind not in RECIPIENTS and (kind not in VENDORS or "?" in address):
            # Which server answers a name can change between asking and calling; and what follows `?` are the sender's settings (CWE-918).
            raise OperatorError(
                f"no carrier for channel `{kind}` here: in production only those of {', '.join(sorted(VENDORS))}, without settings"
            )
        if kind == "phone" and self._account:
            return await send_sms(self._account, address.split(":", 1)[1], message)
        if kind == "phone" and self._sms.startswith(WEBHOOKS):
            return await self._post(self._sms, {**message.document(), "to": address.split(":", 1)[1]})
        return await self._by_apprise(self._apprise_url(kind, address), kind, message)

    async def reach(self, addresses: Sequence[str], message: Message, what: str) -> str:
        """The first of a contact's channels that takes it. Raises `CallerError` (502, `not_sent`) saying why none did; `what` was to be sent."""
        tried = []
        for address in addresses:
            try:
                return await self.send(address, message)
            except OperatorError as error:
                tried.append(str(error))
        told = f"no channel of this contact took the {what}: {'; '.join(tried)}"
        raise CallerError(told, field="channels", status=502, code="not_sent")

    def _apprise_url(self, kind: str, address: str) -> str:
        if kind in RECIPIENTS:
            setting, server = RECIPIENTS[kind][0], self._mail if kind == "mail" else self._sms
            return _with_recipient(server, address.split(":", 1)[1], setting=setting, kind=kind)
        if kind not in KNOWN or "," in address:
            raise OperatorError(f"no carrier for channel `{kind}`")
        return address

    async def _post(self, url: str, document: dict[str, str]) -> str:
        await loaded("aiohttp")
        import aiohttp  # noqa: PLC0415  # ten megabytes and a sixth of a second at start, for what few services use

        timeout = aiohttp.ClientTimeout(total=WITHIN_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as client,
                client.post(url, json=document, allow_redirects=False) as answer,
            ):
                if answer.status < 300:
                    return f"webhook answered {answer.status}"
                raise OperatorError(f"webhook answered {answer.status}")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise OperatorError("webhook cannot be reached") from error

    async def _by_apprise(self, url: str, kind: str, message: Message) -> str:
        try:
            async with asyncio.timeout(WITHIN_SECONDS * 2):
                taken = await asyncio.to_thread(notify, url, message)
        except TimeoutError as error:
            raise OperatorError(f"{kind} did not answer") from error
        if not taken:
            raise OperatorError(f"{kind} did not take the message")
        return f"{kind} took it"


def notify(url: str, message: Message) -> bool:
    """Apprise's own word for whether the other side took it. One place, and plain text: what a nickname holds is no markup."""
    import apprise  # noqa: PLC0415  # heavy, and only for who uses it

    place = apprise.Apprise.instantiate(url)
    sender = apprise.Apprise()
    return (
        place is not None
        and bool(sender.add(place))
        and bool(sender.notify(body=message.text, title=message.title, body_format=apprise.NotifyFormat.TEXT))
    )


def refuse_neighbours(url: str) -> None:
    """Raises `OperatorError` where the address is of this machine, or of a network that is not public (CWE-918)."""
    told = "webhook cannot be reached"
    try:
        host = urlsplit(url).hostname or ""
        found = {one[4][0] for one in socket.getaddrinfo(host, None)} if host else set()
    except (OSError, ValueError) as error:
        raise OperatorError(told) from error
    if not found or not all(ipaddress.ip_address(one.partition("%")[0]).is_global for one in map(str, found)):
        raise OperatorError(told)


def _with_recipient(server: str, recipient: str, *, setting: str, kind: str) -> str:
    if not server:
        raise OperatorError(f"no carrier for channel `{kind}`: set `{setting}`")
    return f"{server}{'&' if '?' in server else '?'}to={quote(recipient, safe='')}"

"""Tells the guardian or the emergency contact, over whatever channel they gave (`channels`).

What is said is the least that helps: that somebody they care for may need them now, and where help is. Never the words
of the talk. A contact marked unsafe is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from shouban.core.errors import CallerError, OperatorError
from shouban.core.obligations import NotifyGuardian
from shouban.duties.channels import Channels, Message
from shouban.duties.ledger import Duty
from shouban.duties.ports import RoadPort
from shouban.packs.pack import LoadedPack
from shouban.packs.templates import Language

_log = structlog.get_logger("shouban.duties")
TITLE: dict[Language, str] = {"zh": "守伴安全提醒", "en": "Shouban safety notice"}


class ContactCarrier:
    """Goes through the contacts in order until one channel takes the message; the same duty has the same idempotency key."""

    def __init__(self, road: RoadPort, pack_of: Callable[[str], LoadedPack], channels: Channels) -> None:
        self._road = road
        self._pack_of = pack_of
        self._channels = channels

    async def __call__(self, duty: Duty) -> str:
        owed = duty.owed
        if not isinstance(owed, NotifyGuardian):
            raise OperatorError(f"`{duty.kind}` is no duty of contact")
        person = await self._road.by_id(duty.service, duty.person)
        if person is None:
            raise CallerError("the person was erased")
        contacts = in_order(person.profile.get("contacts", []), owed.contact)
        if not contacts:
            raise OperatorError("no contact is on record; a person of the staff must find one")
        language: Language = person.profile.get("language") or "zh"
        text = self._pack_of(duty.service).template(owed.template, language, age_band=person.state.age_band).text
        return await self._first_taken(contacts, duty.id, TITLE[language], text, person.app_id)

    async def _first_taken(self, contacts: list[dict[str, Any]], key: str, title: str, text: str, user: str) -> str:
        tried: list[str] = []
        for place, contact in enumerate(contacts):
            message = Message(key, title, text, {"user": user, "contact": contact.get("name", "")})
            for address in contact.get("channels", []):
                try:
                    how = await self._channels.send(address, message)
                except OperatorError as error:
                    tried.append(f"contact {place + 1}: {error}")
                except Exception:  # noqa: BLE001  # one address that breaks keeps nobody else from being told
                    _log.exception("channel_broke", duty=key, contact=place + 1)
                    tried.append(f"contact {place + 1}: the channel broke")
                else:
                    return f"contact {place + 1}: {how}"
        raise OperatorError("; ".join(tried) or "the contacts have no channel")


def in_order(contacts: list[dict[str, Any]], first: str) -> list[dict[str, Any]]:
    """Guardians before emergency contacts, or the other way round; unsafe ones never."""
    safe = [one for one in contacts if not one.get("unsafe")]
    return sorted(safe, key=lambda one: one.get("kind") != first)

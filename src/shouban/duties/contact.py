"""Tells the guardian or the emergency contact, by webhook; other channels come with the contact engine.

What is said is the least that helps: that somebody they care for may need them now, and where help is. Never the words
of the talk. A contact marked unsafe is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from shouban.core.errors import CallerError, OperatorError
from shouban.core.obligations import NotifyGuardian
from shouban.duties.ledger import Duty
from shouban.duties.ports import RoadPort
from shouban.packs.pack import LoadedPack
from shouban.packs.templates import Language

WEBHOOKS: Final = ("http://", "https://")
WITHIN_SECONDS: Final = 10


class ContactCarrier:
    """Goes through the contacts in order until one channel takes the message; the same duty has the same idempotency key."""

    def __init__(self, road: RoadPort, pack_of: Callable[[str], LoadedPack]) -> None:
        self._road = road
        self._pack_of = pack_of

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
        return await self._first_taken(contacts, {"idempotency_key": duty.id, "user": person.app_id, "text": text})

    async def _first_taken(self, contacts: list[dict[str, Any]], message: dict[str, Any]) -> str:
        import aiohttp  # noqa: PLC0415  # ten megabytes and a sixth of a second at start, for what few services use

        tried: list[str] = []
        timeout = aiohttp.ClientTimeout(total=WITHIN_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            for place, contact in enumerate(contacts):
                for address in contact.get("channels", []):
                    if not address.startswith(WEBHOOKS):
                        tried.append(f"no carrier for channel `{address.split(':')[0][:12]}`")
                        continue
                    try:
                        async with client.post(address, json={**message, "contact": contact.get("name", "")}) as answer:
                            if answer.status < 300:
                                return f"webhook of contact {place + 1} answered {answer.status}"
                            tried.append(f"webhook of contact {place + 1} answered {answer.status}")
                    except (aiohttp.ClientError, TimeoutError, OSError):
                        tried.append(f"webhook of contact {place + 1} cannot be reached")
        raise OperatorError("; ".join(tried) or "the contacts have no channel")


def in_order(contacts: list[dict[str, Any]], first: str) -> list[dict[str, Any]]:
    """Guardians before emergency contacts, or the other way round; unsafe ones never."""
    safe = [one for one in contacts if not one.get("unsafe")]
    return sorted(safe, key=lambda one: one.get("kind") != first)

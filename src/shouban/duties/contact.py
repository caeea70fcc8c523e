"""Tells the guardian or the emergency contact, over whatever channel they gave (`channels`) or chose as a linked guardian.

What is said is the least that helps: that somebody they care for may need them now, and where help is. Never the words of the talk. A contact
marked unsafe is passed over. Each message has a link by which they say that they saw it; where none does in time, the next one is told (a rule's
own doing, see `alert-next` in the packs).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog

from shouban.core.errors import CallerError, OperatorError
from shouban.core.events import ContactTold
from shouban.core.obligations import NotifyGuardian
from shouban.duties.channels import Channels, Message
from shouban.duties.ledger import Duty
from shouban.duties.ports import PersonPort, RoadPort
from shouban.duties.receipts import Receipts
from shouban.packs.pack import LoadedPack
from shouban.packs.templates import Language

_log = structlog.get_logger("shouban.duties")
TITLE: Final[dict[Language, str]] = {"zh": "守伴安全提醒", "en": "Shouban safety notice"}
ANSWER: Final[dict[Language, str]] = {"zh": "看到了请点：{link}", "en": "Tell us that you saw this: {link}"}
ABOUT: Final[dict[Language, str]] = {"zh": "关于{name}。", "en": "About {name}. "}
ANSWER_AT: Final = "/guardian/alerts/"
Contact = dict[str, Any]


class Chosen(msgspec.Struct, frozen=True):
    """What linked guardians have chosen in the place of a contact's own channels."""

    addresses: tuple[str, ...] = ()
    urgent_only: bool = False


class ChosenPort(Protocol):
    async def __call__(self, person: PersonPort, contact: str) -> Chosen: ...


class ContactCarrier:
    """Goes through the contacts in order until one channel takes the message; the same duty has the same idempotency key."""

    def __init__(
        self, road: RoadPort, pack_of: Callable[[str], LoadedPack], channels: Channels, receipts: Receipts, chosen: ChosenPort, *, base: str = ""
    ) -> None:  # fmt: skip
        self._road = road
        self._pack_of = pack_of
        self._channels = channels
        self._receipts = receipts
        self._chosen = chosen
        self._base = base

    async def __call__(self, duty: Duty) -> str:
        owed = duty.owed
        if not isinstance(owed, NotifyGuardian):
            raise OperatorError(f"`{duty.kind}` is no duty of contact")
        person = await self._road.by_id(duty.service, duty.person)
        if person is None:
            raise CallerError("the person was erased")
        contacts = in_order(person.profile.get("contacts", []), owed.contact)
        if owed.others:
            alert = person.state.alert
            if alert is None or alert.with_staff:
                return "somebody has answered meanwhile, or the staff have it"
            contacts = [one for one in contacts if one.get("id") not in alert.told]
        if not contacts:
            raise OperatorError("no contact is on record; a person of the staff must find one")
        return await self._first_taken(duty, owed, person, contacts)

    async def _first_taken(
        self, duty: Duty, owed: NotifyGuardian, person: PersonPort, contacts: Sequence[Contact]
    ) -> str:
        """The first who takes it. Of a minor the guardians are tried again and again, though somebody else took it meanwhile: once."""
        tried: list[str] = []
        waits = False
        sent = await asyncio.to_thread(self._receipts.of_duty, duty.id) if duty.attempts else {}
        for place, contact in enumerate(contacts, 1):
            is_guardian, missed = contact.get("kind") == "guardian", bool(tried) and person.state.is_minor
            if (missed and not is_guardian and contact.get("id") in sent) or (waits and not is_guardian):
                continue  # told at an earlier try; or no neighbour's business, since a guardian chose to wait
            chosen = await self._chosen(person, contact.get("id", ""))
            if chosen.urgent_only and owed.urgency == "soon":
                waits = True
                continue
            how, faults = await self._tell(duty, owed, person, contact, chosen)
            tried += [f"contact {place}: {fault}" for fault in faults]
            if how and missed and not is_guardian:
                raise OperatorError("; ".join([*tried, f"contact {place} was told in their place: {how}"]))
            if how:
                return f"contact {place}: {how}"
        if waits and not tried:
            return "on the guardian's page: they asked for urgent alerts only"
        raise OperatorError("; ".join(tried) or "the contacts have no channel")

    async def _tell(
        self, duty: Duty, owed: NotifyGuardian, person: PersonPort, contact: Contact, chosen: Chosen
    ) -> tuple[str, list[str]]:
        """How it was taken, or why by no channel."""
        name, faults = contact.get("id", ""), []
        token = await self._receipts.open(person, duty.id, name, self._road.now())
        message = self._message(duty, owed, person, contact, token)
        for address in dict.fromkeys((*chosen.addresses, *contact.get("channels", []))):
            try:
                how = await self._channels.send(address, message)
            except OperatorError as error:
                faults.append(str(error))
            except Exception:  # noqa: BLE001  # one address that breaks keeps nobody else from being told
                _log.exception("channel_broke", duty=duty.id)
                faults.append("the channel broke")
            else:
                await self._note(duty, owed, person, name, how)
                return how, []
        return "", faults

    async def _note(self, duty: Duty, owed: NotifyGuardian, person: PersonPort, contact: str, how: str) -> None:
        at = self._road.now()
        told = ContactTold(
            at=at, person=person.id, session=duty.session, duty=duty.id, contact=contact, how=how, others=owed.others
        )
        call, after = self._receipts.telling(duty.id, contact, how, at)
        await self._road.act(person, told, call=call, after=after, waits=True)

    def _message(self, duty: Duty, owed: NotifyGuardian, person: PersonPort, contact: Contact, token: str) -> Message:
        language: Language = person.profile.get("language") or "zh"
        text = self._pack_of(duty.service).template(owed.template, language, age_band=person.state.age_band).text
        link = f"{self._base}{ANSWER_AT}{token}"
        if name := person.profile.get("nickname"):
            text = f"{ABOUT[language].format(name=name)}{text}"
        if self._base:  # without an address of our own a link leads nowhere
            text = f"{text}\n{ANSWER[language].format(link=link)}"
        more = {"user": person.app_id, "contact": contact.get("name", ""), "answer": link}
        return Message(duty.id, TITLE[language], text, more)


def in_order(contacts: Sequence[Contact], first: str) -> list[Contact]:
    """Guardians before emergency contacts, or the other way round; last whom somebody has named themselves and nobody verified; unsafe ones never."""
    safe = [one for one in contacts if not one.get("unsafe")]
    return sorted(safe, key=lambda one: (one.get("kind") != first, _only_named(one)))


def _only_named(one: Contact) -> bool:
    return one.get("named_by") == "self" and not one.get("verified_at")

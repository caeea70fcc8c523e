"""How guardians are reached: channels of their own choice, verified by a code; answers to alerts; the summary that is sent; purchases put before them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, get_args

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, Engine

from shouban.core import events as e
from shouban.core.errors import CallerError, OperatorError
from shouban.core.family import order_of
from shouban.core.obligations import AskApproval
from shouban.core.rules import Settings
from shouban.db.writer import Job, Writer
from shouban.duties.channels import Channels, Message
from shouban.duties.codes import new_code
from shouban.duties.contact import Chosen
from shouban.duties.ledger import Duty
from shouban.duties.ports import PersonPort, RoadPort
from shouban.duties.receipts import Receipt, Receipts
from shouban.evidence.log import moment
from shouban.offices.guardians import model as m
from shouban.offices.guardians import records
from shouban.offices.guardians.letters import approval_message, channel_message, letter
from shouban.offices.guardians.summary import WEEK, Summary
from shouban.web.access import Who

MONDAY: Final = 0


class AlertsOffice:
    """`summed` reads what a summary says; `base` is where people reach this service."""

    def __init__(
        self, road: RoadPort, engine: Engine, writer: Writer, channels: Channels, receipts: Receipts, summed: Callable[[PersonPort, datetime, int], Summary],
        *, base: str = "",
    ) -> None:  # fmt: skip
        self._road = road
        self._engine = engine
        self._writer = writer
        self._channels = channels
        self._receipts = receipts
        self._summed = summed
        self._base = base

    # --- channels

    async def mine(self, who: Who, child: PersonPort) -> m.Invited:
        """How this guardian is reached about this child."""
        _, held = await self._link(who, child)
        return held

    async def add_channel(self, who: Who, child: PersonPort, wish: m.Adding, at: datetime) -> None:
        """Sends a code to the address; alerts go there once it has come back. What could not be reached is not kept."""
        fresh, code = m.channel_of(wish), new_code()
        link, before = await self._link(who, child)
        await self._change(child, link, lambda held: m.with_channel(held, fresh, code, at), at)
        try:
            await self._channels.reach([fresh.address], channel_message(child, fresh, code, at), "code")
        except CallerError:
            if all(one.id != fresh.id for one in before.channels):
                await self._change(child, link, lambda held: m.without_channel(held, fresh.id), at)
            raise

    def kinds(self) -> list[m.ChannelKind]:
        """What this service can send to."""
        return [kind for kind in get_args(m.ChannelKind) if self._channels.has(kind)]

    async def confirm_channel(self, who: Who, child: PersonPort, channel: str, code: str, at: datetime) -> None:
        link, _ = await self._link(who, child)
        wrong: list[CallerError] = []

        def tried(held: m.Invited) -> m.Invited:
            fresh, error = m.confirmed(held, channel, code, at)
            wrong[:] = [error] if error else []
            return fresh

        await self._change(child, link, tried, at)  # a wrong try counts too
        if wrong:
            raise wrong[0]

    async def drop_channel(self, who: Who, child: PersonPort, channel: str, at: datetime) -> None:
        link, _ = await self._link(who, child)
        await self._change(child, link, lambda held: m.without_channel(held, channel), at)

    async def set_wishes(self, who: Who, child: PersonPort, wish: m.Wishes, at: datetime) -> None:
        link, _ = await self._link(who, child)
        await self._change(child, link, lambda held: replace(held, urgent_only=bool(wish.urgent_only)), at)
        event = e.LettersSet(at=at, person=child.id, guardian=who.account, every=wish.letters)
        await self._road.act(child, event)

    async def chosen(self, person: PersonPort, contact: str) -> Chosen:
        """For who carries an alert: what the guardians linked as this contact have chosen. Only where all want urgent ones only, others wait."""
        if not person.state.is_minor:
            return Chosen()
        links = [held for _, _, held in await self._links(person) if contact and held.contact == contact]
        addresses = dict.fromkeys(address for held in links for address in held.addresses)
        return Chosen(tuple(addresses), bool(links) and all(held.urgent_only for held in links))

    # --- answers

    async def told_by(self, token: str) -> tuple[PersonPort, Receipt]:
        """Whom an alert was about, by the link that stood in it."""
        found = await asyncio.to_thread(self._receipts.by_token, token) if token else None
        person = await self._road.by_id(found.service, found.person) if found else None
        if found is None or person is None or not _may_answer(person, found.contact):
            raise CallerError("this link is not one of ours, or too old", status=404, code="not_found")
        return person, found

    async def answer(self, token: str, at: datetime, *, able: bool = True) -> None:
        person, found = await self.told_by(token)
        await self._answered(person, found, at, able=able)

    async def answer_as(self, who: Who, child: PersonPort, duty: str, at: datetime) -> None:
        """A guardian says on their page that they have seen it."""
        _, held = await self._link(who, child)
        sent = await asyncio.to_thread(self._receipts.of_person, child.service, child.id)
        found = next((one for one in sent if one.duty == duty and one.contact == held.contact), None)
        if found is None:
            raise CallerError("this alert did not go to you", status=404, code="not_found")
        await self._answered(child, found, at)

    async def _answered(self, person: PersonPort, found: Receipt, at: datetime, *, able: bool = True) -> None:
        event = e.ContactAnswered(
            at=at, person=person.id, duty=found.duty, contact=found.contact, able=able, sent_at=found.sent_at
        )
        if not able:  # who says so may still say later that they have seen to it
            await self._road.act(person, event, waits=True)
            return
        call, after = self._receipts.answering(found, at)
        await self._road.act(person, event, call=call, after=after, waits=True)

    # --- what is sent by itself

    async def send_summary(self, duty: Duty) -> str:
        """Carries `SendSummary`: to each guardian who wants it, by day or, on Mondays, by week; up to the end of yesterday."""
        child, at = await self._person(duty), moment(duty.owed_us)  # its own morning, however late it is carried out
        is_monday = Settings().local(at).weekday() == MONDAY
        letters: list[tuple[m.Invited, Message]] = []
        for link, account, held in await self._links(child):
            every = child.state.letters.get(account, "none")
            if every == "daily" or (every == "weekly" and is_monday):
                span = WEEK if every == "weekly" else 1
                found = await asyncio.to_thread(self._summed, child, at - timedelta(days=1), span)
                if every == "weekly" or found.total_minutes or found.alerts:
                    letters.append((held, letter(child, found, every, key=f"{duty.id}-{link}", base=self._base)))
        return await self._reach_all(child, letters, "summary") if letters else "nobody wanted it today"

    async def ask_approval(self, duty: Duty) -> str:
        """Carries `AskApproval`: every guardian is asked; the first answer holds."""
        child, owed = await self._person(duty), duty.owed
        order = order_of(child.state, owed.order) if isinstance(owed, AskApproval) else None
        if order is None or order.stage != "waiting":
            return "it does not wait any more"
        item = child.profile.get("orders", {}).get(order.id, "")
        asked = [
            (held, approval_message(child, item, order.amount, key=f"{duty.id}-{link}", base=self._base))
            for link, _, held in await self._links(child)
        ]
        if not asked:
            raise OperatorError("no guardian is linked; invite one")
        return await self._reach_all(child, asked, "question")

    async def _reach_all(self, child: PersonPort, messages: Sequence[tuple[m.Invited, Message]], what: str) -> str:
        """Each over their own channels; tried again only where it reached nobody at all."""
        faults: list[CallerError] = []
        for held, message in messages:
            try:
                await self._channels.reach(held.addresses or own_addresses(child, held.contact), message, what)
            except CallerError as error:
                faults.append(error)
        if len(faults) == len(messages):
            raise faults[0]
        return f"sent to {len(messages) - len(faults)} of {len(messages)}"

    async def _person(self, duty: Duty) -> PersonPort:
        person = await self._road.by_id(duty.service, duty.person)
        if person is None:
            raise CallerError("the person was erased")
        return person

    # --- links

    async def _links(self, child: PersonPort) -> list[tuple[str, str, m.Invited]]:
        """Links that stand, of contacts who are there and no danger; who is a danger by one link is one by all."""
        found = await asyncio.to_thread(records.links_to, self._engine, child.service, child.id)
        contacts = child.profile.get("contacts", [])
        opened = [(link, account, self._opened(child, link, sealed)) for link, account, sealed in found]
        barred = {account for _, account, held in opened if m.is_danger(contacts, held.contact)}
        return [one for one in opened if one[1] not in barred and m.guards(contacts, one[2].contact)]

    async def _link(self, who: Who, child: PersonPort) -> tuple[str, m.Invited]:
        mine = [(link, held) for link, account, held in await self._links(child) if account == who.account]
        if not mine:
            raise CallerError("you are not linked to this child", status=403, code="no_link")
        return mine[0]

    async def _change(
        self, child: PersonPort, link: str, change: Callable[[m.Invited], m.Invited], at: datetime
    ) -> None:
        """Changes what the database has: two changes at once both hold."""

        def write(connection: Connection) -> None:
            sealed = records.sealed_of(connection, child.service, child.id, link)
            if sealed is None:
                raise CallerError("you are not linked to this child any more", status=403, code="no_link")
            fresh: Any = msgspec.json.encode(change(self._opened(child, link, sealed)))
            records.put_sealed(connection, child.service, child.id, link, child.seal(fresh, "links", "sealed", link))

        await self._writer.submit(Job(call=write, after=records.kept_links(child.service, child.id, at)))

    def _opened(self, child: PersonPort, link: str, sealed: bytes) -> m.Invited:
        return msgspec.json.decode(child.open(sealed, "links", "sealed", link), type=m.Invited)


def _may_answer(person: PersonPort, contact: str) -> bool:
    """Who is still a contact, and no danger: another's link must not end the search."""
    one = next((one for one in person.profile.get("contacts", []) if one.get("id") == contact), None)
    return one is not None and not one.get("unsafe")


def own_addresses(child: PersonPort, contact: str) -> list[str]:
    """What stands in the registration, where a guardian has chosen nothing."""
    found = next((one for one in child.profile.get("contacts", []) if one.get("id") == contact), None)
    return list(found["channels"]) if found else []

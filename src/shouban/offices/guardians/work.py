"""What the guardians' office does: invites, links, shows a week without a word, and sets what a guardian may set."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from shouban.core import events as e
from shouban.core.errors import CallerError, OperatorError
from shouban.core.family import closed
from shouban.core.rules import Settings
from shouban.core.state import Guardianship
from shouban.db.writer import Job, Writer
from shouban.duties.channels import Channels
from shouban.duties.ports import IdentityPort, PersonPort, RoadPort
from shouban.duties.receipts import Receipts
from shouban.evidence.log import Acted, leaf_of
from shouban.offices.guardians import model as m
from shouban.offices.guardians import records
from shouban.offices.guardians import summary as s
from shouban.offices.guardians.words import invitation_message
from shouban.web.access import Who
from shouban.web.sessions import Account, Private, SignIns

ADULT_YEARS: Final = 18
INVITATIONS_A_DAY: Final = 5
PURPOSES: Final[tuple[e.Purpose, ...]] = ("companionship", "sensitive_data", "training", "minor_third_party")


class GuardiansOffice:
    def __init__(
        self, road: RoadPort, engine: Engine, writer: Writer, sign_ins: SignIns, channels: Channels, receipts: Receipts, *, production: bool = False,
        identity: IdentityPort | None = None,
    ) -> None:  # fmt: skip
        self._road = road
        self._engine = engine
        self._writer = writer
        self._sign_ins = sign_ins
        self._channels = channels
        self._receipts = receipts
        self._identity = identity
        self._production = production

    # --- linking

    async def invite(self, person: PersonPort, wish: m.Inviting, at: datetime) -> dict[str, Any]:
        """Sends the invitation over the guardian's own channel. The child's app never has the link: it could make the child their own guardian."""
        refuse_of_age(person)
        if self._production and not self._sign_ins.base:
            raise OperatorError("the invitation needs this service's own address: set `public_url`")
        contact = _guardian_among(person, wish.contact)
        if contact is None:
            raise CallerError(
                "there is no such guardian among the contacts", field="contact", status=404, code="not_found"
            )
        if contact.get("unsafe"):
            raise CallerError(
                "this contact is marked unsafe; invite another", field="contact", status=409, code="unsafe_contact"
            )
        if (
            records.open_invitations(self._engine, person.service, person.id, at - timedelta(days=1))
            >= INVITATIONS_A_DAY
        ):
            raise CallerError(
                f"{INVITATIONS_A_DAY} invitations were sent today; try again tomorrow",
                status=429,
                code="too_many_invitations",
            )
        link, token = records.new_link(person.id, at, m.INVITED_FOR)
        sealed = person.seal(
            msgspec.json.encode(m.Invited(contact["id"], contact.get("name", ""))), "links", "sealed", link.id
        )
        told = Acted(service=person.service, at=at, act="guardian_invited", person=person.id, facts={"link": link.id})
        await self._writer.submit(
            Job(
                writes=[records.link_row(link, person.service, token, sealed)],
                leaves=[leaf_of(told)],
                after=records.kept_links(person.service, person.id, at),
            )
        )
        address = f"{self._sign_ins.base}/guardian/invited?token={token}"
        return {
            "sent": await self._channels.reach(
                contact["channels"], invitation_message(person, contact, address, link.id), "invitation"
            ),
            "valid_until": link.ends_at.isoformat(),
        }

    async def invited(self, token: str, at: datetime) -> tuple[PersonPort, m.Invited]:
        """Whose guardian is wanted. An invitation that was used, is too old, or never was, is one and the same to who asks."""
        found = await asyncio.to_thread(records.invitation, self._engine, token) if token else None
        person = await self._road.by_id(found[0], found[1].person) if found and found[1].is_open(at) else None
        if found is None or person is None or not person.state.is_minor:
            raise _no_invitation()
        invited = msgspec.json.decode(person.open(found[2], "links", "sealed", found[1].id), type=m.Invited)
        contact = _guardian_among(person, invited.contact)
        if contact is None or contact.get("unsafe"):  # taken out, or found to be a danger, since
            raise _no_invitation()
        return person, invited

    async def accept(self, token: str, wish: m.Accepting, at: datetime) -> str:
        """Links the guardian to the child; gives the cookie's token of their sign-in."""
        person, _ = await self.invited(token, at)
        if not wish.agreed:
            raise CallerError("tick that you are the guardian", field="agreed")
        refuse_a_child(wish.id_number, person, at)
        await self._prove(wish)
        account, cookie = await self._account(person.service, wish, at)

        def accept(connection: Connection) -> None:
            if not records.accept(connection, token, account.id, at):
                raise CallerError("this invitation was used a moment ago", status=409, code="no_invitation")

        linked = e.GuardianLinked(at=at, person=person.id, guardian=account.id)
        await self._road.act(
            person, linked, call=accept, after=records.kept_links(person.service, person.id, at), waits=True
        )
        return cookie

    async def _prove(self, wish: m.Accepting) -> None:
        """With a real-name provider joined, name and number must belong together; it fails closed."""
        if self._identity is None:
            return
        if not wish.real_name.strip():
            raise CallerError("`real_name` is missing: the name that stands on the identity card", field="real_name")
        if not await self._identity(wish.real_name.strip(), wish.id_number):
            raise CallerError(
                "name and number do not belong together", field="real_name", status=403, code="not_verified"
            )

    @property
    def proves_identity(self) -> bool:
        """Whether a real-name provider is joined."""
        return self._identity is not None

    async def _account(self, service: str, wish: m.Accepting, at: datetime) -> tuple[Account, str]:
        """A new account, or one of a guardian with another child."""
        known = await self._sign_ins.named(service, wish.name)
        if known is None:
            if wish.password != wish.again:
                raise CallerError("the two passwords differ", field="again")
            account = await self._sign_ins.add(
                service, Private(wish.name.strip()), ("guardian",), at=at, by="invitation", password=wish.password
            )
            return account, await self._sign_ins.open(account, at)
        if wish.again:  # they meant to choose a new name
            raise CallerError("this name is taken; choose another", field="name", status=409, code="name_taken")
        cookie = await self._sign_ins.enter(service, wish.name, wish.password, at)
        if "guardian" not in known.roles:
            raise CallerError(
                "this name belongs to somebody who is no guardian here; take another",
                field="name",
                status=409,
                code="name_taken",
            )
        return known, cookie

    # --- seeing

    async def children(self, who: Who) -> list[PersonPort]:
        found = [
            await self._road.by_id(who.service, one)
            for one in await asyncio.to_thread(records.children_of, self._engine, who.service, who.account)
        ]
        return [one for one in found if one is not None and await self._is_safe(who, one)]

    async def child(self, who: Who, person: str) -> PersonPort:
        found = await self._road.by_id(who.service, person)
        if found is None:
            raise CallerError("this account was deleted", status=404, code="user_not_found")
        if not await self._is_safe(who, found):
            raise CallerError("this page is closed; ask the service", status=403, code="unsafe_contact")
        return found

    async def _is_safe(self, who: Who, child: PersonPort) -> bool:
        """Whom the child or the staff mark as a danger, or take out of the contacts, sees nothing more, from that moment on."""
        links = await asyncio.to_thread(records.links_of, self._engine, who.service, child.id, who.account)
        contacts = child.profile.get("contacts", [])
        named = [self._contact_of(child, *one) for one in links]
        return any(m.guards(contacts, one) for one in named) and not any(m.is_danger(contacts, one) for one in named)

    def _contact_of(self, child: PersonPort, link: str, sealed: bytes) -> str:
        return msgspec.json.decode(child.open(sealed, "links", "sealed", link), type=m.Invited).contact

    async def summary(self, who: Who, child: PersonPort, at: datetime, *, span: int = s.WEEK) -> s.Summary:
        """The child's last days without a word of theirs; that they were looked at is in the log."""
        facts = {"account": who.account, "roles": ["guardian"], "what": "summary", "why": "guardian's page"}
        await self._writer.submit(
            Job(leaves=[leaf_of(Acted(service=who.service, at=at, act="looked", person=child.id, facts=facts))])
        )
        return await asyncio.to_thread(self.summed, child, at, span)

    def summed(self, child: PersonPort, at: datetime, span: int) -> s.Summary:
        """What a summary says, read from the records."""
        local = Settings().local(at)
        since = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=span - 1)
        signals = records.signals_since(self._engine, child.service, child.id, since)
        receipts = self._receipts.of_person(child.service, child.id)
        alerts = records.alerts_of(self._engine, child.service, child.id, receipts, since)
        return s.summary(child.state, local.date(), signals, alerts, span=span)

    async def leave(self, who: Who, child: PersonPort, at: datetime) -> None:
        """Ends the link; the child is told. With the last guardian goes what they had opened or agreed to: nobody answers for it any more."""
        await self.end(who.service, child, who.account, at, by="guardian")

    async def end(self, service: str, child: PersonPort, account: str, at: datetime, *, by: e.Actor) -> None:
        """Ends a guardian's link: they themselves, or the staff where they are found to be none, or a danger."""
        contacts, left = child.profile.get("contacts", []), [True]

        def end(connection: Connection) -> None:
            if not records.end(connection, service, child.id, account):
                raise CallerError("this link was ended already", status=409, code="no_link")
            others = records.standing(connection, service, child.id)
            left[0] = any(m.guards(contacts, self._contact_of(child, *one)) for one in others)

        unlinked = e.GuardianUnlinked(at=at, person=child.id, guardian=account, by=by)
        await self._road.act(child, unlinked, call=end, after=records.kept_links(service, child.id, at), waits=True)
        if not left[0]:
            await self._close_what_was_opened(child, at)

    async def links_for(self, who: Who, person: str) -> tuple[PersonPort, list[tuple[str, str, datetime]]]:
        """For the staff: the child, and account, name and beginning of each link that stands."""
        child = await self._road.by_id(who.service, person)
        if child is None:
            raise CallerError("there is no such person, or they were erased", status=404, code="user_not_found")
        names = await self._sign_ins.names(who.service)
        found = await asyncio.to_thread(records.linked_since, self._engine, who.service, person)
        return child, [(account, names.get(account, account), since) for account, since in found]

    async def end_for(self, who: Who, person: str, account: str, at: datetime) -> None:
        """The staff end a link; who did so is in the log."""
        child, _ = await self.links_for(who, person)
        facts = {"account": who.account, "guardian": account, "what": "end_link"}
        await self.end(who.service, child, account, at, by="staff")
        told = Acted(service=who.service, at=at, act="guardian_link_ended", person=child.id, facts=facts)
        await self._writer.submit(Job(leaves=[leaf_of(told)]))

    async def _close_what_was_opened(self, child: PersonPort, at: datetime) -> None:
        """What is blocked or closed stays so; the limit is the law's own again, and nothing is bought."""
        held = child.state.guardianship
        kept = closed(held)
        if held != kept:
            await self._road.act(child, settings_event(child, kept, "", at))
        for purpose in PURPOSES:
            if purpose in child.state.consents:
                await self._road.act(child, e.ConsentWithdrawn(at=at, person=child.id, purpose=purpose, by="guardian"))


def settings_event(
    child: PersonPort, settings: Guardianship, guardian: str, at: datetime, only: Sequence[str] = ()
) -> e.GuardianSet:
    """The event that says that these settings hold from now on: all of them, or `only` those."""
    given = msgspec.structs.asdict(settings)
    return e.GuardianSet(at=at, person=child.id, guardian=guardian, only=tuple(only), **given)


def refuse_of_age(person: PersonPort) -> None:
    """Nobody watches over a grown person by this page."""
    if not person.state.is_minor:
        raise CallerError(
            "this person is no minor; a guardian is linked to minors only", status=409, code="not_a_minor"
        )


def _guardian_among(person: PersonPort, contact: str) -> dict[str, Any] | None:
    named = (one for one in person.profile.get("contacts", []) if one.get("id") == contact)
    return next((one for one in named if one["kind"] == "guardian"), None)


def _no_invitation() -> CallerError:
    return CallerError("this invitation was used, or is too old; ask for a new one", status=404, code="no_invitation")


def refuse_a_child(number: str, child: PersonPort, at: datetime) -> None:
    """A guardian is of age, and not the child. The number is looked at and not kept; whose it is, only a real-name provider knows."""
    try:
        ric.validate(number)
        born: date = ric.get_birth_date(number)
    except ValidationError as error:
        raise CallerError(
            "the identity number does not fit: its length, date or check digit", field="id_number"
        ) from error
    today = Settings().local(at).date()
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if years < ADULT_YEARS:
        raise CallerError("a guardian must be of age", field="id_number", status=403, code="not_of_age")
    if child.profile.get("birth_date") == born.isoformat():
        raise CallerError("this is the child's own date of birth", field="id_number", status=403, code="own_guardian")

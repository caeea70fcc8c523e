"""What the guardians' office does: invites, links, shows a week without a word, and sets what a guardian may set."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from shouban.core import events as e
from shouban.core.errors import CallerError, OperatorError
from shouban.core.events import MINOR_BANDS
from shouban.core.rules import Settings
from shouban.core.state import Guardianship
from shouban.db.writer import Job, Writer
from shouban.duties.channels import Channels
from shouban.duties.ports import PersonPort, RoadPort
from shouban.evidence.log import Acted, leaf_of
from shouban.offices.guardians import model as m
from shouban.offices.guardians import records
from shouban.offices.guardians.words import invitation_message
from shouban.web.access import Who
from shouban.web.sessions import Account, Private, SignIns

ADULT_YEARS: Final = 18
INVITATIONS_A_DAY: Final = 5
CONSENT_VERSION: Final = "guardian-1"
PURPOSES: Final[tuple[e.Purpose, ...]] = ("companionship", "sensitive_data", "training", "minor_third_party")


class GuardiansOffice:
    def __init__(
        self, road: RoadPort, engine: Engine, writer: Writer, sign_ins: SignIns, channels: Channels, *, production: bool = False
    ) -> None:  # fmt: skip
        self._road = road
        self._engine = engine
        self._writer = writer
        self._sign_ins = sign_ins
        self._channels = channels
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
        account, cookie = await self._account(person.service, wish, at)

        def accept(connection: Connection) -> None:
            if not records.accept(connection, token, account.id, at):
                raise CallerError("this invitation was used a moment ago", status=409, code="no_invitation")

        linked = e.GuardianLinked(at=at, person=person.id, guardian=account.id)
        await self._road.act(
            person, linked, call=accept, after=records.kept_links(person.service, person.id, at), waits=True
        )
        return cookie

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
        """Whom the child or the staff mark as a danger sees nothing more, from that moment on."""
        for link, sealed in await asyncio.to_thread(records.links_of, self._engine, who.service, child.id, who.account):
            invited = msgspec.json.decode(child.open(sealed, "links", "sealed", link), type=m.Invited)
            if (_guardian_among(child, invited.contact) or {}).get("unsafe"):
                return False
        return True

    async def summary(self, who: Who, child: PersonPort, at: datetime) -> m.Summary:
        """A week of the child without a word of theirs; that it was looked at is in the log."""
        today = Settings().local(at).date()
        since = at - timedelta(days=m.DAYS_SHOWN)
        facts = {"account": who.account, "roles": ["guardian"], "what": "summary", "why": "guardian's page"}
        await self._writer.submit(
            Job(leaves=[leaf_of(Acted(service=who.service, at=at, act="looked", person=child.id, facts=facts))])
        )

        def read() -> m.Summary:
            signals = records.signals_since(self._engine, who.service, child.id, since)
            return m.summary(child.state, today, signals, records.alerts_of(self._engine, who.service, child.id))

        return await asyncio.to_thread(read)

    # --- setting

    async def set_limits(self, who: Who, child: PersonPort, limits: m.Limits, at: datetime) -> None:
        found: Guardianship = m.checked(limits)
        event = e.GuardianSet(
            at=at, person=child.id, guardian=who.account, daily_limit=found.daily_limit, blocked=found.blocked, exemptions=found.exemptions, purchases_allowed=found.purchases_allowed
        )  # fmt: skip
        await self._road.act(child, event)

    async def consent(self, who: Who, child: PersonPort, purpose: str, *, given: bool, at: datetime) -> None:
        wanted = next((one for one in PURPOSES if one == purpose), None)
        if wanted is None:
            raise CallerError("there is no such purpose", field="purpose")
        yes = e.ConsentGiven(
            at=at,
            person=child.id,
            purpose=wanted,
            by="guardian",
            text_version=CONSENT_VERSION,
            verified=f"signed in: {who.account}",
        )
        no = e.ConsentWithdrawn(
            at=at, person=child.id, purpose=wanted, by="guardian", verified=f"signed in: {who.account}"
        )
        await self._road.act(child, yes if given else no)

    async def set_mode(self, child: PersonPort, mode: str, at: datetime) -> None:
        """A guardian turns minors mode on, or off for who is of age; a child under 18 stays in it."""
        if mode == "standard" and child.state.age_band in MINOR_BANDS:
            raise CallerError(
                "minors mode stays on until 18; its limits can be changed", field="mode", status=409, code="is_minor"
            )
        await self._road.act(
            child,
            e.ModeSet(
                at=at, person=child.id, mode="standard" if mode == "standard" else "minor", by="guardian", verified=True
            ),
        )

    async def erase(self, child: PersonPort, at: datetime) -> dict[str, Any]:
        """The child's history goes; the account and its protections stay (draft Art. 14.3)."""
        return await self._road.erase(child, "history", "", at, "guardian")

    async def leave(self, who: Who, child: PersonPort, at: datetime) -> None:
        """Ends the link; the child is told. With the last guardian goes what they had opened or agreed to: nobody answers for it any more."""
        others = await asyncio.to_thread(records.guardians_with, self._engine, who.service, child.id) - {who.account}
        if not others:
            await self._close_what_was_opened(child, at)

        def end(connection: Connection) -> None:
            if not records.end(connection, who.service, child.id, who.account):
                raise CallerError("this link was ended already", status=409, code="no_link")

        unlinked = e.GuardianUnlinked(at=at, person=child.id, guardian=who.account, by="guardian")
        await self._road.act(child, unlinked, call=end, after=records.kept_links(who.service, child.id, at), waits=True)

    async def _close_what_was_opened(self, child: PersonPort, at: datetime) -> None:
        """Blocked companions stay blocked; the limit is the law's own again."""
        if child.state.guardianship != Guardianship():
            await self._road.act(child, e.GuardianSet(at=at, person=child.id, blocked=child.state.guardianship.blocked))
        for purpose in PURPOSES:
            if purpose in child.state.consents:
                await self._road.act(child, e.ConsentWithdrawn(at=at, person=child.id, purpose=purpose, by="guardian"))


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

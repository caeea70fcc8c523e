"""What the staff's office does: makes and changes accounts, shows a person's record, breaks the glass."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Protocol, cast

import msgspec
from sqlalchemy import Engine

from shouban.core.errors import CallerError
from shouban.db.engine import view
from shouban.db.writer import Job, Writer
from shouban.duties.ports import PersonPort, RoadPort
from shouban.evidence.log import Acted, leaf_of
from shouban.evidence.timeline import entries_of
from shouban.offices.staff import model as m
from shouban.offices.staff import records
from shouban.web.access import Who
from shouban.web.roles import Role
from shouban.web.sessions import Account, Private, SignIns


class Sealing(Protocol):
    """A person, who seals and opens what is about them."""

    def seal(self, data: bytes, table: str, column: str, row: str) -> bytes: ...
    def open(self, sealed: bytes, table: str, column: str, row: str) -> bytes: ...


class StaffOffice:
    """The verbs; each leaves its entry in the log."""

    def __init__(self, road: RoadPort, engine: Engine, writer: Writer, sign_ins: SignIns) -> None:
        self._road = road
        self._engine = engine
        self._writer = writer
        self._sign_ins = sign_ins

    # --- accounts

    async def accounts(self, who: Who) -> list[Account]:
        return [one for one in await self._sign_ins.accounts(who.service) if one.is_staff]

    async def add(self, who: Who, wish: m.NewAccount, at: datetime) -> Account:
        private = Private(wish.name.strip(), m.checked_address(wish.address), shown=m.checked_shown(wish.shown))
        roles = cast("list[Role]", wish.roles)
        refuse_guardian(wish.roles)
        return await self._sign_ins.add(who.service, private, roles, at=at, by=who.account, password=wish.password)

    async def change(self, who: Who, account: str, wish: m.AccountChange, at: datetime) -> Account:
        found = await self._sign_ins.account(who.service, account)
        if found is None or not found.is_staff:
            raise CallerError("there is no such account", status=404, code="not_found")
        if account == who.account and wish.deed in {"disable", "roles"}:
            raise CallerError(
                "nobody takes their own account away: let another administrator do it",
                field="deed",
                status=409,
                code="own_account",
            )
        match wish.deed:
            case "disable" | "enable":
                return await self._sign_ins.change(
                    found, at=at, by=who.account, state="disabled" if wish.deed == "disable" else "active"
                )
            case "password":
                return await self._sign_ins.change(found, at=at, by=who.account, password=wish.password)
            case "codes":
                return await self._sign_ins.change(
                    found, at=at, by=who.account, private=lambda held: msgspec.structs.replace(held, code_secret="")
                )
            case "address":
                address = m.checked_address(wish.address)
                return await self._sign_ins.change(
                    found, at=at, by=who.account, private=lambda held: msgspec.structs.replace(held, address=address)
                )
            case "shown":
                shown = m.checked_shown(wish.shown)
                return await self._sign_ins.change(
                    found, at=at, by=who.account, private=lambda held: msgspec.structs.replace(held, shown=shown)
                )
            case "roles":
                refuse_guardian(wish.roles)
                return await self._sign_ins.change(found, at=at, by=who.account, roles=cast("list[Role]", wish.roles))
            case _:
                raise CallerError("there is no such deed", field="deed")

    # --- people

    async def find(self, who: Who, app_id: str) -> PersonPort | None:
        return await self._road.find(who.service, app_id.strip()) if app_id.strip() else None

    async def person(self, who: Who, person: str) -> PersonPort:
        found = await self._road.by_id(who.service, person)
        if found is None:
            raise CallerError("there is no such person, or they were erased", status=404, code="user_not_found")
        return found

    async def record(self, who: Who, person: PersonPort, at: datetime, *, why: str) -> list[dict[str, Any]]:
        """The person's timeline; that it was looked at, by whom and why, is itself an entry that they can read."""
        await self._looked(who, person, at, what="record", why=why)

        def read() -> list[dict[str, Any]]:
            with view(self._engine) as connection:
                return m.timeline(entries_of(connection, person.service, person.id))

        return await asyncio.to_thread(read)

    async def break_glass(self, who: Who, person: PersonPort, wish: m.Breaking, at: datetime) -> m.Grant:
        """Lets `who` read this person's words for a while; compliance sees it, and so does the person."""
        reason, span = m.checked_reason(wish)
        grant = records.new_grant(who.account, person.id, reason, at, at + span)
        sealed = cast("Sealing", person).seal(reason.encode(), "grants", "sealed", grant.id)
        facts = {"grant": grant.id, "account": who.account, "roles": sorted(who.roles), "minutes": wish.minutes}
        told = Acted(service=who.service, at=at, act="glass_broken", person=person.id, facts=facts)
        row = records.grant_row(grant, who.service, sealed)
        await self._writer.submit(Job(writes=[row], leaves=[leaf_of(told)], after=records.grant_kept(grant, at)))
        return grant

    async def words(self, who: Who, person: PersonPort, at: datetime) -> list[dict[str, Any]]:
        """The person's messages, newest first; the policies have asked for the grant."""
        await self._looked(who, person, at, what="words", why="glass broken")
        copy = await self._road.copy_of(person)
        found: list[dict[str, Any]] = copy["messages"]
        return found[::-1][: records.MOST_SHOWN]

    async def grants(self, who: Who) -> list[dict[str, Any]]:
        """Where the glass was broken, by whom, why; reasons of erased persons are gone with them."""

        def read() -> list[tuple[m.Grant, bytes]]:
            with view(self._engine) as connection:
                return records.grants(connection, who.service)

        names = await self._sign_ins.names(who.service)
        # Who only inspects checks that each has its entry; whose words were read, and why, is not theirs to know.
        is_named = who.roles != {"inspector"}
        shown = []
        for grant, sealed in await asyncio.to_thread(read):
            person = await self._road.by_id(who.service, grant.person) if is_named else None
            reason = cast("Sealing", person).open(sealed, "grants", "sealed", grant.id).decode() if person else ""
            shown.append(
                {
                    "grant": grant,
                    "name": names.get(grant.account, grant.account),
                    "user": person.app_id if person else "",
                    "reason": reason,
                }
            )
        return shown

    async def _looked(self, who: Who, person: PersonPort, at: datetime, *, what: str, why: str) -> None:
        facts = {"account": who.account, "roles": sorted(who.roles), "what": what, "why": why}
        await self._writer.submit(
            Job(leaves=[leaf_of(Acted(service=who.service, at=at, act="looked", person=person.id, facts=facts))])
        )


def refuse_guardian(roles: list[str]) -> None:
    if "guardian" in roles:
        raise CallerError("a guardian comes by the invitation for their child, not here", field="roles")

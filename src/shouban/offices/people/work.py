"""What the people office does: registers, changes, lets in and out, keeps consents, copies and erases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from shouban.core import events as e
from shouban.core.errors import CallerError, ConflictError
from shouban.core.rules import Settings
from shouban.duties.notices import Notice
from shouban.duties.ports import PersonPort, RoadPort
from shouban.offices.people import model as m
from shouban.offices.people.wellbeing import wellbeing

SCOPES = ("all", "companion", "session", "message")


class PeopleOffice:
    """The verbs; each is heard by the core, and what it owes comes back as notices."""

    def __init__(self, road: RoadPort) -> None:
        self._road = road

    async def register(self, service: str, wish: m.Registration, at: datetime) -> dict[str, Any]:
        """A person the app tells us of; one who spoke unregistered becomes registered."""
        if not wish.id or len(wish.id) > 256:
            raise CallerError("`id` must have 1 to 256 characters", field="id")
        band = m.band_of(wish.birth_date, wish.age_band, at.date())
        contacts = m.checked_contacts(wish.contacts)
        person = await self._road.find(service, wish.id)
        if person is not None and person.state.announced:
            raise CallerError(
                f"user `{wish.id}` is registered already; `PATCH /v1/users/{{id}}` changes one",
                field="id",
                status=409,
                code="user_exists",
            )
        profile = {**(person.profile if person else {}), **_kept(wish), "contacts": contacts}
        if person is None:
            person = await self._make(service, wish, profile)
        else:
            await self._road.save_profile(person, profile)
        registered = e.UserRegistered(
            at=at, person=person.id, age_band=band, age_basis=wish.age_basis, guardians=m.count(contacts, "guardian"),
            emergencies=m.count(contacts, "emergency"), agreement=_version(wish.agreement),
        )  # fmt: skip
        notices = await self._road.act(person, registered, waits=True)
        return {**view(person), "notices": _plain(notices)}

    async def _make(self, service: str, wish: m.Registration, profile: dict[str, Any]) -> PersonPort:
        try:
            return await self._road.make(service, wish.id, profile)
        except ConflictError as error:
            raise CallerError(
                f"user `{wish.id}` was registered or spoke at this very moment; ask again",
                field="id",
                status=409,
                code="user_exists",
            ) from error

    async def change(self, service: str, app_id: str, wish: m.Change, at: datetime) -> dict[str, Any]:
        person = await self.person(service, app_id)
        profile = {**person.profile, **{key: value for key, value in _kept(wish).items() if value is not None}}
        notices: list[Notice] = []
        if wish.contacts is not None:
            profile["contacts"] = m.checked_contacts(wish.contacts)
        await self._road.save_profile(person, profile)
        if wish.contacts is not None:
            notices += await self._contacts_changed(person, at)
        if wish.birth_date or wish.age_band:
            band = m.band_of(wish.birth_date, wish.age_band, at.date())
            notices += await self._road.act(
                person, e.AgeFound(at=at, person=person.id, age_band=band, age_basis=wish.age_basis)
            )
        return {**view(person), "notices": _plain(notices)}

    async def show(self, service: str, app_id: str) -> dict[str, Any]:
        return view(await self.person(service, app_id))

    async def wellbeing(self, service: str, app_id: str, at: datetime) -> dict[str, Any]:
        """What weeks of use say of the person, each component with its share."""
        person = await self.person(service, app_id)
        return {"id": person.app_id, **wellbeing(person.state, Settings().local(at).date())}

    async def set_contacts(self, service: str, app_id: str, wish: m.Contacts, at: datetime) -> dict[str, Any]:
        return await self.change(service, app_id, m.Change(contacts=wish.contacts), at)

    async def sign_in(self, service: str, app_id: str, session: str, at: datetime) -> dict[str, Any]:
        person = await self.person(service, app_id)
        event = e.UserSignedIn(at=at, person=person.id, session=person.session(session or "default"))
        return {**view(person), "notices": _plain(await self._road.act(person, event, raw_session=session, waits=True))}

    async def leave(self, service: str, app_id: str, wish: m.Leaving, at: datetime) -> dict[str, Any]:
        person = await self.person(service, app_id)
        event = e.UserLeft(at=at, person=person.id, session=person.session(wish.session or "default"), by=wish.by)
        notices = await self._road.act(person, event, raw_session=wish.session or "default")
        return {**view(person), "session": "ended", "notices": _plain(notices)}

    async def set_mode(self, service: str, app_id: str, wish: m.ModeWish, at: datetime) -> dict[str, Any]:
        person = await self.person(service, app_id)
        event = e.ModeSet(at=at, person=person.id, mode=wish.mode, by=wish.by, verified=wish.verified)
        notices = await self._road.act(person, event)
        if person.state.mode != wish.mode:
            raise CallerError(
                "minors mode is left with the guardian, verified: `by` guardian and `verified` true",
                field="mode",
                status=403,
                code="guardian_needed",
            )
        return {**view(person), "notices": _plain(notices)}

    async def consent(self, service: str, app_id: str, wish: m.Consent, at: datetime) -> dict[str, Any]:
        person = await self.person(service, app_id)
        given = e.ConsentGiven(
            at=at, person=person.id, purpose=wish.purpose, by=wish.by, text_version=wish.text_version
        )
        withdrawn = e.ConsentWithdrawn(at=at, person=person.id, purpose=wish.purpose, by=wish.by)
        notices = await self._road.act(person, given if wish.given else withdrawn)
        return {**view(person), "notices": _plain(notices)}

    async def check_purchase(self, service: str, wish: m.Purchase, at: datetime) -> dict[str, Any]:
        if wish.amount <= 0 or wish.month_total < 0:
            raise CallerError("`amount` must be above 0 and `month_total` not below, both in fen", field="amount")
        person = await self.person(service, wish.user)
        event = e.PurchaseRequested(at=at, person=person.id, amount=wish.amount, month_total=wish.month_total)
        notices = await self._road.act(person, event)
        refused = [one for one in notices if one.kind in {"purchase", "locked"}]
        return {
            "allowed": not refused,
            "because": sorted({rule for one in refused for rule in one.because}),
            "notices": _plain(notices),
        }

    async def human(self, service: str, app_id: str, wish: m.Human, at: datetime) -> dict[str, Any]:
        person = await self.person(service, app_id)
        if not wish.staff:
            raise CallerError("`staff` is empty; say who of the staff acts", field="staff")
        session = person.session(wish.session or "default")
        if wish.action == "say":
            if not wish.text:
                raise CallerError("`text` is empty; say what the person is told", field="text")
            await self._road.say_as_human(person, wish.staff, wish.text, wish.session)
        elif wish.action == "take_over":
            await self._road.act(
                person,
                e.HumanTookOver(at=at, person=person.id, session=session, staff=wish.staff),
                raw_session=wish.session,
            )
        else:
            await self._road.act(
                person,
                e.HumanHandedBack(at=at, person=person.id, session=session, staff=wish.staff),
                raw_session=wish.session,
            )
        return view(person)

    async def copy(self, service: str, app_id: str) -> dict[str, Any]:
        return await self._road.copy_of(await self.person(service, app_id))

    async def erase(self, service: str, app_id: str, scope: str, at: datetime) -> dict[str, Any]:
        kind, _, target = scope.partition(":")
        if kind not in SCOPES:
            raise CallerError(
                f"`scope` is `{scope[:40]}`; one of all, companion:<id>, session:<id>, message:<id>", field="scope"
            )
        return await self._road.erase(await self.person(service, app_id), kind, target, at)

    async def person(self, service: str, app_id: str) -> PersonPort:
        person = await self._road.find(service, app_id)
        if person is None:
            raise CallerError(
                f"no user `{app_id[:64]}` is registered; `POST /v1/users` registers one",
                field="id",
                status=404,
                code="user_not_found",
            )
        return person

    async def _contacts_changed(self, person: PersonPort, at: datetime) -> list[Notice]:
        contacts = person.profile["contacts"]
        event = e.ContactsChanged(
            at=at, person=person.id, guardians=m.count(contacts, "guardian"), emergencies=m.count(contacts, "emergency")
        )
        return list(await self._road.act(person, event))


def view(person: PersonPort) -> dict[str, Any]:
    """What the app sees of a person."""
    state, profile = person.state, person.profile
    contacts = profile.get("contacts", [])
    return {
        "id": person.app_id, "registered": state.announced, "age_band": state.age_band, "age_basis": state.age_basis,
        "birth_date": profile.get("birth_date"), "mode": state.mode, "contacts": contacts, "consents": list(state.consents),
        "takeover": state.takeover, "restriction": state.restriction,
        "missing": m.missing(state.age_band, contacts, profile.get("agreement", "")),
    }  # fmt: skip


def _kept(wish: m.Registration | m.Change) -> dict[str, Any]:
    agreement = None if wish.agreement is None else _version(wish.agreement)
    return {
        "birth_date": wish.birth_date.isoformat() if wish.birth_date else None, "agreement": agreement,
        "language": wish.language, "nickname": wish.nickname,
    }  # fmt: skip


def _version(agreement: str | bool) -> str:
    return agreement if isinstance(agreement, str) else "accepted" if agreement else ""


def _plain(notices: Sequence[Notice]) -> list[Any]:
    return [msgspec.to_builtins(one) for one in notices]

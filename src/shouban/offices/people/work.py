"""What the people office does: registers, changes, lets in and out, keeps consents, copies and erases."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from shouban.core import events as e
from shouban.core.errors import CallerError, ConflictError
from shouban.core.rules import Settings
from shouban.duties.channels import Channels
from shouban.duties.codes import CODE_LIFE, new_code
from shouban.duties.notices import Notice
from shouban.duties.ports import IdentityPort, PersonPort, RoadPort
from shouban.offices.people import age as ages
from shouban.offices.people import appeals, linkage
from shouban.offices.people import contacts as known
from shouban.offices.people import model as m
from shouban.offices.people.books import Books, open_already
from shouban.offices.people.purchases import PurchasesOffice, checked
from shouban.offices.people.wellbeing import wellbeing
from shouban.offices.people.words import code_message

SCOPES = ("all", "history", "companion", "session", "message")
# Which words a person agreed to on the pages of `/me`: changed with `mine_words.PURPOSES`.
CONSENT_VERSION = "me-1"
MOST_NOTICE_ID = 40


Also = Mapping[str, Callable[[PersonPort], Awaitable[Any]]]


class PeopleOffice:
    """The verbs; each is heard by the core, and what it owes comes back as notices."""

    def __init__(
        self,
        road: RoadPort,
        books: Books,
        channels: Channels,
        identity: IdentityPort | None = None,
        also: Also | None = None,
    ) -> None:
        """`also` reads what other offices keep of a person, by the name under which it stands in their copy."""
        self._road = road
        self._books = books
        self._channels = channels
        self._identity = identity
        self._also = also or {}
        self._purchases = PurchasesOffice(road)

    async def register(self, service: str, wish: m.Registration, at: datetime) -> dict[str, Any]:
        """A person the app tells us of; one who spoke unregistered becomes registered."""
        if not wish.id or len(wish.id) > 256:
            raise CallerError("`id` must have 1 to 256 characters", field="id")
        if not wish.id.isprintable():
            raise CallerError("`id` holds a control character", field="id")
        m.checked_nickname(wish.nickname)
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

        def told(held: dict[str, Any]) -> dict[str, Any]:
            born = {"band_by_birth_date": band} if wish.birth_date else {}
            return ages.with_evidence(
                {**held, **_kept(wish), **born, **known.settled(contacts, held)},
                _first_layer(wish, band, at),
            )

        if person is None:
            person = await self._make(service, wish, told({}))
        else:
            await self._road.change_profile(person, told)
        contacts = person.profile["contacts"]
        registered = e.UserRegistered(
            at=at, person=person.id, age_band=band, age_basis=wish.age_basis, guardians=m.count(contacts, "guardian"),
            emergencies=m.count(contacts, "emergency"), agreement=_version(wish.agreement), contacts=known.safe_ids(contacts),
        )  # fmt: skip
        notices = await self._road.act(person, registered, waits=True)
        return {**self._view(person, at), "notices": _plain(notices)}

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
        m.checked_nickname(wish.nickname)
        fresh = {key: value for key, value in _kept(wish).items() if value is not None}
        notices: list[Notice] = []
        contacts = None if wish.contacts is None else m.checked_contacts(wish.contacts)
        band = m.band_of(wish.birth_date, wish.age_band, at.date()) if wish.birth_date or wish.age_band else None
        if wish.birth_date:
            fresh["band_by_birth_date"] = band

        def told(held: dict[str, Any]) -> dict[str, Any]:
            named = {} if contacts is None else known.settled(contacts, held)
            return {**held, **fresh, **named}

        await self._road.change_profile(person, told)
        if wish.contacts is not None:
            notices += await self._contacts_changed(person, at)
        if band is not None:
            notices += await self._age_found(person, _first_layer(wish, band, at), wish.age_basis)
        return {**self._view(person, at), "notices": _plain(notices)}

    async def tell_age(self, service: str, app_id: str, told: ages.AgeTold, at: datetime) -> dict[str, Any]:
        """One more piece of evidence; the strictest wins until it is overturned."""
        person = await self.person(service, app_id)
        found = ages.evidence_of(told, at)
        if told.method == "id_number" and self._identity is not None:
            if await self._identity(told.name, told.id_number) is False:
                raise CallerError(
                    "name and number do not belong together", field="id_number", status=422, code="not_verified"
                )
            found = ages.evidence_of(told, at, is_verified=True)
        notices = await self._age_found(person, found, ages.BASIS[found.method])
        return {**self._view(person, at), "notices": _plain(notices)}

    async def _age_found(self, person: PersonPort, found: ages.Evidence, basis: e.AgeBasis) -> list[Notice]:
        await self._road.change_profile(person, lambda held: ages.with_evidence(held, found))
        event = e.AgeFound(at=found.at, person=person.id, age_band=found.band, age_basis=basis)
        return list(await self._road.act(person, event))

    # --- the person themselves, at `/me`

    async def of_id(self, service: str, person: str) -> PersonPort:
        found = await self._road.by_id(service, person)
        if found is None:
            raise CallerError("your data are deleted", status=404, code="user_not_found")
        return found

    async def about(self, person: PersonPort, at: datetime) -> dict[str, Any]:
        """All that is known of a person besides their messages, in plain form."""
        found = (await self.appeals_of(person.service, person.app_id))["appeals"]
        days = msgspec.to_builtins(person.state.days)
        profile = {key: value for key, value in person.profile.items() if key != "contacts"}
        return {
            **self._view(person, at),
            "profile": profile,
            "state": msgspec.to_builtins(person.state),
            "consent_records": [msgspec.to_builtins(one) for one in await self._road.consents_of(person)],
            "wellbeing": wellbeing(person.state, Settings().local(at).date()),
            "appeals": found,
            "days": days,
            "looks": await self._road.looks_at(person),
            **{name: await read(person) for name, read in self._also.items()},
        }

    async def messages_of(self, person: PersonPort, after: tuple[int, str], most: int = 500) -> list[dict[str, Any]]:
        return await self._road.messages_of(person, after, most)

    async def looks_at(self, person: PersonPort) -> list[dict[str, Any]]:
        return await self._road.looks_at(person)

    async def consent_to(self, person: PersonPort, purpose: e.Purpose, *, given: bool, at: datetime) -> None:
        if given and person.state.is_minor and purpose != "third_party":
            raise CallerError("your guardian decides on this", field="purpose", status=403, code="guardian_needed")
        consented = e.ConsentGiven(
            at=at,
            person=person.id,
            purpose=purpose,
            by="user",
            text_version=CONSENT_VERSION,
            verified="signed in at /me",
        )
        await self._road.act(
            person, consented if given else e.ConsentWithdrawn(at=at, person=person.id, purpose=purpose, by="user")
        )

    async def into_minors_mode(self, person: PersonPort, at: datetime) -> None:
        await self._road.act(person, e.ModeSet(at=at, person=person.id, mode="minor", by="user"))

    async def appeal_of(self, person: PersonPort, reason: str, at: datetime) -> None:
        await self.appeal(person.service, person.app_id, appeals.Asked(reason=reason), at)

    async def name_contact(self, person: PersonPort, wish: m.Contact, at: datetime) -> str:
        """Adds one emergency contact to those there are; gives the id. A minor's guardians are the app's and the guardians' own to change."""
        fresh = {**m.checked_contacts([wish])[0], "named_by": "self"}

        def told(held: dict[str, Any]) -> dict[str, Any]:
            there = held.get("contacts", [])
            same = known.with_channel(there, fresh["channels"][0])
            if same is None and len(there) >= m.MAX_CONTACTS:
                raise CallerError(f"at most {m.MAX_CONTACTS} contacts are kept", field="contacts")
            return held if same else {**held, **known.settled([*there, fresh], held)}

        await self._road.change_profile(person, told)
        await self._contacts_changed(person, at)
        named = known.with_channel(person.profile["contacts"], fresh["channels"][0])
        return str(named["id"]) if named else ""

    async def drop_contact(self, person: PersonPort, contact: str, at: datetime) -> None:
        """Takes out a contact that the person has named themselves; others are the app's or the guardians' to change."""

        def told(held: dict[str, Any]) -> dict[str, Any]:
            one = known.found_in(held.get("contacts", []), contact)
            if one.get("named_by") != "self" or one.get("unsafe") or one.get("kind") == "guardian":
                raise CallerError("this contact is changed in the app", status=403, code="not_yours")
            return {**held, **known.settled([other for other in held["contacts"] if other["id"] != contact], held)}

        await self._road.change_profile(person, told)
        await self._contacts_changed(person, at)

    # --- appeals

    async def appeal(self, service: str, app_id: str, asked: appeals.Asked, at: datetime) -> dict[str, Any]:
        """Opens a case that a person decides; one at a time."""
        person, asked = await self.person(service, app_id), appeals.checked(asked)
        if any(one.state == "open" for one, _ in await self._books.appeals(service, person=person.id)):
            raise open_already()
        case, words = secrets.token_hex(12), appeals.Words(reason=asked.reason)
        opened = appeals.Appeal(case, person.id, asked.about, "open", at, at + appeals.ANSWER_WITHIN)
        filed = e.ComplaintFiled(at=at, person=person.id, case=case, sort="appeal", about=asked.about)
        kept = self._books.opening(opened, service, self._sealed(person, case, words))
        await self._road.act(person, filed, call=kept, after=self._books.kept(case, at))
        due = await self._books.due_of(service, person.id, case)
        if due is not None and due != opened.due_at:
            await self._books.set_due(case, due, at)
            opened = replace(opened, due_at=due)
        return self._shown(person, opened, words)

    async def appeals_of(self, service: str, app_id: str) -> dict[str, Any]:
        person = await self.person(service, app_id)
        return {
            "appeals": [
                self._shown(person, one, self._opened(person, one.case, sealed))
                for one, sealed in await self._books.appeals(service, person=person.id)
            ]
        }

    async def open_appeals(self, service: str) -> list[dict[str, Any]]:
        """What staff are to decide, most urgent first; cases of erased persons have nobody left to decide for."""
        await self._finish_answers(service)
        shown = []
        for one, sealed in await self._books.appeals(service, state="open"):
            person = await self._road.by_id(service, one.person)
            if person is not None:
                words = self._opened(person, one.case, sealed)
                shown.append(
                    {
                        "appeal": one,
                        "user": person.app_id,
                        "reason": words.reason,
                        "layers": ages.layers(person.profile),
                        "state": person.state,
                    }
                )
        return shown

    async def decide_appeal(
        self, service: str, person_id: str, case: str, wish: appeals.Deciding, *, by: str, at: datetime
    ) -> appeals.Appeal:
        """The decision, and what follows from it at once: band, mode, and the duty's end."""
        person = await self._road.by_id(service, person_id)
        found = await self._books.appeals(service, person=person_id, case=case)
        if person is None or not found:
            raise CallerError("there is no such appeal", status=404, code="not_found")
        one, sealed = found[0]
        fresh = appeals.decided(one, wish, by=by, at=at)
        words = appeals.Words(self._opened(person, case, sealed).reason, wish.why.strip(), wish.age_band)
        kept = self._books.deciding(fresh, self._sealed(person, case, words))
        answered = e.ComplaintAnswered(at=at, person=person.id, case=case, upheld=wish.decision == "upheld", staff=by)
        if wish.decision == "refused" or not wish.age_band:
            await self._road.act(person, answered, call=kept, after=self._books.kept(case, at))
            return fresh
        age = e.AgeFound(at=at, person=person.id, age_band=wish.age_band, age_basis="verified", overturns=True)
        await self._road.act(
            person, age, call=kept, after=self._books.kept(case, at)
        )  # what was decided and what follows, or neither
        layer = ages.Evidence("staff", wish.age_band, ages.CONFIDENCE["staff"], at)
        await self._road.change_profile(person, lambda held: ages.with_evidence(held, layer))
        await self._road.act(person, answered)
        return fresh

    async def _finish_answers(self, service: str) -> None:
        """A process that ended between a decision and its answer left the duty open."""
        for one in await self._books.unanswered(service):
            person = await self._road.by_id(service, one.person)
            if person is not None and one.decided_at is not None:
                upheld = one.state == "upheld"
                answered = e.ComplaintAnswered(
                    at=one.decided_at, person=person.id, case=one.case, upheld=upheld, staff=one.decided_by
                )
                await self._road.act(person, answered)

    def _sealed(self, person: PersonPort, case: str, words: appeals.Words) -> bytes:
        return person.seal(msgspec.json.encode(words), "appeals", "sealed", case)

    def _opened(self, person: PersonPort, case: str, sealed: bytes) -> appeals.Words:
        return msgspec.json.decode(person.open(sealed, "appeals", "sealed", case), type=appeals.Words)

    def _shown(self, person: PersonPort, one: appeals.Appeal, words: appeals.Words) -> dict[str, Any]:
        return {
            "case": one.case, "about": one.about, "state": one.state, "opened_at": one.opened_at.isoformat(), "due_at": one.due_at.isoformat(),
            "decided_at": one.decided_at.isoformat() if one.decided_at else None, "reason": words.reason, "why": words.why, "age_band": words.age_band,
        }  # fmt: skip

    async def show(self, service: str, app_id: str, at: datetime) -> dict[str, Any]:
        return self._view(await self.person(service, app_id), at)

    async def wellbeing(self, service: str, app_id: str, at: datetime) -> dict[str, Any]:
        """What weeks of use say of the person, each component with its share."""
        person = await self.person(service, app_id)
        return {"id": person.app_id, **wellbeing(person.state, Settings().local(at).date())}

    async def set_contacts(self, service: str, app_id: str, wish: m.Contacts, at: datetime) -> dict[str, Any]:
        return await self.change(service, app_id, m.Change(contacts=wish.contacts), at)

    async def send_code(self, service: str, app_id: str, contact: str, at: datetime) -> dict[str, Any]:
        """A code on its way over the contact's own channels, the first that takes it."""
        person = await self.person(service, app_id)
        code = new_code()

        def told(held: dict[str, Any]) -> dict[str, Any]:
            contacts = held.get("contacts", [])
            fresh = known.with_code(known.found_in(contacts, contact), code, at)
            return {**known.counted(held, at), "contacts": known.replaced(contacts, fresh)}

        await self._road.change_profile(person, told)
        one = known.found_in(person.profile["contacts"], contact)
        how = await self._channels.reach(one["channels"], code_message(person, one, code, at), "code")
        return {"sent": how, "valid_for": int(CODE_LIFE.total_seconds())}

    async def verify_contact(
        self, service: str, app_id: str, contact: str, wish: known.Verifying, at: datetime
    ) -> dict[str, Any]:
        person = await self.person(service, app_id)
        wrong: list[CallerError] = []

        def told(held: dict[str, Any]) -> dict[str, Any]:
            contacts = held.get("contacts", [])
            fresh, error = known.tried(known.found_in(contacts, contact), wish.code, at)
            wrong[:] = [error] if error else []
            return {**held, "contacts": known.replaced(contacts, fresh)}

        await self._road.change_profile(person, told)  # a wrong try counts too
        if wrong:
            raise wrong[0]
        notices = await self._contacts_changed(person, at)
        return {**self._view(person, at), "notices": _plain(notices)}

    async def change_contact(
        self, service: str, app_id: str, contact: str, wish: known.ContactChange, at: datetime
    ) -> dict[str, Any]:
        person = await self.person(service, app_id)
        await self._road.change_profile(
            person, lambda held: {**held, "contacts": known.changed(held.get("contacts", []), contact, wish)}
        )
        notices = await self._contacts_changed(person, at)
        return {**self._view(person, at), "notices": _plain(notices)}

    async def sign_in(self, service: str, app_id: str, session: str, at: datetime) -> dict[str, Any]:
        person = await self.person(service, app_id)
        await self._have_birthday(person, at)
        event = e.UserSignedIn(at=at, person=person.id, session=person.session(session or "default"))
        return {
            **self._view(person, at),
            "notices": _plain(await self._road.act(person, event, raw_session=session, waits=True)),
        }

    async def _have_birthday(self, person: PersonPort, at: datetime) -> None:
        """Who was 13 when they were registered may be 14 now: the date of birth that gave the band gives the next one."""
        band = ages.grown_into(person.profile, person.state.age_band, Settings().local(at).date())
        if band is None:
            return
        await self._road.change_profile(person, lambda held: {**held, "band_by_birth_date": band})
        event = e.AgeFound(at=at, person=person.id, age_band=band, age_basis=person.state.age_basis, overturns=True)
        await self._road.act(person, event)

    async def leave(self, service: str, app_id: str, wish: m.Leaving, at: datetime) -> dict[str, Any]:
        person = await self.person(service, app_id)
        event = e.UserLeft(at=at, person=person.id, session=person.session(wish.session or "default"), by=wish.by)
        notices = await self._road.act(person, event, raw_session=wish.session or "default")
        return {**self._view(person, at), "session": "ended", "notices": _plain(notices)}

    async def set_mode(self, service: str, app_id: str, wish: m.ModeWish, at: datetime) -> dict[str, Any]:
        person = await self.person(service, app_id)
        if wish.mode != "minor" and (holding := linkage.held_by(person.profile.get("linkage", {}))):
            told = f"minors mode is on at {', '.join(holding)}; it is left there first"
            raise CallerError(told, field="mode", status=403, code="guardian_needed")
        event = e.ModeSet(at=at, person=person.id, mode=wish.mode, by=wish.by, verified=wish.verified)
        notices = await self._road.act(person, event)
        if person.state.mode != wish.mode:
            raise CallerError(
                "minors mode is left with the guardian, verified: `by` guardian and `verified` true",
                field="mode",
                status=403,
                code="guardian_needed",
            )
        return {**self._view(person, at), "notices": _plain(notices)}

    async def link(self, service: str, app_id: str, wish: linkage.Linking, at: datetime) -> dict[str, Any]:
        """Device, app or store says what its own minors mode stands at; ours follows the strictest."""
        person = await self.person(service, app_id)

        def told(held: dict[str, Any]) -> dict[str, Any]:
            return {**held, "linkage": linkage.linked(held.get("linkage", {}), wish, at)}

        evidence = (
            ages.evidence_of(ages.AgeTold("device" if wish.source == "app" else wish.source, signal=wish.signal), at)
            if wish.signal
            else None
        )
        await self._road.change_profile(person, told)
        if evidence is not None:
            await self._age_found(person, evidence, ages.BASIS[evidence.method])
        sides = person.profile["linkage"]
        if wish.mode == "minor" and not person.state.is_minor:
            await self._road.act(person, e.ModeSet(at=at, person=person.id, mode="minor", by="app"))
        leaves = wish.mode == "standard" and wish.verified and not linkage.held_by(sides)
        if leaves and person.state.mode == "minor" and person.state.age_band not in e.MINOR_BANDS:
            await self._road.act(
                person, e.ModeSet(at=at, person=person.id, mode="standard", by="guardian", verified=True)
            )
        return self._linkage(person, at)

    async def show_linkage(self, service: str, app_id: str, at: datetime) -> dict[str, Any]:
        return self._linkage(await self.person(service, app_id), at)

    def _linkage(self, person: PersonPort, at: datetime) -> dict[str, Any]:
        controls = m.controls(person.state, Settings().local(at).date())
        return linkage.shown(person.state, person.profile.get("linkage", {}), controls)

    async def consent(self, service: str, app_id: str, wish: m.Consent, at: datetime) -> dict[str, Any]:
        person = await self.person(service, app_id)
        if wish.given and wish.by == "user" and person.state.is_minor and wish.purpose != "third_party":
            raise CallerError(
                "of a minor this is the guardian's to give: `by` guardian",
                field="by",
                status=403,
                code="guardian_needed",
            )
        given = e.ConsentGiven(
            at=at, person=person.id, purpose=wish.purpose, by=wish.by, text_version=wish.text_version, party=wish.party, verified=wish.verified or "by the app",
        )  # fmt: skip
        withdrawn = e.ConsentWithdrawn(at=at, person=person.id, purpose=wish.purpose, by=wish.by, party=wish.party)
        notices = await self._road.act(person, given if wish.given else withdrawn)
        return {**self._view(person, at), "notices": _plain(notices)}

    async def saw(self, service: str, app_id: str, notice: str, at: datetime) -> dict[str, Any]:
        """The person has seen a notice, or closed it: that is in the log beside its being shown (register row D051)."""
        if not notice.isalnum() or not notice.isascii() or len(notice) > MOST_NOTICE_ID:
            raise CallerError("`notice` is the `id` of a notice", field="notice")
        person = await self.person(service, app_id)
        if not await self._road.was_owed(person, notice):
            raise CallerError("no such notice was given to this user", field="notice", status=404, code="not_found")
        await self._road.act(person, e.NoticeAcknowledged(at=at, person=person.id, notice=notice))
        return {"notice": notice, "seen_at": at.isoformat()}

    async def consents_of(self, service: str, app_id: str) -> dict[str, Any]:
        person = await self.person(service, app_id)
        return {
            "standing": list(person.state.consents),
            "records": [msgspec.to_builtins(one) for one in await self._road.consents_of(person)],
        }

    async def check_purchase(self, service: str, wish: m.Purchase, at: datetime) -> dict[str, Any]:
        wish = checked(wish)
        return await self._purchases.check(await self.person(service, wish.user), wish, at)

    async def refund(self, service: str, wish: m.Refund, at: datetime) -> dict[str, Any]:
        return await self._purchases.refund(await self.person(service, wish.user), wish, at)

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
                waits=True,
            )
        return self._view(person, at)

    async def copy(self, service: str, app_id: str) -> dict[str, Any]:
        """All that is kept, but for codes on their way to others."""
        person = await self.person(service, app_id)
        found = await self._road.copy_of(person) | {name: await read(person) for name, read in self._also.items()}
        contacts = [
            {key: value for key, value in one.items() if key != "code"} for one in found["user"].get("contacts", [])
        ]
        return {**found, "user": {**found["user"], **({"contacts": contacts} if contacts else {})}}

    async def erase(self, service: str, app_id: str, scope: str, at: datetime, by: e.Actor = "app") -> dict[str, Any]:
        kind, _, target = scope.partition(":")
        if kind not in SCOPES:
            raise CallerError(
                f"`scope` is `{scope[:40]}`; one of all, companion:<id>, session:<id>, message:<id>", field="scope"
            )
        return await self._road.erase(await self.person(service, app_id), kind, target, at, by)

    async def person(self, service: str, app_id: str) -> PersonPort:
        person = await self._road.find(service, app_id) if app_id.isprintable() else None
        if person is None:
            raise CallerError(
                f"no user `{app_id[:64]}` is registered; `POST /v1/users` registers one",
                field="id",
                status=404,
                code="user_not_found",
            )
        return person

    def _view(self, person: PersonPort, at: datetime) -> dict[str, Any]:
        return view(person, at, self._road.settings_of(person.service))

    async def _contacts_changed(self, person: PersonPort, at: datetime) -> list[Notice]:
        """With the last safe guardian of a minor goes what guardians had agreed to: nobody answers for it any more."""
        contacts = person.profile.get("contacts", [])
        event = e.ContactsChanged(
            at=at, person=person.id, guardians=m.count(contacts, "guardian"), emergencies=m.count(contacts, "emergency"),
            verified=sum(known.standing(one, at) == "verified" for one in contacts if not one.get("unsafe")), check_on=known.check_on(contacts), ids=known.safe_ids(contacts),
        )  # fmt: skip
        notices = list(await self._road.act(person, event))
        if person.state.is_minor and not person.state.guardians:
            for one in await self._road.consents_of(person):
                if one.by == "guardian" and one.withdrawn_at is None:
                    ended = e.ConsentWithdrawn(
                        at=at, person=person.id, purpose=one.purpose, by="system", party=one.party
                    )
                    notices += await self._road.act(person, ended)
        return notices


def view(person: PersonPort, at: datetime, settings: Settings) -> dict[str, Any]:
    """What the app sees of a person."""
    state, profile = person.state, person.profile
    contacts = [known.shown(one, at) for one in profile.get("contacts", [])]
    return {
        "id": person.app_id, "registered": state.announced, "age_band": state.age_band, "age_basis": state.age_basis,
        "birth_date": profile.get("birth_date"), "mode": state.mode, "contacts": contacts, "consents": list(state.consents),
        "takeover": state.takeover, "restriction": state.restriction, "age_evidence": profile.get("age_evidence", []),
        "controls": m.controls(state, settings.local(at).date()), "presentation": m.presentation(state),
        "missing": m.missing(state.age_band, contacts, profile.get("agreement", ""), settings.contact_of),
    }  # fmt: skip


def _first_layer(wish: m.Registration | m.Change, band: e.AgeBand, at: datetime) -> ages.Evidence:
    """What the app itself says, by the basis that it states."""
    methods: dict[e.AgeBasis, ages.Method] = {"verified": "real_name", "device_signal": "device"}
    method = methods.get(wish.age_basis, "birth_date" if wish.birth_date else "age_band")
    return ages.Evidence(method, band, ages.CONFIDENCE[method], at)


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

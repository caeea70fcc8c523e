"""The road, for all who are not a chat: offices and workers let events reach persons through it (`duties.ports`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, select, tuple_

from shouban.core import events as e
from shouban.core.errors import CallerError, ConflictError
from shouban.core.rules import Settings
from shouban.db.engine import view
from shouban.db.schema import GRANTS, HOLDS, LOG_ENTRIES, MESSAGES, PUSHES
from shouban.db.writer import Call, Job, Leaf
from shouban.duties import consents
from shouban.duties.ledger import NOTICES, Duty, Writes, done, open_duties, was_owed
from shouban.duties.notices import Notice, words_of
from shouban.evidence.books import After
from shouban.evidence.log import Acted, decode_entry, leaf_of, microseconds
from shouban.evidence.note import Signer
from shouban.gateway.context import Gateway
from shouban.gateway.halting import TRUST_SECONDS
from shouban.gateway.hearing import Heard, Push, Words, new_id
from shouban.gateway.people import Person, erase_rows, open_json
from shouban.gateway.push import body_of

# Not an id that an app can send: it holds a control character.
OF_SERVICE: Final = "\x00service"
MOST_NOTICES: Final = 100
SCOPES: Final = ("all", "history", "companion", "session", "message")
# An event that is the answer to what people owed: the open duties of that kind are done with it.
ANSWERS: Final[dict[type[e.Event], str]] = {
    e.UserRegistered: "AskRegistration",
    e.HumanTookOver: "Escalate",
    e.CaseClosed: "Escalate",
    e.ComplaintAnswered: "AnswerComplaint",
    e.CompanionReviewed: "ReviewCompanion",
}
TOLD: Final[dict[type[e.Event], str]] = {
    e.HumanTookOver: "taken_over",
    e.HumanLost: "staff_lost",
    e.HumanHandedBack: "handed_back",
    e.UserLeft: "session_ended",
    e.ModeSet: "mode_changed",
    e.PurchaseDecided: "purchase_decided",
    e.ComplaintAnswered: "complaint_answered",
    e.GuardianSet: "controls_changed",
    e.BonusGiven: "controls_changed",
}
# What these owe is owed anew at the person's next word, where it still holds. Once pushed it waits for nobody: a lock must not outlast its
# restriction, nor stand where words of help should.
SAID_ANEW: Final = (e.RestrictionSet,)
# How an entry of a look at somebody's data names itself.
LOOKS: Final = (b'"looked"', b'"glass_broken"', b'"case_exported"')

# Other processes send no word of a model on a look older than that; only then is anybody told that a human speaks.
UNTIL_SEEN_EVERYWHERE: Final = TRUST_SECONDS + 0.1


class Road:
    """See `duties.ports.RoadPort`."""

    def __init__(self, gateway: Gateway, signer: Signer) -> None:
        self._gateway = gateway
        self._signer = signer

    def settings_of(self, service: str) -> Settings:
        return self._gateway.by_id(service).pack.pack.settings

    def now(self, at_header: str | None = None) -> datetime:
        return self._gateway.time(at_header)

    async def find(self, service: str, app_id: str) -> Person | None:
        return await self._gateway.people.find(service, app_id)

    async def by_id(self, service: str, person: str) -> Person | None:
        return await self._gateway.people.by_id(service, person)

    async def make(self, service: str, app_id: str, profile: dict[str, Any]) -> Person:
        return await self._gateway.people.make(service, app_id, profile, now_us=microseconds(self._gateway.clock.now()))

    async def change_profile(self, person: Person, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        await self._gateway.people.change_profile(person, change)

    async def act(
        self, person: Person, event: e.Event, *, raw_session: str = "", writes: Writes | None = None, call: Call | None = None,
        after: After | None = None, waits: bool = False, named: str = "", how: str = "",
    ) -> Sequence[Notice]:  # fmt: skip
        kept = [*(writes or []), *consents.writes_of(person.service, event)]
        after = after or consents.kept_by(person.service, event)
        heard = await self._hear(person, event, writes=kept, call=call, after=after)
        await self._close_answered(person, event)
        if isinstance(event, e.HumanTookOver) and self._gateway.people.is_shared:
            await asyncio.sleep(UNTIL_SEEN_EVERYWHERE)
        notices = self._words(person, heard, event.at)
        pushes = [Push("notice", msgspec.to_builtins(one), event.session, one.id) for one in notices]
        pushes += _told(event, person, raw_session, mode_before=heard.mode_before, named=named)
        if pushes:
            await self._gateway.hearing.push(person, event, pushes)
        is_pushed = waits or isinstance(event, SAID_ANEW)
        if not waits or self._gateway.hub.has_listener(person.key_pair):
            await self._delivered(
                person, heard.heard, event, how or ("pushed" if is_pushed else "given with the answer")
            )
        return notices

    async def was_owed(self, person: Person, duty: str) -> bool:
        def read() -> bool:
            with view(self._gateway.engine) as connection:
                return was_owed(connection, service=person.service, person=person.id, duty=duty)

        return await asyncio.to_thread(read)

    async def of_service(self, service: str) -> Person:
        found = await self.find(service, OF_SERVICE)
        if found is not None:
            return found
        try:
            return await self.make(service, OF_SERVICE, {})
        except ConflictError:  # another was faster
            return await self.find(service, OF_SERVICE) or await self.make(service, OF_SERVICE, {})

    async def say_as_human(
        self, person: Person, staff: str, text: str, raw_session: str, *, named: str = "", call: Call | None = None,
        after: After | None = None, tells: str = "",
    ) -> None:  # fmt: skip
        """Words of the staff: kept, pushed, and waiting for a client that only asks for replies; the person reads `named`."""
        if person.state.takeover != "human":
            raise CallerError(
                "nobody has taken this conversation over; take it over first",
                field="action",
                status=409,
                code="not_taken_over",
            )
        session = person.session(raw_session or "default")
        words = Words(new_id(), "human", text, session, raw_session or "default", staff=named or staff)
        event = e.HumanSpoke(
            at=self.now(), person=person.id, session=session, staff=staff, turn=words.id, chars=len(text)
        )
        await self._hear(person, event, words=words, call=call, after=after)
        told = [Push(tells, {"session": raw_session, "staff": named or staff}, session)] if tells else []
        said = Push("staff_message", {"id": words.id, "staff": named or staff, "text": text}, session, words.id)
        await self._gateway.hearing.push(person, event, [*told, said])
        person.words.set()

    async def messages_of(
        self, person: Person, after: tuple[int, str] = (0, ""), most: int = 500
    ) -> list[dict[str, Any]]:
        """A page of the person's messages in plain form, oldest first: those after `(at_us, id)`."""
        return await asyncio.to_thread(self._page, person, after, most)

    async def notices_of(self, person: Person, session: str) -> list[dict[str, Any]]:
        """The notices that were given in this talk, oldest first: what an app shows again when its page is opened anew."""
        return await asyncio.to_thread(self._notices, person, session)

    async def looks_at(self, person: Person, most: int = 200) -> list[dict[str, Any]]:
        """Who looked at the person's data, the newest first: when, by which roles, at what, and why."""
        return await asyncio.to_thread(self._looks, person, most)

    async def consents_of(self, person: Person) -> Sequence[consents.Consent]:
        def read() -> Sequence[consents.Consent]:
            with view(self._gateway.engine) as connection:
                return consents.consents_of(connection, person.service, person.id)

        return await asyncio.to_thread(read)

    async def copy_of(self, person: Person) -> dict[str, Any]:
        """All that is kept of a person, in plain form (Order 21, Art. 16; PIPL Art. 45)."""
        messages = await asyncio.to_thread(self._messages, person)
        return {"user": person.profile, "state": msgspec.to_builtins(person.state), "messages": messages}

    async def erase(self, person: Person, scope: str, target: str, at: datetime, by: e.Actor = "app") -> dict[str, Any]:
        """Deletes, and signs a certificate of it. `history` is every message; for `all` the person's key goes too.

        Records that a law holds (`holds`: what, until when) are the log and the ledger; words and names stand in neither. `overwritten`: no copy of a page
        in the database's own journal holds them either; where somebody is reading just then, that follows within seconds of their end.
        """
        deletion = await self._deletion(person, scope, target) if scope != "all" else None
        event = e.ErasureRequested(at=at, person=person.id, scope=scope, by=by)  # type: ignore[arg-type]  # checked by the caller against SCOPES
        if deletion is None:
            heard = await self._hear(person, event)
            facts = await self._delete_all(person, _erasures(heard.heard.duties), at)
        else:
            facts = await self._delete_some(person, event, deletion)
        overwritten = await asyncio.to_thread(self._gateway.writer.scrub)
        text = f"shouban.erasure/v1\n{person.service}\n{person.id}\n{scope}\n{at.isoformat()}\n{sum(facts['rows'].values())}\n"
        return {
            **facts,
            "overwritten": overwritten,
            "user": person.app_id,
            "person": person.id,
            "at": at.isoformat(),
            "certificate": self._signer.sign(text),
            "verifier_key": self._signer.verifier_key,
        }

    async def finish_erasures(self, service: str, at: datetime, *, owed_for: timedelta | None = None) -> int:
        """Finishes what a process that ended has begun (so long ago, where another may be at it); gives how many. What is owed for a part is only not yet crossed off: its rows went with its event."""

        def read() -> list[Duty]:
            with view(self._gateway.engine) as connection:
                owed = open_duties(connection, service=service, kinds=["Erase"])
            return [duty for duty in owed if owed_for is None or duty.owed_us <= microseconds(at - owed_for)]

        found = await asyncio.to_thread(read)
        for duty in found:
            person = await self.by_id(service, duty.person)
            if person is not None and getattr(duty.owed, "scope", "") == "all":
                await self._delete_all(person, [duty.id], at)
            else:
                await self._cross_off(service, duty.person, [duty.id], at)
        if found:
            await asyncio.to_thread(self._gateway.writer.scrub)
        return len(found)

    # --- inside

    async def _delete_all(self, person: Person, duties: list[str], at: datetime) -> dict[str, Any]:
        """INVARIANT: rows go in the transaction that says so in the log."""
        facts: dict[str, Any] = {"scope": "all", "duties": duties}
        erase, told = _erasing(person, at, facts, lambda connection: erase_rows(connection, person))
        await self._gateway.writer.submit(Job(writes=_erased(duties, at), call=erase, after=told, alone=True))
        person.is_gone = True
        person.halt()
        self._gateway.people.forget(person)
        return facts

    async def _delete_some(
        self, person: Person, event: e.ErasureRequested, deletion: Callable[[Connection], dict[str, int]]
    ) -> dict[str, Any]:
        """In the event's own transaction: a process that ends finds both or neither."""
        facts: dict[str, Any] = {"scope": event.scope}
        erase, told = _erasing(person, event.at, facts, deletion)
        heard = await self._hear(person, event, call=erase, after=told)
        duties = _erasures(heard.heard.duties)
        await self._cross_off(person.service, person.id, duties, event.at)
        return {**facts, "duties": duties}

    async def _cross_off(self, service: str, person: str, duties: list[str], at: datetime) -> None:
        told = Acted(
            service=service, at=at, act="erasure_done", person=person, facts={"duties": duties, "how": "erased"}
        )
        await self._gateway.writer.submit(Job(writes=_erased(duties, at), leaves=[leaf_of(told)]))

    async def _hear(
        self, person: Person, event: e.Event, *, words: Words | None = None, writes: Writes | None = None, call: Call | None = None,
        after: After | None = None,
    ) -> _Heard:  # fmt: skip
        before = person.state.mode
        service = self._gateway.by_id(person.service)
        heard = await self._gateway.hearing.hear(
            person, event, service.pack, words=words, writes=writes, call=call, after=after
        )
        self._gateway.writer.hurry()
        await asyncio.shield(heard.committed)
        person.halt()
        for duty in heard.duties:
            self._gateway.metrics.owed.labels(duty.kind).inc()
        return _Heard(heard, before)

    def _words(self, person: Person, heard: _Heard, at: datetime) -> list[Notice]:
        service = self._gateway.by_id(person.service)
        language = person.profile.get("language") or self._gateway.settings.language
        return words_of(
            heard.heard.duties,
            service.pack,
            language,
            at=at,
            age_band=person.state.age_band,
            region=service.settings.region,
        )

    async def _delivered(self, person: Person, heard: Heard, event: e.Event, how: str) -> None:
        pack = self._gateway.by_id(person.service).pack
        for duty in heard.duties:
            if duty.kind not in NOTICES or person.pending.pop(duty.id, None) is None:
                continue
            told = e.DutyDone(
                at=event.at, person=person.id, session=event.session, duty=duty.id, obligation=duty.kind, how=how
            )
            outcome = await self._gateway.hearing.hear(person, told, pack, writes=done(duty.id, event.at, how))
            self._gateway.writer.hurry()
            await asyncio.shield(outcome.committed)

    async def _close_answered(self, person: Person, event: e.Event) -> None:
        kind = ANSWERS.get(type(event))
        if kind is None or not getattr(event, "announced", True):
            return
        pack = self._gateway.by_id(person.service).pack
        async with person.answering:  # two who answer at once do not both end it
            for duty in await asyncio.to_thread(self._open, person, kind):
                if any(
                    getattr(duty.owed, name, "") != getattr(event, name, "")
                    for name in ("case", "companion", "version")
                ):
                    continue  # the answer to one complaint is none to another, nor is the review of one version
                how = f"answered by `{type(event).__name__}`"
                told = e.DutyDone(
                    at=event.at, person=person.id, session=event.session, duty=duty.id, obligation=kind, how=how
                )
                outcome = await self._gateway.hearing.hear(person, told, pack, writes=done(duty.id, event.at, how))
                await asyncio.shield(outcome.committed)

    def _open(self, person: Person, kind: str) -> list[Duty]:
        with view(self._gateway.engine) as connection:
            return open_duties(connection, service=person.service, person=person.id, kinds=[kind])

    def _notices(self, person: Person, session: str) -> list[dict[str, Any]]:
        mine = (PUSHES.c.service_id == person.service) & (PUSHES.c.person_id == person.id) & (PUSHES.c.kind == "notice")
        with view(self._gateway.engine) as connection:
            asked = (
                select(PUSHES)
                .where(mine, PUSHES.c.session_id == session)
                .order_by(PUSHES.c.id.desc())
                .limit(MOST_NOTICES)
            )
            rows = connection.execute(asked).all()
        return [{"at_us": row.at_us, **body_of(person, row)} for row in reversed(rows)]

    def _messages(self, person: Person) -> list[dict[str, Any]]:
        mine = (MESSAGES.c.service_id == person.service) & (MESSAGES.c.person_id == person.id)
        with view(self._gateway.engine) as connection:
            rows = connection.execute(
                select(MESSAGES).where(mine).order_by(MESSAGES.c.at_us, MESSAGES.c.message_id)
            ).all()
        return [_plain(person, row) for row in rows]

    def _page(self, person: Person, after: tuple[int, str], most: int) -> list[dict[str, Any]]:
        mine = (MESSAGES.c.service_id == person.service) & (MESSAGES.c.person_id == person.id)
        later = tuple_(MESSAGES.c.at_us, MESSAGES.c.message_id) > after
        asked = select(MESSAGES).where(mine, later).order_by(MESSAGES.c.at_us, MESSAGES.c.message_id).limit(most)
        with view(self._gateway.engine) as connection:
            rows = connection.execute(asked).all()
        return [_plain(person, row) for row in rows]

    def _looks(self, person: Person, most: int) -> list[dict[str, Any]]:
        mine = (LOG_ENTRIES.c.service_id == person.service) & (LOG_ENTRIES.c.person_id == person.id)
        asked = (
            select(LOG_ENTRIES.c.leaf_index, LOG_ENTRIES.c.leaf).where(mine).order_by(LOG_ENTRIES.c.leaf_index.desc())
        )
        found: list[dict[str, Any]] = []
        with view(self._gateway.engine) as connection:
            for index, leaf in connection.execute(asked):
                # Most entries are turns: these words stand in none of them.
                if any(act in leaf for act in LOOKS) and isinstance(entry := decode_entry(bytes(leaf), index), Acted):
                    reason = _reason(connection, person, str(entry.facts.get("grant", "")))
                    found.append({"at": entry.at, "act": entry.act, "entry": index, "reason": reason, **entry.facts})
                    if len(found) == most:
                        break
        return found

    async def _deletion(self, person: Person, scope: str, target: str) -> Callable[[Connection], dict[str, int]]:
        """What deletes the rows of a scope that is a part, and counts them by table."""
        if not target and scope != "history":
            raise CallerError(f"`scope` is `{scope}`; name which, like `{scope}:<id>`", field="scope")
        texts, pushed = await self._chosen(person, scope, target)
        mine = delete(MESSAGES).where(MESSAGES.c.service_id == person.service, MESSAGES.c.person_id == person.id, texts)
        theirs = delete(PUSHES).where(PUSHES.c.service_id == person.service, PUSHES.c.person_id == person.id, pushed)
        return lambda connection: {
            "messages": connection.execute(mine).rowcount,
            "pushes": connection.execute(theirs).rowcount,
        }

    async def _chosen(self, person: Person, scope: str, target: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Which messages a scope names, and which pushes: words of the staff stand in both."""
        if scope == "history":
            return MESSAGES.c.message_id != "", PUSHES.c.push_id != ""
        if scope == "session":
            session = person.session(target)
            return MESSAGES.c.session_id == session, PUSHES.c.session_id == session
        if scope == "message":
            return MESSAGES.c.message_id == target, PUSHES.c.push_id == target
        chosen = [
            one["id"] for one in await asyncio.to_thread(self._messages, person) if one.get("companion") == target
        ]
        return MESSAGES.c.message_id.in_(chosen), PUSHES.c.push_id.in_(chosen)


def _reason(connection: Connection, person: Person, grant: str) -> str:
    """Why the glass was broken, in the words of who broke it: the person may read it."""
    mine = (GRANTS.c.service_id == person.service) & (GRANTS.c.grant_id == grant)
    sealed = connection.execute(select(GRANTS.c.sealed).where(mine)).scalar() if grant else None
    return person.open(bytes(sealed), "grants", "sealed", grant).decode() if sealed is not None else ""


def _erasing(
    person: Person, at: datetime, facts: dict[str, Any], deletion: Callable[[Connection], dict[str, int]]
) -> tuple[Call, After]:
    """For a job: what deletes, putting into `facts` what went and what a law holds; and the entry that says so."""

    def erase(connection: Connection) -> None:
        facts.update(rows=deletion(connection), holds=standing_holds(connection, person, at))

    def told(_: Connection) -> list[Leaf]:
        return [leaf_of(Acted(service=person.service, at=at, act="erased", person=person.id, facts=facts))]

    return erase, told


def _erased(duties: list[str], at: datetime) -> Writes:
    return [row for duty in duties for row in done(duty, at, "erased")]


def _erasures(duties: Sequence[Duty]) -> list[str]:
    return [duty.id for duty in duties if duty.kind == "Erase"]


class _Heard:
    def __init__(self, heard: Heard, mode_before: str) -> None:
        self.heard = heard
        self.mode_before = mode_before


def _told(event: e.Event, person: Person, raw_session: str, *, mode_before: str, named: str) -> list[Push]:
    """What an event stream is told of the event itself."""
    pushes = []
    if person.state.mode != mode_before:
        pushes.append(Push("mode_changed", {"mode": person.state.mode}, event.session))
    kind = TOLD.get(type(event))
    if kind and kind != "mode_changed":
        # Who decided a complaint is not told to whoever complained.
        names = ("case",) if isinstance(event, e.ComplaintAnswered) else ("staff", "by", "order", "approved", "minutes")
        body = {"session": raw_session, **{name: getattr(event, name, "") for name in names}}
        body |= {"staff": named} if named else {}
        pushes.append(Push(kind, {key: value for key, value in body.items() if value not in {"", None}}, event.session))
    return pushes


def standing_holds(connection: Connection, person: Person, at: datetime) -> list[dict[str, str]]:
    """What a law keeps of this person's records, and until when."""
    mine = (
        (HOLDS.c.service_id == person.service)
        & (HOLDS.c.person_id == person.id)
        & (HOLDS.c.until_us > microseconds(at))
    )
    rows = connection.execute(select(HOLDS.c.topic, HOLDS.c.until_us).where(mine).order_by(HOLDS.c.until_us))
    return [
        {"topic": topic, "until": datetime.fromtimestamp(until / 1e6, at.tzinfo).isoformat()} for topic, until in rows
    ]


def _plain(person: Person, row: Any) -> dict[str, Any]:  # noqa: ANN401  # a row of messages
    body = open_json(person.open(bytes(row.sealed), "messages", "sealed", row.message_id), "messages", row.message_id)
    return {"id": row.message_id, "role": row.role, "at_us": row.at_us, **body}

"""What the care desk does: shows who waits, gives a case to one of the staff, lets them take over, speak, hand back, and close; each leaves its entry.

INVARIANT: from the moment a takeover is on disk the machine is silent, whatever becomes of the desk; only a hand-back lets it speak again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine

from shouban.core import events as e
from shouban.core.errors import CallerError, ShoubanError
from shouban.core.obligations import Escalate
from shouban.core.state import PersonState
from shouban.db.engine import view
from shouban.db.writer import Call, Job, Writer
from shouban.duties.cases import desk_of, is_desk_open
from shouban.duties.ledger import Duty, done, open_duties
from shouban.duties.notices import IN_TALK
from shouban.duties.ports import BellsPort, PersonPort, RoadPort
from shouban.duties.receipts import Receipts
from shouban.evidence.books import After
from shouban.evidence.log import Acted, leaf_of, microseconds
from shouban.evidence.timeline import entries_of
from shouban.offices.care_desk import model as m
from shouban.offices.care_desk import records
from shouban.offices.care_desk.exposure import Limits
from shouban.offices.care_desk.resting import Resting
from shouban.offices.care_desk.roster import carers, has_roster, refuse_above, running
from shouban.offices.care_desk.scripts import ARRIVAL, filled
from shouban.offices.care_desk.shifts import wanted
from shouban.offices.care_desk.shown import Line, Opened, Queue
from shouban.web.access import Who
from shouban.web.language import Language
from shouban.web.sessions import SignIns, called

MOST_KEYS: Final = 500
_log = structlog.get_logger("shouban.care")
# Of what bears one time: the words that were answered first.
SPEAKERS: Final = ("user", "notice", "companion", "human")
BOARD_SPAN: Final = timedelta(days=30)


class CareDesk:
    def __init__(
        self, road: RoadPort, engine: Engine, writer: Writer, sign_ins: SignIns, receipts: Receipts, bells: BellsPort,
        limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self._road = road
        self._engine = engine
        self._writer = writer
        self._sign_ins = sign_ins
        self._receipts = receipts
        self.bells = bells
        self.resting = Resting(engine, sign_ins, limits or Limits())
        self._said: OrderedDict[str, asyncio.Future[None]] = OrderedDict()

    # --- what the desk shows

    async def queue(self, service: str, at: datetime) -> Queue:
        def read() -> tuple[Any, ...]:
            with view(self._engine) as connection:
                keeps_roster = has_roster(connection, service, at)
                return (
                    records.queue(connection, service, at), records.held(connection, service, at), records.follow_ups(connection, service),
                    records.seated(connection, service, at), keeps_roster, running(connection, service, at) if keeps_roster else {},
                    _losing(connection, service) if keeps_roster else set(), is_desk_open(connection, service, at),
                )  # fmt: skip

        (waiting, count), held, follow_ups, seated, keeps_roster, shifts, losing, is_open = await asyncio.to_thread(
            read
        )
        accounts = await self._sign_ins.accounts(service)
        names = called(accounts)
        on_shift = {one.id: shifts[one.id] for one in carers(accounts) if one.id in shifts}
        lines = {
            one.id: await self._line(service, one, names, seated, losing if keeps_roster else None)
            for one in (*waiting, *held)
        }
        return Queue(
            tuple(lines[one.id] for one in sorted(waiting, key=lambda one: one.rank)), count - len(waiting), tuple(lines[one.id] for one in held), tuple(follow_ups), at,
            on_shift, tuple(names[one] for one in on_shift), keeps_roster, keeps_roster and not on_shift and not is_open,
        )  # fmt: skip

    async def opened(self, who: Who, person: PersonPort, at: datetime, *, listens: bool = False) -> Opened:
        """`listens`: a supervisor wants the words of a case that a colleague has; who has let them in has said so in the log."""

        def read() -> tuple[Any, ...]:
            with view(self._engine) as connection:
                found = records.newest_case(connection, who.service, person.id)
                contacted = records.contacted_at(connection, found) if found else None
                return (
                    found, contacted, records.notes(connection, who.service, person.id), records.follow_ups(connection, who.service, person.id),
                    entries_of(connection, who.service, person.id), records.seated(connection, who.service, at),
                    records.listeners(connection, who.service, found.id, at) if found else [],
                    records.joins(connection, who.service, person.id), records.whispers(connection, found, who.account) if found else [],
                )  # fmt: skip

        found, contacted, sealed, follow_ups, timeline, seated, listeners, joins, whispers = await asyncio.to_thread(
            read
        )
        accounts = await self._sign_ins.accounts(who.service)
        names = called(accounts)
        receipts = await asyncio.to_thread(self._receipts.of_person, who.service, person.id)
        notes = [
            m.Note(note, names.get(by, by), when, note_text(person, note, held)) for note, by, when, held in sealed
        ]
        joined = [
            one.account for one in joins if found and found.stage == "taken_over" and one.account != found.claimed_by
        ]
        told = [
            m.Note(one, names.get(by, by), when, whisper_text(person, one, held)) for one, by, _, when, held in whispers
        ]
        return Opened(
            found, person, found is not None and found.is_of(who.account, at), names.get(found.claimed_by, "") if found and found.is_held(at) else "",
            tuple(names.get(one, one) for one, case in seated if found and case == found.id and one != who.account and one not in {found.claimed_by, *listeners}),
            _clocks(found, contacted, person) if found else {}, receipts, notes, follow_ups, timeline,
            called(one for one in carers(accounts) if one.id != who.account),
            listens=listens and found is not None and is_anothers(found, who, at), listeners=tuple(names.get(one, one) for one in listeners if one != who.account),
            is_joined=who.account in joined, joined=tuple(names.get(one, one) for one in joined if one != who.account), whispers=told,
        )  # fmt: skip

    async def words(self, person: PersonPort, case: m.Case, most: int = m.MOST_WORDS) -> list[dict[str, Any]]:
        """What was said since shortly before the case was opened, and what the person was shown in this talk instead of a reply: for who has the case."""
        since = microseconds(min(case.opened_at, case.asked_at) - m.BEFORE)
        found = await self._road.messages_of(person, (since, ""), 2_000)
        said = [one for one in found if one["role"] in {"user", "companion", "human"}]
        said += [
            {**one, "role": "notice"}
            for one in await self._road.notices_of(person, case.session)
            if one["kind"] in IN_TALK and one["at_us"] >= since
        ]
        return sorted(said, key=lambda one: (one["at_us"], SPEAKERS.index(one["role"])))[-most:]

    async def board(self, service: str, at: datetime) -> dict[str, Any]:
        """How fast people came, by clock, over the last thirty days, and who is still waited for."""

        def read() -> list[tuple[m.Case, datetime | None]]:
            with view(self._engine) as connection:
                found = records.cases_since(connection, service, at - BOARD_SPAN)
                return [(one, records.contacted_at(connection, one) if one.wants_takeover else None) for one in found]

        cases = await asyncio.to_thread(read)
        by_clock: dict[str, list[m.Clock]] = {}
        for one, contacted in cases:
            for name, clock in m.clocks(one, contacted).items():
                by_clock.setdefault(name, []).append(clock)
        return {
            "cases": len(cases), "outcomes": _counted(one.outcome for one, _ in cases if one.outcome), "clocks": {
                name: _told_of(found, at) for name, found in by_clock.items()
            },
        }  # fmt: skip

    # --- who has it

    async def claim(self, who: Who, person: PersonPort, at: datetime, language: Language = "zh") -> str:
        """Gives why they had better rest instead, where nobody else is there to come. Who goes on with a colleague's talk is told to the person."""
        found = await self.open_case(who, person)
        if found.is_of(who.account, at):
            return ""
        over = await self.resting.checked(who, found, at)

        def claim(connection: Connection) -> None:
            refuse_above(connection, who.service, who.account, found, at)
            if not records.claim(connection, found, who.account, at):
                raise CallerError("a colleague has this case", status=409, code="claimed_already")
            records.end_joins_of(connection, found, who.account, at)

        await self._act(who, person, found, "case_claimed", at, claim, **({"over": over} if over else {}))
        if found.stage == "taken_over" and found.claimed_by not in {"", who.account}:
            await self._say_hello(who, person, await self.open_case(who, person), language, at)
        return over

    async def release(self, who: Who, person: PersonPort, at: datetime) -> None:
        """Back into the queue; not in the middle of a talk: that is handed back, or passed on."""
        found = await self._mine(who, person, at)
        m.moved(found, "open")
        values = {"stage": "open", "claimed_by": "", "lease_until_us": 0}
        await self._act(who, person, found, "case_released", at, _fenced(found, who, at, **values))

    async def pass_on(self, who: Who, person: PersonPort, wish: m.Passing, at: datetime) -> None:
        found = await self._mine(who, person, at)
        if wish.account == who.account or wish.account not in await self._carers(who.service):
            raise CallerError("nobody of the care staff is chosen", field="account", code="no_colleague")

        def give(connection: Connection) -> None:
            if not records.pass_on(connection, found, who.account, wish.account, at):
                raise lost()
            records.end_joins_of(connection, found, wish.account, at)

        await self._act(who, person, found, "case_passed_on", at, give, to=wish.account)

    async def renew(self, who: Who, person: PersonPort, at: datetime) -> bool:
        """The desk is still there. Gives whether they still have the case."""
        found = await asyncio.to_thread(self._read_case, who.service, person.id)
        if found is None or found.claimed_by != who.account:
            return False
        return bool(
            await self._writer.submit(Job(call=lambda connection: records.revive(connection, found, who.account, at)))
        )

    async def sit(self, who: Who, seat: str, looks_at: str, at: datetime, *, listens: bool = False) -> None:
        def sit(connection: Connection) -> None:
            records.sit(connection, seat, who.service, who.account, looks_at, at, listens=listens)

        await self._writer.submit(Job(call=sit))

    async def is_here(self, who: Who, at: datetime) -> None:
        """Somebody looks at the queue, not at their talk for the moment: it stays theirs. A page that only lies open says nothing."""
        await self._writer.submit(
            Job(call=lambda connection: records.renew_all(connection, who.service, who.account, at))
        )

    async def stand_up(self, seat: str) -> None:
        await self._writer.submit(Job(call=lambda connection: records.stand_up(connection, seat)))

    # --- the talk

    async def take_over(self, who: Who, person: PersonPort, language: Language, at: datetime) -> None:
        """From now on no word of the machine reaches the person, and they are told who is here."""
        found = await self._mine(who, person, at)
        m.moved(found, "taken_over")
        raw = await self.raw_session(person, found)
        event = e.HumanTookOver(at=at, person=person.id, session=found.session, staff=who.account)
        await self._road.act(person, event, raw_session=raw, call=_fenced(found, who, at), named=who.name)
        await self._say_hello(who, person, found, language, at)

    async def _say_hello(self, who: Who, person: PersonPort, found: m.Case, language: Language, at: datetime) -> None:
        hello = filled(ARRIVAL, person.profile.get("language") or language, who.name)
        raw = await self.raw_session(person, found)
        await self._road.say_as_human(
            person, who.account, hello, raw, named=who.name, call=_fenced(await self.open_case(who, person), who, at)
        )

    async def say(self, who: Who, person: PersonPort, wish: m.Saying, at: datetime) -> None:
        found = await self._mine(who, person, at)
        await self.spoken(who, person, found, wish, _fenced(found, who, at))

    async def spoken(self, who: Who, person: PersonPort, found: m.Case, wish: m.Saying, call: Call) -> None:
        """Says it once, however often the press is repeated; `call` refuses who may not."""
        text = m.checked_text(wish.text, "text")
        # Other words are another press.
        key = f"{found.id}:{who.account}:{wish.key}:{text}" if wish.key else records.new_id()
        saying = self._said.get(key)
        if saying is None:
            saying = self._said[key] = asyncio.ensure_future(self._spoken(who, person, found, text, call))
        try:
            await asyncio.shield(saying)
        except Exception:
            self._said.pop(key, None)  # the same press may be tried again
            raise
        while len(self._said) > MOST_KEYS:
            self._said.popitem(last=False)

    async def _spoken(self, who: Who, person: PersonPort, found: m.Case, text: str, call: Call) -> None:
        raw = await self.raw_session(person, found)
        await self._road.say_as_human(person, who.account, text, raw, named=who.name, call=call)

    async def types(self, who: Who, person: PersonPort, at: datetime) -> None:
        """The person sees that somebody answers. It is told to who listens now, and kept nowhere; a flood of keys asks nothing of the database."""
        if not self.bells.note_typing((who.service, f"{person.id} {who.account}")):
            return
        found = await self.open_case(who, person)

        def joined() -> bool:
            with view(self._engine) as connection:
                return any(one.account == who.account for one in records.joins(connection, who.service, person.id))

        m.require_talk(found)
        if not found.is_of(who.account, at) and not await asyncio.to_thread(joined):
            raise lost()
        self.bells.tell((person.service, person.id), "staff_typing", {"staff": who.name})

    async def hand_back(self, who: Who, person: PersonPort, wish: m.HandingBack, at: datetime) -> None:
        found = await self._mine(who, person, at)
        why = m.checked_back(found, person.state, wish, at)
        event = e.HumanHandedBack(at=at, person=person.id, session=found.session, staff=who.account)
        raw = await self.raw_session(person, found)
        row, after = self._note(who, person, found, why, at)
        await self._road.act(
            person, event, raw_session=raw, writes=[row], call=_fenced(found, who, at), after=after, named=who.name, waits=True,
        )  # fmt: skip

    async def close(self, who: Who, person: PersonPort, wish: m.Closing, at: datetime) -> None:
        found = await self._mine(who, person, at)
        why = m.checked_close(found, wish)
        event = e.CaseClosed(at=at, person=person.id, case=found.id, staff=who.account, outcome=wish.outcome)
        row, after = self._note(who, person, found, why, at)
        await self._road.act(person, event, writes=[row], call=_fenced(found, who, at), after=after, waits=True)

    async def note(self, who: Who, person: PersonPort, wish: m.Noting, at: datetime) -> None:
        """For colleagues only; any of them may."""
        found = await asyncio.to_thread(self._read_newest, who.service, person.id)
        if found is None:
            raise no_case()
        row, after = self._note(who, person, found, m.checked_text(wish.text, "text"), at)
        await self._writer.submit(Job(writes=[row], after=after))
        self.ring(who.service, person)

    async def follow_up(self, who: Who, person: PersonPort, wish: m.Following, at: datetime) -> None:
        """Somebody has asked again how they are; whether they were reached is in the log."""

        def read() -> list[Duty]:
            with view(self._engine) as connection:
                return records.follow_ups(connection, who.service, person.id)

        if all(one.id != wish.duty for one in await asyncio.to_thread(read)):
            raise CallerError("this follow-up is done, or none of theirs", status=404, code="not_found")
        reached = wish.reached == "yes"
        event = e.FollowedUp(at=at, person=person.id, duty=wish.duty, staff=who.account, reached=reached)
        how = "the person was reached" if reached else "the person was not reached"
        await self._road.act(person, event, writes=done(wish.duty, at, how))
        if wish.why.strip():
            await self.note(who, person, m.Noting(wish.why), at)

    async def person(self, who: Who, person: str) -> PersonPort:
        found = await self._road.by_id(who.service, person)
        if found is None:
            raise CallerError("there is no such person, or they were erased", status=404, code="user_not_found")
        return found

    async def looked(self, who: Who, person: PersonPort, at: datetime) -> None:
        facts = {"account": who.account, "roles": sorted(who.roles), "what": "case", "why": "care case opened"}
        told = Acted(service=who.service, at=at, act="looked", person=person.id, facts=facts)
        await self._writer.submit(Job(leaves=[leaf_of(told)]))

    # --- inside

    async def _act(
        self, who: Who, person: PersonPort, found: m.Case, act: str, at: datetime, call: Call, **facts: str
    ) -> None:
        told = Acted(
            service=who.service,
            at=at,
            act=act,
            person=person.id,
            facts={"account": who.account, "case": found.id, **facts},
        )
        await self._writer.submit(
            Job(call=call, leaves=[leaf_of(told)], after=records.case_row_kept(found, at), alone=True, is_urgent=True)
        )
        self.ring(who.service, person)

    def ring(self, service: str, person: PersonPort) -> None:
        self.bells.ring(desk_of(service))
        self.bells.ring((person.service, person.id))

    async def open_case(self, who: Who, person: PersonPort) -> m.Case:
        found = await asyncio.to_thread(self._read_case, who.service, person.id)
        if found is None:
            raise no_case()
        return found

    async def _mine(self, who: Who, person: PersonPort, at: datetime) -> m.Case:
        found = await self.open_case(who, person)
        if not found.is_of(who.account, at):
            raise lost()
        return found

    def _read_case(self, service: str, person: str) -> m.Case | None:
        with view(self._engine) as connection:
            return records.open_case(connection, service, person)

    def _read_newest(self, service: str, person: str) -> m.Case | None:
        with view(self._engine) as connection:
            return records.newest_case(connection, service, person)

    def _note(self, who: Who, person: PersonPort, found: m.Case, text: str, at: datetime) -> tuple[Any, After]:
        note = records.new_id()
        sealed = person.seal(text.encode(), "case_notes", "sealed", note)
        return records.note_row(found, who.service, note, who.account, at, sealed), records.note_kept(note, at)

    async def raw_session(self, person: PersonPort, found: m.Case) -> str:
        """The app's own id of the talk, from the words that were said in it."""
        since = microseconds(found.opened_at - m.BEFORE)
        for one in reversed(await self._road.messages_of(person, (since, ""), 2_000)):
            if person.session(one["session"]) == found.session:
                return str(one["session"])
        return ""

    async def _line(
        self,
        service: str,
        case: m.Case,
        names: dict[str, str],
        seated: Sequence[tuple[str, str]],
        losing: set[str] | None,
    ) -> Line:
        """`losing`: who is about to lose property; nothing where no roster is kept, and nobody is wanted for a skill."""
        state = await self._state_of(service, case.person)
        watchers = tuple(
            names.get(one, one) for one, looks_at in seated if looks_at == case.id and one != case.claimed_by
        )
        return Line(
            case,
            state.age_band if state else "unknown",
            bool(state and state.is_minor),
            names.get(case.claimed_by, ""),
            watchers,
            frozenset() if losing is None else wanted(case, state, loses_property=case.person in losing),
            state is not None and m.is_with_app(state, names),
        )

    async def _state_of(self, service: str, person: str) -> PersonState | None:
        """Nothing of somebody whose record is damaged: their line in the queue must keep no other from it."""
        try:
            found = await self._road.by_id(service, person)
        except ShoubanError:
            _log.exception("person_unread", person=person)
            return None
        return found.state if found else None

    async def names(self, service: str) -> dict[str, str]:
        return await self._sign_ins.names(service)

    async def name_of(self, service: str, account: str) -> str:
        return (await self.names(service)).get(account, account)

    async def _carers(self, service: str) -> set[str]:
        return {one.id for one in carers(await self._sign_ins.accounts(service))}


def _fenced(found: m.Case, who: Who, at: datetime, **values: Any) -> Call:  # noqa: ANN401  # columns of a case
    """For a transaction that is theirs only while they have the case; it renews their lease besides."""

    def fenced(connection: Connection) -> None:
        is_theirs = (
            records.change(connection, found, who.account, at, **values)
            if values
            else records.renew(connection, found, who.account, at)
        )
        if not is_theirs:
            raise lost()

    return fenced


def _losing(connection: Connection, service: str) -> set[str]:
    """Who needs somebody because of their property, whatever graver reason their case has besides."""
    owed = open_duties(connection, service=service, kinds=["Escalate"])
    return {one.person for one in owed if isinstance(one.owed, Escalate) and one.owed.reason == "property"}


def note_text(person: PersonPort, note: str, sealed: bytes) -> str:
    return person.open(sealed, "case_notes", "sealed", note).decode()


def whisper_text(person: PersonPort, whisper: str, sealed: bytes) -> str:
    return person.open(sealed, "whispers", "sealed", whisper).decode()


def is_anothers(found: m.Case, who: Who, at: datetime) -> bool:
    """Whether a colleague has the case now."""
    return found.stage != "closed" and found.is_held(at) and found.claimed_by != who.account


def lost() -> CallerError:
    return CallerError("you do not have this case: claim it first", status=409, code="lost_case")


def no_case() -> CallerError:
    return CallerError("there is no open case of this person", status=404, code="no_case")


def _clocks(found: m.Case, contacted: datetime | None, person: PersonPort) -> dict[str, m.Clock]:
    """Nobody waits for a contact to be told where there is none."""
    clocks = m.clocks(found, contacted)
    return (
        clocks
        if contacted or person.state.contacts
        else {name: one for name, one in clocks.items() if name != "contact"}
    )


def _told_of(clocks: Sequence[m.Clock], at: datetime) -> dict[str, Any]:
    """Each counts once: what was late, whether it has come or not; what came in time; what still runs; what is awaited no more."""
    late = sum(one.is_late(at) for one in clocks)
    others = [one for one in clocks if not one.is_late(at)]
    in_time, dropped = sum(one.stopped_at is not None for one in others), sum(one.dropped for one in others)
    return {
        "all": len(clocks), "in_time": in_time, "late": late, "running": len(others) - in_time - dropped, "dropped": dropped,
        "took": m.percentiles([one.spent(at) for one in clocks if one.stopped_at is not None]),
    }  # fmt: skip


def _counted(words: Any) -> dict[str, int]:  # noqa: ANN401  # any iterable of words
    found: dict[str, int] = {}
    for one in words:
        found[one] = found.get(one, 0) + 1
    return found


Now = Callable[[str | None], datetime]

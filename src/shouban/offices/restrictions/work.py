"""What the office of restrictions does: takes proposals, lets another confirm them and a third decide on appeal, and keeps what was reported to the authority."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import IntegrityError

from shouban.core import events as e
from shouban.core.errors import CallerError, OperatorError
from shouban.core.obligations import AnswerComplaint, ReportHazard
from shouban.db.engine import view
from shouban.db.writer import Call, Job, Leaf, Writer
from shouban.duties.ledger import Duty, done, open_duties
from shouban.duties.ports import PersonPort, RoadPort
from shouban.duties.workdays import end_of_workday
from shouban.evidence.books import After
from shouban.evidence.log import Acted, leaf_of, moment
from shouban.offices.restrictions import model as m
from shouban.offices.restrictions import records
from shouban.packs.pack import LoadedPack
from shouban.web.access import Subject, Who, may
from shouban.web.language import Language
from shouban.web.sessions import SignIns

TABLE: Final = "restrictions"


@dataclass(frozen=True)
class Seen:
    """A restriction with its words. `app_id` only for who may find people; `owed` are reports to the authority still to be made."""

    one: m.Restriction
    words: m.Words
    app_id: str = ""
    owed: Sequence[Duty] = ()


class RestrictionsOffice:
    """`services` are those that this process serves. Where others may be at it too, an appeal `left_for` so long is nobody's any more."""

    def __init__(
        self, road: RoadPort, engine: Engine, writer: Writer, sign_ins: SignIns, pack_of: Callable[[str], LoadedPack], services: Sequence[str] = (),
        left_for: timedelta = timedelta(0),
    ) -> None:  # fmt: skip
        self._road = road
        self._engine = engine
        self._writer = writer
        self._sign_ins = sign_ins
        self._pack_of = pack_of
        self._services = services
        self._left_for = left_for

    # --- reading

    async def listed(self, who: Who, at: datetime, *, is_open: bool, page: int = 0) -> tuple[list[Seen], int]:
        def read() -> tuple[list[Row[Any]], int]:
            with view(self._engine) as connection:
                return records.listed(connection, who.service, at, is_open=is_open, page=page)

        rows, count = await asyncio.to_thread(read)
        found = [await self._seen(who, row) for row in rows]
        return [one for one in found if one is not None], count

    async def by_id(self, who: Who, restriction: str, person: str | None = None) -> Seen:
        """`person`: of whom it must be, where the door was opened for one."""
        row = await asyncio.to_thread(self._row, who.service, restriction)
        seen = await self._seen(who, row) if row is not None and person in {None, row.person_id} else None
        if seen is None:
            raise CallerError("there is no such restriction, or its person was erased", status=404, code="not_found")
        return seen

    async def of_person(self, person: PersonPort) -> list[Seen]:
        """What was ever done to them, the newest first; what never took effect is none of it."""
        rows = await asyncio.to_thread(self._rows_of, person.service, person.id)
        found = [Seen(records.restriction_of(row), self._opened(person, row)) for row in rows]
        return [seen for seen in found if seen.one.effect_at is not None]

    async def standing(self, person: PersonPort, at: datetime) -> m.Restriction | None:
        """What stands open of them, be it only proposed."""
        rows = await asyncio.to_thread(self._rows_of, person.service, person.id)
        return next((one for one in map(records.restriction_of, rows) if one.is_open(at)), None)

    async def looked(self, who: Who, seen: Seen, at: datetime) -> None:
        """That somebody read it is an entry which the person can read."""
        facts = {"account": who.account, "roles": sorted(who.roles), "what": "restriction", "why": seen.one.category}
        told = Acted(service=who.service, at=at, act="looked", person=seen.one.person, facts=facts)
        await self._writer.submit(Job(leaves=[leaf_of(told)]))

    async def names(self, service: str) -> dict[str, str]:
        return await self._sign_ins.names(service)

    async def person(self, service: str, person: str) -> PersonPort:
        found = await self._road.by_id(service, person)
        if found is None:
            raise CallerError("there is no such person, or they were erased", status=404, code="user_not_found")
        return found

    # --- proposed, confirmed, lifted

    async def propose(self, who: Who, person: PersonPort, wish: m.Proposing, at: datetime) -> str:
        """Waits for a colleague; an urgent one takes effect at once and ends by itself where none confirms it. Gives its id."""
        term, words = m.checked(wish)
        if words.references:
            await asyncio.to_thread(self._check_references, person, words)
        name = records.new_id()
        rows = await asyncio.to_thread(self._rows_of, who.service, person.id)
        earlier = [records.restriction_of(row) for row in rows]
        new = m.proposed(name, person.id, wish, term, by=who.account, at=at, earlier=earlier)
        call, after = self._opening(who, person, new, words, wish)
        try:
            if new.effect_at is not None:
                await self._road.act(person, _set(new, who.account, at), call=call, after=after)
            else:
                facts = {"account": who.account, "restriction": new.id, "kind": new.kind, "category": new.category}
                await self._note(who, new, "restriction_proposed", at, call, after, **facts)
        except OperatorError as error:
            if isinstance(error.__cause__, IntegrityError):  # another process was faster
                raise CallerError("somebody else has restricted this person a moment ago", status=409, code="restricted_already") from error  # fmt: skip
            raise
        return name

    async def confirm(self, who: Who, seen: Seen, wish: m.Explaining, at: datetime) -> None:
        """The second person: from now on it is in force, for its whole term."""
        person, why = await self._owner(who, seen), m.checked_text(wish.why, "why", m.LEAST_WHY)
        now = m.confirmed(seen.one, by=who.account, at=at)
        words = msgspec.structs.replace(seen.words, why=why)
        await self._road.act(person, _set(now, who.account, at), call=self._moving(who, person, now, words), after=records.row_kept(now.id, at))  # fmt: skip

    async def refuse(self, who: Who, seen: Seen, wish: m.Explaining, at: datetime) -> None:
        person, why = await self._owner(who, seen), m.checked_text(wish.why, "why", m.LEAST_WHY)
        now = m.refused(seen.one, by=who.account, at=at)
        await self._end(who, person, seen, now, msgspec.structs.replace(seen.words, why=why), "restriction_refused", at)

    async def lift(self, who: Who, seen: Seen, wish: m.Explaining, at: datetime) -> None:
        """Before its time, or before it was ever confirmed."""
        person, why = await self._owner(who, seen), m.checked_text(wish.why, "why", m.LEAST_WHY)
        now = m.lifted(seen.one, by=who.account, at=at)
        words = msgspec.structs.replace(seen.words, lifted_why=why)
        await self._end(who, person, seen, now, words, "restriction_withdrawn", at)

    # --- appealed

    async def appeal(self, person: PersonPort, restriction: str, wish: m.Appealing, at: datetime) -> None:
        """The person asks that somebody else decide; the answer is owed by the pack's working days."""
        text = m.checked_text(wish.text, "text", m.LEAST_WHY)
        row = await asyncio.to_thread(self._row, person.service, restriction)
        if row is None or row.person_id != person.id or not row.effect_us:
            raise CallerError("there is no such restriction", status=404, code="not_found")
        due, remind = self._deadlines(person.service, at)
        now = m.appealed(records.restriction_of(row), at=at, due_at=due)
        words = msgspec.structs.replace(self._opened(person, row), appeal=text)
        event = e.ComplaintFiled(
            at=at, person=person.id, case=now.id, sort="appeal", about="restriction", answer_by=due, remind_at=remind
        )
        await self._road.act(person, event, call=self._moving(None, person, now, words), after=records.row_kept(now.id, at), waits=True)  # fmt: skip

    async def decide_appeal(self, who: Who, seen: Seen, wish: m.Deciding, at: datetime) -> None:
        """The third person. What the person is freed of is lifted first: a process that ends in between leaves them free, and the answer owed."""
        person, why = await self._owner(who, seen), m.checked_text(wish.why, "why", m.LEAST_TEXT)
        now = m.appeal_decided(seen.one, wish.decision, by=who.account, at=at)
        call = self._moving(who, person, now, msgspec.structs.replace(seen.words, answer=why))
        after = records.row_kept(now.id, at)
        if now.stage == "lifted" and seen.one.holds(at):
            lifted = e.RestrictionLifted(at=at, person=person.id, staff=who.account)
            await self._road.act(person, lifted, call=call, after=after)
            await self._road.act(person, _answer(now, at))
        else:
            await self._road.act(person, _answer(now, at), call=call, after=after)

    async def refresh(self) -> None:
        """Answers what is decided and was not answered: a process ended between the two."""
        at = self._road.now()
        for service in self._services:
            for now in await asyncio.to_thread(self._unanswered, service):
                person = await self._road.by_id(service, now.person)
                if person is not None and now.answered_at is not None and now.answered_at + self._left_for <= at:
                    await self._road.act(person, _answer(now, at))

    # --- reported to the authority

    async def report(self, who: Who, seen: Seen, at: datetime, language: Language, kinds: dict[str, str], categories: dict[str, str]) -> dict[str, Any]:  # fmt: skip
        """What goes to the authority, as a form and as JSON; its law is the pack's."""
        if seen.one.effect_at is None:
            raise CallerError("what never took effect is reported to nobody", status=409, code="nothing_to_report")
        pack, duties = self._pack_of(who.service), await asyncio.to_thread(self._reports_of, who.service, seen.one)
        template = next((duty.owed.template for duty in duties if isinstance(duty.owed, ReportHazard)), "")
        due = [moment(duty.due_us) for duty in duties if duty.state == "owed"]
        return m.report_form(
            seen.one, legal=_laws_of(pack, duties), kind=kinds[seen.one.kind], category=categories[seen.one.category], now=at,
            statement=pack.template(template, language).text if template else "", local=pack.pack.settings.local, due_at=min(due) if due else None,
        )  # fmt: skip

    async def mark_reported(self, who: Who, seen: Seen, wish: m.Reporting, at: datetime) -> None:
        """It went out: the duties are done, and the receipt is kept."""
        person = await self._owner(who, seen)
        local = self._pack_of(who.service).pack.settings.local
        to = m.checked_text(wish.to, "to", 2)
        report = m.Report(
            to,
            wish.receipt.strip()[:100],
            m.moment_of(wish.when, at, local, since=seen.one.effect_at or at),
            who.account,
        )
        owed = [duty for duty in seen.owed if duty.state == "owed"]
        if not owed:
            raise _nothing_owed()
        now = m.touched(seen.one)
        call = self._moving(who, person, now, m.reported(seen.words, report))
        facts = {"account": who.account, "restriction": now.id, "reported_at": report.at.isoformat()}
        told = Acted(service=who.service, at=at, act="hazard_reported", person=person.id, facts=facts)
        kept = records.row_kept(now.id, at)
        for n, duty in enumerate(owed):
            event = e.DutyDone(at=at, person=person.id, duty=duty.id, obligation=duty.kind, how=f"reported by `{who.account}`")  # fmt: skip
            if n == 0:
                await self._road.act(person, event, writes=done(duty.id, at, event.how), call=call, after=lambda connection: [*kept(connection), leaf_of(told)])  # fmt: skip
            else:
                await self._road.act(person, event, writes=done(duty.id, at, event.how))

    async def reports_left(self, who: Who, duty: str = "") -> list[m.Left]:
        """What is still to be reported of persons who were erased; or the one of this name, if it is."""

        def read() -> list[m.Left]:
            with view(self._engine) as connection:
                return records.reports_left(connection, who.service, duty)

        return await asyncio.to_thread(read)

    async def mark_left(self, who: Who, duty: str, wish: m.Reporting, at: datetime) -> None:
        """It went out. Nobody is left to tell it of: the entry in the log is all that stays."""
        found = await self.reports_left(who, duty)
        if not found:
            raise _nothing_owed()
        left = found[0]
        to = m.checked_text(wish.to, "to", 2)
        local = self._pack_of(who.service).pack.settings.local
        when = m.moment_of(wish.when, at, local, since=left.owed_at)
        facts = {
            "account": who.account,
            "duties": [duty],
            "to": to,
            "receipt": wish.receipt.strip()[:100],
            "reported_at": when.isoformat(),
        }
        told = Acted(service=who.service, at=at, act="hazard_reported", person=left.person, facts=facts)

        def still_owed(connection: Connection) -> None:
            if not records.reports_left(connection, who.service, duty):
                raise _nothing_owed()

        how = f"reported by `{who.account}`"
        await self._writer.submit(Job(call=still_owed, writes=done(duty, at, how), leaves=[leaf_of(told)], alone=True))

    # --- inside

    async def _end(self, who: Who, person: PersonPort, seen: Seen, now: m.Restriction, words: m.Words, act: str, at: datetime) -> None:  # fmt: skip
        """What held the person ends by an event of theirs; what was only proposed by an entry."""
        call, after = self._moving(who, person, now, words), records.row_kept(now.id, at)
        if seen.one.holds(at):
            lifted = e.RestrictionLifted(at=at, person=person.id, staff=who.account)
            await self._road.act(person, lifted, call=call, after=after)
        else:
            await self._note(who, now, act, at, call, after, account=who.account, restriction=now.id)

    async def _note(self, who: Who, one: m.Restriction, act: str, at: datetime, call: Call, after: After, **facts: str) -> None:  # fmt: skip
        told = Acted(service=who.service, at=at, act=act, person=one.person, facts=facts)
        await self._writer.submit(Job(call=call, leaves=[leaf_of(told)], after=after, alone=True))

    def _opening(self, who: Who, person: PersonPort, new: m.Restriction, words: m.Words, wish: m.Proposing) -> tuple[Call, After]:  # fmt: skip
        """Opens it in the transaction of what follows from it. What another's term has left open in the books is closed first."""
        sealed, changed = self._sealed(person, new.id, words), [new.id]

        def write(connection: Connection) -> None:
            _check_both(connection, who, person)
            rows = records.of_person(connection, who.service, person.id)
            earlier = [records.restriction_of(row) for row in rows]
            m.proposed(new.id, person.id, wish, new.term, by=who.account, at=new.proposed_at, earlier=earlier)
            for row, one in zip(rows, earlier, strict=True):
                if one.stage in m.OPEN:
                    records.change(connection, who.service, m.over(one), bytes(row.sealed))
                    changed.append(one.id)
            statement, values = records.row_of(new, who.service, sealed)
            connection.execute(statement, [values])

        def after(connection: Connection) -> Sequence[Leaf]:
            return records.rows_kept(who.service, person.id, new.proposed_at, *changed)(connection)

        return write, after

    def _moving(self, who: Who | None, person: PersonPort, now: m.Restriction, words: m.Words) -> Call:
        """`who` is nobody of the staff where the person themselves acts."""
        sealed = self._sealed(person, now.id, words)

        def move(connection: Connection) -> None:
            _check_both(connection, who, person)
            if not records.change(connection, person.service, now, sealed):
                raise CallerError("somebody else has changed this a moment ago", status=409, code="decided_already")

        return move

    def _deadlines(self, service: str, at: datetime) -> tuple[datetime, datetime]:
        terms = self._pack_of(service).pack.settings
        zone = terms.local(at).tzinfo
        assert zone is not None  # noqa: S101  # `local` gives one
        due = end_of_workday(at, terms.appeal_workdays, zone, terms.calendar)
        ahead = terms.appeal_workdays - terms.remind_workdays
        return due, end_of_workday(at, ahead, zone, terms.calendar) if ahead > 0 else at + (due - at) / 2

    async def _seen(self, who: Who, row: Row[Any]) -> Seen | None:
        person = await self._road.by_id(who.service, row.person_id)
        if person is None:
            return None
        one = records.restriction_of(row)
        owed = await asyncio.to_thread(self._reports_of, who.service, one) if one.effect_at is not None else []
        # Who only inspects sees what was done and why; to whom is not theirs to know.
        app_id = person.app_id if may(who, "find_people") else ""
        return Seen(one, self._opened(person, row), app_id, [duty for duty in owed if duty.state == "owed"])

    async def _owner(self, who: Who, seen: Seen) -> PersonPort:
        return await self.person(who.service, seen.one.person)

    def _reports_of(self, service: str, one: m.Restriction) -> list[Duty]:
        with view(self._engine) as connection:
            return records.reports_owed(connection, service, one)

    def _unanswered(self, service: str) -> list[m.Restriction]:
        with view(self._engine) as connection:
            owed = open_duties(connection, service=service, kinds=["AnswerComplaint"])
            cases = [one.owed.case for one in owed if isinstance(one.owed, AnswerComplaint)]
            return [records.restriction_of(row) for row in records.answered(connection, service, cases)]

    def _check_references(self, person: PersonPort, words: m.Words) -> None:
        with view(self._engine) as connection:
            found = records.entries_of(connection, person.service, person.id, words.references)
        if (missing := m.entries_missing(words.references, found)) is not None:
            raise missing

    def _rows_of(self, service: str, person: str) -> list[Row[Any]]:
        with view(self._engine) as connection:
            return records.of_person(connection, service, person)

    def _row(self, service: str, restriction: str) -> Row[Any] | None:
        with view(self._engine) as connection:
            return records.by_id(connection, service, restriction)

    def _sealed(self, person: PersonPort, restriction: str, words: m.Words) -> bytes:
        return person.seal(msgspec.json.encode(words), TABLE, "sealed", restriction)

    def _opened(self, person: PersonPort, row: Row[Any]) -> m.Words:
        held = person.open(bytes(row.sealed), TABLE, "sealed", row.restriction_id)
        return msgspec.json.decode(held, type=m.Words)


def _nothing_owed() -> CallerError:
    return CallerError("nothing is owed to the authority", status=409, code="nothing_to_report")


def _check_both(connection: Connection, who: Who | None, person: PersonPort) -> None:
    """Within the transaction: the door was opened for an account, and a person, that may be gone since."""
    if not records.is_there(connection, person.service, person.id):
        raise CallerError("this person was erased a moment ago", status=404, code="user_not_found")
    if who is not None and not _may_still(connection, who, person):
        raise CallerError("your role does not allow this", status=403, code="not_allowed")


def _may_still(connection: Connection, who: Who, person: PersonPort) -> bool:
    roles = records.roles_of(connection, who.service, who.account)
    return bool(roles) and may(replace(who, roles=roles), "restrict", Subject(who.service, person.id))


def _set(one: m.Restriction, staff: str, at: datetime) -> e.RestrictionSet:
    return e.RestrictionSet(at=at, person=one.person, restriction=one.kind, staff=staff, until=one.until)


def _answer(one: m.Restriction, at: datetime) -> e.ComplaintAnswered:
    return e.ComplaintAnswered(
        at=at, person=one.person, case=one.id, upheld=one.appeal == "upheld", staff=one.appeal_by
    )


def _laws_of(pack: LoadedPack, duties: Sequence[Duty]) -> list[dict[str, str]]:
    """By what law the report is owed: what is in force, and a draft only where nothing is."""
    rules = sorted({rule for duty in duties for rule in duty.owed.because})
    articles = {one.id: one.article for one in pack.pack.rules if one.id in rules}
    laws = [(rule, source.law) for rule in rules if (source := pack.sources.get(rule)) is not None]
    in_force = [(rule, law) for rule, law in laws if law.status == "in_force"]
    return [
        {"rule": rule, "law": law.name, "article": articles.get(rule, ""), "number": law.number, "status": law.status}
        for rule, law in in_force or laws
    ]

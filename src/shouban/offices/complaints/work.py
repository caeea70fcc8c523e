"""What the complaints office does: takes complaints from anybody, moves them, answers them, and lets another person decide on appeal."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Row

from shouban.core import events as e
from shouban.core.errors import CallerError, ConflictError
from shouban.core.obligations import AnswerComplaint
from shouban.core.rules import Settings
from shouban.core.signals import Level, Reading, rank
from shouban.db.engine import view
from shouban.db.writer import Job, Writer
from shouban.duties.ledger import Writes, open_duties
from shouban.duties.ports import PersonPort, RoadPort
from shouban.duties.workdays import end_of_workday
from shouban.evidence.log import Acted, leaf_of, microseconds, moment
from shouban.offices.complaints import model as m
from shouban.offices.complaints import records
from shouban.packs.pack import LoadedPack
from shouban.web.access import Who
from shouban.web.sessions import SignIns

LINKED_SPAN: Final = timedelta(days=30)
PAGE: Final = 500
SOON_TRIES, SOON_SECONDS = 40, 0.05
# Not an id that an app can send: it holds a control character.
NOBODY: Final = "\x00complaint:"
DANGER: Final = Level.MEDIUM
TABLE: Final = "complaints"
ENTRIES: Final = "complaint_entries"
FILES: Final = "complaint_files"


class FiledError(CallerError):
    """The same complaint is on the books already."""

    def __init__(self) -> None:
        super().__init__("this was filed already", status=409, code="appealed_already")


@dataclass(frozen=True)
class Upload:
    name: str
    content: bytes


@dataclass(frozen=True)
class Filed:
    """What the complainant is told. `in_danger`: the words themselves call for help, which is shown before anything else."""

    number: str
    due_at: datetime
    is_urgent: bool
    in_danger: bool


@dataclass(frozen=True)
class ToBeTold:
    number: str
    contact: str
    is_known: bool
    has_withdrawn: bool


@dataclass(frozen=True)
class Seen:
    """A complaint as its complainant sees it, or the staff. Of a person who was erased nothing is left to see."""

    complaint: m.Complaint
    service: str
    words: m.Words
    entries: Sequence[m.Entry]
    files: Sequence[m.Attached]
    parent: m.Complaint | None
    children: Sequence[m.Complaint]
    is_anonymous: bool

    @property
    def appeal(self) -> m.Complaint | None:
        return next((one for one in self.children if one.sort == "appeal"), None)

    @property
    def decided_before(self) -> str:
        """Who decided what this appeals against: nobody judges their own decision."""
        return self.parent.decided_by if self.parent is not None and self.complaint.sort == "appeal" else ""


class ComplaintsOffice:
    def __init__(
        self, road: RoadPort, engine: Engine, writer: Writer, sign_ins: SignIns, read: Callable[[str], tuple[Reading, ...]],
        pack_of: Callable[[str], LoadedPack],
    ) -> None:  # fmt: skip
        self._road = road
        self._engine = engine
        self._writer = writer
        self._sign_ins = sign_ins
        self._read = read
        self._pack_of = pack_of

    def terms(self, service: str) -> tuple[Settings, str]:
        """The published numbers, and which version of them: the law pack's."""
        pack = self._pack_of(service).pack
        return pack.settings, f"{pack.id} {pack.version} ({pack.digest[:8]})"

    def statement(self, seen: Seen, answer: m.Answer) -> dict[str, Any]:
        terms, version = self.terms(seen.service)
        return m.statement(
            seen.complaint, seen.words.number, answer, process=version, local=terms.local, appeal=seen.appeal
        )

    async def calls_for_help(self, text: str) -> bool:
        return _is_danger(await asyncio.to_thread(self._read, text))

    # --- filing

    async def file(
        self, service: str, filing: m.Filing, at: datetime, *, person: PersonPort | None = None, by: Who | None = None,
        uploads: Sequence[Upload] = (), key: str = "",
    ) -> Filed:  # fmt: skip
        """Keeps it, owes its answer, and gives the number. The same `key` from the same person files once."""
        filing = m.checked(filing)
        files = [(one, m.media_of(one.content)) for one in _checked_files(uploads)]
        # First of all, and as often as it is sent: whoever cries for help in a complaint is heard.
        in_danger = await self._heard(person if filing.channel != "guardian" else None, filing.text, at)
        linked = await self._linked(person, filing) if person is not None else []
        name = self._name(service, person, f"{filing.channel}:{key}", filing) if key else records.new_id()
        if key and (known := await asyncio.to_thread(self._row, service, name)) is not None:
            return self._told(await self._owner(service, known.person_id), known, in_danger)
        try:
            owner = person or await self._road.make(service, f"{NOBODY}{name}", {})
            since = m.received(filing.received_on, at, self.terms(service)[0].local)
            new = self._new(
                name, owner, filing.sort, filing.about, filing.channel, since, service=service, urgent=in_danger
            )
            words = m.Words(m.number_of(secrets.randbits(50)), filing.text, filing.name, filing.contact, linked)
            await self._keep(service, owner, new, words, at, files=files, account=by.account if by else "")
        except (ConflictError, FiledError):
            # Pressed twice: the other is being kept at this very moment.
            known = await self._soon(service, name)
            return self._told(await self._owner(service, known.person_id), known, in_danger)
        return Filed(words.number, new.due_at, new.is_urgent, in_danger)

    async def _soon(self, service: str, complaint: str) -> Row[Any]:
        for _ in range(SOON_TRIES):
            if (found := await asyncio.to_thread(self._row, service, complaint)) is not None:
                return found
            await asyncio.sleep(SOON_SECONDS)
        raise ConflictError("this complaint is being kept by another request; send it again")

    async def _heard(self, person: PersonPort | None, text: str, at: datetime) -> bool:
        """Whether the words call for help. Of a person whom the app knows they are heard as anywhere else: somebody comes, and the contacts are told."""
        readings = await asyncio.to_thread(self._read, text)
        in_danger = _is_danger(readings)
        if in_danger and person is not None and not _is_nobody(person):
            spoke = e.UserSpoke(
                at=at, person=person.id, session=person.session("complaint"), chars=len(text), readings=readings
            )
            await self._road.act(person, spoke, raw_session="complaint", waits=True)
        return in_danger

    async def appeal(self, number: str, text: str, at: datetime) -> Filed:
        """Whoever was answered asks that somebody else decide."""
        seen = await self.by_number(number)
        if not seen.complaint.may_appeal(at):
            raise CallerError(
                "only an answer that was not wholly in your favour can be appealed, within 60 days, and once",
                status=409,
                code="no_appeal",
            )
        if seen.appeal is not None:
            raise CallerError("an appeal is under way, or was decided", status=409, code="appealed_already")
        filing = m.checked(m.Filing(text, name=seen.words.name, contact=seen.words.contact))
        owner = await self._owner(seen.service, seen.complaint.person)
        in_danger = await self._heard(_speaker(seen, owner), filing.text, at)
        name = sha256(f"appeal:{seen.complaint.id}".encode()).hexdigest()[:24]  # once
        new = self._new(
            name, owner, "appeal", seen.complaint.about, seen.complaint.channel, at, parent=seen.complaint.id, service=seen.service, urgent=in_danger,
        )  # fmt: skip
        words = m.Words(m.number_of(secrets.randbits(50)), filing.text, filing.name, filing.contact)
        await self._keep(seen.service, owner, new, words, at)
        return Filed(words.number, new.due_at, new.is_urgent, in_danger)

    async def add(self, number: str, text: str, at: datetime) -> bool:
        """The complainant says more; also after the answer, where it goes on file only. Gives whether the words call for help."""
        seen, text = await self.by_number(number), _checked(text)
        owner = await self._owner(seen.service, seen.complaint.person)
        in_danger = await self._heard(_speaker(seen, owner), text, at)
        is_raised = in_danger and seen.complaint.is_open and not seen.complaint.is_urgent
        await self._enter(seen, "said", "", text, at, **({"is_urgent": 1} if is_raised else {}))
        return in_danger

    async def withdraw(self, number: str, at: datetime) -> None:
        seen = await self.by_number(number)
        _refuse_closed(seen)
        owner = await self._owner(seen.service, seen.complaint.person)
        event = e.ComplaintAnswered(at=at, person=owner.id, case=seen.complaint.id)
        await self._end(seen, owner, event, "withdrawn", "", "", at, stage="withdrawn")

    # --- reading

    async def by_number(self, number: str) -> Seen:
        """By the number that only the complainant and the staff have. Raises 404 where there is none."""
        typed = m.read_number(number)

        def read() -> Row[Any] | None:
            with view(self._engine) as connection:
                return records.by_receipt(connection, typed)

        return await self._seen(await asyncio.to_thread(read))

    async def by_id(self, who: Who, complaint: str) -> Seen:
        return await self._seen(await asyncio.to_thread(self._row, who.service, complaint))

    async def listed(self, who: Who, *, is_open: bool = True) -> tuple[list[tuple[m.Complaint, str]], int]:
        """With the first words of each, which is what tells one from another."""

        def read() -> tuple[list[Row[Any]], int]:
            with view(self._engine) as connection:
                return records.listed(connection, who.service, is_open=is_open)

        rows, count = await asyncio.to_thread(read)
        return [(records.complaint_of(row), (await self._words(row)).text[:60]) for row in rows], count

    async def of_person(self, person: PersonPort) -> list[tuple[m.Complaint, str]]:
        """A person's own, with their numbers; what a guardian has complained of is the guardian's."""

        def read() -> list[Row[Any]]:
            with view(self._engine) as connection:
                return records.of_person(connection, person.service, person.id)

        rows = [row for row in await asyncio.to_thread(read) if row.channel != "guardian"]
        return [(records.complaint_of(row), (await self._words(row)).number) for row in rows]

    async def copy_of(self, person: PersonPort) -> list[dict[str, Any]]:
        """For the person's copy of all that is kept of them; the staff's own notes are no data of theirs to hand out."""

        def read() -> list[Row[Any]]:
            with view(self._engine) as connection:
                return records.of_person(connection, person.service, person.id)

        found = []
        for row in await asyncio.to_thread(read):
            if row.channel == "guardian":
                continue
            seen = await self._seen(row)
            said = [
                {"kind": one.kind, "at": one.at.isoformat(), "text": one.text}
                for one in seen.entries
                if one.kind in m.PUBLIC
            ]
            files = [{"name": one.name, "media": one.media, "size": one.size} for one in seen.files]
            found.append({
                **msgspec.to_builtins(seen.words), "sort": seen.complaint.sort, "about": seen.complaint.about, "stage": seen.complaint.stage,
                "filed_at": seen.complaint.filed_at.isoformat(), "entries": said, "files": files,
            })  # fmt: skip
        return found

    async def file_of(self, who: Who, complaint: str, file: str) -> tuple[m.Attached, bytes]:
        seen = await self.by_id(who, complaint)
        owner = await self._owner(who.service, seen.complaint.person)

        def read() -> bytes | None:
            with view(self._engine) as connection:
                return next(
                    (bytes(row.sealed) for row in records.files(connection, complaint) if row.file_id == file), None
                )

        sealed = await asyncio.to_thread(read)
        found = next((one for one in seen.files if one.id == file), None)
        if sealed is None or found is None:
            raise CallerError("there is no such file", status=404, code="not_found")
        return found, _unpacked(owner.open(sealed, FILES, "sealed", file))[1]

    async def figures(self, service: str, since: datetime, until: datetime, at: datetime) -> dict[str, Any]:
        def read() -> list[m.Complaint]:
            with view(self._engine) as connection:
                return records.filed_between(connection, service, since, until)

        found = m.figures(await asyncio.to_thread(read), at)
        return {"since": since.isoformat(), "until": until.isoformat(), **found}

    async def looked(self, who: Who, seen: Seen, at: datetime) -> None:
        """That somebody read it is an entry which the complainant can read, where they are known."""
        facts = {"account": who.account, "roles": sorted(who.roles), "what": "complaint", "why": seen.complaint.sort}
        told = Acted(service=who.service, at=at, act="looked", person=seen.complaint.person, facts=facts)
        await self._writer.submit(Job(leaves=[leaf_of(told)]))

    async def names(self, service: str) -> dict[str, str]:
        return await self._sign_ins.names(service)

    def is_owed(self, service: str, person: str, case: str) -> bool:
        """Whether an answer is still owed in this case, be it one of ours or another office's."""
        with view(self._engine) as connection:
            owed = open_duties(connection, service=service, person=person, kinds=["AnswerComplaint"])
        return any(isinstance(one.owed, AnswerComplaint) and one.owed.case == case for one in owed)

    async def is_ours(self, service: str, case: str) -> bool:
        """Whether it is a complaint, and no appeal that another office decides."""
        return await asyncio.to_thread(self._row, service, case) is not None

    async def to_be_told(self, service: str, case: str) -> ToBeTold | None:
        """Who is to hear of the answer; nothing where the case is not one of ours."""
        row = await asyncio.to_thread(self._row, service, case)
        if row is None:
            return None
        words = await self._words(row)
        is_known = row.channel != "guardian" and not _is_nobody(await self._owner(service, row.person_id))
        return ToBeTold(words.number, words.contact, is_known, row.stage == "withdrawn")

    # --- the staff

    async def accept(self, who: Who, complaint: str, at: datetime) -> None:
        """It is theirs from now on; the complainant sees that somebody is on it."""
        seen = await self.by_id(who, complaint)
        _refuse_closed(seen)
        await self._enter(
            seen, "accepted", who.account, "", at, stage="accepted", taken_by=who.account, accepted_us=_first(seen, at)
        )

    async def ask(self, who: Who, complaint: str, wish: m.Saying, at: datetime) -> None:
        seen = await self.by_id(who, complaint)
        _refuse_closed(seen)
        await self._enter(seen, "asked", who.account, _checked(wish.text), at)

    async def note(self, who: Who, complaint: str, wish: m.Saying, at: datetime) -> None:
        await self._enter(await self.by_id(who, complaint), "noted", who.account, _checked(wish.text), at)

    async def merge(self, who: Who, complaint: str, wish: m.Merging, at: datetime) -> None:
        """The same matter, filed twice: the other is answered, and this one with it."""
        seen = await self.by_id(who, complaint)
        _refuse_closed(seen)
        into = await self.by_id(who, wish.into)
        if (
            into.complaint.id == complaint
            or not into.complaint.is_open
            or into.complaint.sort == "appeal"
            or seen.complaint.sort == "appeal"
        ):
            raise CallerError(
                "this can only be merged into another open complaint", field="into", status=409, code="no_merge"
            )
        # Its answer stays owed, and its time runs on, until the other is answered. Neither complainant learns the other's number.
        await self._enter(seen, "merged", who.account, "", at, stage="merged", parent_id=into.complaint.id)

    async def answer(self, who: Who, complaint: str, wish: m.Answering, at: datetime) -> None:
        """Decides it, and with it what was merged into it. What was appealed is decided by another than whoever decided first."""
        seen = await self.by_id(who, complaint)
        found = m.answered(seen.complaint, wish, by=who.account, before=seen.decided_before)
        await self._answer(who, seen, found, at)
        for child in seen.children:
            if child.stage == "merged":
                await self._answer(who, await self.by_id(who, child.id), found, at)

    async def _answer(self, who: Who, seen: Seen, found: m.Answer, at: datetime) -> None:
        owner = await self._owner(seen.service, seen.complaint.person)
        event = e.ComplaintAnswered(
            at=at, person=owner.id, case=seen.complaint.id, upheld=found.decision != "refused", staff=who.account
        )
        sealed = _sealed(owner, seen.complaint.id, msgspec.structs.replace(seen.words, answer=found))
        await self._end(
            seen, owner, event, "answered", who.account, found.decision, at, stage="answered", decision=found.decision, decided_by=who.account,
            answered_us=microseconds(at), accepted_us=_first(seen, at), sealed=sealed,
        )  # fmt: skip

    # --- inside

    def _name(self, service: str, person: PersonPort | None, key: str, filing: m.Filing) -> str:
        """The same words under the same key are the same complaint; other words are another."""
        said = msgspec.json.encode(filing).decode()
        return sha256("\0".join((service, person.id if person else "", key, said)).encode()).hexdigest()[:24]

    def _new(
        self, name: str, owner: PersonPort, sort: m.Sort, about: str, channel: str, at: datetime, *, service: str, urgent: bool = False, parent: str = "",
    ) -> m.Complaint:  # fmt: skip
        terms, _ = self.terms(service)
        zone = terms.local(at).tzinfo
        assert zone is not None  # noqa: S101  # `local` gives one
        is_urgent = urgent or about in m.URGENT
        days = (
            terms.appeal_workdays if sort == "appeal" else terms.urgent_workdays if is_urgent else terms.answer_workdays
        )
        due = end_of_workday(at, days, zone, terms.calendar)
        ahead = days - terms.remind_workdays
        remind = end_of_workday(at, ahead, zone, terms.calendar) if ahead > 0 else at + (due - at) / 2
        return m.Complaint(
            name, owner.id, sort, about, channel, is_urgent, "filed", parent, "", at, remind, due, None, None, "", ""
        )

    async def _keep(
        self, service: str, owner: PersonPort, new: m.Complaint, words: m.Words, at: datetime, *, files: Sequence[tuple[Upload, str]] = (), account: str = "",
    ) -> None:  # fmt: skip
        writes: Writes = [records.filing_row(new, service, words.number, _sealed(owner, new.id, words))]
        names = []
        for upload, media in files:
            name = records.new_id()
            names.append(name)
            sealed = owner.seal(_packed(upload), FILES, "sealed", name)
            writes.append(records.file_row(new, service, name, media, len(upload.content), at, sealed))
        entry = records.new_id()
        writes.append(
            records.entry_row(new, service, entry, account, "said", at, owner.seal(b"", ENTRIES, "sealed", entry))
        )
        event = e.ComplaintFiled(
            at=at,
            person=owner.id,
            case=new.id,
            sort=new.sort,
            about=new.about,
            answer_by=new.due_at,
            remind_at=new.remind_at,
        )
        await self._road.act(
            owner, event, writes=writes, call=_refuse_known(service, new.id), after=records.rows_kept(new.id, at, [entry], names), waits=True,
        )  # fmt: skip

    async def _enter(self, seen: Seen, kind: m.Kind, account: str, text: str, at: datetime, **values: Any) -> None:  # noqa: ANN401  # columns of a complaint
        owner = await self._owner(seen.service, seen.complaint.person)
        entry = records.new_id()
        row = records.entry_row(
            seen.complaint, seen.service, entry, account, kind, at, owner.seal(text.encode(), ENTRIES, "sealed", entry)
        )
        call = _moving(seen.complaint, values) if values else None
        await self._writer.submit(Job(writes=[row], call=call, after=records.rows_kept(seen.complaint.id, at, [entry])))

    async def _end(
        self, seen: Seen, owner: PersonPort, event: e.ComplaintAnswered, kind: m.Kind, account: str, text: str, at: datetime, **values: object,
    ) -> None:  # fmt: skip
        entry = records.new_id()
        row = records.entry_row(
            seen.complaint, seen.service, entry, account, kind, at, owner.seal(text.encode(), ENTRIES, "sealed", entry)
        )
        await self._road.act(
            owner, event, writes=[row], call=_moving(seen.complaint, values), after=records.rows_kept(seen.complaint.id, at, [entry]),
        )  # fmt: skip

    async def _linked(self, person: PersonPort, filing: m.Filing) -> list[dict[str, Any]]:
        """The last words of the talk, copied with the person's consent: they stay what they were when they were complained of."""
        if not filing.messages:
            return []
        after, found = (microseconds(self._road.now() - LINKED_SPAN), ""), list[dict[str, Any]]()
        while page := await self._road.messages_of(person, after, PAGE):
            found = [*found, *page][-PAGE:]  # only the last are wanted, however long the talk was
            after = page[-1]["at_us"], page[-1]["id"]
        said = [
            one
            for one in found
            if one["role"] in {"user", "companion", "human"}
            and (not filing.session or one["session"] == filing.session)
        ]
        return [{"role": one["role"], "text": one["text"], "at_us": one["at_us"]} for one in said[-filing.messages :]]

    async def _seen(self, row: Row[Any] | None) -> Seen:
        if row is None or await self._road.by_id(row.service_id, row.person_id) is None:
            raise CallerError("there is no complaint of this number", status=404, code="no_receipt")
        words, complaint = await self._words(row), records.complaint_of(row)
        owner = await self._owner(row.service_id, row.person_id)

        def read() -> tuple[list[Row[Any]], list[Row[Any]], Row[Any] | None, list[m.Complaint]]:
            with view(self._engine) as connection:
                parent = records.by_id(connection, row.service_id, complaint.parent) if complaint.parent else None
                return (
                    records.entries(connection, complaint.id), records.files(connection, complaint.id), parent, records.children_of(connection, complaint.id),
                )  # fmt: skip

        entries, files, parent, children = await asyncio.to_thread(read)
        names = await self.names(row.service_id)
        return Seen(
            complaint, row.service_id, words,
            [m.Entry(one.kind, moment(one.at_us), names.get(one.account_id, one.account_id), owner.open(bytes(one.sealed), ENTRIES, "sealed", one.entry_id).decode()) for one in entries],
            [m.Attached(one.file_id, one.media, one.size, _unpacked(owner.open(bytes(one.sealed), FILES, "sealed", one.file_id))[0]) for one in files],
            records.complaint_of(parent) if parent else None, children, _is_nobody(owner),
        )  # fmt: skip

    async def _words(self, row: Row[Any]) -> m.Words:
        owner = await self._owner(row.service_id, row.person_id)
        return msgspec.json.decode(owner.open(bytes(row.sealed), TABLE, "sealed", row.complaint_id), type=m.Words)

    def _told(self, owner: PersonPort, row: Row[Any], in_danger: bool) -> Filed:  # a fact, not a switch
        found = records.complaint_of(row)
        words = msgspec.json.decode(owner.open(bytes(row.sealed), TABLE, "sealed", found.id), type=m.Words)
        return Filed(words.number, found.due_at, found.is_urgent, in_danger)

    async def _owner(self, service: str, person: str) -> PersonPort:
        found = await self._road.by_id(service, person)
        if found is None:
            raise CallerError(
                "whoever complained was erased, and the complaint with them", status=404, code="user_not_found"
            )
        return found

    def _row(self, service: str, complaint: str) -> Row[Any] | None:
        with view(self._engine) as connection:
            return records.by_id(connection, service, complaint)


def _refuse_known(service: str, complaint: str) -> Callable[[Connection], None]:
    def refuse(connection: Connection) -> None:
        if records.by_id(connection, service, complaint) is not None:
            raise FiledError

    return refuse


def _is_danger(readings: Sequence[Reading]) -> bool:
    return any(one.signal == "crisis" and (one.is_unknown or rank(one.level) >= DANGER) for one in readings)


def _is_nobody(person: PersonPort) -> bool:
    """Whoever complained without saying who they are: each a person of their own, whom no app knows."""
    return person.app_id.startswith(NOBODY)


def _speaker(seen: Seen, owner: PersonPort) -> PersonPort | None:
    """Whose words a complainant's are; of a guardian they are not the child's."""
    return owner if seen.complaint.channel != "guardian" else None


def _moving(complaint: m.Complaint, values: dict[str, Any]) -> Callable[[Connection], None]:
    def move(connection: Connection) -> None:
        if not records.change(connection, complaint, **values):
            raise CallerError("somebody else has moved this complaint a moment ago", status=409, code="decided_already")

    return move


def _refuse_closed(seen: Seen) -> None:
    if not seen.complaint.is_open:
        raise CallerError("this is answered already", status=409, code="decided_already")


def _checked(text: str) -> str:
    text = text.strip()
    if not text or len(text) > m.MOST_TEXT:
        raise CallerError(f"write 1 to {m.MOST_TEXT} characters", field="text")
    return text


def _checked_files(uploads: Sequence[Upload]) -> list[Upload]:
    found = [one for one in uploads if one.content]
    if len(found) > m.MOST_FILES:
        raise CallerError(f"at most {m.MOST_FILES} files", field="files", code="no_file")
    if any(len(one.content) > m.MOST_SIZE for one in found):
        raise CallerError(f"a file is over {m.MOST_SIZE // 1000} kB", field="files", code="no_file")
    return found


def _sealed(owner: PersonPort, complaint: str, words: m.Words) -> bytes:
    return owner.seal(msgspec.json.encode(words), TABLE, "sealed", complaint)


def _packed(upload: Upload) -> bytes:
    return upload.name.replace("\n", " ")[:120].encode("utf-8", "replace") + b"\n" + upload.content


def _unpacked(data: bytes) -> tuple[str, bytes]:
    name, _, content = data.partition(b"\n")
    return name.decode("utf-8", "replace"), content


def _first(seen: Seen, at: datetime) -> int:
    return microseconds(seen.complaint.accepted_at or at)

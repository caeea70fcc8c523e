"""The file of a case as it leaves the desk: what was read of it at one moment, for whom, and the entry that says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from shouban.db.engine import view
from shouban.db.writer import Job, Writer
from shouban.duties.ports import PersonPort
from shouban.evidence.log import Acted, leaf_of, read_checkpoint
from shouban.offices.care_desk import model as m
from shouban.offices.care_desk import records
from shouban.offices.care_desk.casefile import EXPORTED, CaseFile, Law, Reader, Rows, assembled
from shouban.offices.care_desk.work import CareDesk, lost, no_case, note_text, whisper_text
from shouban.packs.pack import LoadedPack
from shouban.web.access import Subject, Who, may
from shouban.web.sessions import SignIns

MOST_EXPORTED: Final = 2_000


class Filing:
    def __init__(
        self, desk: CareDesk, engine: Engine, writer: Writer, sign_ins: SignIns, pack_of: Callable[[str], LoadedPack]
    ) -> None:
        self._desk = desk
        self._engine = engine
        self._writer = writer
        self._sign_ins = sign_ins
        self._pack_of = pack_of

    async def case_file(self, who: Who, person: PersonPort, form: str, at: datetime, *, with_words: bool) -> CaseFile:
        """What an export shows. The entry that it was exported is on disk first, and stands in the file itself.

        Words go with it under the desk's own condition: only for who has the case now. Raises `CallerError` (409) for who has not.
        """
        found = await asyncio.to_thread(self._newest, who.service, person.id)
        if found is None:
            raise no_case()
        if with_words and not found.is_of(who.account, at):
            raise lost()
        await self._exported(who, person, found, form, at, with_words=with_words)
        names = await self._sign_ins.names(who.service)
        rows = await asyncio.to_thread(self._rows_of, who, person, names, at)
        if with_words and not rows.case.is_of(who.account, at):  # somebody else has it meanwhile
            raise lost()
        words = await self._desk.words(person, rows.case, most=MOST_EXPORTED) if with_words else None
        sees_contacts = may(who, "see_contacts", Subject(who.service, person.id))
        reader = Reader(who.name, at, sees_contacts=sees_contacts, words=words)
        law = _law(self._pack_of(who.service))
        return await asyncio.to_thread(assembled, rows, who.service, person.profile, names, law, reader)

    async def _exported(
        self, who: Who, person: PersonPort, found: m.Case, form: str, at: datetime, *, with_words: bool
    ) -> None:
        facts = {
            "account": who.account, "roles": sorted(who.roles), "what": "case_words" if with_words else "case_file", "why": "care case exported",
            "case": found.id, "form": form,
        }  # fmt: skip
        told = Acted(service=who.service, at=at, act=EXPORTED, person=person.id, facts=facts)
        await self._writer.submit(Job(leaves=[leaf_of(told)]))

    def _rows_of(self, who: Who, person: PersonPort, names: dict[str, str], at: datetime) -> Rows:
        """All rows as they are at one moment: the proof is of the very entries that are shown."""
        service = who.service
        with view(self._engine) as connection:
            found = records.newest_case(connection, service, person.id)
            if found is None:  # erased meanwhile
                raise no_case()
            entries, more = records.entries_since(connection, service, found)
            notes = [
                m.Note(note, names.get(by, by), when, note_text(person, note, held))
                for note, by, when, held in records.notes_of_case(connection, found)
            ]
            if _sees_whispers(who, found, at):
                notes += [
                    m.Note(
                        whisper,
                        names.get(by, by),
                        when,
                        f"→ {names.get(to, to)}: {whisper_text(person, whisper, held)}",
                    )
                    for whisper, by, to, when, held in records.whispers(connection, found)
                ]
                notes.sort(key=lambda one: one.at)
            return Rows(
                found, records.contacted_at(connection, found), entries, records.duties_of_case(connection, service, found),
                records.receipts_since(connection, service, found), notes, read_checkpoint(connection) or "", more,
            )  # fmt: skip

    def _newest(self, service: str, person: str) -> m.Case | None:
        with view(self._engine) as connection:
            return records.newest_case(connection, service, person)


def _sees_whispers(who: Who, found: m.Case, at: datetime) -> bool:
    """What was said to whoever has the case is no other colleague's; supervisors and compliance answer for it."""
    return found.is_of(who.account, at) or may(who, "lead_desk") or not may(who, "take_case")


def _law(pack: LoadedPack) -> Law:
    versions = {ref: one.version for ref, one in pack.templates.items()}
    return Law(f"{pack.pack.id}@{pack.pack.digest[:16]}", versions)

"""Complaints on the books: in the log, in the ledger, gone with the person; and no number in the database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import select
from tests.evidence.service import verified
from tests.gateway.serving import Served, fresh, noon, serving, settings_for
from tests.offices.complaints.filing import ANSWER, TEXT, desk_address, do, filed, handler, look_up

from shouban.core.events import ComplaintAnswered, ComplaintFiled
from shouban.db.schema import COMPLAINT_ENTRIES, COMPLAINTS
from shouban.evidence.log import Decided, decode_entry


def events(office: Served, kind: type) -> list[object]:
    found = [decode_entry(leaf, place) for place, leaf in enumerate(office.entries())]
    return [one.event for one in found if isinstance(one, Decided) and isinstance(one.event, kind)]


def test_it_is_filed_answered_and_told_on_the_books_and_they_verify(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        _, number = filed(office)
        client = handler(office)
        address = desk_address(client, TEXT[:8])
        do(client, address, "accept")
        do(client, address, "answer", **ANSWER)
        office.get("/v1/complaint-figures", at=noon(minutes=6))
        (told,) = events(office, ComplaintFiled)
        assert isinstance(told, ComplaintFiled)
        assert (told.sort, told.about) == ("complaint", "spending")
        assert told.answer_by is not None
        assert told.answer_by.isoformat().startswith("2026-08-1")
        (answered,) = events(office, ComplaintAnswered)
        assert isinstance(answered, ComplaintAnswered)
        assert answered.case == told.case
        assert not answered.upheld
        with office.engine.connect() as connection:
            rows = {
                row.kind: row
                for row in connection.exec_driver_sql(
                    "select kind, state, outcome from ledger where kind in ('AnswerComplaint', 'RemindStaff', 'TellComplainant')"
                )
            }
            kept = connection.execute(select(COMPLAINTS)).one()
            kinds = (
                connection.execute(select(COMPLAINT_ENTRIES.c.kind).order_by(COMPLAINT_ENTRIES.c.at_us)).scalars().all()
            )
        assert (rows["AnswerComplaint"].state, rows["TellComplainant"].state) == ("done", "done")
        assert "by its number" in rows["TellComplainant"].outcome
        assert kinds == ["said", "accepted", "answered"]
        assert kept.decision == "refused"
    assert verified(tmp_path).is_clean, verified(tmp_path)
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))
    for secret in (number, number.replace("-", ""), TEXT, ANSWER["facts"]):
        assert secret.encode() not in raw, secret


def test_a_row_that_is_altered_is_found(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        filed(office)
    with sqlite3.connect(next(tmp_path.glob("*.db"))) as connection:
        connection.execute("update complaints set due_us = due_us + 86400000000")
    report = verified(tmp_path)
    assert not report.is_clean
    assert "complaints" in str(report)


def test_the_persons_copy_has_their_complaints_and_not_the_staffs_notes(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        user = fresh()
        office.register(user, at=noon())
        number = office.post("/v1/complaints", {"text": TEXT, "user": user}, at=noon()).json()["number"]
        client = handler(office)
        address = desk_address(client, TEXT[:8])
        do(client, address, "note", text="内部：像是重复扣款")
        do(client, address, "answer", **ANSWER)
        copy = office.get(f"/v1/users/{user}/data", at=noon(minutes=6))
        (found,) = copy.json()["complaints"]
        assert (found["number"], found["text"], found["answer"]["facts"]) == (number, TEXT, ANSWER["facts"])
        assert "重复扣款" not in copy.text


def test_a_complaint_goes_with_the_person_and_its_number_finds_nothing(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False)) as office:
        user = fresh()
        office.register(user, at=noon())
        number = office.post("/v1/complaints", {"text": TEXT, "user": user}, at=noon()).json()["number"]
        person = office.person_id(user)
        assert office.rows("complaints", person) == 1
        assert office.ask("DELETE", f"/v1/users/{user}/data?scope=all", at=noon(minutes=1)).is_success
        for table in ("complaints", "complaint_entries", "complaint_files"):
            assert office.rows(table, person) == 0
        assert look_up(office.client, number).status_code in {403, 404}
        assert office.get(f"/v1/complaints/{number}").status_code == 404
        assert handler(office).get("/office/complaints").status_code == 200
    assert verified(tmp_path).is_clean

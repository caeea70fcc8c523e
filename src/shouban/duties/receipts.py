"""Receipts: which contact was sent which alert, when, how, and when they said that they saw it (draft Art. 12.2: alerts sent, delivered, read).

The link to answer with is known to the message alone; its digest is kept. A row changes with the event that tells of it, in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from shouban.core.errors import CallerError
from shouban.db.engine import view
from shouban.db.schema import RECEIPTS
from shouban.db.writer import Call, Job, Writer
from shouban.duties.ports import PersonPort
from shouban.evidence.books import After, kept
from shouban.evidence.log import microseconds, moment

MOST_SHOWN: Final = 60


@dataclass(frozen=True)
class Receipt:
    service: str
    person: str
    duty: str
    contact: str
    sent_at: datetime | None
    how: str
    answered_at: datetime | None


class Receipts:
    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    async def open(self, person: PersonPort, duty: str, contact: str, at: datetime) -> str:
        """A receipt for what is about to be sent, and the token of its link: the same for the same duty and contact, for what was not taken may have arrived.

        It is made with the person's own key, for this purpose alone: nobody else can guess it, or have it made.
        """
        token = person.fingerprint("receipt", f"{duty}\0{contact}").hex()
        row = {
            "receipt_id": _name(duty, contact), "service_id": person.service, "person_id": person.id, "duty_id": duty, "contact_id": contact, "token": _digest(token),
            "sent_us": 0, "how": "", "answered_us": 0,
        }  # fmt: skip
        make = (postgresql_insert if self._engine.dialect.name == "postgresql" else sqlite_insert)(RECEIPTS)
        put = make.on_conflict_do_update(index_elements=["receipt_id"], set_={"token": make.excluded.token})
        await self._writer.submit(Job(writes=[(put, row)], after=kept_receipt(duty, contact, at), is_urgent=True))
        return token

    def telling(self, duty: str, contact: str, how: str, at: datetime) -> tuple[Call, After]:
        """For the event that says that a channel has taken it."""
        values = {"sent_us": microseconds(at), "how": how[:80]}

        def write(connection: Connection) -> None:
            connection.execute(_of(duty, contact).values(**values))

        return write, kept_receipt(duty, contact, at)

    def answering(self, found: Receipt, at: datetime) -> tuple[Call, After]:
        """For the event that says that they have seen it; once."""

        def write(connection: Connection) -> None:
            open_ = _of(found.duty, found.contact).where(RECEIPTS.c.answered_us == 0)
            if connection.execute(open_.values(answered_us=microseconds(at))).rowcount != 1:
                raise CallerError("this was answered already", status=409, code="answered_already")

        return write, kept_receipt(found.duty, found.contact, at)

    def by_token(self, token: str) -> Receipt | None:
        with view(self._engine) as connection:
            row = connection.execute(select(RECEIPTS).where(RECEIPTS.c.token == _digest(token))).one_or_none()
        return None if row is None else receipt_from(row)

    def of_duty(self, duty: str) -> dict[str, Receipt]:
        """What was sent for a duty, by contact."""
        with view(self._engine) as connection:
            rows = connection.execute(select(RECEIPTS).where(RECEIPTS.c.duty_id == duty, RECEIPTS.c.sent_us > 0))
            return {row.contact_id: receipt_from(row) for row in rows}

    def of_person(self, service: str, person: str) -> list[Receipt]:
        """What was sent, the newest first."""
        mine = (RECEIPTS.c.service_id == service) & (RECEIPTS.c.person_id == person) & (RECEIPTS.c.sent_us > 0)
        with view(self._engine) as connection:
            rows = connection.execute(
                select(RECEIPTS)
                .where(mine)
                .order_by(RECEIPTS.c.sent_us.desc(), RECEIPTS.c.receipt_id)
                .limit(MOST_SHOWN)
            )
            return [receipt_from(row) for row in rows]


def kept_receipt(duty: str, contact: str, at: datetime) -> After:
    return kept(RECEIPTS, at, RECEIPTS.c.receipt_id == _name(duty, contact))


def _of(duty: str, contact: str) -> Any:  # noqa: ANN401  # SQLAlchemy's Update
    return update(RECEIPTS).where(RECEIPTS.c.receipt_id == _name(duty, contact))


def _name(duty: str, contact: str) -> str:
    return f"{duty}-{contact}"


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def receipt_from(row: Any) -> Receipt:  # noqa: ANN401  # a row of receipts
    return Receipt(
        row.service_id, row.person_id, row.duty_id, row.contact_id, moment(row.sent_us) if row.sent_us else None, row.how,
        moment(row.answered_us) if row.answered_us else None,
    )  # fmt: skip

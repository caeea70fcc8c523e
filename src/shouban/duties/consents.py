"""The ledger of consents: who agreed to what, in which words, how that is known, when, and when it ended (PIPL Art. 13–16, 29; Order 21 Art. 16; draft Art. 14, 15).

A row for each consent, written in the transaction of its event; a withdrawal ends the row. The state's own list is what rules ask; this is what is shown and proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from shouban.core.events import ConsentGiven, ConsentWithdrawn, Event, Purpose
from shouban.db.keys import random_bytes
from shouban.db.schema import CONSENTS
from shouban.duties.ledger import Writes
from shouban.evidence.books import After, kept
from shouban.evidence.log import microseconds, moment

MOST_SHOWN: Final = 200


@dataclass(frozen=True)
class Consent:
    purpose: Purpose
    party: str
    by: str
    text_version: str
    verified: str
    given_at: datetime
    withdrawn_at: datetime | None


def writes_of(service: str, event: Event) -> Writes:
    """What the event means for the ledger; nothing for most. The same consent given again ends the one before."""
    if not isinstance(event, ConsentGiven | ConsentWithdrawn):
        return []
    at, name = microseconds(event.at), random_bytes(12).hex()
    mine = (
        (CONSENTS.c.service_id == service)
        & (CONSENTS.c.person_id == event.person)
        & (CONSENTS.c.purpose == event.purpose)
        & (CONSENTS.c.party == event.party)
    )
    # The writer inserts before it updates: the new row is not ended with the one before it.
    ends = (
        update(CONSENTS)
        .where(mine, CONSENTS.c.withdrawn_us == 0, CONSENTS.c.consent_id != name)
        .values(withdrawn_us=at)
    )
    if isinstance(event, ConsentWithdrawn):
        return [(ends, {})]
    row = {
        "consent_id": name, "service_id": service, "person_id": event.person, "purpose": event.purpose, "party": event.party, "by": event.by,
        "text_version": event.text_version, "verified": event.verified, "given_us": at, "withdrawn_us": 0,
    }  # fmt: skip
    return [(insert(CONSENTS), row), (ends, {})]


def kept_by(service: str, event: Event) -> After | None:
    """The log's entries about the rows that `writes_of` has written."""
    if not isinstance(event, ConsentGiven | ConsentWithdrawn):
        return None
    at = microseconds(event.at)
    of_it = (CONSENTS.c.service_id == service) & (CONSENTS.c.person_id == event.person)
    same = (CONSENTS.c.purpose == event.purpose) & (CONSENTS.c.party == event.party)
    return kept(CONSENTS, event.at, of_it, same, (CONSENTS.c.given_us == at) | (CONSENTS.c.withdrawn_us == at))


def consents_of(connection: Connection, service: str, person: str) -> Sequence[Consent]:
    """The newest first."""
    mine = (CONSENTS.c.service_id == service) & (CONSENTS.c.person_id == person)
    asked = select(CONSENTS).where(mine).order_by(CONSENTS.c.given_us.desc(), CONSENTS.c.consent_id).limit(MOST_SHOWN)
    return [_consent(row) for row in connection.execute(asked)]


def _consent(row: Any) -> Consent:  # noqa: ANN401  # a row of consents
    withdrawn = moment(row.withdrawn_us) if row.withdrawn_us else None
    return Consent(
        row.purpose,
        row.party,
        row.by,
        row.text_version,
        row.verified,
        moment(row.given_us),
        withdrawn,
    )

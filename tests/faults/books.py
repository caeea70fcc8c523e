"""What a service's own records say, read beside it: the log, the ledger, and whether all of it verifies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from tests.gateway.serving import ROOT

from shouban.app import signer_of
from shouban.core import events as e
from shouban.db.engine import sqlite_url
from shouban.db.keys import read_master
from shouban.db.reading import snapshot
from shouban.db.schema import LEDGER, PUSHES
from shouban.duties.audit import check_books
from shouban.duties.ledger import Duty, duty_from
from shouban.evidence.log import Decided, decode_entry, read_leaves
from shouban.evidence.report import Report
from shouban.evidence.verify import verify_store


@dataclass(frozen=True)
class Books:
    """One view of log, ledger and pushes."""

    entries: list[Decided]
    duties: dict[str, Duty]
    pushes: list[Any]

    def owed_by(self, turn: str) -> list[Duty]:
        """The duties that the decision on this turn owes."""
        ids = [
            one
            for entry in self.entries
            if isinstance(entry.event, e.UserSpoke) and entry.event.turn == turn
            for one in entry.duties
        ]
        return [self.duties[one] for one in ids]

    @property
    def turns(self) -> Counter[str]:
        """How often the log has each turn of a person or of a companion."""
        return Counter(
            str(entry.event.turn)
            for entry in self.entries
            if isinstance(entry.event, e.UserSpoke | e.CompanionSpoke) and entry.event.turn
        )

    @property
    def done(self) -> Counter[str]:
        """How often each duty was done, by the log."""
        return Counter(entry.event.duty for entry in self.entries if isinstance(entry.event, e.DutyDone))


def books_of(data: Path, database: str = "") -> Books:
    with snapshot(database or sqlite_url(data)) as connection:
        entries = [decode_entry(leaf.data, index) for index, leaf in read_leaves(connection)]
        duties = {row.duty_id: duty_from(row) for row in connection.execute(select(LEDGER))}
        pushes = list(
            connection.execute(select(PUSHES.c.person_id, PUSHES.c.push_id, PUSHES.c.kind).order_by(PUSHES.c.id))
        )
    return Books([one for one in entries if isinstance(one, Decided)], duties, pushes)


def verified(data: Path, database: str = "") -> Report:
    """What `shouban evidence verify` finds, without a process of its own."""
    master = read_master(data, {})
    with snapshot(database or sqlite_url(data)) as connection:
        return verify_store(
            connection, master, lambda origin: signer_of(master, origin).verifier_key, audits=[check_books]
        )


def shouban(*words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command line itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOUBAN_")}
    return subprocess.run(
        [sys.executable, "-m", "shouban", *words],
        env={**kept, "PYTHONPATH": str(ROOT / "src"), **(environment or {})}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

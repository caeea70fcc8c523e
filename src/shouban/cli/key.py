"""`shouban key`: the master key of a service, changed while it is stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import Connection, Engine, func, select

from shouban.app import adopted, signer_of
from shouban.core.errors import OperatorError
from shouban.db.engine import DirectoryLock, change_master, connect, migrate, sqlite_url
from shouban.db.keys import MASTER_FILE, MasterKey, master_in, new_secret, put_in_place, read_master, write_secret
from shouban.db.rotation import NEXT_FILE, change_mark, rewrap_people
from shouban.db.schema import ACCOUNTS, LOG_ENTRIES, META, PERSON_KEYS, PERSONS
from shouban.db.writer import Leaf
from shouban.evidence.books import kept
from shouban.evidence.log import Acted, Log, leaf_of, moment
from shouban.settings import read_settings
from shouban.web.sessions import rekey_accounts

NEW_KEY: Final = "SHOUBAN_NEW_MASTER_KEY"

app = App(name="key", help="The master key of a service.\n\nExample: `shouban key rotate --data shouban-data`")


@app.command
def rotate(
    *,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    database: str | None = None,
) -> int:
    """Put a new master key in the place of the old one. Stop the service first.

    Every person's key is wrapped anew, every index made anew, and the log says so, with the public keys before and after: the log's signing key comes
    from the master key. Who has a certificate signed before verifies it with the key before. All sign-ins end. It is one transaction.

    Where the old key is in the environment (`SHOUBAN_MASTER_KEY`), give the new one as `SHOUBAN_NEW_MASTER_KEY`, and set it in the old one's place
    afterwards. Keep the old key as long as you keep backups that it opens.

    Example: `shouban key rotate --data shouban-data`

    Parameters
    ----------
    data
        The service's own directory.
    database
        `sqlite:///FILE` or `postgresql://USER@HOST/NAME`.

    """
    file = Path("shouban.toml")
    flags = {"data": str(data) if data else None, "database": database}
    settings = read_settings(file if file.exists() else None, os.environ, flags)
    folder = Path(settings.data)
    old, secret, by_file = read_master(folder, os.environ), _new_secret(), not os.environ.get("SHOUBAN_MASTER_KEY")
    new = master_in(secret, NEW_KEY, settings.cipher)
    url = settings.database or sqlite_url(folder)
    told = "" if by_file else f"; set `SHOUBAN_MASTER_KEY` to what `{NEW_KEY}` holds before you start the service"
    with ExitStack() as stack:
        if url.startswith("sqlite"):
            lock = DirectoryLock(folder)
            lock.take()
            stack.callback(lock.give_back)
        engine = connect(url)
        stack.callback(engine.dispose)
        migrate(engine)
        stack.enter_context(change_master(engine))
        if adopted(engine, folder, settings) is not None:
            print_line(
                "an earlier change was cut off after its transaction; its key is in its place now, and no other was made"
            )
            return 0
        ready = partial(write_secret, folder / NEXT_FILE, secret) if by_file else _nothing
        people, accounts = _rotate(engine, old, new, ready)
        if by_file:
            put_in_place(folder / NEXT_FILE, folder / MASTER_FILE)
    print_line(f"the master key is changed: {people} people, {accounts} accounts{told}")
    return 0


def print_line(text: str) -> None:
    Console(highlight=False, soft_wrap=True).print(text, markup=False)


def _nothing() -> None:
    """A key of the environment is kept by who gave it."""


def _new_secret() -> str:
    if os.environ.get("SHOUBAN_MASTER_KEY") and not os.environ.get(NEW_KEY):
        raise OperatorError(f"the old key is in the environment; give the new one as `{NEW_KEY}` (base64, 32 bytes)")
    return os.environ.get(NEW_KEY) or new_secret()


def _rotate(engine: Engine, old: MasterKey, new: MasterKey, ready: Callable[[], None]) -> tuple[int, int]:
    """`ready` keeps the new key where it is found again, once the old one has proved right and before anything is changed for good."""
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        change_mark(connection, old, new)
        ready()
        origin = str(connection.execute(select(META.c.value).where(META.c.key == "origin")).scalar_one())
        with _bar(connection) as step:
            people = rewrap_people(connection, old, new, step)
        accounts = rekey_accounts(connection, old, new)
        at = _now(connection)
        before, after = signer_of(old, origin), signer_of(new, origin)
        facts = {"before": before.verifier_key, "after": after.verifier_key, "people": people, "accounts": accounts}
        leaves: list[Leaf] = [
            leaf_of(Acted(service=service, at=at, act="key_rotated", facts=facts)) for service in _services(connection)
        ]
        Log(engine, after).append(connection, [*leaves, *kept(ACCOUNTS, at)(connection)])
    return people, accounts


def _services(connection: Connection) -> list[str]:
    known = select(PERSONS.c.service_id).union(select(ACCOUNTS.c.service_id))
    return sorted(connection.execute(known).scalars())


def _now(connection: Connection) -> datetime:
    """Not before the newest entry, though the clock was set back."""
    last = connection.execute(select(func.max(LOG_ENTRIES.c.at_us))).scalar()
    return max(datetime.now(UTC), moment(last)) if last else datetime.now(UTC)


@contextmanager
def _bar(connection: Connection) -> Iterator[Callable[[int], None]]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    total = connection.execute(select(func.count()).select_from(PERSON_KEYS)).scalar_one()
    with Progress(TextColumn("people"), BarColumn(), MofNCompleteColumn(), console=console) as progress:
        task = progress.add_task("people", total=total)
        yield lambda count: progress.advance(task, count)

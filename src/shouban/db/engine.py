"""One engine for SQLite and PostgreSQL, chosen by URL; every other module speaks to either in the same words."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shouban.core.errors import OperatorError

BUSY_MS = 5_000
# Pages of the write-ahead log from which a commit empties it itself; before that somebody does so beside the commits (`Writer`), so that none waits for it.
MOST_WAITING_PAGES = 20_000
MASTER_LOCK = "hashtext('shouban.master')"
_CHECKPOINTS = threading.Lock()
DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def sqlite_url(data: Path) -> str:
    """The embedded default: one file in the service's own directory."""
    return f"sqlite:///{data / 'shouban.db'}"


def connect(url: str, *, pool_size: int = 4) -> Engine:
    """An engine for `url` (`sqlite:///FILE` or `postgresql://…`); refuses any other database by name."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise OperatorError(
            "`--database` is not a URL; write `sqlite:///FILE` or `postgresql://USER@HOST/NAME`"
        ) from error
    driver = DRIVERS.get(parsed.drivername.split("+")[0])
    if driver is None:
        raise OperatorError(f"`--database` names `{parsed.drivername}`; known are `sqlite` and `postgresql`")
    try:
        if driver.startswith("sqlite"):
            return _sqlite(create_engine(parsed.set(drivername=driver), connect_args={"check_same_thread": False}))
        return create_engine(parsed.set(drivername=driver), pool_size=pool_size, max_overflow=4, pool_pre_ping=True)
    except NoSuchModuleError as error:
        raise OperatorError(f"no driver for `{parsed.drivername}` is installed") from error


def _sqlite(engine: Engine) -> Engine:
    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:  # noqa: ANN401  # the driver's own connection
        connection.isolation_level = None  # We say BEGIN ourselves: see `_begin`.
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {MOST_WAITING_PAGES}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # Deleted words are overwritten, not only unlinked: an erased person is gone from the file too.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:  # noqa: ANN401  # SQLAlchemy's connection, typed loosely by its own hook
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def scrub(engine: Engine) -> bool:
    """Empties SQLite's write-ahead log into the file: what was deleted stands in no copy of a page any more. Gives whether it could; a reader may hold it."""
    return checkpoint(engine, "TRUNCATE")


def checkpoint(engine: Engine, how: Literal["PASSIVE", "TRUNCATE"] = "PASSIVE") -> bool:
    """Moves SQLite's write-ahead log into the file; `PASSIVE` waits for nobody and keeps nobody waiting. Gives whether all of it could be done.

    One at a time: SQLite refuses a second one at once, and says so in a row that is easily passed over.
    """
    if engine.dialect.name != "sqlite":
        return True
    with _CHECKPOINTS:
        connection = engine.raw_connection()
        try:
            is_busy, *_ = connection.cursor().execute(f"PRAGMA wal_checkpoint({how})").fetchone() or (1,)
        finally:
            connection.close()
    return not is_busy


def hold_master(engine: Engine, mark: str) -> None:
    """On PostgreSQL every connection of a service holds a lock that a new master key (`change_master`) needs for itself, and none is made under another key.

    SQLite has `DirectoryLock`. A connection that was lost, and the lock with it, comes back only while the key is still the same.
    """
    if engine.dialect.name != "postgresql":
        return

    @event.listens_for(engine, "connect")
    def _hold(connection: Any, _record: Any) -> None:  # noqa: ANN401  # the driver's own connection
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_lock_shared({MASTER_LOCK})")
            cursor.execute("SELECT value FROM meta WHERE key = 'master'")
            found = cursor.fetchone()
        connection.commit()
        if found is None or found[0] != mark:
            raise OperatorError("the master key was changed meanwhile; start this process again with the new one")

    engine.dispose()  # those made before hold nothing


def change_master(engine: Engine) -> Connection:
    """A connection that holds the master key's lock alone. Raises `OperatorError` while a service runs on this database."""
    connection = engine.connect()
    if engine.dialect.name == "postgresql":
        taken = connection.execute(text(f"SELECT pg_try_advisory_lock({MASTER_LOCK})")).scalar_one()
        connection.commit()
        if not taken:
            connection.close()
            raise OperatorError("a service runs on this database; stop every process of it first")
    return connection


@contextmanager
def view(engine: Engine) -> Iterator[Connection]:
    """One unchanging view for reading; a database that does not answer is the operator's to mend, and named as such."""
    steady = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    try:
        with engine.connect().execution_options(**steady) as connection:
            yield connection
    except (DBAPIError, PoolTimeoutError) as error:
        raise OperatorError(f"the database cannot be read ({first_line(error)}); try again shortly") from error


def first_line(error: Exception) -> str:
    """What the driver says, without the statement and its values."""
    said = error.orig if isinstance(error, DBAPIError) else error
    return (str(said).splitlines() or [""])[0] or type(said).__name__


def migrate(engine: Engine) -> None:
    """Brings the tables to the newest form (Alembic); safe to call at every start."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


class DirectoryLock:
    """Holds a service's directory for one process; SQLite has one writer, and two services would make two truths."""

    def __init__(self, data: Path) -> None:
        self._path = data / "lock"
        self._file: IO[str] | None = None

    def take(self) -> None:
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise OperatorError(
                f"`{self._path.parent}` is in use by process {holder}; stop it, or give this one another `--data`, "
                "or use PostgreSQL with `--database`"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def give_back(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

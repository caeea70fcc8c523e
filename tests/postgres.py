"""A real PostgreSQL for the tests: one private server a session, one fresh database a test. It ends only what it started.

Fixtures (registered in `tests/conftest.py`):

- `database_url`: each test that asks for it runs twice, with the URL of a fresh, migrated SQLite file
  (`tmp_path / "shouban.db"`, so `--data tmp_path` finds it) and of a fresh, migrated PostgreSQL database.
- `postgresql_url`: the PostgreSQL half alone.
- `postgres_server`: the server, for tests that need more than one database, or to stop and start it.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from shouban.db.engine import connect, migrate, sqlite_url

TEMPLATE = "shouban_template"
USER = "shouban"
START_WITHIN = 20.0
PR_SET_PDEATHSIG = 1
MISSING = "these tests need a real PostgreSQL, and there is none; install it with `apt-get install postgresql`"


class PostgresServer:
    """A server in a directory of its own, on a free loopback port; nothing is synced, for nothing is kept."""

    def __init__(self, bin_dir: Path) -> None:
        self._bin = bin_dir
        self._home = Path(tempfile.mkdtemp(prefix="shouban-pg-"))
        self._owner = pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._names = (f"test_{number}" for number in itertools.count(1))
        self.port = free_port()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def url(self, name: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def prepare(self) -> None:
        """Makes the cluster, starts it, and makes the template that every test database is a copy of."""
        if self._owner:
            shutil.chown(self._home, self._owner)
        self._run(
            "initdb",
            "-D",
            "data",
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        )
        self.start()
        self._say(f"CREATE DATABASE {TEMPLATE}")
        engine = connect(self.url(TEMPLATE))
        migrate(engine)
        engine.dispose()

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1", "unix_socket_directories": str(self._home), "fsync": "off", "full_page_writes": "off",
            "synchronous_commit": "off", "max_connections": "100", "shared_buffers": "32MB", "autovacuum": "off", "max_wal_senders": "0", "wal_level": "minimal",
        }  # fmt: skip
        settings = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        with (self._home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # the server dies with the tests, even where they are killed
                [self._bin / "postgres", "-D", "data", "-p", str(self.port), *settings],
                cwd=self._home, user=self._owner, stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=_end_with_parent,  # noqa: PLW1509
            )  # fmt: skip
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Ends the server at once; the databases stay for the next `start`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=START_WITHIN)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._home)

    def make_database(self, template: str = TEMPLATE) -> str:
        """The name of a fresh database with all tables, or of a copy of `template`, which nobody may be using."""
        name = next(self._names)
        self._say(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop_database(self, name: str) -> None:
        self._say(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _say(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, *words: str) -> None:
        done = subprocess.run(
            [self._bin / words[0], *words[1:]],
            cwd=self._home,
            user=self._owner,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"`{words[0]}` failed: {done.stderr.strip()}")

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        give_up = time.monotonic() + START_WITHIN
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > give_up:
                    pytest.fail(f"PostgreSQL did not start: {(self._home / 'server.log').read_text()[-2000:]}")
                time.sleep(0.02)
            else:
                return


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def find_bin_dir() -> Path:
    """Where the newest PostgreSQL's programs are; Debian keeps them out of the path."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found += [Path(path).parent for path in [shutil.which("initdb")] if path]
    if not found:
        pytest.fail(MISSING)
    return max(found, key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of this process."""
    server = PostgresServer(find_bin_dir())
    try:
        server.prepare()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgresql_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a fresh, migrated PostgreSQL database."""
    name = postgres_server.make_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    data = tmp_path_factory.mktemp("template")
    engine = connect(sqlite_url(data))
    migrate(engine)
    engine.dispose()
    return data / "shouban.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, migrated database; the test runs once on SQLite (`tmp_path / "shouban.db"`) and once on PostgreSQL."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql_url")
        return url
    shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "shouban.db")
    return sqlite_url(tmp_path)

"""`shouban serve` as the process it is: first start, second start, killed, stopped, refused."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog
import uvloop
from tests.gateway.serving import KEY, ROOT, Served, fresh, noon, serving_process
from tests.upstreams.faulty import FaultyUpstream, running

from shouban.cli.serve import BACKLOG, DOORS, LEVELS, as_many, listener, set_up_log, settings_help
from shouban.settings import Settings

TURNS = 8
TEST = {"SHOUBAN_SERVICE_KEY": KEY, "SHOUBAN_ADMIN_PASSWORD": "an-admins-secret", "SHOUBAN_CLOCK": "virtual"}


def refused(*words: str, environment: dict[str, str] | None = None) -> str:
    """What a `serve` says that does not start."""
    command = [sys.executable, "-m", "shouban", "serve", *words]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": "src", "PATH": "/usr/bin:/bin", **(environment or {})},
    )
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The very first start, with nothing but a directory."""
    with serving_process(tmp_path_factory.mktemp("first") / "data", environment={"SHOUBAN_CLOCK": "virtual"}) as served:
        yield served


def test_the_first_start_makes_the_keys_and_shows_them_once(first: Served) -> None:
    [key] = re.findall(r"sk-shouban-\S+", first.told)
    assert re.search(r"administrator `admin`, password \(shown once\): \S+", first.told)
    assert first.chat("你好", key=key).status == 200
    assert first.chat("你好", key="sk-other").status == 401
    assert key not in "".join(file.read_bytes().decode("latin-1") for file in first.data.rglob("*") if file.is_file())


def test_a_second_process_on_the_same_directory_is_refused(first: Served) -> None:
    told = refused("--data", str(first.data), "--port", "0")
    assert "in use by process" in told
    assert "--data" in told


def test_a_port_that_is_taken_is_refused(first: Served, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = refused("--data", str(tmp_path / "d"), "--port", str(taken.getsockname()[1]))
    assert "cannot be listened on" in told
    assert "--port" in told


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    assert "cannot be listened on" in refused("--data", str(tmp_path / "d"), f"--port={port}")


def test_killed_and_started_again_nothing_acknowledged_is_lost_and_timers_go_on(tmp_path: Path) -> None:
    user = fresh()
    with running(FaultyUpstream()) as model:
        with serving_process(tmp_path / "data", "--upstream", model.url, environment=TEST) as served:
            assert "sk-" not in served.told
            assert "secret" not in served.told
            for minute in range(0, 119, 10):
                assert served.chat(f"第{minute}分钟", user=user, at=noon(minutes=minute), stream=True).is_done
            size = served.log_size()
        assert served.process is not None
        assert served.process.returncode == -signal.SIGKILL
        with serving_process(tmp_path / "data", "--upstream", model.url, environment=TEST) as again:
            assert again.log_size() > size
            assert [text for role, text in again.messages(user) if role == "user"] == [
                f"第{minute}分钟" for minute in range(0, 119, 10)
            ]
            again.chat("你好", at=noon(minutes=121))
            assert "两个小时" in again.chat("嗯", user=user, at=noon(minutes=122)).text
            assert again.process is not None
            again.process.send_signal(signal.SIGTERM)
            again.process.wait(timeout=20)
            assert again.process.returncode in {0, -signal.SIGTERM}
        printed = (tmp_path / "data.out").read_text()
        assert "第" not in printed
        assert user not in printed


@pytest.mark.parametrize(
    ("words", "environment", "told"),
    [
        (["--upstream", "example.org"], {}, "write `http(s)://HOST/v1` or `scripted`"),
        (["--pack", "cn-2027"], {}, "no pack `cn-2027`"),
        (["--production"], {"SHOUBAN_CLOCK": "virtual"}, "production mode refuses"),
        (["--config", "/nonexistent.toml"], {}, "no settings file"),
        (["--database", "mysql://x/y"], {}, "mysql"),
    ],
)
def test_a_setting_that_does_not_fit_is_told_in_one_line(
    tmp_path: Path, words: list[str], environment: dict[str, str], told: str
) -> None:
    assert told in refused("--data", str(tmp_path / "data"), "--port", "0", *words, environment=environment)


def test_the_help_shows_every_setting_and_no_secret() -> None:
    text = settings_help()
    assert all(name in text for name in Settings.__struct_fields__)
    assert "sk-" not in text


def test_every_level_of_the_log_can_be_set() -> None:
    for level, number in LEVELS.items():
        set_up_log(level)
        log = structlog.get_logger()
        assert log.is_enabled_for(number), level
        assert not log.is_enabled_for(number - 1), level
    set_up_log("error")


def test_whoever_connects_anew_does_not_wait_for_a_turn_of_the_loop_each() -> None:
    """As many as there are doors come in at one turn; with a single socket, uvloop takes in one."""

    async def come_in(sockets: list[socket.socket], callers: int) -> int:
        loop, arrived = asyncio.get_running_loop(), 0

        class Door(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                nonlocal arrived
                arrived += 1
                transport.abort()  # type: ignore[attr-defined]  # a socket's transport has it

        for one in sockets:
            await loop.create_server(Door, sock=one, backlog=BACKLOG)
        with ExitStack() as outside:
            for _ in range(callers):
                outside.enter_context(socket.create_connection(sockets[0].getsockname()))
            for _ in range(TURNS):
                await asyncio.sleep(0)
        return arrived

    settings = Settings(host="127.0.0.1", port=0)
    assert uvloop.run(come_in(as_many(listener(settings)), DOORS)) == DOORS
    assert uvloop.run(come_in([listener(settings)], DOORS)) < DOORS, (
        "uvloop takes in all by itself now: one door is enough"
    )

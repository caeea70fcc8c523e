"""The README tells the truth: its commands are run as printed, against a real server, and print what it says they print."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from tests.docs.reading import COMMAND, READMES, ROOT, Block, blocks, code_of, read

from shouban.cli.main import COMMANDS, main

PORT: Final = "8460"
START_WITHIN: Final = 30.0
# curl says 28 where `--max-time` ended a stream that has no end of its own.
ENDINGS: Final = {0, 28}
ANYTHING: Final = "…"


# --- the commands, run


# Walks through the product, run like the README.
WALKS: Final = (*READMES, "docs/people.md")


@pytest.mark.parametrize("name", WALKS)
def test_every_command_works_as_printed_and_prints_what_the_readme_says(name: str, tmp_path: Path) -> None:
    told = blocks(read(name))
    port = _free_port()
    printed = ""
    with _served(_only(told, "serve"), port, tmp_path):
        for block in told:
            if block.mark == "run":
                printed = _run(block, port, tmp_path)
            elif block.mark == "out":
                _compare(block, printed)


def test_a_readme_serves_once_and_prints_after_running() -> None:
    for name in WALKS:
        told = [block.mark for block in blocks(read(name)) if block.mark]
        assert told.count("serve") == 1
        assert set(told) == {"serve", "run", "out"}
        assert all(before == "run" for before, mark in pairwise(told) if mark == "out")


def test_both_languages_have_the_same_commands() -> None:
    ours, theirs = ([block for block in blocks(read(name)) if block.mark] for name in READMES)
    assert ours == theirs


def _only(told: list[Block], mark: str) -> Block:
    (found,) = [block for block in told if block.mark == mark]
    return found


@contextmanager
def _served(block: Block, port: int, folder: Path) -> Iterator[None]:
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            ["sh", "-eu", "-c", _ported(block, port)],
            cwd=folder,
            env=_environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_for(port, server, folder / "server.log")
            yield
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=30)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + START_WITHIN
    while time.monotonic() < give_up and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"the server did not answer: {log.read_text('utf-8')}")


def _run(block: Block, port: int, folder: Path) -> str:
    starts = [sys.executable, "-c"] if block.language == "python" else ["sh", "-eu", "-c"]
    done = subprocess.run(
        [*starts, _ported(block, port)], cwd=folder, env=_environment(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode in ENDINGS, f"{block.text}\n{done.stderr.decode()}"
    return done.stdout.decode()


def _ported(block: Block, port: int) -> str:
    return block.text.replace(PORT, str(port))


def _environment() -> dict[str, str]:
    """A newcomer's: our command in the path, and no setting of Shouban's from outside."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith("SHOUBAN_") and "proxy" not in key.lower()
    }
    return {**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONUTF8": "1", "COLUMNS": "80"}


def _compare(block: Block, printed: str) -> None:
    """Each line that is told is printed, in their order; `…` stands for anything within a line."""
    lines = iter(printed.splitlines())
    for told in block.text.splitlines():
        form = re.compile(".*".join(re.escape(part) for part in told.split(ANYTHING)))
        assert any(form.fullmatch(line.rstrip()) or form.fullmatch(line) for line in lines), (
            f"not printed: {told}\n{printed}"
        )


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


# --- the commands, named


def _help(*words: str) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed), pytest.raises(SystemExit):
        main([*words, "--help"])
    return printed.getvalue()


def _subcommands(command: str) -> list[str]:
    """What `--help` lists under a command."""
    panel = re.search(r"─ Commands ─+╮\n(.*?)╰", _help(*command.split()), re.DOTALL)
    rows = re.findall(r"^│ ([a-z][a-z-]*) ", panel.group(1), re.MULTILINE) if panel else []
    return [f"{command} {row}".strip() for row in rows]


def _cli() -> set[str]:
    """Every command by its whole name; a group of commands only by its members."""
    return {leaf for command in _subcommands("") for leaf in (_subcommands(command) or [command])}


def _named(text: str) -> set[str]:
    """The commands that stand in a document's code."""
    return {_shortened(found) for code in code_of(text) for found in COMMAND.findall(code)}


def _shortened(found: str) -> str:
    """`check "text"` is `check`, `pack check cn` is `pack check`."""
    first = found.split(maxsplit=1)[0]
    return found if _subcommands(first) else first


@pytest.fixture(scope="module")
def commands() -> set[str]:
    return _cli()


def test_help_lists_the_commands_there_are(commands: set[str]) -> None:
    assert {command.split(maxsplit=1)[0] for command in commands} == set(COMMANDS)


@pytest.mark.parametrize("name", READMES)
def test_readme_and_help_name_the_same_commands(name: str, commands: set[str]) -> None:
    assert _named(read(name)) == commands


@pytest.mark.parametrize("name", READMES)
def test_every_flag_of_a_printed_command_stands_in_its_help(name: str) -> None:
    lines = [line for block in blocks(read(name)) if block.mark in {"run", "serve"} for line in block.text.splitlines()]
    for line in lines:
        if found := COMMAND.search(line):
            known = _help(*_shortened(found.group(1)).split())
            assert all(flag in known for flag in re.findall(r"(?<=\s)--[a-z-]+", line)), line


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for name in READMES:
        assert set(re.findall(r"`make ([a-z]+)`", read(name))) <= targets

"""Starts many `shouban serve` processes quickly: a parent that has imported everything and read law and detectors forks.

Each child runs the command line itself (`shouban.cli.main`), with its own database, writer, workers and socket, so that
killing it is killing a server. Run as a program it reads one JSON line a child and answers with its process id.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import httpx
from tests.gateway.serving import ROOT, START_WITHIN, Served
from tests.postgres import PR_SET_PDEATHSIG, free_port

STANDARD_OUT: Final = 1
STANDARD_ERROR: Final = 2


class Child:
    """One server process; `kill` is `kill -9`, and returns when nothing of it is left."""

    def __init__(self, pid: int, served: Served) -> None:
        self.pid = pid
        self.served = served
        self._handle = os.pidfd_open(pid)

    @property
    def is_alive(self) -> bool:
        return not select.select([self._handle], [], [], 0)[0]

    def kill(self) -> None:
        if self.is_alive:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        assert select.select([self._handle], [], [], START_WITHIN)[0], "the process did not die"

    def leave(self) -> None:
        self.kill()
        self.served.client.close()
        os.close(self._handle)


class Nursery:
    """The parent, and the children it has made."""

    def __init__(self, home: Path) -> None:
        self._out = home / "children.out"
        self._process: subprocess.Popen[str] | None = None
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOUBAN_")}
        with self._out.open("ab") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.nursery"], cwd=ROOT, env={**kept, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, text=True,
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.leave()
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(START_WITHIN)

    @property
    def told(self) -> str:
        """What the children printed, all of them together."""
        return self._out.read_text("utf-8", "replace")

    def serve(self, data: Path, *flags: str, environment: Mapping[str, str] | None = None) -> Child:
        """A server that answers."""
        port = free_port()
        words = ["serve", "--port", str(port), "--data", str(data), *flags]
        child = Child(self._fork(words, environment or {}), Served(f"http://127.0.0.1:{port}", data))
        self._children.append(child)
        give_up = time.monotonic() + START_WITHIN
        while not _answers(child.served):
            assert child.is_alive, self.told[-2000:]
            assert time.monotonic() < give_up, "the server did not start"
            time.sleep(0.005)
        return child

    def _fork(self, words: Sequence[str], environment: Mapping[str, str]) -> int:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"words": words, "environment": dict(environment)}) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())


def _answers(served: Served) -> bool:
    try:
        return served.client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def nursery(home: Path) -> Iterator[Nursery]:
    with Nursery(home) as made:
        yield made


# --- the parent, as a program


def _wait_for_wishes() -> None:
    import shouban.app  # noqa: PLC0415  # only the parent needs it
    from shouban.cli.main import main  # noqa: PLC0415  # likewise
    from shouban.detectors.reader import build_detectors  # noqa: PLC0415  # likewise
    from shouban.packs.stack import load_pack  # noqa: PLC0415  # likewise

    law, detectors = cache(load_pack), cache(build_detectors)
    law("cn")
    detectors(words_dir=None, encoder=True)

    def build(*, words_dir: Path | None = None, encoder: bool = True) -> Any:
        return detectors(words_dir=words_dir if words_dir is not None and words_dir.is_dir() else None, encoder=encoder)

    vars(shouban.app).update(load_pack=law, build_detectors=build)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # dead children are nobody's zombies
    for line in sys.stdin:
        wish = json.loads(line)
        pid = os.fork()
        if not pid:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(STANDARD_ERROR, STANDARD_OUT)
            os.environ.update(wish["environment"])
            main(wish["words"])
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _wait_for_wishes()

"""A full disk: what cannot be written is not acknowledged; when there is space again, service goes on by itself."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import Final

from tests.faults.books import verified
from tests.faults.nursery import Child, Nursery
from tests.faults.test_database import refused_clearly
from tests.gateway.serving import KEY, Served
from tests.upstreams.faulty import FaultyUpstream

MINE: Final = {"SHOUBAN_SERVICE_KEY": KEY}
LONG: Final = "走了很远的路，" * 300
MOST: Final = 400


def _said(served: Served, number: int) -> tuple[str, int, bytes]:
    """One long turn of somebody; what was said, and the answer."""
    words = f"{LONG}{number} bdfg"
    reply = served.chat(words, user=f"somebody-{number % 3}", stream=number % 2 == 0)
    return words, reply.status, reply.body


def _ended_with_an_error(body: bytes) -> bool:
    """A stream that had begun says so as its last event."""
    assert b"service_unavailable" in body
    return True


def _fill(ballast: Path) -> None:
    """Takes the disk's last byte."""
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError as error:
                assert error.errno == ENOSPC  # noqa: PT017  # that is what filling it means


def _limit(child: Child, data: Path, most: int | None) -> None:
    """No file of the server may grow by more than this from now on."""
    now = max(file.stat().st_size for file in data.iterdir())
    soft = resource.RLIM_INFINITY if most is None else now + most
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[bool]:
    """A disk of this size at `place`; whether there is one (mounting takes the right to)."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "shouban-test", str(place)], capture_output=True, check=False
    )
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", str(place)], check=True)


def test_on_a_full_disk_nothing_unwritten_is_acknowledged_and_service_comes_back_with_space(
    tmp_path: Path, children: Nursery, model: FaultyUpstream
) -> None:
    with small_disk(tmp_path / "disk", "6m") as is_small:
        data = tmp_path / "disk" / "data"
        child = children.serve(data, "--upstream", model.url, environment=MINE)
        if is_small:
            ballast = tmp_path / "disk" / "ballast"
            _until_full_and_back(child, data, lambda: _fill(ballast), ballast.unlink)
        else:
            _until_full_and_back(child, data, lambda: _limit(child, data, 400_000), lambda: _limit(child, data, None))


def test_where_files_may_not_grow_it_is_the_same(tmp_path: Path, children: Nursery, model: FaultyUpstream) -> None:
    """A quota on files is another fault to the database than a full disk: writing fails with another error."""
    child = children.serve(tmp_path, "--upstream", model.url, environment=MINE)
    _until_full_and_back(
        child, tmp_path, lambda: _limit(child, tmp_path, 300_000), lambda: _limit(child, tmp_path, None)
    )


def _until_full_and_back(child: Child, data: Path, fill: Callable[[], object], free: Callable[[], object]) -> None:
    served = child.served
    taken = [_said(served, number)[0] for number in range(3)]
    fill()
    refused = 0
    for number in range(3, MOST):
        words, status, body = _said(served, number)
        if status == 200 and b'"error"' not in body:
            taken.append(words)
            continue
        assert _ended_with_an_error(body) if status == 200 else refused_clearly(status, body.decode()), body[:300]
        refused += 1
        if refused == 6:
            break
    assert refused == 6, "the disk never was full"
    assert served.get("/healthz").status_code == 200
    free()
    words, status, body = _said(served, MOST)
    assert (status, b'"error"' in body) == (200, False)
    kept = {text for number in range(3) for role, text in served.messages(f"somebody-{number}") if role == "user"}
    assert {*taken, words} <= kept
    child.kill()
    assert not verified(data).problems()

"""`shouban demo`: one command, and a person can talk; no key, no network, no set-up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from tests.gateway.serving import ROOT, Reply, eventually
from tests.postgres import free_port

START_WITHIN: Final = 30.0


class Demo:
    """The demonstration as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.out, self.data = folder / "demo.out", folder / "data"
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        # A model of somebody's own, named in the environment, is not asked: the demonstration needs no network.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOUBAN_")}
        environment = {**kept, "PYTHONPATH": str(ROOT / "src"), "SHOUBAN_UPSTREAM": "http://127.0.0.1:9/v1"}
        command = [sys.executable, "-m", "shouban", "demo", "--port", str(port), "--data", str(self.data)]
        with self.out.open("wb") as sink:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=sink, stderr=subprocess.STDOUT)
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def answers(self) -> bool:
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return self.process.poll() is not None


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    started = Demo(tmp_path_factory.mktemp("demo"))
    try:
        assert eventually(started.answers, START_WITHIN)
        assert started.process.poll() is None, started.out.read_text()
        yield started
    finally:
        started.client.close()
        started.process.kill()
        started.process.wait()


def test_it_says_where_to_look_and_that_its_model_is_scripted(demo: Demo) -> None:
    told = demo.out.read_text()
    assert f"{demo.url}/" in told
    assert "scripted" in told
    assert "sk-shouban-" in told


def test_the_page_is_there_and_says_that_nobody_real_answers(demo: Demo) -> None:
    page = demo.client.get("/")
    assert page.status_code == 200
    assert 'id="scripted"' in page.text
    assert 'id="notice-bar"' in page.text


def test_a_person_can_talk_and_in_despair_is_helped(demo: Demo) -> None:
    assert demo.client.post("/app/api/start", json={}).status_code == 200
    answer = demo.client.post("/app/api/say", json={"text": "你好"})
    reply = Reply(answer.status_code, answer.headers, answer.content)
    assert (reply.status, reply.is_done, reply.error) == (200, True, None)
    assert reply.text
    answer = demo.client.post("/app/api/say", json={"text": "我不想活了"})
    assert "help" in Reply(answer.status_code, answer.headers, answer.content).kinds
    assert demo.client.get("/app/api/state").json()["scripted"] is True


def test_its_directory_is_its_owners_alone(demo: Demo) -> None:
    assert (demo.data / "shouban.db").is_file()
    assert demo.data.stat().st_mode & 0o077 == 0
    assert (demo.data / "keys" / "master.key").stat().st_mode & 0o077 == 0


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    started = Demo(tmp_path)
    try:
        assert eventually(started.answers, START_WITHIN)
        started.process.send_signal(signal.SIGTERM)
        started.process.wait(START_WITHIN)
        assert "Traceback" not in started.out.read_text()
    finally:
        started.client.close()
        started.process.kill()
        started.process.wait()

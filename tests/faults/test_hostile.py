"""Requests made to break us: huge, deep, endless, slow. They cost their sender, and nobody else waits long."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from tests.faults.books import shouban as command
from tests.faults.load import echoing
from tests.faults.nursery import Child, Nursery
from tests.gateway.serving import KEY, Served, fresh, serving, settings_for
from tests.upstreams.behaviours import endless
from tests.upstreams.faulty import FaultyUpstream, running

import shouban.app

MINE: Final = {"SHOUBAN_SERVICE_KEY": KEY, "SHOUBAN_MAX_STREAMS_PER_USER": "64"}
KIB: Final = 1024
MIB: Final = 1024 * KIB
# A hang would last until somebody's patience ends; how fast it is on a given day is the benches' matter.
SOON: Final = 10.0
HUNDRED: Final = 100 * 1000


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory, children: Nursery, model: FaultyUpstream) -> Iterator[Child]:
    made = children.serve(tmp_path_factory.mktemp("hostile"), "--upstream", model.url, environment=MINE)
    yield made
    made.kill()


@pytest.fixture(scope="module")
def served(child: Child) -> Served:
    return child.served


def seconds_of(served: Served, words: str = "走路 bdfg") -> float:
    """How long somebody else waits for a whole answer."""
    began = time.monotonic()
    assert served.chat(words).status == 200
    return time.monotonic() - began


def memory_of(child: Child) -> int:
    (line,) = [one for one in Path(f"/proc/{child.pid}/status").read_text().splitlines() if one.startswith("VmRSS:")]
    return int(line.split()[1]) * KIB


HUGE: Final = {
    "combining characters": "e" + "\u0301" * (HUNDRED // 2),
    "joiners": "👩‍❤️‍👨" * (HUNDRED // 20),
    "one word again and again": "我想死" * (HUNDRED // 9),
    "digits": "1" * HUNDRED,
    "split characters": "自 杀 " * (HUNDRED // 8),
    "latin letters": "a" * HUNDRED,
    "line ends": "\n" * HUNDRED,
    "brackets": "([{（【" * (HUNDRED // 9),
    "zero width": "自\u200b\u200d杀" * (HUNDRED // 12),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_message_of_a_hundred_kilobytes_is_answered_and_nobody_else_waits_long(served: Served, name: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        big = pool.submit(served.chat, f"{HUGE[name]} bdfg", user=fresh(), stream=True)
        assert seconds_of(served) < SOON
        reply = big.result()
    assert time.monotonic() - began < 2 * SOON
    assert reply.status == 200
    assert reply.is_done
    assert reply.error is None


def test_danger_at_the_end_of_a_hundred_kilobytes_is_still_seen(served: Served) -> None:
    reply = served.chat("e" + "\u0301" * (HUNDRED // 2) + "。我想自杀，今晚就跳楼", aware=True)
    assert "help" in reply.kinds


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/users", "/v1/check", "/v1/companions"])
def test_a_body_over_the_limit_is_refused_before_it_is_read(served: Served, path: str) -> None:
    user = fresh()
    fits = json.dumps(
        {"id": user, "user": user, "messages": [{"role": "user", "content": "走路 bdfg"}], "filler": ""}
    ).encode()
    over = fits.replace(b'"filler": ""', b'"filler": "' + b"x" * (2 * MIB + 4 * KIB) + b'"')
    answer = served.post(path, over)
    assert answer.status_code == 413, answer.text[:200]
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_body_just_under_the_limit_is_served(served: Served) -> None:
    reply = served.chat("走路 bdfg", filler="x" * (2_000_000 - 1000))
    assert reply.status == 200


DEEP: Final = 100_000
NESTED: Final = {
    "lists": b"[" * DEEP + b"]" * DEEP,
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "unclosed": b"[" * DEEP,
    "content": b'{"user":"u","messages":[{"role":"user","content":' + b"[" * 2000 + b'"x"' + b"]" * 2000 + b"}]}",
    "unknown field": b'{"user":"u","messages":[{"role":"user","content":"x"}],"id":"u","more":'
    + b"[" * 5000
    + b"]" * 5000
    + b"}",
    "tool calls": b'{"user":"u","messages":[{"role":"assistant","tool_calls":'
    + b'{"a":' * 500
    + b"1"
    + b"}" * 500
    + b"}]}",
}


@pytest.mark.parametrize("name", NESTED)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/users", "/v1/check"])
def test_deep_nesting_is_refused_as_the_callers_mistake(served: Served, name: str, path: str) -> None:
    answer = served.post(path, NESTED[name])
    assert answer.status_code in {400, 413}, answer.text[:300]
    assert answer.json()["error"]["message"]


STRANGE: Final = {
    "lone surrogate": b'{"user":"u-\\ud800","messages":[{"role":"user","content":"x \\udfff bdfg"}]}',
    "nul": b'{"user":"u\\u0000","messages":[{"role":"user","content":"x\\u0000y bdfg"}]}',
    "not utf-8": b'{"user":"u","messages":[{"role":"user","content":"\xff\xfe"}]}',
    "big number": b'{"user":"u","messages":[{"role":"user","content":"x bdfg"}],"n":1e999}',
    "long number": b'{"user":"u","messages":[{"role":"user","content":"x bdfg"}],"seed":' + b"9" * 10000 + b"}",
    "same key twice": b'{"user":"u","user":7,"messages":[{"role":"user","content":"x bdfg"}]}',
    "byte order mark": b'\xef\xbb\xbf{"user":"u","messages":[{"role":"user","content":"x bdfg"}]}',
    "utf-16": '{"user":"u","messages":[]}'.encode("utf-16"),
    "empty": b"",
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_bodies_are_served_or_refused_but_never_break_us(served: Served, name: str) -> None:
    answer = served.post("/v1/chat/completions", STRANGE[name])
    assert answer.status_code in {200, 400}, answer.text[:300]


def test_two_hundred_thousand_imported_words_are_read_and_stop_a_message(
    tmp_path: Path, children: Nursery, model: FaultyUpstream
) -> None:
    chance = random.Random(7)
    letters = [chr(code) for code in range(0x4E00, 0x9000)]
    words = sorted({"".join(chance.choices(letters, k=4)) for _ in range(200_500)})[:200_000]
    file = tmp_path / "words.txt"
    file.write_text("\n".join(words))
    data = tmp_path / "data"
    told = command("pack", "import-words", str(file), "--class", "gambling", "--data", str(data))
    assert told.returncode == 0, told.stdout + told.stderr
    child = children.serve(data, "--upstream", model.url, environment=MINE)
    for word in chance.sample(words, 5):
        reply = child.served.chat(f"我们去{word}吧", aware=True)
        assert reply.finish == "content_filter", word
        assert "我听到了" not in reply.text
    assert child.served.chat("今天走了很远的路 bdfg", aware=True).finish == "stop"
    print(f"with 200,000 words: {memory_of(child) // MIB} MiB")  # noqa: T201  # the figure, with -s
    assert seconds_of(child.served) < SOON
    child.kill()


def test_a_client_that_never_reads_its_stream_holds_little_and_holds_nobody_up(
    tmp_path: Path, children: Nursery
) -> None:
    with running(FaultyUpstream(echoing())) as upstream, ExitStack() as open_sockets:
        child = children.serve(tmp_path, "--upstream", upstream.url, environment=MINE)
        seconds_of(child.served)
        before = memory_of(child)
        upstream.behaviour = endless()
        for number in range(8):
            open_sockets.enter_context(asking(child.served, f"deaf-{number}"))
        assert upstream.wait_asked(9)
        time.sleep(2)
        grown = memory_of(child) - before
        assert grown < 48 * MIB, f"{grown // MIB} MiB more"
        upstream.behaviour = echoing()
        assert seconds_of(child.served) < SOON
        open_sockets.close()
        assert upstream.wait_closed(8), "the model goes on speaking to nobody"
        child.kill()


def asking(served: Served, user: str) -> socket.socket:
    """A socket on which an answer has been asked for; nobody reads it."""
    body = json.dumps(
        {"model": "m", "user": user, "stream": True, "messages": [{"role": "user", "content": "走路 bdfg"}]}
    ).encode()
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
    taken.connect(("127.0.0.1", int(served.url.rpartition(":")[2])))
    taken.sendall(head(len(body)) + body)
    return taken


def head(length: int, path: str = "/v1/chat/completions") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode()


def test_a_hundred_bodies_that_never_end_hold_nobody_up(child: Child) -> None:
    before = memory_of(child)
    with ExitStack() as open_sockets:
        for number in range(100):
            slow = open_sockets.enter_context(
                socket.create_connection(("127.0.0.1", int(child.served.url.rpartition(":")[2])))
            )
            slow.sendall(head(1_000_000)[: None if number % 2 else 60] + b'{"messages":' * (number % 2))
        assert seconds_of(child.served) < SOON
        assert memory_of(child) - before < 24 * MIB
    assert seconds_of(child.served) < SOON


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/check"])
def test_a_body_that_does_not_come_in_time_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(shouban.app, "BODY_WITHIN", 0.2)
    with (
        serving(settings_for(tmp_path)) as here,
        socket.create_connection(("127.0.0.1", int(here.url.rpartition(":")[2]))) as slow,
    ):
        slow.settimeout(SOON)
        slow.sendall(head(1_000_000, path) + b'{"messages":')
        assert slow.recv(64).startswith(b"HTTP/1.1 4")
        assert seconds_of(here, "你好") < SOON

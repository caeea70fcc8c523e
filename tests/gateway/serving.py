"""A real gateway for tests, spoken to over real HTTP on a free loopback port.

- `serving(settings)`: in this process, in a thread of its own with its own loop (a start costs little: law and
  detectors are read once a test run).
- `serving_process(data, …)`: `shouban serve` itself, as a process of its own.
- `world`: one gateway with a clock of the test's own and several services (`SERVICES`), for a whole test run.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import uvicorn
from sqlalchemy import Engine, func, select
from tests.upstreams.behaviours import WORDS, Behaviour
from tests.upstreams.faulty import FaultyUpstream, running

import shouban.app
from shouban.app import App, build_app, open_store, service_keys
from shouban.cli.serve import set_up_log
from shouban.db.schema import LEDGER, METADATA
from shouban.detectors.reader import Detectors, build_detectors
from shouban.evidence.chain import root_at
from shouban.evidence.note import open_checkpoint
from shouban.evidence.tiles import TILE_WIDTH, check_bundle, decode_bundle, entries_path, hash_reader, tile_path
from shouban.packs.pack import LoadedPack
from shouban.packs.stack import load_pack
from shouban.settings import ServiceSettings, Settings

# Noon in China on a day on which every pack shipped is in force.
NOON: Final = datetime.fromisoformat("2026-08-03T12:00:00+08:00")
KEY: Final = "sk-test"
CHAT: Final = "/v1/chat/completions"
# What the model of `world` says where nobody tells it otherwise.
WHOLE: Final = "".join(WORDS)
BOTH_WAYS: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
START_WITHIN: Final = 30.0
ROOT: Final = Path(__file__).resolve().parents[2]
# Words that only a provider's own list knows; they stand in `DATA/words`.
LISTED: Final = "红桃黑杰克"
# Danger with a plan: level 4.
PLAN: Final = "我写好遗书了，今晚就去死"

_numbers = count(1)


def noon(**later: float) -> str:
    """`X-Shouban-At` so much after noon: `noon(hours=2)`."""
    return (NOON + timedelta(**later)).isoformat()


def fresh(name: str = "user") -> str:
    """An id that nobody has had."""
    return f"{name}-{next(_numbers)}"


@dataclass(frozen=True)
class Reply:
    """An answer of the chat endpoint, streamed or not, as a client would put it together."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def is_stream(self) -> bool:
        return str(self.headers.get("content-type", "")).startswith("text/event-stream")

    @property
    def events(self) -> list[str]:
        frames = self.body.decode().split("\n\n")
        return ["\n".join(line[6:] for line in one.split("\n") if line.startswith("data: ")) for one in frames if one]

    @property
    def is_done(self) -> bool:
        """Whether a stream ended as a stream must."""
        return self.events[-1:] == ["[DONE]"]

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def chunks(self) -> list[dict[str, Any]]:
        if not self.is_stream:
            return [self.document]
        return [json.loads(one) for one in self.events if one != "[DONE]"]

    @property
    def error(self) -> dict[str, Any] | None:
        return next((one["error"] for one in self.chunks if "error" in one), None)

    def text_of(self, index: int = 0) -> str:
        place = "delta" if self.is_stream else "message"
        choices = [choice for chunk in self.chunks for choice in chunk.get("choices", []) if choice["index"] == index]
        return "".join(choice[place].get("content") or "" for choice in choices)

    @property
    def text(self) -> str:
        return self.text_of()

    @property
    def finish(self) -> str | None:
        reasons = [choice.get("finish_reason") for chunk in self.chunks for choice in chunk.get("choices", [])]
        return next((one for one in reversed(reasons) if one), None)

    @property
    def shouban(self) -> list[dict[str, Any]]:
        """What an aware client was told beside the words."""
        return [chunk["shouban"] for chunk in self.chunks if "shouban" in chunk]

    @property
    def notices(self) -> list[dict[str, Any]]:
        return [notice for one in self.shouban for notice in one["notices"]]

    @property
    def kinds(self) -> list[str]:
        return [one["kind"] for one in self.notices]


def said(*turns: str | Mapping[str, Any]) -> list[dict[str, Any]]:
    """Messages; a text is a turn of the person."""
    return [{"role": "user", "content": one} if isinstance(one, str) else dict(one) for one in turns]


@dataclass
class Served:
    """A gateway that serves, and a client of it. `app` is there when it runs in this process."""

    url: str
    data: Path
    app: App | None = None
    process: subprocess.Popen[bytes] | None = None
    told: str = ""
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    @property
    def engine(self) -> Engine:
        assert self.app is not None
        return self.app.store.engine

    def ask(
        self, method: str, path: str, body: Any = None, *, key: str = KEY, at: str = "", **headers: str
    ) -> httpx.Response:
        """One request; a `dict` goes as JSON, bytes as they are. Header `x_shouban_session` is `X-Shouban-Session`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"x-shouban-at": at} if at else {}
        named |= {"authorization": f"Bearer {key}"} if key else {}
        content = body if isinstance(body, bytes | None) else json.dumps(body, ensure_ascii=False).encode()
        named |= {"content-type": "application/json"} if content is not None else {}
        return self.client.request(method, path, content=content, headers=named)

    def get(self, path: str, *, key: str = KEY, at: str = "", **headers: str) -> httpx.Response:
        return self.ask("GET", path, key=key, at=at, **headers)

    def post(self, path: str, body: Any, *, key: str = KEY, at: str = "", **headers: str) -> httpx.Response:
        return self.ask("POST", path, body, key=key, at=at, **headers)

    def register(
        self, user: str, age_band: str = "adult", *, key: str = KEY, at: str = "", **more: Any
    ) -> dict[str, Any]:
        given = {"id": user, "age_band": age_band, "contacts": [guardian()], "agreement": "2026-07", **more}
        answer = self.post("/v1/users", given, key=key, at=at or noon())
        assert answer.status_code == 201, answer.text
        found = answer.json()
        assert isinstance(found, dict)
        return found

    def chat(
        self, *turns: str | Mapping[str, Any], user: str | None = "", stream: bool = False, at: str = "", key: str = KEY,
        session: str = "", companion: str = "", aware: bool = False, **more: Any,
    ) -> Reply:  # fmt: skip
        """Asks for a reply; `user=""` is somebody new, `None` leaves the field out."""
        body = {"model": "m", "messages": said(*turns), "stream": stream, **more}
        if user is not None:
            body["user"] = user or fresh()
        headers = {
            "x_shouban_session": session,
            "x_shouban_companion": companion,
            "x_shouban_client": "aware" if aware else "",
        }
        got = self.post(
            "/v1/chat/completions",
            body,
            key=key,
            at=at or noon(),
            **{name: value for name, value in headers.items() if value},
        )
        return Reply(got.status_code, got.headers, got.content)

    @contextmanager
    def listening(self, user: str, *, last_id: str = "", key: str = KEY) -> Iterator[Listener]:
        """An open `GET /v1/events`; ready when it is given."""
        headers = {"authorization": f"Bearer {key}", **({"last-event-id": last_id} if last_id else {})}
        with self.client.stream("GET", "/v1/events", params={"user": user}, headers=headers) as answer:
            listener = Listener(answer)
            listener.wait_open()
            yield listener

    def ledger(self, user: str, *, service: str = "default", kinds: Sequence[str] = ()) -> list[Any]:
        """The person's rows of the ledger, oldest first."""
        query = (
            select(LEDGER)
            .where(LEDGER.c.person_id == self.person_id(user, service))
            .order_by(LEDGER.c.owed_us, LEDGER.c.duty_id)
        )
        with self.engine.connect() as connection:
            return [row for row in connection.execute(query) if not kinds or row.kind in kinds]

    def person_id(self, user: str, service: str = "default") -> str:
        """The pseudonym under which tables and log know the person."""
        assert self.app is not None
        persons = METADATA.tables["persons"]
        lookup = self.app.store.master.lookup(service, user)
        with self.engine.connect() as connection:
            found = connection.execute(
                select(persons.c.person_id).where(persons.c.service_id == service, persons.c.lookup == lookup)
            ).scalar_one()
        return str(found)

    def rows(self, table: str, person: str) -> int:
        found = METADATA.tables[table]
        with self.engine.connect() as connection:
            return int(connection.execute(select(func.count()).where(found.c.person_id == person)).scalar_one())

    def messages(self, user: str, *, key: str = KEY) -> list[tuple[str, str]]:
        """Role and text of all that is kept of the person."""
        copy = self.get(f"/v1/users/{user}/data", key=key).json()
        return [(one["role"], one["text"]) for one in copy["messages"]]

    def log_size(self) -> int:
        """Verifies the public log from outside, by its hashes alone, as anybody could; gives its size."""
        checkpoint = open_checkpoint(
            self.get("/log/checkpoint", key="").text, [self.get("/log/key", key="").text.strip()]
        )
        assert root_at(checkpoint.size, hash_reader(checkpoint.size, self._tile)) == checkpoint.root
        return checkpoint.size

    def entries(self, *, key: str = KEY) -> list[bytes]:
        """The newest entries of the log, checked against their hashes."""
        n, last = divmod(self.log_size() - 1, TILE_WIDTH)
        answer = self.get(f"/log/{entries_path(n, last + 1)}", key=key)
        assert answer.status_code == 200, answer.text
        check_bundle(found := decode_bundle(answer.content, last + 1), self._tile(0, n, last + 1), n=n)
        return list(found)

    def _tile(self, level: int, n: int, width: int) -> bytes:
        return self.get(f"/log/{tile_path(level, n, width)}", key="").content


class Listener:
    """The events of one stream, one after the other."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._parts = answer.iter_bytes()
        self._rest = b""

    def wait_open(self) -> None:
        if self.answer.status_code == 200:
            assert b"connected" in self._frame()

    def next(self) -> dict[str, Any]:
        """The next event: its `data`, with `event` and `last_id` of the frame."""
        while True:
            fields = [line.partition(": ")[::2] for line in self._frame().decode().split("\n")]
            found = dict(fields)
            if "data" in found:
                return {**json.loads(found["data"]), "event": found["event"], "last_id": found.get("id", "")}

    def until(self, kind: str) -> list[dict[str, Any]]:
        """The events up to the first of this name."""
        got = [self.next()]
        while got[-1]["event"] != kind:
            got.append(self.next())
        return got

    def _frame(self) -> bytes:
        while b"\n\n" not in self._rest:
            self._rest += next(self._parts)
        frame, self._rest = self._rest.split(b"\n\n", 1)
        return frame


def refusal(call: Callable[[], object], kind: type[Exception]) -> Any:
    """The error of this kind with which `call` refuses; nothing where it does not refuse."""
    try:
        call()
    except kind as error:
        return error
    return None


def eventually(holds: Callable[[], Any], seconds: float = 5.0) -> bool:
    """Whether it comes to hold within some seconds."""
    give_up = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < give_up:
        time.sleep(0.01)
    return bool(found)


def guardian(**more: Any) -> dict[str, Any]:
    return {"kind": "guardian", "name": "王芳", "relation": "mother", "channels": ["mailto:w@example.org"], **more}


# --- in this process


@cache
def cached_law(name: str) -> LoadedPack:
    return load_pack(name)


@cache
def _detectors() -> Detectors:
    return build_detectors()


def cached_detectors(*, words_dir: Path | None = None, encoder: bool = True) -> Detectors:
    has_words = words_dir is not None and words_dir.is_dir()
    return _detectors() if encoder and not has_words else build_detectors(words_dir=words_dir, encoder=encoder)


@contextmanager
def answering(upstream: FaultyUpstream, behaviour: Behaviour) -> Iterator[None]:
    """The model answers so until the block ends; no word of the person's own is needed for it."""
    before, upstream.behaviour = upstream.behaviour, behaviour
    try:
        yield
    finally:
        upstream.behaviour = before


@contextmanager
def serving(settings: Settings) -> Iterator[Served]:
    """Serves these settings until the block ends; the same directory may then be opened again."""
    set_up_log("error")
    with pytest.MonkeyPatch.context() as patch:
        # What never changes while tests run is read once: the packs, and the detectors without a provider's own words.
        patch.setattr(shouban.app, "load_pack", cached_law)
        patch.setattr(shouban.app, "build_detectors", cached_detectors)
        store = open_store(settings, {})
        keys, _ = service_keys(settings, store.data)
        app = build_app(settings, store, keys)
    config = uvicorn.Config(
        app.asgi,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        served = Served(f"http://127.0.0.1:{listener.getsockname()[1]}", Path(settings.data), app)
        _wait_until(lambda: server.started or not thread.is_alive())
        try:
            yield served
        finally:
            served.client.close()
            server.should_exit = True
            thread.join(START_WITHIN)


def settings_for(data: Path, upstream: str = "scripted", **more: Any) -> Settings:
    """One service with the key `KEY`, time as the test says."""
    given: dict[str, Any] = {"clock": "virtual", "service_key": KEY, "human_wait": 0.3, **more}
    return Settings(data=str(data), upstream=upstream, **given)


def service(name: str, upstream: str, **more: Any) -> ServiceSettings:
    """A service whose key is `sk-<name>`."""
    return ServiceSettings(id=name, upstream=upstream, **{"key": f"sk-{name}", **more})


def _wait_until(holds: Callable[[], Any]) -> None:
    give_up = time.monotonic() + START_WITHIN
    while not holds():
        assert time.monotonic() < give_up, "the gateway did not start"
        time.sleep(0.005)


# --- as a process


@contextmanager
def serving_process(data: Path, *flags: str, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """`shouban serve` on a free port; what it prints is in `DATA.out` beside the directory. Ended hard when the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "shouban", "serve", "--port", str(port), "--data", str(data), *flags]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOUBAN_")}
    out = data.with_suffix(".out")
    with out.open("wb") as sink:
        process = subprocess.Popen(command, cwd=data.parent, env={**kept, "PYTHONPATH": str(ROOT / "src"), **(environment or {})}, stdout=sink, stderr=subprocess.STDOUT)  # fmt: skip
    served = Served(f"http://127.0.0.1:{port}", data, process=process)
    try:
        _wait_until(lambda: _answers(served) or process.poll() is not None)
        served.told = out.read_text()
        assert process.poll() is None, served.told
        yield served
    finally:
        served.client.close()
        process.kill()
        process.wait()


def _answers(served: Served) -> bool:
    try:
        return served.client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


# --- fixtures


@pytest.fixture(scope="session")
def upstream() -> Iterator[FaultyUpstream]:
    """The model behind `world`: the last words of a message say how it fails (`fault:…`)."""
    with running(FaultyUpstream()) as started:
        yield started


@pytest.fixture(scope="session")
def other_upstream() -> Iterator[FaultyUpstream]:
    with running(FaultyUpstream()) as started:
        yield started


@pytest.fixture(scope="session")
def world(
    tmp_path_factory: pytest.TempPathFactory, upstream: FaultyUpstream, other_upstream: FaultyUpstream
) -> Iterator[Served]:
    """One gateway, time as each request says; services `default` (key `KEY`) and `SERVICES`."""
    data = tmp_path_factory.mktemp("world")
    (data / "words").mkdir()
    (data / "words" / "gambling.txt").write_text(f"{LISTED}\nfrabjousjackpot\n")
    url, other = upstream.url, other_upstream.url
    services = [
        service("default", url, key=KEY),
        service("strict", url, unregistered="strict"),
        service("refuse", url, unregistered="refuse"),
        service("anonymous", url, anonymous=True),
        service("aware", url, delivery="aware"),
        service("other", other, pack="cn-2025-draft", upstream_key="sk-upstream"),
        service("scripted", "scripted"),
    ]
    settings = settings_for(data, services=services, max_body=200_000, max_turns=50, max_streams_per_user=3)
    with serving(settings) as served:
        yield served

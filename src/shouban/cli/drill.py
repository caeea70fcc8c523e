"""A crisis played from end to end: a service of its own, a real port, a desk, a guardian's phone; every step timed from outside, over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import socket
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import uvicorn
from sqlalchemy import select

from shouban.app import App, build_app, open_store, service_keys, signer_of
from shouban.cli.serve import set_up_log
from shouban.core.errors import CallerError, OperatorError
from shouban.core.rules import Settings as Rules
from shouban.db.schema import PERSONS
from shouban.evidence.verify import verify_store
from shouban.gateway.clock import RealClock
from shouban.settings import Settings
from shouban.web.sessions import Private, SignIns

WISH: Final = "活着真没意思，有时候不想醒来"
PLAN: Final = "我写好遗书了，今晚就去死"
SMALL_TALK: Final = "我今天的数学作业还没写完"
THANKS: Final = "好一点了，谢谢你"
DOUBT: Final = "你真的是人吗"
STAFF_WORDS: Final = "我在这里，你不用一个人扛。"
PASSWORD: Final = secrets.token_urlsafe(16)
SERVICE: Final = "default"
WAIT_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 0.05
WORDS_OF_THE_MODEL: Final = 120
# So many are out before the takeover: it comes in the middle of a reply, on a slow machine too.
WORDS_BEFORE: Final = 3
# The issue's own numbers: template, desk, first contact.
GOALS: Final = {"template": 50.0, "desk": 1_000.0, "contact": 5_000.0, "takeover": 1_000.0, "words": 1_000.0}
_STAMP: Final = re.compile(r"\[([0-9.]+)\]")


@dataclass(frozen=True)
class Step:
    """One step: how long it took, by when it must be done, whether it went well. `zh` and `en` are its names for people."""

    name: str
    zh: str
    en: str
    good: bool
    ms: float | None = None
    goal_ms: float | None = None
    said: str = ""


class StampedUpstream:
    """A model that says when it spoke each word, so that a word spoken too late is known for one."""

    @asynccontextmanager
    async def ask(self, body: bytes) -> AsyncGenerator[StampedReply, None]:
        yield StampedReply()

    async def models(self) -> bytes:
        return b'{"object":"list","data":[]}'

    async def close(self) -> None:
        """Holds nothing."""


class StampedReply:
    async def whole(self) -> bytes:
        choice = {"index": 0, "message": {"role": "assistant", "content": "好。"}, "finish_reason": "stop"}
        return msgspec.json.encode(
            {"id": "drill", "object": "chat.completion", "created": 0, "model": "drill", "choices": [choice]}
        )

    async def events(self) -> AsyncIterator[list[bytes]]:
        for _ in range(WORDS_OF_THE_MODEL):
            choice = {"index": 0, "delta": {"content": f"[{time.perf_counter():.4f}] "}, "finish_reason": None}
            chunk = {
                "id": "drill",
                "object": "chat.completion.chunk",
                "created": 0,
                "model": "drill",
                "choices": [choice],
            }
            yield [msgspec.json.encode(chunk)]
            await asyncio.sleep(PAUSE_SECONDS)


class LaterClock(RealClock):
    """The real time, and so much more: a drill begins at noon, for at night a minor's talk rests, and nobody waits ten minutes for it."""

    def __init__(self, noon_of: Rules) -> None:
        super().__init__()
        here = noon_of.local(super().now())
        noon = here.replace(hour=12, minute=0, second=0, microsecond=0)
        self.ahead = noon - here + timedelta(days=1 if noon < here else 0)

    def now(self) -> datetime:
        return super().now() + self.ahead


@dataclass
class Phone:
    """A guardian's phone: when it was told what."""

    told: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    url: str = ""


@dataclass
class Play:
    url: str
    key: str
    app: App
    clock: LaterClock
    phone: Phone
    steps: list[Step] = field(default_factory=list)

    def note(self, name: str, zh: str, en: str, *, good: bool, ms: float | None = None, said: str = "") -> None:
        goal = GOALS.get(name)
        self.steps.append(Step(name, zh, en, good and (ms is None or goal is None or ms <= goal), ms, goal, said))

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=WAIT_SECONDS * 3, trust_env=False)


def play(data: Path, pack: str) -> list[Step]:
    """Plays the whole crisis in `data`, which must be new. Gives the steps, the last of them the log's own word on all of it."""
    if data.exists() and any(data.iterdir()):
        raise CallerError(f"`{data}` is not empty; a drill needs a new directory", field="data")
    with _phone() as phone, _serving(data, pack, phone) as drill:
        person = _register(drill)
        _despair(drill, person)
        _takeover(drill, person)
        _back(drill, person)
        store = drill.app.store
        with store.engine.connect() as connection:
            report = verify_store(connection, store.master, lambda origin: signer_of(store.master, origin).verifier_key)
        problems = "; ".join(str(one) for one in report.problems()[:3])
        drill.note(
            "log",
            "日志核验（条）",
            "The log, verified (entries)",
            good=report.is_clean,
            said=problems or str(report.size),
        )
        return drill.steps


# --- the steps


@dataclass(frozen=True)
class Person:
    user: str
    id: str
    desk: httpx.Client


def _register(drill: Play) -> Person:
    user = f"drill-{secrets.token_hex(4)}"
    with drill.client() as client:
        contact = {"kind": "guardian", "name": "演练监护人", "relation": "母亲", "channels": [drill.phone.url]}
        given = {"id": user, "age_band": "16_17", "contacts": [contact], "agreement": "drill"}
        _must(client.post("/v1/users", json=given, headers=_key(drill)), 201)
        consent = {"purpose": "companionship", "by": "guardian"}
        _must(client.post(f"/v1/users/{user}/consents", json=consent, headers=_key(drill)), 200, 201)
    desk = drill.client()
    desk.headers["origin"] = drill.url
    _must(desk.post("/sign-in", data={"name": "演练值守", "password": PASSWORD}), 303)
    return Person(user, _pseudonym(drill, user), desk)


def _despair(drill: Play, person: Person) -> None:
    """The words, and what they set going: template, case, phone."""
    seen: list[float] = []
    with _desk_open(person, seen):
        with drill.client() as client:
            sent = time.perf_counter()
            first, text = _stream(client, drill, person, WISH)
            drill.note(
                "template", "预设回复的第一个字节", "First byte of the template", good="12356" in text, ms=(first - sent) * 1e3, said="12356" if "12356" in text else text[:60]
            )  # fmt: skip
        _wait(lambda: bool(seen))
        drill.note(
            "desk",
            "个案出现在关怀台",
            "The case on an open desk",
            good=bool(seen),
            ms=(seen[0] - sent) * 1e3 if seen else None,
        )
    _wait(lambda: bool(drill.phone.told))
    told = drill.phone.told[0] if drill.phone.told else None
    discreet = told is not None and "不想醒来" not in json.dumps(told[1], ensure_ascii=False)
    drill.note(
        "contact", "监护人的手机收到通知", "The guardian's phone is told", good=discreet, ms=(told[0] - sent) * 1e3 if told else None,
        said="" if discreet else "not told, or told too much",
    )  # fmt: skip


def _takeover(drill: Play, person: Person) -> None:
    """A claim, a takeover in the middle of a reply, and words both ways."""
    address = f"/care/cases/{person.id}"
    began = time.perf_counter()
    claimed = person.desk.post(f"{address}/claim", data={"go": "1"})
    drill.note(
        "claim", "接手个案", "The claim", good=claimed.status_code == 303, ms=(time.perf_counter() - began) * 1e3
    )
    heard: list[str] = []
    events: list[tuple[float, str, str]] = []
    with _listening(drill, person, events), drill.client() as client:
        talk = threading.Thread(target=_stream, args=(client, drill, person, SMALL_TALK, heard), daemon=True)
        talk.start()
        _wait(lambda: len(_STAMP.findall("".join(heard))) >= WORDS_BEFORE)
        began = time.perf_counter()
        taken = person.desk.post(f"{address}/take", data={"go": "1"})
        over = time.perf_counter()
        talk.join(WAIT_SECONDS)
        spoken = [float(one) for one in _STAMP.findall("".join(heard))]
        late = [one for one in spoken if one > over]
        drill.note(
            "takeover", "回复中途接管（接管前 / 后的机器词数）", "A takeover in mid-reply (model words before / after)", good=taken.status_code == 303 and bool(spoken) and not late,
            ms=(over - began) * 1e3, said=f"{len(spoken)} / {len(late)}",
        )  # fmt: skip
        began = time.perf_counter()
        person.desk.post(f"{address}/say", data={"text": STAFF_WORDS, "key": "drill"})
        _wait(lambda: any(STAFF_WORDS in text for _, _, text in events))
        at = next((when for when, _, text in events if STAFF_WORDS in text), None)
        drill.note(
            "words",
            "工作人员的话送达（推送）",
            "Words of the staff, pushed",
            good=at is not None,
            ms=(at - began) * 1e3 if at else None,
        )
        _, reply = _stream(client, drill, person, PLAN)
        drill.note("reply", "工作人员的话送达（回复里）", "The same in a plain reply", good=STAFF_WORDS in reply)
        for name, zh, en, words, never in (
            ("thanks", "说“好一点了”不会结束对话", "Thanks end no talk", THANKS, "再见"),
            ("human", "问“是真人吗”，机器不替人否认", "No machine denies the human", DOUBT, "我是人工智能"),
        ):
            person.desk.post(f"{address}/say", data={"text": STAFF_WORDS, "key": name})
            _, reply = _stream(client, drill, person, words)
            drill.note(
                name,
                zh,
                en,
                good=STAFF_WORDS in reply and never not in reply,
                said="" if STAFF_WORDS in reply else reply[:40],
            )


def _back(drill: Play, person: Person) -> None:
    address = f"/care/cases/{person.id}"
    wish = {"safe": "yes", "why": "演练：问过了，现在没有危险"}
    early = person.desk.post(f"{address}/back", data=wish)
    drill.note(
        "too_soon", "十分钟内不能交还", "A hand-back before ten minutes is refused", good=early.status_code >= 400
    )
    drill.clock.ahead += timedelta(minutes=11)
    person.desk.post(f"{address}/claim", data={"go": "1"})
    back = person.desk.post(f"{address}/back", data=wish)
    drill.note("back", "交还", "The hand-back", good=back.status_code == 303)
    page = person.desk.get(address).text
    owed = page.count(f'action="{address}/followed"')
    drill.note(
        "follow_up",
        "24 和 72 小时回访已安排",
        "Follow-ups after 24 and 72 hours are owed",
        good=owed == 2,
        said=str(owed),
    )


# --- the stage


@contextmanager
def _serving(data: Path, pack: str, phone: Phone) -> Iterator[Play]:
    set_up_log("error")
    key = f"sk-{secrets.token_urlsafe(24)}"
    settings = Settings(
        data=str(data), pack=pack, upstream="scripted", service_key=key, human_wait=5, companion_app=False
    )
    store = open_store(settings, {})
    keys, _ = service_keys(settings, store.data)
    app = build_app(settings, store, keys)
    clock = LaterClock(app.gateway.by_id(SERVICE).pack.pack.settings)
    app.gateway.clock = clock
    for digest, service in list(app.gateway.services.items()):
        app.gateway.services[digest] = replace(service, upstream=StampedUpstream())
    server = uvicorn.Server(
        uvicorn.Config(
            app.asgi,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_level="error",
            timeout_graceful_shutdown=1,
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        _wait(lambda: server.started or not thread.is_alive())
        if not server.started:
            raise OperatorError("the drill's own service did not start; run it again with `--data` to keep its store")
        drill = Play(f"http://127.0.0.1:{door.getsockname()[1]}", key, app, clock, phone)
        _staff(drill)
        try:
            yield drill
        finally:
            server.should_exit = True
            thread.join(WAIT_SECONDS)


def _staff(drill: Play) -> None:
    store = drill.app.store
    sign_ins = SignIns(store.engine, store.writer, store.master, second_factor=False)
    added = sign_ins.add(SERVICE, Private("演练值守"), ["care"], at=drill.clock.now(), by="drill", password=PASSWORD)
    asyncio.run(added)


def _pseudonym(drill: Play, user: str) -> str:
    """Under which the desk knows the person."""
    store = drill.app.store
    mine = (PERSONS.c.service_id == SERVICE) & (PERSONS.c.lookup == store.master.lookup(SERVICE, user))
    with store.engine.connect() as connection:
        return str(connection.execute(select(PERSONS.c.person_id).where(mine)).scalar_one())


@contextmanager
def _phone() -> Iterator[Phone]:
    phone = Phone()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            at = time.perf_counter()
            phone.told.append((at, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    phone.url = f"http://127.0.0.1:{server.server_port}/phone"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield phone
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _desk_open(person: Person, seen: list[float]) -> Iterator[None]:
    """A desk that is open; when the person's case is on it."""
    mark, is_open = f"/care/cases/{person.id}/claim", threading.Event()

    def look(lines: Iterator[str]) -> bool:
        for line in lines:
            is_open.set()
            if mark in line:
                seen.append(time.perf_counter())
                return True
        return False

    with _reading(person.desk, "/care/events", {}, look):
        is_open.wait(WAIT_SECONDS)
        yield


@contextmanager
def _listening(drill: Play, person: Person, events: list[tuple[float, str, str]]) -> Iterator[None]:
    is_open = threading.Event()

    def look(lines: Iterator[str]) -> bool:
        name = ""
        for line in lines:
            is_open.set()
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                events.append((time.perf_counter(), name, json.dumps(json.loads(line[5:]), ensure_ascii=False)))
        return True

    with drill.client() as client, _reading(client, f"/v1/events?user={person.user}", _key(drill), look):
        is_open.wait(WAIT_SECONDS)
        yield


@contextmanager
def _reading(
    client: httpx.Client, path: str, headers: dict[str, str], look: Callable[[Iterator[str]], bool]
) -> Iterator[None]:
    """Reads an event stream beside what is done meanwhile; ends with the block."""
    with client.stream("GET", path, headers=headers) as answer:

        def read() -> None:
            try:
                look(answer.iter_lines())
            except (httpx.HTTPError, OSError, ValueError):
                return  # the block has ended, and the stream with it

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        yield


def _stream(
    client: httpx.Client, drill: Play, person: Person, text: str, words: list[str] | None = None
) -> tuple[float, str]:
    """One turn, streamed: when its first byte came, and its words, which `words` takes in as they come."""
    words = [] if words is None else words
    body = {"model": "drill", "messages": [{"role": "user", "content": text}], "user": person.user, "stream": True}
    first = 0.0
    with client.stream(
        "POST", "/v1/chat/completions", json=body, headers={**_key(drill), "x-shouban-session": "drill"}
    ) as answer:
        for line in answer.iter_lines():
            if not first and line:
                first = time.perf_counter()
            if line.startswith("data: {"):
                choices = json.loads(line[6:]).get("choices") or [{}]
                words.append(choices[0].get("delta", {}).get("content") or "")
    return first, "".join(words)


def _key(drill: Play) -> dict[str, str]:
    return {"authorization": f"Bearer {drill.key}"}


def _must(answer: httpx.Response, *good: int) -> None:
    if answer.status_code not in good:
        raise OperatorError(f"the drill's own request was refused ({answer.status_code}): {answer.text[:200]}")


def _wait(holds: Callable[[], bool]) -> None:
    give_up = time.perf_counter() + WAIT_SECONDS
    while not holds() and time.perf_counter() < give_up:
        time.sleep(0.005)

"""`POST /v1/chat/completions`: the road of one message, streaming or not. Raw ASGI: this is the hot path.

Order that must hold: read and decide → what is owed is on disk → ask the model, and whoever gives a second opinion → the
opinion is heard → read each piece → release it → the turn is on disk → the last byte. No model word goes out while a
human speaks or was called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

import msgspec
import structlog

from shouban.core import events as e
from shouban.core.errors import CallerError, ShoubanError, UpstreamError
from shouban.core.signals import Reading
from shouban.duties.notices import Notice, framed, is_chinese, is_for_danger
from shouban.gateway.context import Gateway, Service
from shouban.gateway.doubts import hear_out, once_settled, settle
from shouban.gateway.egress import MODEL, ask_to_leave
from shouban.gateway.halting import Halting, may_follow
from shouban.gateway.hearing import Words, new_id
from shouban.gateway.masking import masked_body
from shouban.gateway.people import Person
from shouban.gateway.reply import ReplyReader
from shouban.gateway.staff import Said
from shouban.gateway.talk import (
    Talk,
    companion_of,
    hear_announcements,
    hear_request,
    latest_turns,
    needs_help,
    person_for,
)
from shouban.gateway.upstream import Reply
from shouban.gateway.wire import DONE, Ask, Frame, error_body, parse_ask, shouban_object, sse

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Scope = MutableMapping[str, Any]

JSON: Final = [(b"content-type", b"application/json")]
SSE: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
HUMAN: Final = "human"

_log = structlog.get_logger("shouban.gateway")


@dataclass
class Request:
    """The parts of a chat request that this module acts on."""

    service: Service
    ask: Ask
    body: bytes
    talk: Talk
    is_aware: bool
    reader: ReplyReader
    judged: dict[str, float] = field(default_factory=dict)
    is_recorded: bool = False

    def shouban(
        self, notices: tuple[Notice, ...] | None = None, *, staff: Sequence[Said] = ()
    ) -> dict[str, Any] | None:
        if not self.is_aware:
            return None
        given = self.talk.answer.aware if notices is None else notices
        found = shouban_object(given, self.talk.turn, self.talk.state_object())
        # The same words are pushed as `staff_message`: by their id a client shows them once.
        return {**found, "staff_messages": [one._asdict() for one in staff]} if staff else found


class Chat:
    """The ASGI application of this one path."""

    def __init__(self, gateway: Gateway, before: Callable[[], Awaitable[None]]) -> None:
        self._gateway = gateway
        self._before = before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        out = Out(send)
        try:
            await self._answer(scope, receive, out)
        except ShoubanError as error:
            await out.refuse(error)
        except Exception:  # noqa: BLE001  # whatever broke, the person gets no model word and the app an error in a form it knows
            _log.exception("chat_failed")
            await out.refuse(ShoubanError("the gateway failed on this request; nothing of it was passed on"))

    async def _answer(self, scope: Scope, receive: Receive, out: Out) -> None:
        gateway = self._gateway
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        service = gateway.service_of(headers.get("authorization", ""))
        body = await read_body(receive, gateway.settings.max_body)
        began = perf_counter()
        at = gateway.time(headers.get("x-shouban-at"))
        await self._before()
        ask = parse_ask(body, max_turns=gateway.settings.max_turns)
        raw_session = checked_id(headers.get("x-shouban-session", ""), "X-Shouban-Session")
        companion = checked_id(headers.get("x-shouban-companion", ""), "X-Shouban-Companion")
        person = await person_for(gateway, service, ask.user, raw_session, at)
        talk = Talk(gateway, service, person, at, raw_session or "default", language=_language(person.profile, gateway))
        is_aware = headers.get("x-shouban-client", "").lower() == "aware" or (service.settings.delivery == "aware")
        request = Request(
            service, ask, body, talk, is_aware, ReplyReader(gateway.detectors, ask.n or 1, latest_turns(ask))
        )
        with _Room(gateway, person) as refused:
            is_busy = refused is not None or gateway.turnstile.is_full
            if not (is_busy and await needs_help(talk, ask)):
                if refused is not None:
                    raise refused
                await gateway.turnstile.passed()
                talk.at = at if gateway.clock.is_virtual else gateway.clock.now()
            try:
                await hear_request(talk, ask, companion)
                await hear_announcements(talk)
                if not talk.has_no_model:
                    await ask_to_leave(talk)
                gateway.metrics.decided.observe(perf_counter() - began)
                if talk.must_wait:
                    await talk.committed()
                await self._reply(request, receive, out)
            finally:
                hear_out(talk)

    async def _reply(self, request: Request, receive: Receive, out: Out) -> None:
        out.frame = Frame(request.talk.turn, request.ask.model)
        out.is_stream = request.ask.is_stream
        waits = request.talk.asked and request.talk.has_no_model
        if waits and not await while_connected(settle(request.talk), receive):
            return
        if request.talk.person.state.takeover == "human":
            await while_connected(self._human_reply(request, out), receive)
        elif request.talk.has_no_model:
            await self._reply_instead(request, out)
        else:
            await while_connected(self._model_reply(request, out), receive)

    # --- answers without the model

    async def _reply_instead(self, request: Request, out: Out) -> None:
        """A template answers; the model is not asked."""
        answer = request.talk.answer
        text = answer.instead.text if answer.instead else ""
        whole = text if request.is_aware else answer.prefix + text + answer.suffix
        await out.begin()
        is_blocked = answer.instead is not None and answer.instead.kind == "blocked"
        await out.say(whole.strip(), request.shouban(), finish="content_filter" if is_blocked else None)
        await self._finish(request, out, "instead")
        await out.end(finish="content_filter" if is_blocked else "stop")

    async def _human_reply(self, request: Request, out: Out) -> None:
        """The human's words; the call waits for them a while, then says truthfully that someone is coming. Help for danger waits for nobody."""
        talk, person = request.talk, request.talk.person
        out.frame = Frame(talk.turn, HUMAN)
        await out.begin()
        helps = tuple(one for one in talk.answer.notices if is_for_danger(one))
        if helps and out.is_stream:
            await out.say(
                "" if request.is_aware else "".join(f"{framed(one)}\n\n" for one in helps), request.shouban(helps)
            )
        patience = 0.0 if helps and not out.is_stream else self._gateway.settings.human_wait
        talk.is_by_human = True
        said = await self._gateway.staff.awaited(person, patience)
        if not said and person.state.takeover != "human":
            await self._nobody_answers(request, out)
            return
        # What a human says stands alone: that an AI speaks would not be true now, and is said when one does again; nothing else comes between either.
        kept = {"replaced"} if not said else set[str]()
        talk.notices = [one for one in talk.notices if one in helps or one.kind in kept]
        answer = talk.answer
        whole = "\n".join(one.text for one in said) or (answer.instead.text if answer.instead else "")
        if helps and not out.is_stream and not request.is_aware:
            whole = "\n\n".join([*map(framed, helps), whole]).strip()
        await out.say(whole, request.shouban(staff=said))
        await self._gateway.staff.note_brought(person, said, talk.at)
        await self._finish(request, out, "human")
        await out.end()

    async def _nobody_answers(self, request: Request, out: Out) -> None:
        """Whoever was to answer is gone, or has handed back, while their words were waited for: what is owed by now is said, and nothing that is not so."""
        talk = request.talk
        talk.is_by_human = False
        talk.notices = [one for one in talk.notices if one.kind != "replaced"]
        talk.add([one for one in talk.person.pending.values() if one.kind not in {"Lock", "ReplaceReply"}])
        answer = talk.answer
        whole = "" if request.is_aware else (answer.prefix + answer.suffix).strip()
        await out.say(whole, request.shouban())
        await self._finish(request, out, "said in a human's place")
        await out.end()

    # --- the model's answer

    async def _model_reply(self, request: Request, out: Out) -> None:
        body = masked_body(request.body, request.ask) if request.service.redacts else request.body
        try:
            answer: AbstractAsyncContextManager[Reply | None] = request.service.upstream.ask(body)
            async with once_settled(request.talk, answer) if request.talk.asked else answer as reply:
                if reply is None:
                    self._gateway.metrics.cuts.labels(request.service.id).inc()
                    is_human = request.talk.person.state.takeover == "human"
                    await (self._human_reply if is_human else self._reply_instead)(request, out)
                else:
                    await (self._stream if request.ask.is_stream else self._whole)(request, reply, out)
        except UpstreamError as error:
            if error.reason == "cut" and request.reader.is_finished and out.begun:
                self._gateway.outages.answered(request.service.id)
                await self._close(request, out)  # the server ended without `[DONE]`, after a whole answer
            else:
                await self._upstream_failed(request, out, error)
        except asyncio.CancelledError:
            if not request.is_recorded:
                await self._record(request, was_cut=True)
            raise

    async def _stream(self, request: Request, reply: Reply, out: Out) -> None:
        talk, reader = request.talk, request.reader
        await out.begin()
        if request.is_aware or talk.answer.prefix:
            await out.say("" if request.is_aware else talk.answer.prefix, request.shouban())
        events = reply.events()
        with Halting(talk, self._gateway.people) as halting:
            while (payloads := await halting.before_end(anext(events, None))) is not None:
                for payload in payloads:
                    found = reader.take(payload)
                    if found and await self._must_cut(request, found):
                        await self._cut(request, out)
                        return
                if not await may_follow(talk, self._gateway.people):
                    break
                # A line that takes no more holds the words back here: whoever takes over meanwhile takes them over too.
                if reader.release() and not await halting.before_end(out.forward(payloads, hold=reader.is_finished)):
                    break
        if not talk.is_over:
            self._gateway.outages.answered(request.service.id)
        await (self._cut if talk.is_over else self._close)(request, out)

    async def _whole(self, request: Request, reply: Reply, out: Out) -> None:
        talk, reader = request.talk, request.reader
        with Halting(talk, self._gateway.people) as halting:
            body = await halting.before_end(reply.whole())
        if body is None:
            await self._cut(request, out)
            return
        try:
            document = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamError("the model's answer is not JSON", reason="garbage") from error
        self._gateway.outages.answered(request.service.id)
        reader.take_whole(document)
        await self._record(request, was_cut=False)
        if talk.answer.instead is not None or talk.is_over:
            await self._reply_replaced(request, out)
            return
        reader.release()
        document = self._with_notices(request, document)
        await self._finish(request, out, "reply", recorded=True)
        if not await may_follow(talk, self._gateway.people):
            await self._reply_replaced(request, out)
            return
        await out.send_json(200, msgspec.json.encode(document))

    def _with_notices(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        answer = request.talk.answer
        if request.is_aware:
            return {**document, "shouban": request.shouban()}
        if not answer.notices:
            return document
        for choice in document["choices"]:
            message = choice.get("message", {})
            if isinstance(message.get("content"), str) or message.get("content") is None:
                message["content"] = answer.prefix + (message.get("content") or "") + answer.suffix
        return document

    async def _reply_replaced(self, request: Request, out: Out) -> None:
        """The model's answer is not shown at all: nothing of it was out yet."""
        answer = request.talk.answer
        text = answer.instead.text if answer.instead else ""
        whole = text if request.is_aware else (answer.prefix + text + answer.suffix).strip()
        request.reader.cut()
        self._gateway.metrics.cuts.labels(request.service.id).inc()
        await self._finish(request, out, "replaced", recorded=True)
        await out.begin()
        await out.say(whole, request.shouban(), finish="content_filter")
        await out.end()

    async def _must_cut(self, request: Request, found: tuple[Reading, ...]) -> bool:
        """Asks the core, once for each signal that has grown, whether the rest may follow."""
        grown = [one for one in found if _weight(one) > request.judged.get(one.signal, 0.0)]
        if not grown:
            return False
        request.judged |= {one.signal: _weight(one) for one in grown}
        talk, mark = request.talk, request.reader.mark
        event = e.ReplyRead(
            at=talk.at, person=talk.person.id, session=talk.session, turn=talk.turn,
            received=mark.received, read=mark.read, released=mark.released, readings=found,
        )  # fmt: skip
        await talk.hear(event)
        return talk.answer.instead is not None

    async def _cut(self, request: Request, out: Out) -> None:
        """The reply stops here. What was released stays; what follows is the template, or word of a human to come."""
        request.reader.cut()
        out.forget_held()
        self._gateway.metrics.cuts.labels(request.service.id).inc()
        await self._record(request, was_cut=True)
        talk = request.talk
        instead = talk.answer.instead
        if instead is not None:
            await talk.committed()
            if request.is_aware:
                await out.say("", request.shouban((*talk.answer.aware, instead)))
            else:
                await out.say(f"\n\n{framed(instead)}{talk.answer.suffix}")
        await self._finish(request, out, "replaced", recorded=True)
        await out.end(finish="content_filter")

    async def _close(self, request: Request, out: Out) -> None:
        """The reply is whole: the core has the last word on it, then the turn is on disk, then it ends."""
        talk = request.talk
        before = talk.answer.instead
        shown = {one.id for one in talk.notices}
        await self._record(request, was_cut=False)
        late = tuple(one for one in talk.answer.notices if one.id not in shown)
        if talk.answer.instead is not before:
            self._gateway.metrics.cuts.labels(request.service.id).inc()
        await self._finish(request, out, "reply", recorded=True)
        if not await may_follow(talk, self._gateway.people):
            out.forget_held()
        if request.is_aware and late:
            await out.say("", request.shouban(late))
        elif not request.is_aware:
            ending = talk.answer.suffix + (f"\n\n{framed(talk.answer.instead)}" if talk.answer.instead else "")
            if ending:
                await out.say(ending)
        await out.end()

    async def _upstream_failed(self, request: Request, out: Out, error: UpstreamError) -> None:
        talk = request.talk
        self._gateway.metrics.upstream.labels(request.service.id, error.reason).inc()
        if error.is_of_the_model:
            self._gateway.outages.failed(request.service.id, error.reason, request.service.settings.upstream)
        released = request.reader.mark.released
        failed = e.UpstreamFailed(
            at=talk.at, person=talk.person.id, session=talk.session, reason=error.reason, released=released
        )
        request.reader.cut()
        out.forget_held()
        await talk.hear(failed)
        await self._record(request, was_cut=True)
        words = " ".join(one.text for one in talk.notices if one.kind == "outage")
        # Whoever reads Chinese is told in Chinese only; what broke stands in the log and in `code`.
        told = UpstreamError(
            words if is_chinese(words) else f"{words} ({error})" if words else str(error), reason=error.reason
        )
        if not out.begun:
            # An error has room for no other notice: those are owed still, and come with the next reply.
            await talk.delivered("error", only=frozenset({"outage"}))
            await talk.committed()
            await out.refuse(told)
            return
        await self._finish(request, out, "error", recorded=True)
        _, shape = error_body(told)
        await out.say("" if request.is_aware else f"\n\n{words}", request.shouban())
        await out.raw(sse(msgspec.json.decode(shape)))
        await out.end(finish=None)

    # --- the end of a turn

    async def _record(self, request: Request, *, was_cut: bool) -> None:
        """The reply as far as it went is an event, and its text is kept."""
        talk, reader = request.talk, request.reader
        request.is_recorded = True
        readings = reader.finish()
        text = reader.text if talk.keeps_words else ""
        words = Words(new_id(), "companion", text, talk.session, talk.raw_session, companion_of(talk)) if text else None
        if talk.person.is_gone:
            return  # no key is left to seal anything with, and nobody to decide for
        talk.person.seen[talk.session].add(talk.person.fingerprint("companion", text))
        if text:
            talk.person.unanswered.pop(talk.session, None)
        event = e.CompanionSpoke(
            at=talk.at if self._gateway.clock.is_virtual else self._gateway.clock.now(), person=talk.person.id,
            session=talk.session, turn=words.id if words else "", chars=len(text), readings=readings, cut=was_cut,
            replaced=reader.mark.cut, processor=MODEL,
        )  # fmt: skip
        await talk.hear(event, words=words, delivers=not was_cut)

    async def _finish(self, request: Request, out: Out, how: str, *, recorded: bool = False) -> None:
        """Everything of this turn is on disk before its last byte goes out."""
        talk = request.talk
        if talk.person.is_gone:
            return
        await talk.delivered(how if recorded else f"said in place of a reply ({how})")
        await talk.committed()


class Out:
    """What goes out to the client: one JSON body, or a stream of chunks."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.frame = Frame("none", "")
        self.is_stream = False
        self.begun = False
        self._said: list[tuple[str, dict[str, Any] | None, str | None]] = []
        self._held: list[bytes] = []

    async def begin(self) -> None:
        if self.is_stream and not self.begun:
            await self._send({"type": "http.response.start", "status": 200, "headers": SSE})
        self.begun = self.begun or self.is_stream

    async def say(self, text: str, shouban: dict[str, Any] | None = None, *, finish: str | None = None) -> None:
        """Our own words. Not streamed, they are kept for the one body that `end` sends."""
        if not self.is_stream:
            self._said.append((text, shouban, finish))
        elif text or shouban:
            await self.raw(self.frame.chunk(text, shouban=shouban))

    async def forward(self, payloads: list[bytes], *, hold: bool) -> bool:
        """The model's chunks as they came; its last chunks wait until ours before them are known. Gives that they were taken."""
        data = b"".join([b"data: " + payload.replace(b"\n", b"\ndata: ") + b"\n\n" for payload in payloads])
        if hold:
            self._held.append(data)
        else:
            await self.raw(data)
        return True

    def forget_held(self) -> None:
        """INVARIANT: what waited to go out does not go out after a cut."""
        self._held.clear()

    async def raw(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, *, finish: str | None = "stop") -> None:
        if not self.is_stream:
            await self._end_whole()
            return
        last = b"".join(self._held) or (self.frame.chunk(finish=finish) if finish else b"")
        await self._send({"type": "http.response.body", "body": last + DONE, "more_body": False})

    async def _end_whole(self) -> None:
        text = "".join(text for text, _, _ in self._said)
        shouban = next((one for _, one, _ in self._said if one), None)
        finish = next((one for _, _, one in self._said if one), "stop")
        await self.send_json(200, self.frame.body(text, finish=finish, shouban=shouban))

    async def send_json(self, status: int, body: bytes) -> None:
        self.begun = True
        headers = [*JSON, (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def refuse(self, error: ShoubanError) -> None:
        """An error, as far as the answer has not begun; in a stream already begun, as its last event."""
        status, body = error_body(error)
        if self.begun:
            await self._send(
                {"type": "http.response.body", "body": sse(msgspec.json.decode(body)) + DONE, "more_body": False}
            )
        else:
            await self.send_json(status, body)


class _Room:
    """Counts open answers, and refuses one too many; of twice as many, the second half is kept for whoever needs help."""

    def __init__(self, gateway: Gateway, person: Person) -> None:
        self._gateway, self._person = gateway, person

    def __enter__(self) -> CallerError | None:
        """Gives why there is no room for one more, if so: for the caller to raise, unless help is to be given."""
        if (refused := self._refusal(times=2)) is not None:
            raise refused
        refused = self._refusal(times=1)
        self._gateway.open_streams += 1
        self._person.streams += 1
        self._gateway.metrics.streams.set(self._gateway.open_streams)
        return refused

    def __exit__(self, *error: object) -> None:
        self._gateway.open_streams -= 1
        self._person.streams -= 1
        self._gateway.metrics.streams.set(self._gateway.open_streams)

    def _refusal(self, *, times: int) -> CallerError | None:
        limits = self._gateway.settings
        if self._gateway.open_streams >= limits.max_streams * times:
            return CallerError("too many answers are open; try again shortly", status=429, code="too_many_streams")
        if self._person.streams >= limits.max_streams_per_user * times:
            told = "too many answers are open for this user; wait for one to end"
            return CallerError(told, field="user", status=429, code="too_many_streams")
        return None


async def while_connected(work: Awaitable[None], receive: Receive) -> bool:
    """Does the work unless the client goes away; then it is cancelled, and with it the call to the model. Whether it stayed."""
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
        return False
    finally:
        watch.cancel()
    return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def read_body(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerError("the request broke off", field="body")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise CallerError(f"the body is over {limit} bytes", field="body", status=413, code="body_too_large")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def checked_id(value: str, field: str) -> str:
    if len(value) > 256:
        raise CallerError(f"`{field}` is over 256 characters", field=field)
    return value


def _language(profile: dict[str, Any], gateway: Gateway) -> Any:  # noqa: ANN401  # "zh" or "en"
    return profile.get("language") or gateway.settings.language


def _weight(reading: Reading) -> float:
    return 0.5 if reading.level == "unknown" else float(reading.level)

"""One request for a reply, up to the point where the model would be asked: read, decide, and say how it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from shouban.core import events as e
from shouban.core.decide import decide
from shouban.core.errors import CallerError, ConflictError
from shouban.core.obligations import Escalate, ShowHelp
from shouban.core.signals import Reading, Role
from shouban.detectors.learned import LearnedDetector
from shouban.detectors.reader import Doubts
from shouban.duties.ledger import NOTICES, Duty, done
from shouban.duties.notices import Answer, Notice, answer_of, is_for_danger, language_of, words_of
from shouban.gateway.context import Gateway, Service
from shouban.gateway.doubts import Asked, ask_about
from shouban.gateway.hearing import FIRST_ON_THE_BOOKS, Heard, Push, Words, capped, new_id
from shouban.gateway.masking import note_read
from shouban.gateway.people import Person
from shouban.gateway.wire import SAID_BY, Ask, Turn, features_of, new_turns, text_of, unescaped
from shouban.packs.templates import Language

LONG_TEXT: Final = 600
CONTEXT_TURNS: Final = 6
MAX_ID: Final = 256
SPEAKERS: Final = frozenset({"user", "assistant"})
_READ_BY: Final[dict[str, e.ContextRole]] = {
    "system": "system",
    "developer": "system",
    "assistant": "companion",
    "tool": "tool",
    "function": "tool",
}


@dataclass
class Talk:
    """A request being answered."""

    gateway: Gateway
    service: Service
    person: Person
    at: datetime
    raw_session: str
    language: Language
    turn: str = field(default_factory=new_id)
    session: str = ""
    heard: list[Heard] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    # What was read of the new messages, by their place and the turns beside which they were read (`_read_once`).
    read: dict[tuple[int, tuple[tuple[Role, str], ...]], tuple[tuple[Reading, ...], Doubts]] = field(
        default_factory=dict
    )
    # Duties that this turn has looked at: what becomes owed while its reply is on the way is not of it.
    met: set[str] = field(default_factory=set)
    is_by_human: bool = False
    stops: int = field(init=False)
    erasures: int = field(init=False)

    def __post_init__(self) -> None:
        self.session = self.person.session(self.raw_session)
        self.stops, self.erasures = self.person.state.stops, self.person.state.erasures

    @property
    def answer(self) -> Answer:
        return answer_of(self.notices)

    @property
    def must_wait(self) -> bool:
        """Somebody is to be helped or told: that is on the books before the first byte goes out (design §5)."""
        return any(duty.kind in FIRST_ON_THE_BOOKS for heard in self.heard for duty in heard.duties)

    @property
    def has_left(self) -> bool:
        """The person has left this talk, perhaps while its reply was on the way."""
        session = self.person.state.sessions.get(self.session)
        return session is not None and session.ended_by is not None

    async def hear(self, event: e.Event, *, words: Words | None = None, delivers: bool = True) -> Heard:
        """Decides on one event of this talk, and adds the notices it owes."""
        heard = await self.gateway.hearing.hear(self.person, event, self.service.pack, words=words)
        self.heard.append(heard)
        for duty in heard.duties:
            self.gateway.metrics.owed.labels(duty.kind).inc()
        if delivers:
            self.add(heard.duties)
        return heard

    def add(self, duties: Sequence[Duty]) -> None:
        state = self.person.state
        self.met |= {one.id for one in duties}
        fresh = words_of(
            duties, self.service.pack, self.language, at=self.at, age_band=state.age_band, region=self.service.settings.region
        )  # fmt: skip
        known = {(one.kind, one.template) for one in self.notices}
        self.notices += [one for one in fresh if (one.kind, one.template) not in known]

    async def committed(self) -> None:
        """Waits until everything decided so far is on disk; raises what kept it from it. Where no model is asked, nobody else's reply is slowed by haste."""
        if self.has_no_model:
            self.gateway.writer.hurry()
        for heard in self.heard:
            await asyncio.shield(heard.committed)

    async def delivered(self, how: str, *, only: frozenset[str] = frozenset()) -> None:
        """The notices have gone out: their duties are done, and that is an event too. `only`: notices of other kinds have not, and are owed still."""
        shown = {one.id: one for one in self.answer.notices if not only or one.kind in only}
        duties = {duty.id: duty for heard in self.heard for duty in heard.duties} | self.person.pending
        pushes = [Push("notice", msgspec.to_builtins(one), self.session, one.id) for one in shown.values()]
        pushes += (
            [Push("session_ended", {"session": self.raw_session, "by": "word"}, self.session)]
            if self.answer.session_ends
            else []
        )
        pushes += (
            [Push("mode_changed", {"mode": self.person.state.mode}, self.session)]
            if any(one.kind == "mode" for one in shown.values())
            else []
        )
        given = [one for one in duties.values() if one.id in self.person.pending and self._ends(one, shown)]
        for duty in [one for one in given if not only or one.id in shown]:
            self.person.pending.pop(duty.id, None)
            event = e.DutyDone(
                at=self.at,
                person=self.person.id,
                session=self.session,
                duty=duty.id,
                obligation=duty.kind,
                how=how if duty.id in shown else "merged",
            )
            self.heard.append(
                await self.gateway.hearing.hear(
                    self.person, event, self.service.pack, pushes=pushes, writes=done(duty.id, self.at, event.how)
                )
            )
            pushes = []

    def _ends(self, duty: Duty, shown: Mapping[str, Notice]) -> bool:
        """Whether the reply that goes out carries a duty out: by its words, by words of the same, or by what took their place.

        What a human's words stood in for, a disclosure, a reminder, is still owed when a machine speaks next.
        """
        if duty.id in shown or duty.kind not in NOTICES:
            return True
        is_humans = self.is_by_human or self.person.state.takeover == "human"
        return duty.id in self.met and (not is_humans or duty.kind == "ReplaceReply")

    @property
    def in_danger(self) -> bool:
        """Whether this turn gives help for somebody in danger: nothing may stand before it."""
        return any(is_for_danger(one) for one in self.notices)

    @property
    def has_no_model(self) -> bool:
        """A template or a human answers, so that the model is not asked."""
        return self.answer.instead is not None or self.person.state.takeover != "none"

    @property
    def is_over(self) -> bool:
        """A human was called or speaks, the person has left, or what the reply stands on is gone: no model word may follow."""
        state = self.person.state
        return state.takeover != "none" or state.stops != self.stops or self.person.is_gone or self.has_left

    def has_heard(self, role: str, text: str) -> bool:
        """Whether these words were said in this talk before."""
        return self.person.fingerprint(role, text) in self.person.seen[self.session]

    @property
    def keeps_words(self) -> bool:
        """What was said is deleted meanwhile: what was being said then is not kept either."""
        return self.person.state.erasures == self.erasures and not self.person.is_gone

    def state_object(self) -> dict[str, Any]:
        """The `state` of an aware client's `shouban` object."""
        state = self.person.state
        return {
            "mode": state.mode, "session": "ended" if self.has_left else "open", "takeover": state.takeover,
            "use_seconds": int(state.use.used.total_seconds()), "ai": state.takeover != "human",
        }  # fmt: skip


async def person_for(gateway: Gateway, service: Service, user: str | None, raw_session: str, at: datetime) -> Person:
    """The person who speaks; what becomes of an unknown one is the service's own setting (design §4)."""
    app_id = user or _anonymous(service, raw_session)
    if len(app_id) > MAX_ID:
        raise CallerError(f"`user` is over {MAX_ID} characters", field="user")
    if app_id.startswith("\x00"):  # ids of our own making: of the service itself, and of whoever complained
        raise CallerError("`user` begins with a control character", field="user")
    person = await gateway.people.find(service.id, app_id)
    if person is not None:
        return person
    policy = "strict" if user is None else gateway.settings.unregistered_policy(service.settings)
    if policy == "refuse":
        raise CallerError(
            f"user `{app_id}` is not registered; `POST /v1/users` registers them",
            field="user",
            status=403,
            code="user_not_registered",
        )
    try:
        person = await gateway.people.make(service.id, app_id, {}, now_us=round(at.timestamp() * 1e6))
    except ConflictError:  # two first words at once: the other one has made the person
        return await person_for(gateway, service, app_id, raw_session, at)
    band: e.AgeBand = "adult" if policy == "adult" else "unknown"
    registered = e.UserRegistered(at=at, person=person.id, age_band=band, age_basis="none", announced=False)
    await gateway.hearing.hear(person, registered, service.pack)
    if policy == "strict":
        await gateway.hearing.hear(person, e.ModeSet(at=at, person=person.id, mode="minor", by="system"), service.pack)
    return person


def _anonymous(service: Service, raw_session: str) -> str:
    if not service.settings.anonymous:
        raise CallerError("`user` is missing; send the app's own id for the person", field="user", code="missing_field")
    return f"anonymous:{raw_session or new_id()}"


async def read(
    gateway: Gateway, text: str, role: Role, context: Sequence[tuple[Role, str]] = ()
) -> tuple[tuple[Reading, ...], Doubts]:
    """What the detectors say, and of what they do not know; a long text is read beside the loop, so that others do not wait."""
    if len(text) > LONG_TEXT:
        found = await asyncio.to_thread(gateway.detectors.read_with_doubts, text, role=role, context=context)
    else:
        found = gateway.detectors.read_with_doubts(text, role=role, context=context)
    for one in found[0]:
        if one.is_unknown:
            gateway.metrics.unknown.labels(one.signal).inc()
    return found


async def read_turn(
    gateway: Gateway, turn: Turn, role: Role, context: Sequence[tuple[Role, str]] = ()
) -> tuple[tuple[Reading, ...], Doubts]:
    """A message read as it stands; and, where a model would see it otherwise, once more with parts joined and letters unescaped."""
    text = text_of(turn)
    readings, doubts = await read(gateway, text, role, context)
    joined = as_seen(turn, text)
    if joined == text:
        return readings, doubts
    known = {(one.signal, one.level) for one in readings}
    more, other_doubts = await read(gateway, joined, role, context)
    added = tuple(replace(one, span=None) for one in more if (one.signal, one.level) not in known)
    return readings + added, doubts | other_doubts


def as_seen(turn: Turn, text: str) -> str:
    """A message's `text` as a model would see it: parts joined, letters unescaped."""
    return unescaped(text.replace("\n", "") if isinstance(turn.content, list) else text)


async def hear_request(talk: Talk, ask: Ask, companion: str) -> None:
    """Hears every turn that was not heard before, in order; the new ones last."""
    new, earlier = new_turns(ask)
    # Words that no reply of a model followed (a template took its place) come along again with the next ones. What was said
    # before that, and is said again, is said again.
    marks = {place: talk.person.fingerprint("user", text_of(ask.messages[place])) for place in new}
    again = [place for place in new[:-1] if marks[place] in talk.person.unanswered[talk.session]]
    new = [place for place in new if place not in again]
    await _choose(talk, companion)
    quiet = 0
    for place in earlier:
        quiet += await _hear_earlier(talk, ask, place)
        await asyncio.sleep(0)  # a long history is read between the chunks of others
    if quiet:
        await talk.hear(
            e.ContextRead(at=talk.at, person=talk.person.id, session=talk.session, role="history", chars=quiet)
        )
    context = latest_turns(ask, min(new, default=len(ask.messages)))
    for place in new:
        await _hear_new(talk, ask, place, context)
    talk.person.unanswered[talk.session] = set(marks.values())
    await _hear_features(talk, ask)
    # A lock holds by what is true now, and was owed anew above where it does: one of an earlier moment is not said any more.
    talk.met |= {one.id for one in talk.person.pending.values() if one.kind == "Lock"}
    talk.add([one for one in talk.person.pending.values() if one.kind != "Lock"])


async def needs_help(talk: Talk, ask: Ask) -> bool:
    """Whether a human listens, or the new words would be answered with help. Nothing is kept of the look, but for this request what was read."""
    if talk.person.state.takeover != "none":
        return True
    new, _ = new_turns(ask)
    context = latest_turns(ask, min(new, default=len(ask.messages)))
    for place in new:
        readings, _ = await _read_once(talk, ask, place, context)
        if readings and _is_answered_with_help(talk, len(text_of(ask.messages[place])), readings):
            return True
    return False


async def _read_once(
    talk: Talk, ask: Ask, place: int, context: list[tuple[Role, str]]
) -> tuple[tuple[Reading, ...], Doubts]:
    """A new message of the person, read beside `context`; not again where it was read so while it waited."""
    key = place, tuple(context)
    if key not in talk.read:
        talk.read[key] = await read_turn(talk.gateway, ask.messages[place], "user", context)
    return talk.read[key]


def _is_answered_with_help(talk: Talk, chars: int, readings: tuple[Reading, ...]) -> bool:
    spoke = e.UserSpoke(at=talk.at, person=talk.person.id, session=talk.session, chars=chars, readings=readings)
    owed = decide(talk.person.state, capped(spoke), talk.service.pack.pack).owed
    return any(isinstance(one, ShowHelp | Escalate) for one in owed)


async def hear_announcements(talk: Talk) -> None:
    """Whoever talks is told once of what ends; after the end nobody talks with a machine any more, but help stays open.

    Comes after the person's own words: what answers danger goes before any announcement.
    """
    board, service, person = talk.gateway.board, talk.service.id, talk.person
    if person.state.takeover == "human":  # their words stand alone: it is told when a machine speaks again
        return
    place = {"at": talk.at, "person": person.id, "session": talk.session}
    if (over := board.over(service, talk.at)) is not None:
        if not talk.has_no_model:
            await talk.hear(e.FeatureWithdrawn(**place, feature=over.what, ends_at=over.over_at or talk.at, over=True))  # type: ignore[arg-type]  # fields shared by both
        return
    if talk.in_danger:
        return  # nothing stands between somebody in danger and help; it is told another time
    for one in board.for_each(service):
        if board.was_reached is None or await board.was_reached(service, person.id, one.id):
            continue
        await talk.hear(e.FeatureWithdrawn(**place, feature=one.what, ends_at=one.ends_at or talk.at))  # type: ignore[arg-type]  # likewise
        await board.reached(service, person.id, one.id, talk.at, "talk")


async def _choose(talk: Talk, companion: str) -> None:
    """The companion of this talk: another than before, or the same as it is declared now."""
    session = talk.person.state.sessions.get(talk.session)
    wanted = companion or (session.companion if session else "")
    if not wanted:
        return
    persona = talk.gateway.persona_of(talk.service.id, wanted)
    chosen = e.CompanionChosen(
        at=talk.at, person=talk.person.id, session=talk.session, companion=wanted, relation=persona.relation if persona else "other",
        age_rating=persona.age_rating if persona else 0, labels=persona.labels if persona else (),
        unreviewed=talk.service.settings.companions == "approved" and not (persona and persona.is_approved),
    )  # fmt: skip
    kept = ("companion", "relation", "age_rating", "labels", "unreviewed")
    if session is None or any(getattr(session, name) != getattr(chosen, name) for name in kept):
        await talk.hear(chosen)


async def _hear_features(talk: Talk, ask: Ask) -> None:
    """Asked only where a guardian has switched something off."""
    if talk.person.state.guardianship.features_off:
        for feature in features_of(ask):
            await talk.hear(e.FeatureAsked(at=talk.at, person=talk.person.id, session=talk.session, feature=feature))


def companion_of(talk: Talk) -> str:
    session = talk.person.state.sessions.get(talk.session)
    return session.companion if session else ""


def latest_turns(ask: Ask, before: int | None = None) -> list[tuple[Role, str]]:
    """The last turns of person and companion before the message at place `before`, or of all."""
    end = len(ask.messages) if before is None else before
    return [
        (SAID_BY[turn.role], text_of(turn))
        for turn in ask.messages[max(0, end - CONTEXT_TURNS) : end]
        if turn.role in SPEAKERS
    ]


async def _hear_earlier(talk: Talk, ask: Ask, place: int) -> int:
    """A turn that came along as history: read once, when it is first seen. Gives the characters in which nothing was read.

    Nothing was read in most, and of those the log keeps one line a request and no text: what was said through us is kept
    already, and the rest is the app's own.
    """
    turn = ask.messages[place]
    text = text_of(turn)
    stored_as = {"assistant": "companion", "developer": "system", "function": "tool"}.get(turn.role, turn.role)
    if not text or talk.has_heard(stored_as, text):
        return 0
    readings, _ = await read_turn(talk.gateway, turn, SAID_BY[turn.role])
    if turn.role not in SPEAKERS:
        # A prompt or a tool's result is nobody's words: the models learned from what people and companions say.
        readings = tuple(one for one in readings if one.detector != LearnedDetector.name or one.is_unknown)
    if not readings:
        _note_seen(talk, stored_as, text)
        return len(text)
    words = Words(new_id(), stored_as, text, talk.session, talk.raw_session, companion_of(talk))
    at = {
        "at": talk.at,
        "person": talk.person.id,
        "session": talk.session,
        "turn": words.id,
        "chars": len(text),
        "readings": readings,
    }
    event = e.UserSpoke(**at, earlier=True) if turn.role == "user" else e.ContextRead(**at, role=_READ_BY[turn.role])  # type: ignore[arg-type]  # fields shared by both
    await talk.hear(event, words=words)
    _note_seen(talk, stored_as, text)
    return 0


def _note_seen(talk: Talk, role: str, text: str) -> None:
    """Only once it was heard: words whose hearing was refused are new when they come again."""
    talk.person.seen[talk.session].add(talk.person.fingerprint(role, text))


async def _hear_new(talk: Talk, ask: Ask, place: int, context: list[tuple[Role, str]]) -> None:
    turn = ask.messages[place]
    text = text_of(turn)
    talk.language = language_of(text, talk.language)
    # Beside what was said before, every word in a talk about danger reads as danger: right for a machine alone. Where a human listens, who
    # knows what came before, each of the person's words counts for itself: 好一点了 calls nobody anew.
    if talk.person.state.takeover == "human":
        context = []
    readings, doubts = await _read_once(talk, ask, place, context)
    if isinstance(turn.content, str):
        note_read(text, readings)
    talk.turn = new_id()
    if doubts:
        ask_about(talk, as_seen(turn, text), doubts, context, turn=talk.turn, chars=len(text))
    words = Words(talk.turn, "user", text, talk.session, talk.raw_session, companion_of(talk))
    event = e.UserSpoke(
        at=talk.at,
        person=talk.person.id,
        session=talk.session,
        turn=words.id,
        chars=len(text),
        readings=readings,
        companion=companion_of(talk),
    )
    await talk.hear(event, words=words)
    _note_seen(talk, "user", text)
    talk.gateway.metrics.turns.labels(talk.service.id).inc()

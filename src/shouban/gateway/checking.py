"""Judges one text by itself: readings, what it makes owed, and the text that may go on. For `/v1/check` and `shouban check`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final, Literal

import msgspec

from shouban.core import events as e
from shouban.core.decide import decide
from shouban.core.errors import CallerError
from shouban.core.obligations import Allow, AskContacts, AskRegistration, Disclose, Obligation, WakeAt
from shouban.core.signals import Reading, Role
from shouban.core.state import PersonState
from shouban.detectors.personal import mask
from shouban.detectors.reader import Detectors, Doubts
from shouban.duties.ledger import duties_of
from shouban.duties.notices import answer_of, language_of, words_of
from shouban.packs.pack import LoadedPack
from shouban.web.api import field_in

# Noon in China, on a day on which every pack shipped is in force: no curfew speaks.
NOON: Final = datetime(2026, 8, 3, 4, 0, tzinfo=UTC)
KEEPING_HOUSE: Final = (WakeAt, AskRegistration, AskContacts)
PERSON: Final = "check"
# What a second opinion reads, of a text, of the signals in doubt, and of the turns before.
Opinions = Callable[[str, Doubts, Sequence[tuple[Role, str]]], tuple[Reading, ...]]


class Profile(msgspec.Struct, forbid_unknown_fields=True):
    """Who the speaker is taken to be."""

    age_band: e.AgeBand = "adult"
    mode: e.Mode | None = None


class Earlier(msgspec.Struct):
    role: Literal["user", "companion", "assistant"]
    text: str


class Asked(msgspec.Struct):
    """One text to judge. Other fields of a line (labels, sources) are left alone, unless one looks like a slip of the pen."""

    text: str
    role: Literal["user", "companion", "assistant"] = "user"
    context: list[Earlier] = []
    user: str | Profile | None = None
    session: str | None = None
    id: Any = None

    @property
    def speaker(self) -> Role:
        return "user" if self.role == "user" else "companion"

    @property
    def earlier(self) -> list[tuple[Role, str]]:
        return [("user" if one.role == "user" else "companion", one.text) for one in self.context]


class Checked(msgspec.Struct, frozen=True, omit_defaults=True):
    readings: tuple[Reading, ...]
    obligations: tuple[Any, ...]
    safe_text: str
    id: Any = None


_LINE = msgspec.json.Decoder(dict[str, Any])
SLIP: Final = 0.75


def parse_asked(line: bytes) -> Asked:
    """Raises `CallerError` naming the field that does not fit."""
    try:
        given = _LINE.decode(line)
        return msgspec.convert(_without_slips(given), Asked)
    except msgspec.ValidationError as error:
        raise CallerError(f"the text to check does not fit: {error}", field=field_in(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CallerError(f"not JSON in UTF-8: {error}", field="body", code="invalid_json") from error


def _without_slips(given: dict[str, Any]) -> dict[str, Any]:
    for name in given.keys() - set(Asked.__struct_fields__):
        meant = get_close_matches(name, Asked.__struct_fields__, n=1, cutoff=SLIP)
        if meant and meant[0] not in given:
            raise CallerError(f"there is no field `{name}`; did you mean `{meant[0]}`?", field=name)
    return given


def primed(profile: Profile, pack: LoadedPack) -> PersonState:
    """A person of this profile in mid-talk: registered, signed in, told that this is an AI, with contacts and consent."""
    given: list[e.Event] = [
        e.UserRegistered(
            at=NOON, person=PERSON, age_band=profile.age_band, guardians=1, emergencies=1, agreement="check"
        ),
        e.ConsentGiven(at=NOON, person=PERSON, purpose="companionship", by="guardian"),
        *([e.ModeSet(at=NOON, person=PERSON, mode=profile.mode, by="guardian", verified=True)] if profile.mode else []),
        e.UserSignedIn(at=NOON, person=PERSON, session=PERSON),
        e.UserSpoke(at=NOON, person=PERSON, session=PERSON),
    ]
    state = PersonState()
    for event in given:
        state = decide(state, event, pack.pack).state
    return state


def read_asked(asked: Asked, detectors: Detectors) -> tuple[tuple[Reading, ...], Doubts]:
    """What the detectors say of it; in doubt they are only of a person's words."""
    readings, doubts = detectors.read_with_doubts(asked.text, role=asked.speaker, context=asked.earlier)
    return readings, doubts if asked.speaker == "user" else {}


def check(
    asked: Asked, detectors: Detectors, pack: LoadedPack, *, region: str = "cn", opinion: Opinions | None = None
) -> Checked:
    """Judges the text as if a person of the profile had just said it, or a companion to them; `opinion` is asked in doubt."""
    readings, doubts = read_asked(asked, detectors)
    if doubts and opinion is not None:
        readings += opinion(asked.text, doubts, asked.earlier)
    return check_read(asked, readings, pack, region=region)


def check_read(asked: Asked, readings: tuple[Reading, ...], pack: LoadedPack, *, region: str) -> Checked:
    """As `check`, for a text that has been read."""
    profile = asked.user if isinstance(asked.user, Profile) else Profile()
    state = primed(profile, pack)
    owed = decide(state, spoken(asked, readings, person=PERSON, session=PERSON, at=NOON), pack.pack).owed
    return judged(asked, readings, owed, pack, age_band=profile.age_band, region=region)


def spoken(
    asked: Asked, readings: tuple[Reading, ...], *, person: str, session: str, at: datetime, turn: str = ""
) -> e.Event:
    kind = e.UserSpoke if asked.speaker == "user" else e.CompanionSpoke
    return kind(at=at, person=person, session=session, turn=turn, chars=len(asked.text), readings=readings)


def judged(
    asked: Asked, readings: tuple[Reading, ...], owed: Sequence[Obligation], pack: LoadedPack, *, age_band: e.AgeBand, region: str
) -> Checked:  # fmt: skip
    """What the caller is told. Timers and what the registration owes are not about the text."""
    about = tuple(
        one
        for one in owed
        if not isinstance(one, KEEPING_HOUSE) and not (isinstance(one, Disclose) and one.topic == "ai")
    )
    language = language_of(asked.text, "zh")
    duties = duties_of(about, service="", person=PERSON, session="", at=NOON)
    notices = words_of(duties, pack, language, at=NOON, age_band=age_band, region=region)
    answer = answer_of(notices)
    if answer.instead is not None:
        safe = answer.instead.text
    else:
        safe = mask(asked.text, readings) if any(type(one).__name__ == "Redact" for one in about) else asked.text
    return Checked(readings, tuple(msgspec.to_builtins(one) for one in about or (Allow(),)), safe, asked.id)

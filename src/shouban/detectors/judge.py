"""A judge or guard model behind an OpenAI-compatible URL, asked about the signals in doubt only.

Rules: the person's words are data: they go out as JSON between marks that no text can hold, without what identifies people; the
answer is one JSON object of exactly the signals asked, or it is none. Whatever else happens, every signal asked about reads `unknown`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from importlib import resources
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Final
from unicodedata import category

import msgspec
import yaml

from shouban.core.errors import OperatorError, did_you_mean
from shouban.core.signals import USER, Level, Reading, Role, rank
from shouban.detectors.normalise import normalise
from shouban.detectors.opinion import Context, Opinion, Outcome, unread
from shouban.detectors.personal import PersonalDataDetector, mask

if TYPE_CHECKING:
    import aiohttp

PROMPT: Final = "judge-1"
OPENS: Final = "⟦"
CLOSES: Final = "⟧"
# What looks like a mark goes too, and the selectors of variants, which can carry a text that nobody sees.
_NOT_FOR_JUDGES: Final = re.compile("[⟦⟧〚〛［］\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_UNSEEN: Final = frozenset({"Cf", "Cc", "Cs", "Co"})
_SEEN: Final = frozenset("\n\t")
_PERSONAL: Final = PersonalDataDetector()
CONTEXT_TURNS: Final = 6
CONTEXT_CHARS: Final = 500
# A longer text is not cut, for danger may stand anywhere in it: it is not asked about, and reads unknown.
MOST_CHARS: Final = 20_000
MOST_ASKED: Final = 32
MOST_KEPT: Final = 10_000
MOST_ANSWER: Final = 65_536
TOKENS: Final = 24
SCORES: Final[Mapping[Level, float]] = {Level.LOW: 0.5, Level.MEDIUM: 0.7, Level.HIGH: 0.9, Level.SEVERE: 0.9}

Grade = Annotated[int, msgspec.Meta(ge=0, le=4)]
_ENCODE: Final = msgspec.json.Encoder().encode
_BLANKS: Final = re.compile(rb"[ \t\r\n]+")


class Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words a judge is asked with; a signal that has no definition here cannot be asked about."""

    version: str
    system: str
    asks: str
    reminds: str
    signals: dict[str, str]


class _Message(msgspec.Struct):
    content: str
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1, max_length=1)]


_ANSWER: Final = msgspec.json.Decoder(_Answer)
_GRADES: Final = msgspec.json.Decoder(dict[str, Grade])


@cache
def load_prompt(version: str = PROMPT) -> Prompt:
    file = resources.files("shouban.detectors").joinpath("prompts", f"{version}.yaml")
    return msgspec.convert(yaml.safe_load(file.read_text(encoding="utf-8")), Prompt)


class _Refused(Exception):  # noqa: N818  # a way out of asking, not an error of anybody's
    """No opinion came; `outcome` says how, `why` more of it."""

    def __init__(self, outcome: Outcome, why: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.why = why


@dataclass(frozen=True)
class Bench:
    """Where a judge sits and how patient we are: `url` ends before `/chat/completions`, times are seconds."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    deadline: float = 2.0
    cache_seconds: float = 600.0
    most_asked: int = MOST_ASKED


class Judge:
    """See the module. One connection pool and one memory of answers; lives on the loop that first asks it."""

    name = "judge"
    roles: frozenset[Role] = USER

    def __init__(self, bench: Bench, signals: frozenset[str]) -> None:
        self._prompt = load_prompt()
        for one in sorted(signals - self._prompt.signals.keys()):
            raise OperatorError(f"no judge is asked about `{one}`{did_you_mean(one, self._prompt.signals)}")
        self._bench = bench
        self._session: aiohttp.ClientSession | None = None
        self._open = 0
        self.signals = signals
        self.version = f"{self._prompt.version}/{bench.model}"
        self._answers = Answers(f"{self.version} {bench.url}", bench.cache_seconds)

    async def ask(self, text: str, signals: frozenset[str], context: Context = ()) -> Opinion:
        """The judge's grades of `signals`, which it knows of. Never raises, but for its own cancellation."""
        known = self._answers.find(signals, text, context)
        if known is not None:
            return self._opinion(signals, known, "cached", 0.0)
        if self._open >= self._bench.most_asked:
            return unread(self, signals, "busy", why=f"{self._open} questions are open")
        self._open += 1
        began = monotonic()
        try:
            grades = await self._asked(text, signals, context)
        except _Refused as refused:
            return unread(self, signals, refused.outcome, monotonic() - began, refused.why)
        finally:
            self._open -= 1
        self._answers.keep(signals, text, context, grades)
        return self._opinion(signals, grades, "answered", monotonic() - began)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opinion(
        self, signals: frozenset[str], grades: Mapping[str, Level], outcome: Outcome, seconds: float
    ) -> Opinion:
        readings = tuple(
            Reading(one, level, SCORES[level], self.name, self.version)
            for one, level in sorted(grades.items())
            if level
        )
        return Opinion(self.name, signals, readings, outcome, seconds)

    async def _asked(self, text: str, signals: frozenset[str], context: Context) -> dict[str, Level]:
        if len(text) > MOST_CHARS:
            raise _Refused("failed", f"the text is over {MOST_CHARS} characters")
        try:
            body = _ENCODE(question(self._prompt, self._bench.model, text, signals, context))
            async with asyncio.timeout(self._bench.deadline):
                answer = await self._posted(body)
        except TimeoutError as late:
            raise _Refused("late", f"nothing within {self._bench.deadline:g} s") from late
        except _Refused:
            raise
        except Exception as error:
            # Whatever a server, a proxy or a library comes up with, its words are not passed on: they may hold the person's.
            raise _Refused("failed", type(error).__name__) from error
        return grades_in(answer, signals)

    async def _posted(self, body: bytes) -> bytes:
        """The body of a good answer; an answer without end is none."""
        async with self._connected().post(
            f"{self._bench.url.rstrip('/')}/chat/completions", data=body, allow_redirects=False
        ) as got:
            if got.status != 200:
                raise _Refused("failed", f"status {got.status}")
            parts = bytearray()
            async for part in got.content.iter_any():
                parts += part
                if len(parts) > MOST_ANSWER:
                    raise _Refused("malformed", f"over {MOST_ANSWER} bytes")
            return bytes(parts)

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp  # noqa: PLC0415  # ten megabytes at start, for what few services use

            headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
            headers |= {"Authorization": f"Bearer {self._bench.key}"} if self._bench.key else {}
            self._session = aiohttp.ClientSession(
                headers=headers,
                connector=aiohttp.TCPConnector(limit=self._bench.most_asked),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


def question(prompt: Prompt, model: str, text: str, signals: frozenset[str], context: Context) -> dict[str, Any]:
    """The request: what to do in the system prompt, the person's words as one JSON object between marks."""
    named = ", ".join(sorted(signals))
    meanings = "\n".join(f"- {one}: {prompt.signals[one]}" for one in sorted(signals))
    turns = [
        {"role": role, "text": as_data(said[-2 * CONTEXT_CHARS :])[-CONTEXT_CHARS:]}
        for role, said in context[-CONTEXT_TURNS:]
    ]
    data = _ENCODE({"turns_before": turns, "message": as_data(text)}).decode()
    return {
        "model": model,
        "temperature": 0,
        "max_tokens": 16 + TOKENS * len(signals),
        "stream": False,
        "messages": [
            {"role": "system", "content": f"{prompt.system}\n{prompt.asks.format(signals=named)}\n{meanings}"},
            {"role": "user", "content": f"{OPENS}{data}{CLOSES}\n{prompt.reminds.format(signals=named)}"},
        ],
    }


def as_data(text: str) -> str:
    """The text as a judge may see it: what identifies people is masked, as it is for the model that replies."""
    shown = visible(text)
    return mask(shown, [one for one in _PERSONAL.read(normalise(shown), "user", ()) if rank(one.level) >= Level.HIGH])


def visible(text: str) -> str:
    """The text without our marks, and without what no reader sees."""
    shown = _NOT_FOR_JUDGES.sub("", text)
    return "".join([char for char in shown if char in _SEEN or category(char) not in _UNSEEN])


def grades_in(answer: bytes, signals: frozenset[str]) -> dict[str, Level]:
    """The grades, if the answer is exactly what was asked for: no signal less or more or twice, no word besides."""
    try:
        message = _ANSWER.decode(answer).choices[0].message
        given = message.content.encode()
        grades = _GRADES.decode(given)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _Refused("malformed", "no JSON object of grades") from error
    # Written anew it must be the same: this finds a key that stands twice, and a number that is no plain one.
    if message.refusal or grades.keys() != signals or _ENCODE(grades) != _BLANKS.sub(b"", given):
        raise _Refused("malformed", "not exactly the signals asked")
    return {one: Level(grade) for one, grade in grades.items()}


class Answers:
    """Grades given lately, by a keyed digest of what was asked: no text is in it, and the key dies with the process."""

    def __init__(self, of: str, seconds: float, now: Callable[[], float] = monotonic, most: int = MOST_KEPT) -> None:
        self._of = of
        self._seconds = seconds
        self._now = now
        self._most = most
        self._key = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, tuple[float, dict[str, Level]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, signals: frozenset[str], text: str, context: Context) -> dict[str, Level] | None:
        place = self._place(signals, text, context)
        until, grades = self._kept.get(place, (0.0, {}))
        if not grades:
            return None
        if until <= self._now():
            del self._kept[place]
            return None
        self._kept.move_to_end(place)
        return grades

    def keep(self, signals: frozenset[str], text: str, context: Context, grades: dict[str, Level]) -> None:
        if self._seconds <= 0:
            return
        place = self._place(signals, text, context)
        self._kept[place] = self._now() + self._seconds, grades
        self._kept.move_to_end(place)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def _place(self, signals: frozenset[str], text: str, context: Context) -> bytes:
        asked = [self._of, sorted(signals), text, [list(turn) for turn in context]]
        spelled = repr(asked).encode("utf-8", "surrogatepass")
        return blake2b(spelled, key=self._key, digest_size=32).digest()

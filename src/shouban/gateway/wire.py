"""The wire: an OpenAI-compatible request taken apart, and answers put together, in OpenAI's own shapes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from shouban.core.errors import CallerError, ShoubanError
from shouban.core.events import Feature
from shouban.core.signals import Role
from shouban.duties.notices import Notice
from shouban.web.api import field_in, shaped

# Keys of a message or a delta that name things and are not read out to anybody.
NAMES: Final = frozenset(
    {"role", "id", "type", "index", "tool_call_id", "detail", "finish_reason", "format", "encrypted_content"}
)
ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
SAID_BY: Final[dict[str, Role]] = {"user": "user", "assistant": "companion", "system": "companion", "developer": "companion", "tool": "companion", "function": "companion"}  # fmt: skip
# What guardians may switch off, by the type of a part or the key that holds its medium; a part of a kind nobody knows may be any of them.
PART_FEATURES: Final[dict[str, Feature]] = {
    **dict.fromkeys(
        ("image", "images", "image_url", "input_image", "video", "videos", "video_url", "input_video"), "images"
    ),
    **dict.fromkeys(("audio", "audio_url", "input_audio"), "voice"),
    **dict.fromkeys(("file", "file_url", "file_id", "file_data", "input_file", "document"), "files"),
    **dict.fromkeys(("tool_use", "tool_result", "function_call"), "tools"),
}
TEXT_PARTS: Final = frozenset({"text", "input_text", "output_text", "summary_text", "refusal", "reasoning", "reasoning_text", "thinking", "redacted_thinking"})  # fmt: skip
# Keys of a part that say something of it and hold no medium.
ABOUT_PARTS: Final = frozenset({"type", "cache_control", "annotations", "logprobs"})
MEDIA_FEATURES: Final[frozenset[Feature]] = frozenset({"images", "voice", "files"})
# A medium written into a text (RFC 2397).
INLINE: Final = re.compile(r"data:(image|audio|video)/", re.IGNORECASE)
# Parts that are media, not words: no text detector can read them.
MEDIA: Final = frozenset({"image_url", "video_url", "input_audio", "file"})
MAX_DEPTH: Final = 12
# Halves of a surrogate pair are no letters by themselves and stay as they are.
_ESCAPED: Final = re.compile(r"\\u((?![dD][89a-fA-F])[0-9a-fA-F]{4})")
DONE: Final = b"data: [DONE]\n\n"


class Turn(msgspec.Struct):
    """One message of the request. `content` is a text, a list of parts, or nothing."""

    role: str
    content: str | list[Any] | None = None
    tool_calls: Any = None
    function_call: Any = None
    images: Any = None
    videos: Any = None
    audio: Any = None


class Ask(msgspec.Struct):
    """What we read of a chat request; everything else passes through as it came."""

    messages: list[Turn]
    user: str | None = None
    model: str = ""
    stream: bool | None = False
    n: int | None = 1
    tools: Any = None
    functions: Any = None
    plugins: Any = None
    web_search_options: Any = None
    enable_search: Any = None
    audio: Any = None
    modalities: Any = None

    @property
    def is_stream(self) -> bool:
        return bool(self.stream)


_ASK = msgspec.json.Decoder(Ask)
_ENCODE = msgspec.json.Encoder().encode


def parse_ask(body: bytes, *, max_turns: int) -> Ask:
    """Raises `CallerError` naming the field that does not fit."""
    try:
        ask = _ASK.decode(body)
    except msgspec.ValidationError as error:
        raise CallerError(f"the request does not fit: {error}", field=field_in(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CallerError(f"the body is not JSON in UTF-8: {error}", field="body", code="invalid_json") from error
    if not ask.messages:
        raise CallerError("`messages` is empty; send at least one", field="messages")
    if len(ask.messages) > max_turns:
        raise CallerError(
            f"`messages` has {len(ask.messages)} turns; at most {max_turns} are taken",
            field="messages",
            code="too_many_turns",
        )
    for place, turn in enumerate(ask.messages):
        if turn.role not in ROLES:
            raise CallerError(
                f"`messages[{place}].role` is unknown; one of {', '.join(ROLES)}", field=f"messages[{place}].role"
            )
    if ask.n is not None and not 1 <= ask.n <= 16:
        raise CallerError("`n` must be from 1 to 16", field="n")
    return ask


def text_of(turn: Turn) -> str:
    """All that can be read in a message: text, text parts, tool-call names and arguments.

    Parts are read as one text: a word cut in two by a picture is still that word.
    """
    if isinstance(turn.content, str) and turn.tool_calls is None:
        return turn.content
    said = "".join(strings_in(turn.content))
    return "\n".join([*([said] if said else []), *strings_in(turn.tool_calls)])


def strings_in(value: Any, depth: int = 0) -> Iterator[str]:  # noqa: ANN401  # any JSON
    """Every string of a JSON value that somebody may come to read."""
    if isinstance(value, str):
        if value:
            yield value
    elif depth > MAX_DEPTH:
        raise CallerError(f"the content is nested more than {MAX_DEPTH} deep", field="messages")
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in NAMES and key not in MEDIA:
                yield from strings_in(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner, depth + 1)


def unescaped(text: str) -> str:
    """The text with the letters that JSON inside it has escaped by their numbers, as whoever reads that JSON will see them."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "\\u" in text else text


def new_turns(ask: Ask) -> tuple[list[int], list[int]]:
    """Places of the turns that are new (the person's words since the last reply), and of all that came before."""
    last = max((place for place, turn in enumerate(ask.messages) if turn.role == "assistant"), default=-1)
    new = [place for place, turn in enumerate(ask.messages) if place > last and turn.role == "user"]
    return new, [place for place in range(len(ask.messages)) if place not in new]


def features_of(ask: Ask) -> list[Feature]:
    """What the request uses that a guardian may have switched off: in any of its turns, all of which go to the model, and for its answer; sorted."""
    found: set[Feature] = set()
    if ask.tools or ask.functions or ask.plugins or ask.enable_search or ask.web_search_options is not None:
        found.add("tools")
    modalities = " ".join(map(str, ask.modalities)).lower() if isinstance(ask.modalities, list) else ""
    if ask.audio is not None or "audio" in modalities:
        found.add("voice")
    if "image" in modalities:
        found.add("images")
    for turn in ask.messages:
        found |= _features_in(turn)
    return sorted(found)


def _features_in(turn: Turn) -> set[Feature]:
    found: set[Feature] = set()
    if turn.tool_calls or turn.function_call or turn.role in {"tool", "function"}:
        found.add("tools")
    if turn.images or turn.videos:
        found.add("images")
    if turn.audio:
        found.add("voice")
    if isinstance(turn.content, str):
        return found | _inline_in(turn.content)
    return found | _media_in(turn.content or [])


def _inline_in(text: str) -> set[Feature]:
    return {PART_FEATURES[kind.lower()] for kind in INLINE.findall(text)} if "data:" in text.lower() else set()


def _media_in(value: Any, depth: int = 0) -> set[Feature]:  # noqa: ANN401  # any JSON
    """At the top the parts of a message, each of some kind; further in only what has a medium's own name."""
    if depth > MAX_DEPTH:
        return set(MEDIA_FEATURES)
    if isinstance(value, list):
        return {one for inner in value for one in _media_in(inner, depth + 1)}
    if isinstance(value, str):
        return _inline_in(value)
    if not isinstance(value, dict):
        return set()
    kind = str(value.get("type", "")).lower()
    found = {PART_FEATURES[key] for key in (kind, *map(str.lower, value)) if key in PART_FEATURES}
    if kind and kind not in TEXT_PARTS and not found and depth == 1:
        found = set(MEDIA_FEATURES)
    return found.union(*(_media_in(inner, depth + 1) for key, inner in value.items() if key not in ABOUT_PARTS))


# --- answers


class Frame:
    """Makes the chunks and bodies of one answer; each has the same id and model."""

    def __init__(self, answer_id: str, model: str) -> None:
        self._base = {"id": f"chatcmpl-{answer_id}", "created": int(time.time()), "model": model}

    def chunk(
        self, content: str | None = None, *, finish: str | None = None, shouban: dict[str, Any] | None = None
    ) -> bytes:
        delta = {"role": "assistant", "content": content} if content is not None else {}
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return sse({**self._base, "object": "chat.completion.chunk", "choices": [choice], **_extra(shouban)})

    def body(self, content: str, *, finish: str = "stop", shouban: dict[str, Any] | None = None) -> bytes:
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        return _ENCODE(
            {**self._base, "object": "chat.completion", "choices": [choice], "usage": usage, **_extra(shouban)}
        )


def _extra(shouban: dict[str, Any] | None) -> dict[str, Any]:
    return {"shouban": shouban} if shouban else {}


def sse(value: Any) -> bytes:  # noqa: ANN401  # any JSON
    return b"data: " + _ENCODE(value) + b"\n\n"


def shouban_object(notices: Sequence[Notice], decision: str, state: dict[str, Any]) -> dict[str, Any]:
    """What an aware client gets: `{notices, decision, state}` (design §4)."""
    return {"notices": list(notices), "decision": decision, "state": state}


def error_body(error: ShoubanError) -> tuple[int, bytes]:
    """Status and body of an error in OpenAI's shape."""
    status, body = shaped(error)
    return status, _ENCODE({"error": body})

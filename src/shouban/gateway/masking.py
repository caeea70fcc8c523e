"""What identifies people does not go to the model (the law's `Redact`): masked in every turn, whoever said it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from secrets import token_bytes
from typing import Any, Final

import msgspec

from shouban.core.signals import Level, Reading
from shouban.detectors.normalise import normalise
from shouban.detectors.personal import SIGNAL as PERSONAL_DATA
from shouban.detectors.personal import PersonalDataDetector, mask
from shouban.gateway.wire import Ask

# A glance that spares most texts the reading: digits of any script, wide letters, and the words that secrets stand with.
_MAY_IDENTIFY: Final = re.compile(
    r"[\d@号室栋楼码\u00b2-\u00b9\u2070-\u209f\u2460-\u24ff\uff01-\uff5e]|口令|pass|pin|otp|pwd|cvv", re.IGNORECASE
)
_PERSONAL: Final = PersonalDataDetector()
# Most of a request is history that came before: so many marks of texts in which nothing was found are kept, no text.
_MAX_HARMLESS: Final = 20_000
_SECRET: Final = token_bytes(32)
_harmless: dict[bytes, None] = {}


def masked_body(body: bytes, ask: Ask) -> bytes:
    """The request as it came, or, where something in it identifies a person, written anew with that masked."""
    contents = [_masked(turn.content) for turn in ask.messages]
    if all(
        masked is turn.content or masked == turn.content for masked, turn in zip(contents, ask.messages, strict=True)
    ):
        return body
    document = msgspec.json.decode(body)
    for message, content in zip(document["messages"], contents, strict=True):
        if content is not None:
            message["content"] = content
    return msgspec.json.encode(document)


def _masked(content: Any) -> Any:  # noqa: ANN401  # a text or parts, as it came
    if isinstance(content, str):
        return _masked_text(content)
    if isinstance(content, list):
        return [
            {**part, "text": _masked(part["text"])} if isinstance(part, dict) and "text" in part else part
            for part in content
        ]
    return content


def _masked_text(text: str) -> str:
    mark = _mark(text)
    if mark in _harmless:
        return text
    if _MAY_IDENTIFY.search(text) and (found := identifying(_PERSONAL.read(normalise(text), "user", ()))):
        return mask(text, found)
    _remember(mark)
    return text


def note_read(text: str, readings: Iterable[Reading]) -> None:
    """A text that the detectors have read is not read again here, where they found nothing in it to mask."""
    if not any(one.signal == PERSONAL_DATA for one in readings):
        _remember(_mark(text))


def _mark(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=_SECRET).digest()


def _remember(mark: bytes) -> None:
    if len(_harmless) >= _MAX_HARMLESS:
        del _harmless[next(iter(_harmless))]
    _harmless[mark] = None


def identifying(readings: Iterable[Reading]) -> list[Reading]:
    """Of readings of personal data those that a model must not see."""
    return [one for one in readings if one.level != "unknown" and one.level >= Level.HIGH]

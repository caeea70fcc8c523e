"""Reads a model's reply, choice by choice and field by field, before a word of it goes out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from shouban.core.errors import CallerError, UpstreamError
from shouban.core.release import Mark, cut, read_to, receive, release
from shouban.core.signals import Reading, Role
from shouban.detectors.reader import Detectors
from shouban.detectors.stream import StreamReader
from shouban.gateway.wire import strings_in, unescaped

# Fields of a chunk and of a choice that are no words. Whatever is not named here is read.
PLAIN: Final = frozenset({"id", "object", "created", "model", "system_fingerprint", "usage", "service_tier", "choices", "index", "finish_reason", "logprobs", "role"})  # fmt: skip


_BEGUN_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?$")
_CHUNK = msgspec.json.Decoder(dict[str, Any])


class ReplyReader:
    """Takes in a reply and says what may be released. One per answer, however many choices it has.

    INVARIANT: `mark.released <= mark.read <= mark.received`, and nothing is released after a cut.
    """

    def __init__(self, detectors: Detectors, choices: int = 1, context: Sequence[tuple[Role, str]] = ()) -> None:
        self._detectors = detectors
        self._context = context
        self._choices = choices
        self._finished: set[int] = set()
        self._readers: dict[tuple[int, str], StreamReader] = {}
        self._texts: dict[tuple[int, str], list[str]] = {}
        self._begun: dict[tuple[int, str], str] = {}
        self.mark = Mark()
        self.readings: tuple[Reading, ...] = ()

    def take(self, payload: bytes) -> tuple[Reading, ...]:
        """Reads one streamed chunk; gives what is new in it. After it, `release` may be called."""
        try:
            chunk = _CHUNK.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamError("the model sent a chunk that is not JSON", reason="garbage") from error
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            raise UpstreamError("the model sent an error in place of words" if "error" in chunk else "the model sent a chunk without `choices`", reason="refused" if "error" in chunk else "garbage")  # fmt: skip
        found: tuple[Reading, ...] = ()
        for choice in choices:
            found += self._choice(choice)
        for key, value in chunk.items():
            if key not in PLAIN:
                found += self._words(0, key, "".join(_strings(value)))
        if found:
            self.readings += found
        return found

    def take_whole(self, document: Mapping[str, Any]) -> tuple[Reading, ...]:
        """Reads an answer that was not streamed."""
        choices = document.get("choices")
        if not isinstance(choices, list):
            raise UpstreamError("the model's answer has no `choices`", reason="garbage")
        found: tuple[Reading, ...] = ()
        for choice in choices:
            if not isinstance(choice, dict):
                raise UpstreamError("the model's answer has a choice that is no object", reason="garbage")
            found += self._choice({**choice, "delta": choice.get("message", {}), "message": None})
        for key, value in document.items():
            if key not in PLAIN:
                found += self._words(0, key, "\n".join(_strings(value)))
        self.readings += found
        return found

    def release(self) -> bool:
        """Lets out all that was read; false after a cut."""
        self.mark = release(self.mark)
        return not self.mark.cut

    def cut(self) -> None:
        self.mark = cut(self.mark)

    def finish(self) -> tuple[Reading, ...]:
        """Everything read of the whole reply."""
        self.readings = tuple(one for reader in self._readers.values() for one in reader.finish())
        return self.readings

    @property
    def is_finished(self) -> bool:
        """Every choice that was asked for has come to its end."""
        return len(self._finished) >= self._choices

    @property
    def text(self) -> str:
        """The words of the reply; several choices one after the other."""
        return "\n".join("".join(parts) for parts in self._texts.values())

    def _choice(self, choice: Any) -> tuple[Reading, ...]:  # noqa: ANN401  # any JSON
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not isinstance(delta, dict):
            raise UpstreamError("the model sent a choice in no known form", reason="garbage")
        index = choice.get("index", 0)
        if not isinstance(index, int):
            raise UpstreamError("the model sent a choice whose `index` is no number", reason="garbage")
        if choice.get("finish_reason"):
            self._finished.add(index)
        found: tuple[Reading, ...] = ()
        for key, value in delta.items():
            if key == "content" and isinstance(value, str):
                found += self._words(index, key, value)
            elif key not in PLAIN and value:
                found += self._words(index, key, "".join(_strings(value)))
        for key, value in choice.items():
            if key not in PLAIN and key != "delta" and value:
                found += self._words(index, key, "".join(_strings(value)))
        return found

    def _words(self, index: int, field: str, text: str) -> tuple[Reading, ...]:
        if not text:
            return ()
        place = index, field
        reader = self._readers.get(place)
        if reader is None:
            reader = self._readers[place] = self._detectors.stream("companion", self._context)
            self._texts[place] = []
        self._texts[place].append(text)
        self.mark = receive(self.mark, len(text))
        found = reader.feed(self._plain(place, text))
        self.mark = read_to(self.mark, self.mark.received)
        return found

    def _plain(self, place: tuple[int, str], text: str) -> str:
        """What JSON inside the text has escaped, as it will be seen; an escape that has only begun waits for its rest."""
        whole = self._begun.pop(place, "") + text
        if "\\" not in whole:
            return whole
        begun = _BEGUN_ESCAPE.search(whole)
        if begun is not None:
            self._begun[place] = begun[0]
            whole = whole[: begun.start()]
        return unescaped(whole)


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401  # any JSON
    try:
        yield from strings_in(value)
    except CallerError as error:
        raise UpstreamError("the model's answer is nested too deep", reason="garbage") from error

"""One spelling for text: what evasion and typography vary is folded away, with offsets back to the original.

Rules: every character is folded on its own, so folding a text in pieces gives the pieces of the folded text; the
work is linear in the text, whatever the text is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from importlib import resources
from typing import Any, Final

# A hostile caller could send every code point there is; beyond this many the table stops growing.
_TABLE_LIMIT: Final = 1 << 16
_DROPPED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Mn", "Me"})
# Blank-looking letters (Hangul fillers, Braille blank) and apostrophes: "don't", "don’t" and "dont" are one word.
_DROPPED: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800'’‘ʼ`´＇")
_NEWLINES: Final = frozenset("\n\x85\u2028\u2029")
# Look-alikes used to slip a word past a list: rare characters for common ones, Cyrillic and Greek for Latin.
_LOOK_ALIKE: Final = {
    **dict(zip("亖兂铩鲝沵伱莪硪", "死无杀杀你你我我", strict=True)),
    **dict(zip("аеорсухіѕјкмнтвԁɡοαε", "aeopcyxisjkmhtbdgoae", strict=True)),
}
_SEPARATORS: Final = re.compile(r"[\W_]+")
_LETTERS: Final = re.compile(r"[^\W_]+")


def _simplified() -> dict[str, str]:
    """Traditional character → simplified, by OpenCC's own table (its first candidate)."""
    table = resources.files("opencc").joinpath("dictionary/TSCharacters.txt").read_text(encoding="utf-8")
    pairs = (line.split("\t", 1) for line in table.splitlines() if "\t" in line)
    return {traditional: simplified.split()[0] for traditional, simplified in pairs}


class _Folding(dict[int, str]):
    """Code point → its folded text, filled as characters are met; `uneven` holds those that do not fold to one."""

    def __init__(self) -> None:
        super().__init__()
        self.simplified = _simplified()
        self.uneven: set[str] = set()

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = self._fold(char)
        if len(folded) != 1:
            self.uneven.add(char)
        if len(self) < _TABLE_LIMIT or len(folded) != 1:
            self[code] = folded
        return folded

    def _fold(self, char: str) -> str:
        if char in _NEWLINES:
            return "\n"
        if char.isspace():
            return " "
        if char in _DROPPED or unicodedata.category(char) in _DROPPED_CATEGORIES:
            return ""
        plain = "".join(
            c for c in unicodedata.normalize("NFKD", char) if unicodedata.category(c) not in _DROPPED_CATEGORIES
        )
        composed = unicodedata.normalize("NFKC", plain).casefold()
        return "".join(
            _LOOK_ALIKE.get(simple, simple) for simple in map(self._simple, composed) if simple not in _DROPPED
        )

    def _simple(self, char: str) -> str:
        return self.simplified.get(char, char)


_FOLDING: Final = _Folding()


def fold(text: str) -> str:
    """The folded text alone, for those who need no offsets (words of a list, chunks of a stream)."""
    return text.translate(_FOLDING)


def squeeze(folded: str) -> str:
    """`folded` without separators: none beside a Chinese character, one space between two Latin words."""
    if folded.isalnum():
        return folded
    words = _LETTERS.findall(folded)
    if folded.isascii():
        return " ".join(words)
    out: list[str] = []
    last = "之"
    for word in words:
        if last < "\x80" and word[0] < "\x80":
            out.append(" ")
        out.append(word)
        last = word[-1]
    return "".join(out)


class Normalised:
    """A text in its folded spelling (`text`), the same without separators (`squeezed`), and the way back."""

    def __init__(self, original: str) -> None:
        self.original = original
        self.text = original.translate(_FOLDING)
        # What one detector found and another needs of the same text.
        self.notes: dict[object, Any] = {}

    @cached_property
    def squeezed(self) -> str:
        return squeeze(self.text)

    @cached_property
    def starts(self) -> Sequence[int]:
        """For each character of `text`, where in the original it comes from."""
        if _FOLDING.uneven.isdisjoint(self.original):
            return range(len(self.original))
        return [at for at, char in enumerate(self.original) for _ in _FOLDING[ord(char)]]

    @cached_property
    def places(self) -> Sequence[int]:
        """For each character of `squeezed`, where in `text` it comes from (a space: where its separator begins)."""
        if len(self.squeezed) == len(self.text):
            return range(len(self.text))
        places: list[int] = []
        for word in _LETTERS.finditer(self.text):
            start, end = word.span()
            if places and self.text[places[-1]] < "\x80" and self.text[start] < "\x80":
                places.append(places[-1] + 1)
            places.extend(range(start, end))
        return places

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the original behind `text[start:end]`, which must not be empty."""
        return self.starts[start], self.starts[end - 1] + 1


def normalise(text: str) -> Normalised:
    return Normalised(text)


def last_bytes(text: str, size: int) -> str:
    """The end of `text` that fills no more than `size` bytes: what a pattern of that size can lie in."""
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= size else encoded[len(encoded) - size :].decode("utf-8", "ignore")


def is_latin(char: str) -> bool:
    """Whether a character of a folded text is one of those that words of a Latin script are made of."""
    return char.isascii() and char.isalnum()


def gaps(folded: str) -> list[str]:
    """The runs of separators inside `folded`."""
    return _SEPARATORS.findall(folded)

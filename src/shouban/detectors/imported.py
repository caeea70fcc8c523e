"""A provider's own word lists: 10,000 to 200,000 words a class, kept as `<class>.txt` in one folder.

A line is a word, optionally followed by a tab and its level (1 to 4, otherwise 3); `#` starts a comment line. Words
are kept as they were written and searched in the normalised spelling.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from shouban.core.errors import OperatorError, did_you_mean
from shouban.core.signals import BOTH, PROHIBITED, Level
from shouban.detectors.lists import SCORES, Lists, Word, pattern_of
from shouban.detectors.words import WordDetector

DEFAULT_LEVEL: Final = Level.HIGH
LONGEST_WORD: Final = 64
_SHORTEST_LATIN: Final = 3
_NAME: Final = "imported_words"


class ImportReport(msgspec.Struct, frozen=True):
    """What became of a file's lines; `refused` names each bad line by number and why."""

    added: int
    duplicates: int
    refused: list[tuple[int, str]]


class _Line(NamedTuple):
    number: int
    word: str
    pattern: str
    level: Level
    why_refused: str | None


def import_words(file: Path, signal_class: str, into: Path) -> ImportReport:
    """Adds the words of `file` to the list of `signal_class` (`gambling`, or `prohibited.gambling`) in folder `into`."""
    target = into / f"{class_of(signal_class)}.txt"
    known = {line.pattern for line in _lines(target) if not line.why_refused} if target.exists() else set()
    added: list[str] = []
    refused: list[tuple[int, str]] = []
    duplicates = 0
    for line in _lines(file):
        if line.why_refused:
            refused.append((line.number, line.why_refused))
        elif line.pattern in known:
            duplicates += 1
        else:
            known.add(line.pattern)
            added.append(line.word if line.level == DEFAULT_LEVEL else f"{line.word}\t{int(line.level)}")
    _append(target, added)
    return ImportReport(added=len(added), duplicates=duplicates, refused=refused)


def class_of(signal_class: str) -> str:
    name = signal_class.removeprefix("prohibited.")
    if name not in PROHIBITED:
        raise OperatorError(
            f"`{signal_class}` is no prohibited class{did_you_mean(name, PROHIBITED)}; one of {', '.join(PROHIBITED)}"
        )
    return name


def imported_words(folder: Path) -> tuple[WordDetector | None, list[str]]:
    """The detector of all lists in `folder`, None where there are none; and the lines it could not use."""
    words: dict[str, tuple[Word, ...]] = {}
    problems: list[str] = []
    for file in sorted(folder.glob("*.txt")):
        meanings = _meanings(f"prohibited.{class_of(file.stem)}")
        for line in _lines(file):
            if line.why_refused:
                problems.append(f"{file.name}:{line.number}: {line.why_refused}")
            else:
                known = words.get(line.pattern)
                words[line.pattern] = meanings[line.level] if known is None else (*known, *meanings[line.level])
    return (WordDetector(_NAME, Lists(words=words, pardons={})) if words else None), problems


def _meanings(signal: str) -> dict[Level, tuple[Word, ...]]:
    """One shared meaning a level: two hundred thousand words need no object each."""
    levels = [level for level in Level if level]
    return {level: (Word(signal=signal, level=level, score=SCORES[level], roles=BOTH),) for level in levels}


def _lines(file: Path) -> Iterator[_Line]:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise OperatorError(f"word list `{file}` cannot be read: {error.strerror}") from error
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith(b"#"):
            yield _parsed(number, stripped)


def _parsed(number: int, line: bytes) -> _Line:
    try:
        word, *rest = line.decode("utf-8").split("\t")
    except UnicodeDecodeError:
        return _Line(number, "", "", DEFAULT_LEVEL, "not UTF-8: save the file as UTF-8")
    level = _level_of(rest)
    if level is None:
        return _Line(number, "", "", DEFAULT_LEVEL, "after the word only a tab and a level 1 to 4 may stand")
    word = word.strip()
    pattern = pattern_of(word)
    return _Line(number, word, pattern, level, _why_refused(word, pattern))


def _level_of(rest: list[str]) -> Level | None:
    if not rest:
        return DEFAULT_LEVEL
    text = rest[0].strip()
    return Level(int(text)) if len(rest) == 1 and text in {"1", "2", "3", "4"} else None


def _why_refused(word: str, pattern: str) -> str | None:
    if any(unicodedata.category(char) == "Cc" or char == "\ufffd" for char in word):
        return "holds control or replacement characters"
    if not pattern:
        return "nothing is left of the word when it is normalised"
    if len(pattern) > LONGEST_WORD:
        return f"longer than {LONGEST_WORD} characters: one word a line"
    if len(pattern) < 2 or (pattern.isascii() and len(pattern) < _SHORTEST_LATIN):
        return "too short: it would be found in ordinary words"
    return None


def _append(target: Path, words: list[str]) -> None:
    """Writes the longer list beside the old one, then puts it in its place, so that no reader sees half a list."""
    if not words:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    old = target.read_text(encoding="utf-8").rstrip("\n") + "\n" if target.exists() else ""
    fresh = target.with_suffix(".txt.new")
    with fresh.open("w", encoding="utf-8") as out:
        out.write(old + "\n".join(words) + "\n")
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(target)

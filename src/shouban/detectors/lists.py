"""The shipped word lists: YAML blocks of words with braces, `{想|要}自杀` being two, read and spelled out once.

A block says for all its words: `signal`, `level`, optionally `score`, `role`, `kind`, and `when`, the condition on
what stands before the word (see `clauses.py`); its words stand on lines of their own. `没有我…更好` is a word in two
parts that may stand a few characters apart. Exceptions name what they cancel; evasions name a word's disguises.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final, Literal

import msgspec
import yaml
from msgspec.structs import replace

from shouban.core.errors import OperatorError, did_you_mean
from shouban.core.signals import BOTH, COMPANION, SIGNALS, USER, Level, Role
from shouban.detectors.normalise import fold, squeeze

When = Literal["always", "self", "me", "alone", "aside"]
SCORES: Final = {1: 0.5, 2: 0.65, 3: 0.8, 4: 0.9}
_ROLES: Final[dict[str, frozenset[Role]]] = {"user": USER, "companion": COMPANION, "both": BOTH}
APART: Final = "…"
# Long words hold short ones, whose disguises are found.
_LONGEST_DISGUISED: Final = 5
# A disguised word is a little less sure than the word itself.
_DISGUISE: Final = 0.95


class Word(msgspec.Struct, frozen=True):
    """What a word of a list says of the text it stands in."""

    signal: str
    level: Level
    score: float
    roles: frozenset[Role]
    kind: str | None = None
    when: When = "always"
    # Of a word in two parts this is the second; one of these is the first.
    after: frozenset[str] | None = None


class Pardon(msgspec.Struct, frozen=True):
    """A phrase that cancels the words it covers; `denial`: it also speaks, where earlier words were of danger."""

    signals: frozenset[str]
    denial: bool = False
    # Of a phrase in two parts this is the second, which alone cancels; one of these is the first.
    after: frozenset[str] | None = None

    def cancels(self, signal: str) -> bool:
        return not self.signals or signal in self.signals


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A block of a list file, as written."""

    words: str
    signal: str = ""
    level: int = 0
    score: float | None = None
    role: str | None = None
    kind: str | None = None
    when: When = "always"


class PardonBlock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    words: str
    cancels: list[str] = msgspec.field(default_factory=list)
    denial: bool = False


class Lists(msgspec.Struct, frozen=True):
    words: dict[str, tuple[Word, ...]]
    pardons: dict[str, tuple[Pardon, ...]]


def spelled_out(template: str) -> Iterator[str]:
    """`{a|b}c` → ac, bc. Braces do not nest."""
    before, brace, rest = template.partition("{")
    if not brace:
        yield template
        return
    inner, _, after = rest.partition("}")
    for choice in inner.split("|"):
        yield from spelled_out(f"{before}{choice}{after}")


def _spelled_words(words: str) -> Iterator[tuple[Iterator[str], frozenset[str] | None]]:
    """The spellings of each template, with the first parts that they must follow where it has any."""
    for template in words.splitlines():
        first, apart, last = template.strip().rpartition(APART)
        if APART in first:
            raise OperatorError(f"`{template.strip()}` has more than two parts; write it as several words")
        if last:
            yield spelled_out(last), frozenset(map(pattern_of, spelled_out(first))) if apart else None


def pattern_of(word: str) -> str:
    """The spelling in which texts are searched."""
    return squeeze(fold(word)).strip()


def shipped_lists() -> Lists:
    """All list files beside this module."""
    folder = resources.files("shouban.detectors").joinpath("lists")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    disguises = _disguises(folder.joinpath("evasions.yaml"))
    words: dict[str, tuple[Word, ...]] = {}
    pardons: dict[str, tuple[Pardon, ...]] = {}
    for file in files:
        if file.name == "exceptions.yaml":
            pardons |= _pardons(file)
        elif file.name != "evasions.yaml":
            _add_words(words, file, disguises)
    return Lists(words=words, pardons=pardons)


def _add_words(words: dict[str, tuple[Word, ...]], file: Traversable, disguises: dict[str, list[str]]) -> None:
    for at, raw in enumerate(_blocks(file), start=1):
        block = msgspec.convert(raw, Block)
        word = _word_of(block, where=f"{file.name}: block {at}")
        weaker = replace(word, score=word.score * _DISGUISE)
        for texts, after in _spelled_words(block.words):
            meant = (replace(word, after=after), replace(weaker, after=after)) if after else (word, weaker)
            for text in texts:
                _add(words, pattern_of(text), meant[0])
                for disguised in _disguised(text, disguises):
                    _add(words, pattern_of(disguised), meant[1])


def _add(words: dict[str, tuple[Word, ...]], pattern: str, word: Word) -> None:
    """Keeps for each signal the first meaning given to a pattern of the same or a higher level."""
    known = words.get(pattern, ())
    rivals = [other for other in known if _asks_no_more(word, other) and other.level <= word.level]
    if any(_asks_no_more(other, word) and other.level >= word.level for other in known):
        return
    words[pattern] = (*(other for other in known if other not in rivals), word)


def _asks_no_more(word: Word, than: Word) -> bool:
    """Whether `word` says what `than` says wherever `than` does, were they of one level."""
    same = (word.signal, word.kind) == (than.signal, than.kind)
    return same and word.after in {None, than.after} and word.when in {"always", than.when} and word.roles >= than.roles


def _word_of(block: Block, *, where: str) -> Word:
    if block.signal not in SIGNALS:
        raise OperatorError(f"{where} names signal `{block.signal}`{did_you_mean(block.signal, SIGNALS)}")
    return Word(
        signal=block.signal,
        level=Level(block.level),
        score=SCORES[block.level] if block.score is None else block.score,
        roles=_ROLES[block.role] if block.role else SIGNALS[block.signal],
        kind=block.kind,
        when=block.when,
    )


def _pardons(file: Traversable) -> dict[str, tuple[Pardon, ...]]:
    pardons: dict[str, tuple[Pardon, ...]] = {}
    for block in (msgspec.convert(raw, PardonBlock) for raw in _blocks(file)):
        wrong = next((signal for signal in block.cancels if signal not in SIGNALS), None)
        if wrong is not None:
            raise OperatorError(f"{file.name} cancels signal `{wrong}`{did_you_mean(wrong, SIGNALS)}")
        for texts, after in _spelled_words(block.words):
            pardon = Pardon(signals=frozenset(block.cancels), denial=block.denial, after=after)
            for pattern in map(pattern_of, texts):
                pardons[pattern] = (*pardons.get(pattern, ()), pardon)
    return pardons


def _disguises(file: Traversable) -> dict[str, list[str]]:
    return msgspec.convert(yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader), dict[str, list[str]])  # noqa: S506 a safe loader


def _disguised(word: str, disguises: dict[str, list[str]]) -> Iterator[str]:
    if len(word) > _LONGEST_DISGUISED:
        return
    for plain, forms in disguises.items():
        if plain in word:
            yield from (word.replace(plain, form) for form in forms)


def _blocks(file: Traversable) -> list[Any]:  # Any: YAML as it stands, converted block by block
    return list(yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader) or [])  # noqa: S506 a safe loader


# libyaml reads the lists ten times faster where PyYAML was built with it.
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

"""Word lists over a text: what stands around a word decides what it says.

A word counts in the text as written and with separators between its characters (去*死, 自 杀); a Latin word counts only
whole; the two parts of a word may stand a little apart. Where several words give the same signal and kind, the
strongest is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from shouban.core.signals import SIGNALS, Level, Reading, Role
from shouban.detectors import clauses
from shouban.detectors.index import ROLES, Covers, Hit, WordIndex
from shouban.detectors.lists import Lists, Word, shipped_lists
from shouban.detectors.normalise import Normalised, gaps, is_latin, normalise

VERSION: Final = "1"
# Hints stand in Unicode's private use area, where no text of anybody's has a meaning: `_HINTS` to a signal.
_HINT: Final = 0xE000
_HINTS: Final = 5
_PLACES: Final = {signal: place for place, signal in enumerate(sorted(SIGNALS))}
_LONGEST_GAP: Final = 8
_SENTENCE_ENDS: Final = frozenset(".!?。\n")
_TURNS_READ_AFTER_DENIAL: Final = 8


def read_hits(index: WordIndex, normalised: Normalised, role: Role) -> tuple[list[Hit], bool]:
    """The words that count, the strongest of each signal and kind; and whether the text denies a danger."""
    hits, covers = index.hits(normalised.squeezed, role)
    best: dict[tuple[str, str | None], Hit] = {}
    for hit in hits:
        _keep(best, hit, normalised, covers)
    return sorted(best.values(), key=lambda hit: hit.start), covers.denied


def _keep(best: dict[tuple[str, str | None], Hit], hit: Hit, normalised: Normalised, covers: Covers) -> None:
    """Puts `hit` where it belongs if it is stronger than what is there and counts in its place."""
    known = best.get((hit.word.signal, hit.word.kind))
    if known and known.rank >= hit.rank:
        return
    if covers.cover(hit) or not _is_whole(normalised, hit):
        return
    word = _in_its_clause(normalised, hit)
    if word is None:
        return
    hit = hit._replace(word=word)
    known = best.get((word.signal, word.kind))
    if known is None or known.rank < hit.rank:
        best[word.signal, word.kind] = hit


def _is_whole(normalised: Normalised, hit: Hit) -> bool:
    """No letter goes on beside a Latin word, and what separates the characters looks like disguise, not grammar."""
    if hit.gap == hit.start:
        return _is_part_whole(normalised, hit.start, hit.end)
    between = normalised.text[normalised.places[hit.gap - 1] : normalised.places[hit.part]]
    apart = _SENTENCE_ENDS.isdisjoint(between)
    return apart and _is_part_whole(normalised, hit.start, hit.gap) and _is_part_whole(normalised, hit.part, hit.end)


def _is_part_whole(normalised: Normalised, first: int, last: int) -> bool:
    text, places = normalised.text, normalised.places
    start, end = places[first], places[last - 1] + 1
    if is_latin(text[start]) and start and is_latin(text[start - 1]):
        return False
    if is_latin(text[end - 1]) and end < len(text) and is_latin(text[end]):
        return False
    return end - start == last - first or _is_disguise(text, start, end)


def _is_disguise(text: str, start: int, end: int) -> bool:
    piece = text[start:end]
    found = gaps(piece)
    length = len(piece) - sum(map(len, found))
    if any(len(gap) > _LONGEST_GAP for gap in found):
        return False
    if piece.isascii():
        return not any(map(clauses.is_hard, found)) or len(found) == length - 1
    everywhere = len(found) == length - 1
    if any(map(clauses.is_hard, found)):
        return everywhere and length > 2
    if length > 3 or any(gap.strip() for gap in found):
        return True
    return everywhere and clauses.stands_alone(text, start, end) if length == 2 else everywhere


def _in_its_clause(normalised: Normalised, hit: Hit) -> Word | None:
    """The word as its clause has it: about somebody else, long ago, only told; or None where it says nothing."""
    word, text = hit.word, normalised.text
    if word.when == "always":
        return word
    start, end = normalised.places[hit.part], normalised.places[hit.end - 1] + 1
    if word.when == "alone":
        return word if clauses.stands_alone(text, start, end) else None
    if word.when == "aside":
        return word if clauses.is_aside(text, start) else None
    clause = clauses.clause_before(text, start)
    subject = clauses.subject_of(clause)
    if subject != "figure" and clauses.names_self(text[start:end]):
        subject = "self"
    if not clauses.holds(word.when, subject):
        return None
    if subject == "them" and word.when == "self":
        return _about_other(word)
    if subject != "self" and clauses.is_story(clauses.sentence_before(text, start)):
        return None
    if (
        word.signal == "crisis"
        and word.level > Level.MEDIUM
        and _is_thought(text[start:end])
        and clauses.looks_back(clause)
    ):
        return _with_level(word, Level.MEDIUM)
    return word


def _about_other(word: Word) -> Word | None:
    if word.signal != "crisis" or word.level < Level.MEDIUM:
        return None
    return Word(signal="crisis_other", level=word.level, score=word.score, roles=word.roles)


def _is_thought(piece: str) -> bool:
    return any(mark in piece for mark in ("想", "考虑", "念头", "want", "think", "thought"))


def _with_level(word: Word, level: Level) -> Word:
    return Word(signal=word.signal, level=level, score=word.score, roles=word.roles, kind=word.kind)


class WordDetector:
    """A detector by word lists."""

    prompt = True

    def __init__(self, name: str, lists: Lists, *, version: str = VERSION) -> None:
        self.name = name
        self.version = version
        self.roles: frozenset[Role] = frozenset(ROLES)
        self.signals = frozenset(word.signal for meanings in lists.words.values() for word in meanings)
        self._index = WordIndex(lists.words, lists.pardons)
        self.glance = self._index.glance
        self.linger = self._index.linger
        self.reach = self.glance + self.linger + clauses.ASIDE

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        hits, denied = self._hits(normalised, role)
        readings = tuple(self._reading(normalised, hit) for hit in hits)
        if denied and _spoke_of_danger(self._index, readings, context):
            return (*readings, self._denial())
        return readings

    def hints(self, normalised: Normalised, role: Role) -> str:
        """What the lists say of the text, one private character for each signal found at each level, and each found but pardoned."""
        kept = {hit.word.signal: int(hit.word.level) for hit in self._hits(normalised, role)[0]}
        raw = {hit.word.signal for hit in self._index.hits(normalised.squeezed, role)[0]}
        marks = [
            _HINT + _PLACES[signal] * _HINTS + level for signal, most in kept.items() for level in range(1, most + 1)
        ]
        marks += [_HINT + _PLACES[signal] * _HINTS for signal in raw - kept.keys()]
        return "".join(map(chr, sorted(marks)))

    def _hits(self, normalised: Normalised, role: Role) -> tuple[list[Hit], bool]:
        known = normalised.notes.get((self, role))
        if known is None:
            known = normalised.notes[self, role] = read_hits(self._index, normalised, role)
        found: tuple[list[Hit], bool] = known
        return found

    def wakes(self, window: str, fresh: int, role: Role) -> bool:
        return self._index.wakes(window, fresh, role)

    def read_open(self, normalised: Normalised, role: Role) -> tuple[Reading, ...]:
        """The readings of a text that may go on: only those that no further text can cancel."""
        hits, _ = read_hits(self._index, normalised, role)
        return tuple(self._reading(normalised, hit) for hit in hits if not self._index.waits(normalised, hit))

    def _reading(self, normalised: Normalised, hit: Hit) -> Reading:
        word, places = hit.word, normalised.places
        span = normalised.span(places[hit.start], places[hit.end - 1] + 1)
        return Reading(word.signal, word.level, word.score, self.name, self.version, span, word.kind)

    def _denial(self) -> Reading:
        return Reading("crisis", Level.MEDIUM, 0.5, self.name, self.version)


def _spoke_of_danger(index: WordIndex, readings: tuple[Reading, ...], context: Sequence[tuple[Role, str]]) -> bool:
    """Whether the person spoke of suicide in earlier turns: denied today, it stays what labels.md calls level 2."""
    if any(
        reading.signal == "crisis" and reading.level != "unknown" and reading.level >= Level.MEDIUM
        for reading in readings
    ):
        return False
    earlier = [text for role, text in context if role == "user"][-_TURNS_READ_AFTER_DENIAL:]
    return any(
        hit.word.signal == "crisis" and hit.word.level >= Level.MEDIUM
        for text in earlier
        for hit in read_hits(index, normalise(text), "user")[0]
    )


@cache
def shipped_words() -> WordDetector:
    """The lists beside this module, read once a process."""
    return WordDetector("words", shipped_lists())

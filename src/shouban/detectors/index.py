"""Where the words of lists stand in a text: one automaton finds every word, first part and pardoning phrase at once."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation

from shouban.core.signals import Role
from shouban.detectors import clauses
from shouban.detectors.lists import Pardon, Word
from shouban.detectors.normalise import Normalised, is_latin, last_bytes

# So many characters may stand between the two parts of a word, in Chinese and in a Latin script.
_NEAR: Final = 7
_FARTHEST: Final = 20
_FARTHEST_BYTES: Final = max(_FARTHEST, 4 * _NEAR)

ROLES: Final[tuple[Role, ...]] = ("user", "companion")
# So many last characters of a word are looked for before the word is.
_ENDING: Final = 3
# So much of a word a phrase must share to cancel it.
_OVERLAP: Final = 2
Match = tuple[int, int, int]


class Hit(NamedTuple):
    """A word found: places in the squeezed text. Of a word in two parts the first ends at `gap`, the second begins at `part`."""

    word: Word
    start: int
    gap: int
    part: int
    end: int

    @property
    def rank(self) -> tuple[int, float, int]:
        return (self.word.level, self.word.score, -self.start)


class WordIndex:
    """Words and the phrases that pardon them."""

    def __init__(self, words: Mapping[str, tuple[Word, ...]], pardons: Mapping[str, tuple[Pardon, ...]]) -> None:
        firsts = frozenset[str]().union(*_first_parts(words), *_first_parts(pardons))
        patterns = list(dict.fromkeys((*words, *pardons, *sorted(firsts))))
        self._meanings = {role: _of_role(role, patterns, words) for role in ROLES}
        self._pardons = {place: pardons[text] for place, text in enumerate(patterns) if text in pardons}
        self._firsts = {place: text for place, text in enumerate(patterns) if text in firsts}
        self._longest_pardon = max(map(len, pardons), default=0)
        # For so long after a word more text can still cancel it.
        self.linger = max(self._longest_pardon, clauses.AFTER + 1)
        self._longest = max((len(text.encode()) for text in words), default=0)
        longest_first = max((len(text.encode()) for text in firsts), default=-_FARTHEST_BYTES)
        self.glance = self._longest + longest_first + _FARTHEST_BYTES
        self._endings = {role: _endings(patterns, self._meanings[role]) for role in ROLES}
        self._pardon_starts = frozenset(phrase[:end] for phrase in pardons for end in range(1, len(phrase)))
        self._automaton = AhoCorasick(patterns, implementation=Implementation.ContiguousNFA, store_patterns=False)

    def wakes(self, window: str, fresh: int, role: Role) -> bool:
        """Whether a word may end in the last `fresh` characters of `window`."""
        if not _ends_like(window, fresh, self._endings[role]):
            return False
        near = last_bytes(window, self._longest + len(window[-fresh:].encode()))
        meanings, since = self._meanings[role], len(near) - fresh
        found = self._automaton.find_matches_as_indexes(near, overlapping=True)
        said = [word for index, _, end in found if end > since for word in meanings[index]]
        return bool(said) and (any(word.after is None for word in said) or self._has_both_parts(window, fresh, role))

    def _has_both_parts(self, window: str, fresh: int, role: Role) -> bool:
        found = self._automaton.find_matches_as_indexes(window, overlapping=True)
        since = len(window) - fresh
        return any(hit.end > since for hit in self._candidates(window, found, self._parts(found), role))

    def waits(self, normalised: Normalised, hit: Hit) -> bool:
        """Whether more text could cancel `hit`: the word goes on, its clause goes on, or a pardoning phrase does."""
        text, squeezed = normalised.text, normalised.squeezed
        end = normalised.places[hit.end - 1] + 1
        after = text[end : end + clauses.AFTER]
        if not after and is_latin(text[end - 1]):
            return True
        if hit.word.when == "alone" and len(after) < clauses.AFTER and not clauses.is_hard(after):
            return True
        first = max(0, len(squeezed) - self._longest_pardon)
        return any(squeezed[at:] in self._pardon_starts for at in range(first, hit.end - _OVERLAP + 1))

    def hits(self, squeezed: str, role: Role) -> tuple[Iterator[Hit], Covers]:
        """The words that stand in the text, and what cancels them there."""
        found = self._automaton.find_matches_as_indexes(squeezed, overlapping=True)
        firsts = self._parts(found)
        covers = Covers()
        for index, start, end in found:
            for pardon in self._pardons.get(index, ()):
                if pardon.after is None or firsts.before(start, pardon.after, squeezed):
                    covers.add(start, end, pardon)
        return self._candidates(squeezed, found, firsts, role), covers

    def _parts(self, found: Sequence[Match]) -> _FirstParts:
        return _FirstParts([(end, start, self._firsts[index]) for index, start, end in found if index in self._firsts])

    def _candidates(self, squeezed: str, found: Sequence[Match], firsts: _FirstParts, role: Role) -> Iterator[Hit]:
        meanings = self._meanings[role]
        for index, start, end in found:
            for word in meanings[index]:
                if word.after is None:
                    yield Hit(word, start, start, start, end)
                elif first := firsts.before(start, word.after, squeezed):
                    yield Hit(word, *first, start, end)


def _of_role(role: Role, patterns: Sequence[str], words: Mapping[str, tuple[Word, ...]]) -> list[tuple[Word, ...]]:
    """For each pattern what it says in the mouth of `role`; equal meanings are one object."""
    shared: dict[tuple[Word, ...], tuple[Word, ...]] = {(): ()}
    meanings: list[tuple[Word, ...]] = []
    for text in patterns:
        mine = tuple(word for word in words.get(text, ()) if role in word.roles)
        meanings.append(shared.setdefault(mine, mine))
    return meanings


def _first_parts(phrases: Mapping[str, tuple[Word, ...]] | Mapping[str, tuple[Pardon, ...]]) -> set[frozenset[str]]:
    return {one.after for meanings in phrases.values() for one in meanings if one.after}


def _endings(patterns: Sequence[str], meanings: Sequence[tuple[Word, ...]]) -> frozenset[str]:
    """The last characters of all patterns that say something: most chunks end none, and need no search."""
    return frozenset(pattern[-_ENDING:] for pattern, words in zip(patterns, meanings, strict=True) if words)


def _ends_like(window: str, fresh: int, endings: frozenset[str]) -> bool:
    """Whether a word may end in the last `fresh` characters: seen by its last three, two or one."""
    last = window[-fresh - _ENDING + 1 :]
    places = range(len(last))
    return not (
        endings.isdisjoint([last[at : at + 3] for at in places])
        and endings.isdisjoint([last[at : at + 2] for at in places])
        and endings.isdisjoint(last)
    )


class _FirstParts:
    """The first parts found, in the order of their ends."""

    def __init__(self, found: list[tuple[int, int, str]]) -> None:
        self._found = found

    def before(self, at: int, wanted: frozenset[str], squeezed: str) -> tuple[int, int] | None:
        """Start and end of the nearest of the wanted parts that ends shortly before `at`."""
        last = bisect_right(self._found, at, key=lambda part: part[0])
        for place in range(last - 1, -1, -1):
            end, start, text = self._found[place]
            if at - end > _FARTHEST:
                return None
            if text in wanted and _is_near(squeezed[end:at]):
                return start, end
        return None


def _is_near(gap: str) -> bool:
    return len(gap) <= (_FARTHEST if gap.isascii() else _NEAR)


class Covers:
    """The pardoning phrases found, by where they start."""

    def __init__(self) -> None:
        self._at: defaultdict[int, list[tuple[int, Pardon]]] = defaultdict(list)
        self._longest = 0
        self.denied = False

    def add(self, start: int, end: int, pardon: Pardon) -> None:
        self._at[start].append((end, pardon))
        self._longest = max(self._longest, end - start)
        self.denied = self.denied or pardon.denial

    def cover(self, hit: Hit) -> bool:
        """Whether a phrase goes on over the end of the word."""
        return any(
            end >= hit.end and pardon.cancels(hit.word.signal)
            for start in range(max(0, hit.end - self._longest), hit.end - _OVERLAP + 1)
            if start in self._at
            for end, pardon in self._at[start]
        )

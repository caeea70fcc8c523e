"""Decides everything in the log again: with the same law it must come out the same, with another it shows what would differ.

Pure: entries in, differences out. Memory holds one state a person. Timers are those that the log holds: a timer that
only another law would have asked for has left no event, so it does not ring here either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Final

import msgspec

from shouban.core.decide import decide
from shouban.core.obligations import AnyObligation, Obligation
from shouban.core.rules import Pack
from shouban.core.state import PersonState
from shouban.evidence.log import Decided, Entry

# The pack to decide with, for the id that an entry names.
Law = Callable[[str], Pack]
Step = Callable[[int], None]

MAX_TOLD: Final = 20
MAX_EXAMPLES: Final = 5
STEP: Final = 500
DIGEST: Final = 16

_ENCODE = msgspec.json.Encoder().encode
_STATE = msgspec.json.Decoder(PersonState)


class Difference(msgspec.Struct, frozen=True):
    """An entry that comes out otherwise now; `state_differs` where what is remembered of the person does."""

    index: int
    event: str
    pack: str
    owed_then: tuple[AnyObligation, ...]
    owed_now: tuple[AnyObligation, ...]
    rules_then: tuple[str, ...]
    rules_now: tuple[str, ...]
    state_differs: bool


class Version(msgspec.Struct):
    """A pack as the log names it, and the one it was replayed with."""

    then: str
    now: str
    decisions: int = 0
    differences: int = 0

    @property
    def is_same(self) -> bool:
        return self.then == self.now


class Tally(msgspec.Struct):
    """How often a rule or an obligation is asked for now and was not (`added`), or was and is not (`dropped`)."""

    name: str
    added: int = 0
    dropped: int = 0
    added_at: list[int] = []
    dropped_at: list[int] = []


class Replayed(msgspec.Struct):
    """What a replay found. Of the `differences`, `other_duties` ask for something else; the others only give other reasons."""

    entries: int = 0
    decisions: int = 0
    persons: int = 0
    differences: int = 0
    other_duties: int = 0
    packs: list[Version] = []
    obligations: list[Tally] = []
    rules: list[Tally] = []
    shown: list[Difference] = []


def replay(entries: Iterable[tuple[int, Entry]], law: Law, *, step: Step = lambda _: None) -> Replayed:
    """Takes the log's entries in their order; `law` gives the pack in the place of the one an entry names."""
    found = _Replay(law)
    count = 0
    for count, (index, entry) in enumerate(entries, start=1):
        if isinstance(entry, Decided):
            found.hear(index, entry)
        if count % STEP == 0:
            step(STEP)
    step(count % STEP)
    return found.told(count)


def named(pack: Pack) -> str:
    """A pack as entries name it: `id@digest`."""
    return f"{pack.id}@{pack.digest[:DIGEST]}"


class _Replay:
    """Goes through the log once."""

    def __init__(self, law: Law) -> None:
        self._law = law
        self._states: dict[tuple[str, str], PersonState] = {}
        self._versions: dict[str, Version] = {}
        self._obligations: dict[str, Tally] = {}
        self._rules: dict[str, Tally] = {}
        self._found = Replayed()

    def hear(self, index: int, entry: Decided) -> None:
        pack = self._law(entry.pack.partition("@")[0])
        whose = (entry.service, entry.event.person)
        decision = decide(self._states.get(whose, PersonState()), entry.event, pack)
        self._states[whose] = decision.state
        version = self._versions.setdefault(entry.pack, Version(entry.pack, named(pack)))
        version.decisions += 1
        # Of another version only what it asks for is compared: that it remembers otherwise is no finding by itself.
        state_differs = version.is_same and bool(entry.state) and entry.state not in _digests(decision.state)
        if decision.owed == entry.owed and decision.rules == entry.rules and not state_differs:
            return
        version.differences += 1
        self._found.other_duties += _plain(decision.owed) != _plain(entry.owed)
        self._count(index, entry.owed, decision.owed)
        if len(self._found.shown) < MAX_TOLD:
            kind = type(entry.event).__name__
            owed: tuple[AnyObligation, ...] = decision.owed  # type: ignore[assignment]  # every Obligation subclass that exists is one of AnyObligation
            self._found.shown.append(
                Difference(index, kind, entry.pack, entry.owed, owed, entry.rules, decision.rules, state_differs)
            )

    def told(self, entries: int) -> Replayed:
        versions = sorted(self._versions.values(), key=lambda one: one.then)
        found = self._found
        found.entries, found.persons, found.packs = entries, len(self._states), versions
        found.decisions = sum(one.decisions for one in versions)
        found.differences = sum(one.differences for one in versions)
        found.obligations, found.rules = _most_changed(self._obligations), _most_changed(self._rules)
        return found

    def _count(self, index: int, then: Iterable[Obligation], now: Iterable[Obligation]) -> None:
        then, now = list(then), list(now)
        _tally(
            self._obligations,
            index,
            Counter(type(one).__name__ for one in then),
            Counter(type(one).__name__ for one in now),
        )
        _tally(self._rules, index, _asked(then), _asked(now))


def _plain(owed: Iterable[Obligation]) -> list[Obligation]:
    return [msgspec.structs.replace(one, because=()) for one in owed]


def _asked(owed: Iterable[Obligation]) -> Counter[str]:
    """Each rule with what it asks for: `rule → obligation`."""
    return Counter(f"{rule} → {type(one).__name__}" for one in owed for rule in one.because)


def _tally(tallies: dict[str, Tally], index: int, then: Counter[str], now: Counter[str]) -> None:
    for name, count in (now - then).items():
        tally = tallies.setdefault(name, Tally(name))
        tally.added += count
        tally.added_at += [index] * (len(tally.added_at) < MAX_EXAMPLES)
    for name, count in (then - now).items():
        tally = tallies.setdefault(name, Tally(name))
        tally.dropped += count
        tally.dropped_at += [index] * (len(tally.dropped_at) < MAX_EXAMPLES)


def _most_changed(tallies: dict[str, Tally]) -> list[Tally]:
    return sorted(tallies.values(), key=lambda one: (-one.added - one.dropped, one.name))


def _digests(state: PersonState) -> Iterator[str]:
    """Of the state as it was made, and as it is read back: the two may write a default out, or leave it out."""
    data = _ENCODE(state)
    yield _digest(data)
    yield _digest(_ENCODE(_STATE.decode(data)))


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()[:32]

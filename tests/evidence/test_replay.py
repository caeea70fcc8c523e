"""The same law decides the same again; another law's differences are told by rule, obligation and entry."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.histories import START, histories
from tests.evidence.service import law

from shouban.core import events as e
from shouban.core.decide import decide
from shouban.core.rules import Pack
from shouban.core.state import PersonState
from shouban.evidence.log import Acted, Decided, Entry, decode_entry, encode_entry
from shouban.evidence.replay import MAX_EXAMPLES, MAX_TOLD, Replayed, named, replay
from shouban.packs.stack import load_pack


def logged(events: list[e.Event], pack: Pack, *, service: str = "s", person: str = "p") -> list[tuple[int, Entry]]:
    """The entries that these events leave, read back from their bytes; the log begins with a start."""
    state = PersonState()
    entries: list[Entry] = [Acted(service=service, at=START, act="started")]
    for event in events:
        mine = replace(event, person=person)
        decision = decide(state, mine, pack)
        state = decision.state
        digest = sha256(msgspec.json.encode(state)).hexdigest()[:32]
        entries.append(Decided(service, mine, decision.owed, decision.rules, named(pack), state=digest))  # type: ignore[arg-type]  # every event and obligation is one of theirs
    return [(index, decode_entry(encode_entry(entry), index)) for index, entry in enumerate(entries)]


def without(pack: Pack, rule: str) -> Pack:
    return replace(pack, rules=tuple(one for one in pack.rules if one.id != rule), digest="0" * 64)


@cache
def draft() -> Pack:
    return load_pack("cn-2025-draft").pack


def told(found: Replayed, name: str) -> tuple[int, int]:
    return next(((one.added, one.dropped) for one in [*found.obligations, *found.rules] if one.name == name), (0, 0))


@given(histories())
def test_the_same_law_decides_every_history_the_same_again(events: list[e.Event]) -> None:
    pack = law().pack
    found = replay(logged(events, pack), lambda _: pack)
    assert (found.entries, found.decisions, found.persons, found.differences) == (len(events) + 1, len(events), 1, 0)
    assert found.packs == [
        msgspec.convert({"then": named(pack), "now": named(pack), "decisions": len(events)}, type(found.packs[0]))
    ]


@given(histories(), histories())
def test_persons_and_services_are_decided_apart(one: list[e.Event], two: list[e.Event]) -> None:
    pack = law().pack
    mixed = [
        *logged(one, pack, person="a"),
        *logged(two, pack, person="b"),
        *logged(one, pack, service="t", person="a"),
    ]
    assert replay(mixed, lambda _: pack).differences == 0


@settings(max_examples=30)
@given(histories(), st.data())
def test_an_entry_that_was_decided_otherwise_is_found(events: list[e.Event], data: st.DataObject) -> None:
    pack = law().pack
    entries = logged(events, pack)
    index = data.draw(st.integers(1, len(events)))
    entry = entries[index][1]
    assert isinstance(entry, Decided)
    entries[index] = (
        index,
        data.draw(
            st.sampled_from(
                [replace(entry, owed=()), replace(entry, rules=("made.up",)), replace(entry, state="0" * 32)]
            )
        ),
    )
    found = replay(entries, lambda _: pack)
    assert [one.index for one in found.shown] == [index]


@settings(max_examples=30)
@given(histories())
def test_a_rule_that_is_gone_is_told_with_its_entries_and_no_other_rule_is(events: list[e.Event]) -> None:
    pack = law().pack
    rule = "cn-2026-order21.registration"
    entries = logged(events, pack)
    asked = [
        index
        for index, entry in entries
        if isinstance(entry, Decided) and any(rule in one.because for one in entry.owed)
    ]
    found = replay(entries, lambda _: without(pack, rule))
    assert told(found, f"{rule} → AskRegistration") == (0, len(asked))
    assert {one.name.partition(" ")[0] for one in found.rules} <= {rule}
    assert [not version.is_same for version in found.packs] == [True]
    dropped = [one.dropped_at for one in found.rules]
    assert dropped == ([asked[:MAX_EXAMPLES]] if asked else [])


@settings(max_examples=20)
@given(histories(max_size=8))
def test_what_one_law_adds_the_other_drops(events: list[e.Event]) -> None:
    order = law().pack
    there, back = replay(logged(events, draft()), lambda _: order), replay(logged(events, order), lambda _: draft())
    # Both start from the same events, so the first event of all is decided from the same state.
    assert there.decisions == back.decisions == len(events)
    assert all(one.added or one.dropped for one in [*there.obligations, *there.rules])
    assert there.other_duties <= there.differences
    assert back.other_duties <= back.differences


def test_the_first_differences_are_shown_and_all_are_counted() -> None:
    pack = law().pack
    events: list[e.Event] = [e.UserSpoke(at=START, session="phone") for _ in range(100)]
    entries = [
        (index, replace(entry, rules=("made.up",)) if isinstance(entry, Decided) else entry)
        for index, entry in logged(events, pack)
    ]
    found = replay(entries, lambda _: pack)
    assert (found.differences, len(found.shown), found.other_duties) == (100, MAX_TOLD, 0)


def test_progress_is_told_for_every_entry() -> None:
    pack = law().pack
    steps: list[int] = []
    replay(logged([e.UserSpoke(at=START)] * 1234, pack), lambda _: pack, step=steps.append)
    assert sum(steps) == 1235

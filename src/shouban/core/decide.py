"""The decision: what is owed now. The same history gives the same decisions, today and in court."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from shouban.core.advance import advance, settle
from shouban.core.events import Event
from shouban.core.obligations import Allow, AskRegistration, NotifyGuardian, Obligation, WakeAt, strictest
from shouban.core.rules import FIELDS, Facts, Pack, Rule, Wake, owed_by
from shouban.core.state import PersonState
from shouban.core.stops import stopped


class Decision(msgspec.Struct, frozen=True):
    """The new state, what is owed, and the rules that spoke."""

    state: PersonState
    owed: tuple[Obligation, ...]
    rules: tuple[str, ...] = ()


def decide(state: PersonState, event: Event, pack: Pack) -> Decision:
    """Moves `state` on by `event` and says what `pack` asks for. Pure: no clock, no chance, no I/O."""
    moved = advance(state, event, pack)
    facts = Facts(state, moved, event, pack)
    speaking = pack.speaking(facts)
    owed = strictest([one for rule in speaking for one in _owed(rule, facts)])
    owed = tuple(_quiet(one, event, pack) for one in owed if not _already_set(one, moved)) or (Allow(),)
    settled = stopped(state, settle(moved, owed, event, pack.settings), event, owed)
    return Decision(settled, owed, tuple(sorted(rule.id for rule in speaking)))


def _quiet(owed: Obligation, event: Event, pack: Pack) -> Obligation:
    """What is only `soon` waits for the end of the pack's quiet hours; danger never does."""
    if not isinstance(owed, NotifyGuardian) or owed.urgency != "soon":
        return owed
    until = pack.settings.quiet_until(event.at)
    return msgspec.structs.replace(owed, not_before=until) if until else owed


def _owed(rule: Rule, facts: Facts) -> list[Obligation]:
    wakes = [timer for wake in rule.wakes if (timer := _timer(rule, wake, facts))]
    return [*owed_by(rule, facts.event), *wakes]


def _timer(rule: Rule, wake: Wake, facts: Facts) -> WakeAt | None:
    """A timer for the moment at which the span will have grown to its mark, if the person goes on."""
    left: Any = wake.reaches - FIELDS[wake.field].read(facts, wake.field_key)
    if left <= timedelta(0):
        return None
    return WakeAt(key=wake.key, wake_at=facts.event.at + left, because=(rule.id,))


def _already_set(owed: Obligation, state: PersonState) -> bool:
    """A timer that stands, or a registration that is owed already, is not owed once more."""
    if isinstance(owed, AskRegistration):
        return state.registration_asked
    return isinstance(owed, WakeAt) and state.wakes.get(owed.key) == owed.wake_at

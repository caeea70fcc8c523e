"""What guardians set and decide, and what follows from it: limits, curfew, blocks, bonus time, purchases, alerts not yet seen. Pure.

Draft Art. 12.2 and Order 21 Art. 14 give guardians these means; caps by age are the packs' own. Amounts are in fen (1/100 CNY).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from shouban.core import events as e
from shouban.core.obligations import AskApproval, Lock, Obligation, RefusePurchase
from shouban.core.state import (
    MAX_ORDERS,
    Alert,
    Bonus,
    Guardianship,
    Order,
    OrderStage,
    PersonState,
    Session,
    used_on,
)

# So many minutes on top a day, however many guardians give how often.
MOST_BONUS: Final = 120
# What a complaint about the money of an order is called.
REFUND_CASE: Final = "refund-"
# What counts towards the caps: until the money is back.
COUNTED: Final = frozenset({"paid", "refunding"})
# A yes is for now: prices and minds change.
APPROVAL_LIFE: Final = timedelta(hours=24)
# Longer ago than any rule looks back: what a span is that never began.
LONG_AGO: Final = timedelta(days=3650)


def noted(state: PersonState, event: e.Event, today: date) -> PersonState:
    """The state after an event of the family; unchanged by any other."""
    match event:
        case e.UserRegistered():
            return replace(state, registered_on=today)
        case e.GuardianSet():
            return replace(state, guardianship=_set(event))
        case e.BonusGiven(minutes=minutes):
            before = state.bonus.minutes if state.bonus.day == today else 0
            return replace(state, bonus=Bonus(today, min(before + minutes, MOST_BONUS)))
        case e.GuardianLinked() | e.GuardianUnlinked() | e.LettersSet():
            return replace(state, letters=_letters(state.letters, event))
        case e.PurchaseDecided(order=order, approved=approved):
            known = order_of(state, order)
            stage: OrderStage = "approved" if approved else "declined"
            return _with_order(state, known, stage, event.at) if known and known.stage == "waiting" else state
        case e.PurchaseRefunded(order=order):
            known = order_of(state, order)
            return _with_order(state, known, "refunded", event.at) if known else state
        case e.ContactTold(duty=duty, contact=contact):
            told = state.alert.told if state.alert else ()
            return replace(state, alert=Alert(duty, tuple(dict.fromkeys((*told, contact))), event.at))
        case e.ContactAnswered(able=able):
            return replace(state, alert=None) if able else state
        case e.ComplaintFiled(case=case) if case.startswith(REFUND_CASE):
            known = order_of(state, case.removeprefix(REFUND_CASE))
            return _with_order(state, known, "refunding", known.at) if known and known.stage == "paid" else state
        case _:
            return state


def _letters(
    letters: dict[str, e.Letters], event: e.GuardianLinked | e.GuardianUnlinked | e.LettersSet
) -> dict[str, e.Letters]:
    """A guardian gets the summary once a week unless they choose otherwise."""
    linked: e.Letters = "weekly" if isinstance(event, e.GuardianLinked) else "none"
    every = event.every if isinstance(event, e.LettersSet) else linked
    others = {one: how for one, how in letters.items() if one != event.guardian}
    return others if every == "none" else {**others, event.guardian: every}


def _set(event: e.GuardianSet) -> Guardianship:
    return Guardianship(**{name: getattr(event, name) for name in Guardianship.__struct_fields__})


# --- purchases


def order_of(state: PersonState, order: str) -> Order | None:
    return next((one for one in state.orders if order and one.id == order), None)


def is_approved(state: PersonState, event: e.Event) -> bool:
    """Whether a guardian has said yes to this very purchase, not long ago."""
    known = order_of(state, getattr(event, "order", ""))
    fits = known is not None and known.stage == "approved" and known.amount == getattr(event, "amount", 0)
    return known is not None and fits and event.at - known.at < APPROVAL_LIFE


def is_settled(state: PersonState, event: e.Event) -> bool:
    """Whether this purchase was let through before: to ask about it once more changes nothing."""
    known = order_of(state, getattr(event, "order", ""))
    return known is not None and known.stage in COUNTED and known.amount == getattr(event, "amount", 0)


def month_with(state: PersonState, event: e.Event, month: date) -> int:
    """The total of `month` with the purchase: the app's figure or our own, whichever is more."""
    own = sum(one.amount for one in state.orders if one.stage in COUNTED and _month(one.at, event) == month)
    amount = 0 if is_settled(state, event) else getattr(event, "amount", 0)
    return int(amount + max(own, getattr(event, "month_total", 0)))


def over_guardian_cap(state: PersonState, event: e.Event, month: date) -> bool:
    once, most = state.guardianship.most_once, state.guardianship.most_month
    return (once is not None and getattr(event, "amount", 0) > once) or (
        most is not None and month_with(state, event, month) > most
    )


def settled(state: PersonState, event: e.PurchaseRequested, owed: Iterable[Obligation]) -> PersonState:
    """The purchase as it was answered: let through, refused, or waiting for a guardian."""
    if not event.order or is_settled(state, event):
        return state
    kinds = {type(one) for one in owed}
    stage: OrderStage = "waiting" if AskApproval in kinds else "refused" if kinds & {RefusePurchase, Lock} else "paid"
    known = order_of(state, event.order)
    if known is not None and known.stage == "declined":
        return state
    return _with_order(state, Order(event.order, event.amount, stage, event.at), stage, event.at)


def _with_order(state: PersonState, order: Order, stage: OrderStage, at: datetime) -> PersonState:
    """The newest last. What counts towards this month's caps is not pushed out by what was refused."""
    others = [one for one in state.orders if one.id != order.id]
    if len(others) >= MAX_ORDERS:
        spare = next((one for one in others if one.stage not in {*COUNTED, "waiting"}), others[0])
        others.remove(spare)
    return replace(state, orders=(*others, replace(order, stage=stage, at=at)))


def _month(at: datetime, event: e.Event) -> date:
    return at.astimezone(event.at.tzinfo).date().replace(day=1)


# --- limits


def counted_today(state: PersonState, today: date) -> timedelta:
    """Use of the day, less what a guardian has given on top."""
    extra = timedelta(minutes=state.bonus.minutes) if state.bonus.day == today else timedelta(0)
    return max(used_on(state, today) - extra, timedelta(0))


def over_guardian_limit(state: PersonState, today: date) -> bool:
    limit = state.guardianship.daily_limit
    return limit is not None and counted_today(state, today) >= timedelta(minutes=limit)


def in_guardian_curfew(state: PersonState, local: datetime) -> bool:
    start, end = state.guardianship.closed_from, state.guardianship.closed_to
    if start is None or end is None or start == end:
        return False
    minute = local.hour * 60 + local.minute
    return start <= minute < end if start < end else minute >= start or minute < end


def is_blocked(state: PersonState, session: Session | None) -> bool:
    """By id, name, tag or relation."""
    if session is None or not session.companion:
        return False
    marks = {session.companion, session.companion.casefold(), f"relation:{session.relation}", *session.labels}
    return not marks.isdisjoint(state.guardianship.blocked)


# --- alerts


def unseen_for(state: PersonState, at: datetime) -> timedelta:
    """How long nobody has said that they saw the last alert; nothing where none waits."""
    return at - state.alert.at if state.alert else timedelta(0)


def untold(state: PersonState) -> int:
    """Contacts who could still be told."""
    return max(state.contacts - len(state.alert.told), 0) if state.alert else state.contacts

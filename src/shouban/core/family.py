"""What guardians set and decide, and what follows from it: limits, curfew, blocks, bonus time, purchases, alerts not yet seen. Pure.

Draft Art. 12.2 and Order 21 Art. 14 give guardians these means; caps by age are the packs' own. Amounts are in fen (1/100 CNY).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final
from unicodedata import normalize

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
    Spending,
    used_on,
)

# So many minutes on top a day, however many guardians give how often.
MOST_BONUS: Final = 120
# What a complaint about the money of an order is called.
REFUND_CASE: Final = "refund-"
# What was let through, until the money is back.
COUNTED: Final = frozenset({"paid", "refunding"})
KEPT: Final = frozenset({"waiting", "approved"})
# Words of danger that come one after the other are one alert; what comes later begins another.
ONE_ALERT: Final = timedelta(minutes=30)
# A yes is for now: prices and minds change.
APPROVAL_LIFE: Final = timedelta(hours=24)
# Longer ago than any rule looks back: what a span is that never began.
LONG_AGO: Final = timedelta(days=3650)


def noted(state: PersonState, event: e.Event, today: date) -> PersonState:
    """The state after an event of the family; unchanged by any other."""
    match event:
        case e.UserRegistered(contacts=ids):
            return replace(state, registered_on=today, contact_ids=ids)
        case e.ContactsChanged():
            return _contacts(state, event)
        case e.GuardianSet():
            return replace(state, guardianship=_set(state.guardianship, event))
        case e.BonusGiven(minutes=minutes):
            before = state.bonus.minutes if state.bonus.day == today else 0
            return replace(state, bonus=Bonus(today, min(before + minutes, MOST_BONUS)))
        case e.GuardianLinked() | e.GuardianUnlinked() | e.LettersSet():
            return replace(state, letters=_letters(state.letters, event))
        case e.ContactTold() | e.ContactAnswered():
            return replace(state, alert=_alert(state.alert, event))
        case _:
            return _decided(state, event)


def _contacts(state: PersonState, event: e.ContactsChanged) -> PersonState:
    """Who is told no more has not been told; and with the last safe guardian goes what guardians had opened."""
    alert = state.alert and replace(state.alert, told=tuple(one for one in state.alert.told if one in event.ids))
    held = state.guardianship if event.guardians or not state.guardians else closed(state.guardianship)
    return replace(state, contact_ids=event.ids, alert=alert, guardianship=held)


def closed(held: Guardianship) -> Guardianship:
    """What stays where no guardian answers for it any more: what is blocked, closed or switched off."""
    return Guardianship(
        blocked=held.blocked, closed_from=held.closed_from, closed_to=held.closed_to, features_off=held.features_off
    )


def _alert(alert: Alert | None, event: e.ContactTold | e.ContactAnswered) -> Alert | None:
    """An alert begins with its first contact; who is told again of the same danger moves no clock, or somebody who cries on holds the next one off."""
    if isinstance(event, e.ContactAnswered):
        return None if event.able and answers(alert, event) else alert
    if alert is None or (not event.others and (alert.with_staff or event.at - alert.since >= ONE_ALERT)):
        return Alert((event.contact,), event.at, event.at)
    told = tuple(dict.fromkeys((*alert.told, event.contact)))
    return Alert(told, alert.since, event.at if len(told) > len(alert.told) else alert.at, alert.with_staff)


def answers(alert: Alert | None, event: e.Event) -> bool:
    """Whether the answer is to this alert: by who was told of it, to a message that was sent since it began."""
    if alert is None or not isinstance(event, e.ContactAnswered) or event.contact not in alert.told:
        return False
    return event.sent_at is None or event.sent_at >= alert.since


def _decided(state: PersonState, event: e.Event) -> PersonState:
    """What becomes of an order that is there already."""
    match event:
        case e.PurchaseDecided(order=order, approved=approved) if waits(state, event):
            stage: OrderStage = "approved" if approved else "declined"
            return _with_order(state, _known(state, order), stage, event.at)
        case e.PurchaseRefunded(order=order):
            known = order_of(state, order)
            return _refunded(state, known, event.at) if known and known.stage in {*COUNTED, "approved"} else state
        case e.ComplaintFiled(case=case) if case.startswith(REFUND_CASE):
            named = next((one for one in state.orders if refund_case(one.id) == case and one.stage == "paid"), None)
            return _with_order(state, named, "refunding", named.at) if named else state
        case _:
            return state


def _refunded(state: PersonState, known: Order, at: datetime) -> PersonState:
    spending = state.spending
    back = known.amount if known.stage in COUNTED and spending.month == known.at.date().replace(day=1) else 0
    state = replace(state, spending=replace(spending, paid=max(spending.paid - back, 0)))
    return _with_order(state, known, "refunded", at)


def refund_case(order: str) -> str:
    """The name of a complaint about an order's money: the order's own number stands in no log of complaints."""
    return f"{REFUND_CASE}{sha256(order.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def _letters(
    letters: dict[str, e.Letters], event: e.GuardianLinked | e.GuardianUnlinked | e.LettersSet
) -> dict[str, e.Letters]:
    """A guardian gets the summary once a week unless they choose otherwise."""
    linked: e.Letters = "weekly" if isinstance(event, e.GuardianLinked) else "none"
    every = event.every if isinstance(event, e.LettersSet) else linked
    others = {one: how for one, how in letters.items() if one != event.guardian}
    return others if every == "none" else {**others, event.guardian: every}


def _set(held: Guardianship, event: e.GuardianSet) -> Guardianship:
    """All of it, or only what is named: two forms that are sent at once both hold."""
    return replace(held, **{name: getattr(event, name) for name in event.only or Guardianship.__struct_fields__})


# --- purchases


def order_of(state: PersonState, order: str) -> Order | None:
    return next((one for one in state.orders if order and one.id == order), None)


def _known(state: PersonState, order: str) -> Order:
    return next(one for one in state.orders if one.id == order)


def _same(state: PersonState, event: e.Event) -> Order | None:
    """The order that this very purchase has: at the same price, and no other thing as far as it says what it is."""
    known = order_of(state, getattr(event, "order", ""))
    if known is None or known.amount != getattr(event, "amount", 0):
        return None
    return known if getattr(event, "item", "") in {"", known.item} else None


def waits(state: PersonState, event: e.Event) -> bool:
    """Whether a guardian was asked about it, and has not decided."""
    known = _same(state, event)
    return known is not None and known.stage == "waiting"


def waiting(state: PersonState) -> int:
    return sum(one.stage == "waiting" for one in state.orders)


def is_approved(state: PersonState, event: e.Event) -> bool:
    """Whether a guardian has said yes to it, not long ago."""
    known = _same(state, event)
    return known is not None and known.stage == "approved" and event.at - known.at < APPROVAL_LIFE


def is_settled(state: PersonState, event: e.Event) -> bool:
    """Whether it was let through before: to ask about it once more changes nothing."""
    known = _same(state, event)
    return known is not None and known.stage in COUNTED


def is_changed(state: PersonState, event: e.Event) -> bool:
    """Whether it was let through before as another thing, or at another price."""
    known = order_of(state, getattr(event, "order", ""))
    return known is not None and known.stage in COUNTED and _same(state, event) is None


def month_with(state: PersonState, event: e.Event, month: date) -> int:
    """The total of `month` with the purchase: the app's figure or our own, whichever is more."""
    own = state.spending.paid if state.spending.month == month else 0
    amount = 0 if is_settled(state, event) else getattr(event, "amount", 0)
    return int(amount + max(own, getattr(event, "month_total", 0)))


def over_guardian_cap(state: PersonState, event: e.Event, month: date) -> bool:
    once, most = state.guardianship.most_once, state.guardianship.most_month
    return (once is not None and getattr(event, "amount", 0) > once) or (
        most is not None and month_with(state, event, month) > most
    )


def settled(state: PersonState, event: e.PurchaseRequested, owed: Iterable[Obligation], local: datetime) -> PersonState:
    """The purchase as it was answered: let through, refused, or waiting for a guardian. `local` is its time where the person lives."""
    if not event.order or is_settled(state, event) or is_changed(state, event):
        return state
    kinds, known = {type(one) for one in owed}, order_of(state, event.order)
    refused = bool(kinds & {RefusePurchase, Lock})
    if known is not None and (
        known.stage == "declined" or (refused and waits(state, event) and AskApproval not in kinds)
    ):
        return state  # a no stays a no; who was asked is not asked twice
    stage: OrderStage = "waiting" if AskApproval in kinds else "refused" if refused else "paid"
    if stage == "paid":
        month = local.date().replace(day=1)
        before = state.spending.paid if state.spending.month == month else 0
        state = replace(state, spending=Spending(month, before + event.amount))
    same = _same(state, event)
    item = event.item or (same.item if same else "")
    return _with_order(state, Order(event.order, event.amount, stage, local, item), stage, local)


def _with_order(state: PersonState, order: Order, stage: OrderStage, at: datetime) -> PersonState:
    """The newest last. What a guardian has still to decide, or has allowed, is not pushed out; sums are kept apart."""
    others = [one for one in state.orders if one.id != order.id]
    if len(others) >= MAX_ORDERS:
        spare = next((one for one in others if one.stage not in KEPT), others[0])
        others.remove(spare)
    return replace(state, orders=(*others, replace(order, stage=stage, at=at)))


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
    marks = {session.companion, folded(session.companion), f"relation:{session.relation}", *session.labels}
    return not marks.isdisjoint(state.guardianship.blocked)


def folded(text: str) -> str:
    """A name or an id as it is compared: whatever its case, width and spaces (Unicode NFKC)."""
    return normalize("NFKC", text).casefold().strip()


# --- alerts


def unseen_for(state: PersonState, at: datetime) -> timedelta:
    """How long nobody has said that they saw it, since the last one who was told anew; nothing where none waits."""
    return at - state.alert.at if state.alert and not state.alert.with_staff else timedelta(0)


def open_for(state: PersonState, at: datetime) -> timedelta:
    """How long an alert goes unanswered since its first contact."""
    return at - state.alert.since if state.alert and not state.alert.with_staff else timedelta(0)


def untold(state: PersonState) -> int:
    """Contacts who could still be told."""
    told = state.alert.told if state.alert else ()
    if state.contact_ids:
        return sum(one not in told for one in state.contact_ids)
    return max(state.contacts - len(told), 0)

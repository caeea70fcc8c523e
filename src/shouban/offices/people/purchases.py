"""May this person pay this? The hard stop before a payment (draft Art. 12.2; Order 21 Art. 14; Regulation on the Protection of Minors Online Art. 44)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from unicodedata import normalize

import msgspec

from shouban.core import events as e
from shouban.core.errors import CallerError
from shouban.core.family import COUNTED, order_of
from shouban.core.state import Order
from shouban.duties.notices import Notice
from shouban.duties.ports import PersonPort, RoadPort
from shouban.offices.people import model as m

# What a reader's program would make a link of: a scheme, a host with letters after its last dot, four numbers with dots, a path, a mailbox.
ADDRESS: Final = re.compile(
    r"[\\@]|//|[a-z0-9]/[a-z0-9]|\b(?:https?|ftp|tel|sms|mailto|javascript|data|weixin|alipays?):|\bwww\b|[\w-]\.[^\W\d]|[a-z0-9-][。｡][a-z]|\d+(?:\.\d+){3}|\bxn--|\[[0-9a-f:]+\]",
    re.IGNORECASE,
)
MARK: Final = 12
REFUSALS: Final = frozenset({"purchase", "locked"})


class PurchasesOffice:
    def __init__(self, road: RoadPort) -> None:
        self._road = road

    async def check(self, person: PersonPort, wish: m.Purchase, at: datetime) -> dict[str, Any]:
        """Whether it may be paid, why not, and at what stage the order is.

        A minor whose guardian decides on each purchase gets an order number where the app gave none: without one nobody could say yes to it.
        """
        known, item = order_of(person.state, wish.order), _mark_of(person, wish.item)
        is_same = known is not None and known.amount == wish.amount and item in {"", known.item}
        if known is not None and known.stage in COUNTED and is_same:
            return _answer(known, [])  # asked once more: neither counted nor decided again
        if known is not None and known.stage in COUNTED:
            told = f"order `{wish.order}` was let through at {known.amount}, for what it was then; give another order its own number"
            raise CallerError(told, field="order", status=409, code="order_changed")
        asks = person.state.is_minor and person.state.guardianship.asks_purchases
        order = wish.order or (secrets.token_hex(8) if asks else "")
        if order and wish.item:
            await self._road.change_profile(person, lambda held: _with_item(held, order, wish.item, person))
        event = e.PurchaseRequested(
            at=at, person=person.id, amount=wish.amount, month_total=wish.month_total, order=order, item=item
        )
        notices = await self._road.act(person, event)
        return _answer(order_of(person.state, order), notices)

    async def refund(self, person: PersonPort, wish: m.Refund, at: datetime) -> dict[str, Any]:
        """What is refunded counts no more towards the month."""
        if order_of(person.state, wish.order) is None:
            told = f"no order `{wish.order[:64]}` is known of this user"
            raise CallerError(told, field="order", status=404, code="not_found")
        await self._road.act(person, e.PurchaseRefunded(at=at, person=person.id, order=wish.order))
        found = order_of(person.state, wish.order)
        return {"order": wish.order, "state": found.stage if found else "refunded"}


def checked(wish: m.Purchase) -> m.Purchase:
    """Raises `CallerError` naming what does not fit."""
    if wish.amount <= 0 or wish.month_total < 0:
        raise CallerError("`amount` must be above 0 and `month_total` not below, both in fen", field="amount")
    for field in ("order", "item"):
        if not getattr(wish, field).isprintable():
            raise CallerError(f"`{field}` holds a control character", field=field)
    # It stands in a message of ours to the guardian, who must not take it for our own address (CWE-451).
    if ADDRESS.search(normalize("NFKC", wish.item)):
        raise CallerError("`item` says what is bought; it has no address in it", field="item")
    return wish


def _mark_of(person: PersonPort, item: str) -> str:
    """What tells one thing from another, and nobody what it is."""
    return person.fingerprint("item", item).hex()[:MARK] if item else ""


def _with_item(held: dict[str, Any], order: str, item: str, person: PersonPort) -> dict[str, Any]:
    """What is bought is the person's own data: sealed with the profile, for orders that are still known."""
    known = {one.id for one in person.state.orders}
    return {
        **held,
        "orders": {**{one: text for one, text in held.get("orders", {}).items() if one in known}, order: item},
    }


def _answer(order: Order | None, notices: Sequence[Notice]) -> dict[str, Any]:
    refused = [one for one in notices if one.kind in REFUSALS]
    stage = {"order": order.id, "state": order.stage} if order else {}
    return {
        "allowed": not refused, "because": sorted({rule for one in refused for rule in one.because}), **stage,
        "notices": [msgspec.to_builtins(one) for one in notices],
    }  # fmt: skip

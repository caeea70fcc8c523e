"""What guardians set and decide for a child: limits, curfew, blocks, bonus time, spending, consents, deletion (draft Art. 12.2, 14.3; Order 21 Art. 14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shouban.core import events as e
from shouban.core.errors import CallerError
from shouban.core.events import MINOR_BANDS
from shouban.core.family import order_of, refund_case
from shouban.core.rules import Settings
from shouban.duties.ports import PersonPort, RoadPort
from shouban.offices.guardians import controls as c
from shouban.offices.guardians.work import PURPOSES, settings_event
from shouban.web.access import Who

CONSENT_VERSION: Final = "guardian-1"


@dataclass(frozen=True)
class Purchase:
    """One purchase as a guardian sees it."""

    order: str
    item: str
    fen: int
    stage: str
    at: datetime


class SettingsOffice:
    def __init__(self, road: RoadPort) -> None:
        self._road = road

    async def set_limits(self, who: Who, child: PersonPort, wish: c.Limits, at: datetime) -> None:
        settings = c.with_limits(child.state.guardianship, wish)
        await self._road.act(child, settings_event(child, settings, who.account, at, c.LIMITS))

    async def set_spending(self, who: Who, child: PersonPort, wish: c.Spending, at: datetime) -> None:
        settings = c.with_spending(child.state.guardianship, wish)
        await self._road.act(child, settings_event(child, settings, who.account, at, c.SPENDING))

    async def give_bonus(self, who: Who, child: PersonPort, wish: c.Giving, at: datetime) -> None:
        bonus = child.state.bonus
        given = bonus.minutes if bonus.day == Settings().local(at).date() else 0
        minutes = c.checked_bonus(wish, given)
        await self._road.act(child, e.BonusGiven(at=at, person=child.id, minutes=minutes, guardian=who.account))

    def purchases(self, child: PersonPort) -> list[Purchase]:
        """The newest first."""
        items = child.profile.get("orders", {})
        found = [Purchase(one.id, items.get(one.id, ""), one.amount, one.stage, one.at) for one in child.state.orders]
        return found[::-1]

    async def decide_purchase(self, who: Who, child: PersonPort, wish: c.Deciding, at: datetime) -> None:
        """A yes or no to one purchase that waits; who decides second is told that it was decided."""
        known = order_of(child.state, wish.order)
        shown = known is not None and (known.amount, child.profile.get("orders", {}).get(wish.order, "")) == (
            wish.amount,
            wish.item,
        )
        if known is None or known.stage != "waiting" or not shown:
            raise CallerError("this purchase does not wait for you any more", status=409, code="decided_already")
        approved = wish.approved == "yes"
        event = e.PurchaseDecided(
            at=at, person=child.id, order=wish.order, approved=approved, amount=wish.amount, guardian=who.account
        )
        await self._road.act(child, event, waits=True)
        after = order_of(child.state, wish.order)
        if after is None or after.stage != ("approved" if approved else "declined"):  # another guardian was faster
            raise CallerError("this purchase was decided a moment ago", status=409, code="decided_already")

    async def ask_refund(self, child: PersonPort, order: str, at: datetime) -> None:
        """A refund is asked of the provider as a complaint, which is answered by its date."""
        known = order_of(child.state, order)
        if known is None or known.stage != "paid":
            raise CallerError("there is no such purchase", field="order", status=404, code="not_found")
        filed = e.ComplaintFiled(at=at, person=child.id, case=refund_case(order), sort="complaint", about="refund")
        await self._road.act(child, filed)

    async def consent(self, who: Who, child: PersonPort, purpose: str, *, given: bool, at: datetime) -> None:
        wanted = next((one for one in PURPOSES if one == purpose), None)
        if wanted is None:
            raise CallerError("there is no such purpose", field="purpose")
        terms: dict[str, Any] = {
            "at": at,
            "person": child.id,
            "purpose": wanted,
            "by": "guardian",
            "verified": f"signed in: {who.account}",
        }
        event = e.ConsentGiven(text_version=CONSENT_VERSION, **terms) if given else e.ConsentWithdrawn(**terms)
        await self._road.act(child, event)

    async def set_mode(self, child: PersonPort, mode: str, at: datetime) -> None:
        """A guardian turns minors mode on, or off for who is of age; a child under 18 stays in it."""
        if mode == "standard" and child.state.age_band in MINOR_BANDS:
            told = "minors mode stays on until 18; its limits can be changed"
            raise CallerError(told, field="mode", status=409, code="is_minor")
        wanted: e.Mode = "standard" if mode == "standard" else "minor"
        await self._road.act(child, e.ModeSet(at=at, person=child.id, mode=wanted, by="guardian", verified=True))

    async def erase(self, child: PersonPort, at: datetime) -> dict[str, Any]:
        """The child's history goes; the account and its protections stay (draft Art. 14.3)."""
        return await self._road.erase(child, "history", "", at, "guardian")

"""`/guardian/children/…/settings` and `…/spending`: what a guardian sets, gives and decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, Router, get, post

from shouban.core.errors import CallerError
from shouban.core.family import MOST_BONUS
from shouban.core.rules import Settings
from shouban.offices.guardians import controls as c
from shouban.offices.guardians.pages import AnyRequest, ChildPages, Sent, named, saved
from shouban.offices.guardians.setting import SettingsOffice
from shouban.offices.guardians.words import EXEMPTIONS, FEATURES, RELATIONS, SPENDING, STAGES
from shouban.offices.guardians.work import GuardiansOffice
from shouban.web.doors import whose
from shouban.web.forms import form_as


class Refunding(msgspec.Struct):
    order: str


class ControlPages(ChildPages):
    def __init__(
        self, office: GuardiansOffice, settings: SettingsOffice, now: Callable[[str | None], datetime]
    ) -> None:
        super().__init__(office, now)
        self._settings = settings

    def router(self) -> Router:
        return Router(
            path="/guardian/children/{person:str}", route_handlers=[*self._limits(), *self._money()], include_in_schema=False
        )  # fmt: skip

    def _limits(self) -> list[Any]:
        @get("/settings", opt={"action": "see_summary"})
        async def settings(request: AnyRequest, person: str) -> Response[str]:
            return await self._settings_page(request, person)

        @post("/limits", opt={"action": "set_limits"}, status_code=200)
        async def limits(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            try:
                wish, child = form_as(data, c.Limits), await self.child(request, person)
                await self._settings.set_limits(whose(request).who, child, wish, self.time(request))
            except CallerError as error:
                return await self._settings_page(request, person, error)
            return saved(person, "/settings")

        @post("/bonus", opt={"action": "set_limits"}, status_code=200)
        async def bonus(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            try:
                wish, child = form_as(data, c.Giving), await self.child(request, person)
                await self._settings.give_bonus(whose(request).who, child, wish, self.time(request))
            except CallerError as error:
                return await self._settings_page(request, person, error)
            return saved(person, "/settings")

        return [settings, limits, bonus]

    def _money(self) -> list[Any]:
        @get("/spending", opt={"action": "see_summary"})
        async def spending(request: AnyRequest, person: str) -> Response[str]:
            return await self._spending_page(request, person)

        @post("/spending", opt={"action": "set_limits"}, status_code=200)
        async def set_spending(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            try:
                wish, child = form_as(data, c.Spending), await self.child(request, person)
                await self._settings.set_spending(whose(request).who, child, wish, self.time(request))
            except CallerError as error:
                return await self._spending_page(request, person, error)
            return saved(person, "/spending")

        @post("/purchases", opt={"action": "decide_purchase"}, status_code=200)
        async def decide(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            try:
                wish, child = form_as(data, c.Deciding), await self.child(request, person)
                await self._settings.decide_purchase(whose(request).who, child, wish, self.time(request))
            except CallerError as error:
                return await self._spending_page(request, person, error)
            return saved(person, "/spending")

        @post("/refund", opt={"action": "decide_purchase"}, status_code=200)
        async def refund(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            try:
                wish, child = form_as(data, Refunding), await self.child(request, person)
                await self._settings.ask_refund(child, wish.order, self.time(request))
            except CallerError as error:
                return await self._spending_page(request, person, error)
            return saved(person, "/spending", "refund")

        return [spending, set_spending, decide, refund]

    async def _settings_page(
        self, request: AnyRequest, person: str, problem: CallerError | None = None
    ) -> Response[str]:
        child = await self.child(request, person)
        held, bonus = child.state.guardianship, child.state.bonus
        blocks, known = c.blocks_of(held), c.companions_of(child.state)
        listed = [*known, *((one, one) for one in blocks.ids if one not in dict(known))]
        given = bonus.minutes if bonus.day == Settings().local(self.time(request)).date() else 0
        return self.page(
            request, "settings.html", child, problem=problem, settings=held, blocks=blocks, companions=listed, given=given, bonuses=[one for one in c.BONUSES if given + one <= MOST_BONUS], in_force=c.in_force(child.state),
            most_bonus=MOST_BONUS, exemptions=named(request, EXEMPTIONS), relations=named(request, RELATIONS), features=named(request, FEATURES), clock=clock,
        )  # fmt: skip

    async def _spending_page(
        self, request: AnyRequest, person: str, problem: CallerError | None = None
    ) -> Response[str]:
        child = await self.child(request, person)
        held = child.state.guardianship
        return self.page(
            request, "spending.html", child, problem=problem, settings=held, purchases=self._settings.purchases(child), choice=c.spending_of(held),
            choices=named(request, SPENDING), stages=named(request, STAGES), yuan=yuan,
        )  # fmt: skip


def clock(minute: int | None) -> str:
    """A minute of the day as a form's time."""
    return "" if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"


def yuan(fen: int | None) -> str:
    return "" if fen is None else f"{fen / 100:.2f}"

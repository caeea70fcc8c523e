"""`/guardian/children/…/alerts`: where alerts and summaries go; and `/guardian/alerts/…`: the page behind the link in an alert."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.offices.guardians import model as m
from shouban.offices.guardians.alerting import AlertsOffice
from shouban.offices.guardians.pages import HERE, AnyRequest, ChildPages, Sent, named, saved
from shouban.offices.guardians.words import KINDS, LETTERS, WORDS
from shouban.offices.guardians.work import GuardiansOffice
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import language_of
from shouban.web.pages import rendered
from shouban.web.problems import in_words
from shouban.web.throttle import Throttle


class Confirming(msgspec.Struct):
    channel: str
    code: str


class Dropping(msgspec.Struct):
    channel: str


class Seen(msgspec.Struct):
    duty: str


class AlertPages(ChildPages):
    def __init__(self, office: GuardiansOffice, alerts: AlertsOffice, now: Callable[[str | None], datetime]) -> None:
        super().__init__(office, now)
        self._alerts = alerts
        self._throttle = Throttle(60, per_seconds=60)

    def router(self) -> Router:
        handlers = [*self._channels(), *self._wishes(), *self._answers()]
        return Router(path="/guardian", route_handlers=handlers, include_in_schema=False)

    def _channels(self) -> list[Any]:
        @get("/children/{person:str}/alerts", opt={"action": "see_summary"})
        async def alerts(request: AnyRequest, person: str) -> Response[str]:
            return await self._page(request, person)

        @post("/children/{person:str}/channels", opt={"action": "set_limits"}, status_code=200)
        async def add(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            try:
                wish, child = form_as(data, m.Adding), await self.child(request, person)
                await self._alerts.add_channel(whose(request).who, child, wish, self.time(request))
            except CallerError as error:
                return await self._page(request, person, error)
            return saved(person, "/alerts", "sent")

        @post("/children/{person:str}/channels/confirm", opt={"action": "set_limits"}, status_code=200)
        async def confirm(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            try:
                wish, child = form_as(data, Confirming), await self.child(request, person)
                await self._alerts.confirm_channel(
                    whose(request).who, child, wish.channel, wish.code, self.time(request)
                )
            except CallerError as error:
                return await self._page(request, person, error)
            return saved(person, "/alerts")

        @post("/children/{person:str}/channels/drop", opt={"action": "set_limits"}, status_code=200)
        async def drop(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            try:
                wish, child = form_as(data, Dropping), await self.child(request, person)
                await self._alerts.drop_channel(whose(request).who, child, wish.channel, self.time(request))
            except CallerError as error:
                return await self._page(request, person, error)
            return saved(person, "/alerts")

        return [alerts, add, confirm, drop]

    def _wishes(self) -> list[Any]:
        @post("/children/{person:str}/wishes", opt={"action": "set_limits"}, status_code=200)
        async def wishes(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            try:
                wish, child = form_as(data, m.Wishes), await self.child(request, person)
                await self._alerts.set_wishes(whose(request).who, child, wish, self.time(request))
            except CallerError as error:
                return await self._page(request, person, error)
            return saved(person, "/alerts")

        @post("/children/{person:str}/seen", opt={"action": "see_summary"}, status_code=200)
        async def seen(request: AnyRequest, person: str, data: Sent) -> Response[Any]:
            child = await self.child(request, person)
            await self._alerts.answer_as(whose(request).who, child, form_as(data, Seen).duty, self.time(request))
            return saved(person, "", "seen")

        return [wishes, seen]

    def _answers(self) -> list[Any]:
        @get("/alerts/{token:str}", opt={"open": True})
        async def told(request: AnyRequest, token: str) -> Response[str]:
            return await self._answer_page(request, token)

        @post("/alerts/{token:str}", opt={"open": True}, status_code=200)
        async def answer(request: AnyRequest, token: str, data: Sent) -> Response[Any]:
            """Pressed by a person: what fetches links by itself presses nothing. The token is the key; there is no cookie to misuse."""
            try:
                await self._alerts.answer(token, self.time(request), able=data.get("able") != "no")
            except CallerError as error:
                if error.code == "answered_already":
                    return Redirect(f"/guardian/alerts/{token}", status_code=303)
                try:  # only guesses count: who has a link may press it, whatever others behind the same address do
                    self._throttle.count(request.client.host if request.client else "")
                except CallerError as too_many:
                    error = too_many
                return await self._answer_page(request, token, error)
            return Redirect(f"/guardian/alerts/{token}?able={data.get('able', 'yes')}", status_code=303)

        return [told, answer]

    async def _page(self, request: AnyRequest, person: str, problem: CallerError | None = None) -> Response[str]:
        child, who = await self.child(request, person), whose(request).who
        held = await self._alerts.mine(who, child)
        every = child.state.letters.get(who.account, "none")
        return self.page(
            request, "alerts.html", child, problem=problem, held=held, every=every, letters=named(request, LETTERS), kinds=named(request, KINDS),
            known_kinds=self._alerts.kinds(), shown=m.masked,
        )  # fmt: skip

    async def _answer_page(self, request: AnyRequest, token: str, problem: CallerError | None = None) -> Response[str]:
        found = None
        try:
            _, found = await self._alerts.told_by(token)
        except CallerError as error:
            problem = problem or error
        language = language_of(request)
        return rendered(
            "alert.html", WORDS, language, HERE / "templates", problem=in_words(problem, language) if problem else "", status=problem.status if problem else 200, found=found,
            token=token, able=request.query_params.get("able", "yes"), local=Settings().local,
        )  # fmt: skip

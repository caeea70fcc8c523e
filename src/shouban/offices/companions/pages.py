"""`/v1/companions` for apps, `/office/companions` for reviewers (draft Art. 7, 8; Order 21 Art. 8, 14; register rows D008, D018)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.offices.companions.model import MOVES, Appealing, Deciding, Persona
from shouban.offices.companions.words import RELATIONS, RULES, STAGES, WORDS
from shouban.offices.companions.work import CompanionsOffice
from shouban.web.access import may
from shouban.web.api import AnyRequest
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of

Form = Body(media_type=RequestEncodingType.URL_ENCODED)
HERE: Final = Path(__file__).parent


class Callers(Protocol):
    """Who calls, and when."""

    def service(self, request: AnyRequest) -> str: ...
    async def now(self, request: AnyRequest) -> datetime: ...


def companions_router(office: CompanionsOffice, callers: Callers) -> Router:
    @post("/companions", summary="Declare a companion for review")
    async def declare(request: AnyRequest, data: Persona) -> dict[str, Any]:
        return await office.declare(callers.service(request), data, await callers.now(request))

    @get("/companions/{companion:str}", summary="A companion's versions, and what was decided on each")
    async def show(request: AnyRequest, companion: str) -> dict[str, Any]:
        return await office.show(callers.service(request), companion)

    @post("/companions/{companion:str}/appeal", status_code=200, summary="Ask another person to decide again")
    async def appeal(request: AnyRequest, companion: str, data: Appealing) -> dict[str, Any]:
        return await office.appeal(callers.service(request), companion, data, await callers.now(request))

    return Router(path="/v1", route_handlers=[declare, show, appeal], tags=["companions"])


def reviews_router(office: CompanionsOffice, now: Callable[[str | None], datetime]) -> Router:
    async def page(request: Request[Any, Any, Any], problem: CallerError | None = None) -> Response[str]:
        who, language = whose(request).who, language_of(request)
        return framed(
            request, HERE, "reviews.html", WORDS, problem=problem, versions=await office.all(who), moves=MOVES, can_review=may(who, "review_companion"),
            relations={name: text.to(language) for name, text in RELATIONS.items()}, rules={name: text.to(language) for name, text in RULES.items()},
            stages={name: text.to(language) for name, text in STAGES.items()}, local=Settings().local,
        )  # fmt: skip

    @get("/companions", opt={"action": "see_companions"})
    async def reviews(request: Request[Any, Any, Any]) -> Response[str]:
        return await page(request)

    @post("/companions/{review:str}", opt={"action": "review_companion"}, status_code=200)
    async def decide(
        request: Request[Any, Any, Any], review: str, data: Annotated[dict[str, Any], Form]
    ) -> Response[Any]:
        try:
            await office.review(
                whose(request).who, review, form_as(data, Deciding), now(request.headers.get("x-shouban-at"))
            )
        except CallerError as error:
            return await page(request, error)
        return Redirect("/office/companions", status_code=303)

    return Router(path="/office", route_handlers=[reviews, decide], include_in_schema=False)

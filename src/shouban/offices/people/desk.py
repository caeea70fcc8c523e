"""`/office/appeals`: where staff decide appeals about age (Order 21 Art. 14: a person decides, not a model)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.offices.people.appeals import Deciding
from shouban.offices.people.words import AGE_BANDS, METHODS, WORDS
from shouban.offices.people.work import PeopleOffice
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of

AnyRequest = Request[Any, Any, Any]
Form = Body(media_type=RequestEncodingType.URL_ENCODED)
HERE: Final = Path(__file__).parent


def appeals_router(office: PeopleOffice, now: Callable[[str | None], datetime]) -> Router:
    def time_of(request: AnyRequest) -> datetime:
        return now(request.headers.get("x-shouban-at"))

    async def page(request: AnyRequest, problem: CallerError | None = None) -> Response[str]:
        language = language_of(request)
        shown = await office.open_appeals(whose(request).who.service)
        bands = {band: text.to(language) for band, text in AGE_BANDS.items()}
        methods = {method: text.to(language) for method, text in METHODS.items()}
        return framed(
            request,
            HERE,
            "appeals.html",
            WORDS,
            problem=problem,
            appeals=shown,
            bands=bands,
            methods=methods,
            now=time_of(request),
        )

    @get("/appeals", opt={"action": "see_appeals"})
    async def appeals(request: AnyRequest) -> Response[str]:
        return await page(request)

    @post("/people/{person:str}/appeals/{case:str}", opt={"action": "decide_age"}, status_code=200)
    async def decide(
        request: AnyRequest, person: str, case: str, data: Annotated[dict[str, Any], Form]
    ) -> Response[Any]:
        who = whose(request).who
        try:
            await office.decide_appeal(
                who.service, person, case, form_as(data, Deciding), by=who.account, at=time_of(request)
            )
        except CallerError as error:
            return await page(request, error)
        return Redirect("/office/appeals", status_code=303)

    return Router(path="/office", route_handlers=[appeals, decide], include_in_schema=False)

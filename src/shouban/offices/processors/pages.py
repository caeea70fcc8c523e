"""`/office/processors`: the register, kept by compliance, read by administrators and inspectors."""

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
from shouban.offices.processors.model import Processor
from shouban.offices.processors.words import BASES, KINDS, STAGES, WORDS
from shouban.offices.processors.work import ProcessorsOffice
from shouban.web.access import may
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of
from shouban.web.language import Text

AnyRequest = Request[Any, Any, Any]
Form = Body(media_type=RequestEncodingType.URL_ENCODED)
HERE: Final = Path(__file__).parent


def processors_router(office: ProcessorsOffice, now: Callable[[str | None], datetime], *, is_strict: bool) -> Router:
    def named(request: AnyRequest, table: dict[Any, Text]) -> dict[Any, str]:
        return {name: text.to(language_of(request)) for name, text in table.items()}

    async def page(request: AnyRequest, problem: CallerError | None = None) -> Response[str]:
        who = whose(request).who
        return framed(
            request, HERE, "processors.html", WORDS, problem=problem, processors=await office.all(who), can_set=may(who, "set_processors"), is_strict=is_strict,
            kinds=named(request, KINDS), bases=named(request, BASES), stages=named(request, STAGES),
        )  # fmt: skip

    @get("/processors", opt={"action": "see_processors"})
    async def show(request: AnyRequest) -> Response[str]:
        return await page(request)

    @post("/processors", opt={"action": "set_processors"}, status_code=200)
    async def approve(request: AnyRequest, data: Annotated[dict[str, Any], Form]) -> Response[Any]:
        try:
            await office.approve(whose(request).who, form_as(data, Processor), now(request.headers.get("x-shouban-at")))
        except CallerError as error:
            return await page(request, error)
        return Redirect("/office/processors", status_code=303)

    @post("/processors/{processor:str}/withdraw", opt={"action": "set_processors"}, status_code=200)
    async def withdraw(request: AnyRequest, processor: str) -> Response[Any]:
        try:
            await office.withdraw(whose(request).who, processor, now(request.headers.get("x-shouban-at")))
        except CallerError as error:
            return await page(request, error)
        return Redirect("/office/processors", status_code=303)

    return Router(path="/office", route_handlers=[show, approve, withdraw], include_in_schema=False)

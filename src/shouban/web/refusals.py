"""A refusal as a reader of pages sees it: in their language, with a way back. Scripts get JSON, as everywhere."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException

from shouban.core.errors import CallerError, ShoubanError
from shouban.web.api import refuse_ours, refuse_theirs
from shouban.web.language import LANGUAGE_COOKIE, Language, Text, chosen_language
from shouban.web.pages import rendered
from shouban.web.problems import in_words

WORDS: Final = {
    "title": Text("守伴", "Shouban"),
    "heading": Text("这个页面打不开", "This page does not open"),
    "home": Text("回到首页", "To the first page"),
    "again": Text("请稍后再试。", "Try again shortly."),
    "nothing": Text("没有这个页面，可能地址不完整，或者已经删除。", "There is no such page: the address may be cut off, or what it was of is deleted."),
}  # fmt: skip


def is_reader(request: Request[Any, Any, Any]) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")


def refuse_reader(request: Request[Any, Any, Any], error: ShoubanError) -> Response[Any]:
    if not is_reader(request):
        return refuse_ours(request, error)
    language = _language(request)
    if isinstance(error, CallerError):
        told, status = in_words(error, language), error.status
    else:
        told, status = WORDS["again"].to(language), 503
    return rendered("refusal.html", WORDS, language, problem=told, status=status)


def refuse_lost_reader(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What the framework itself refuses: no such path, another method."""
    if not is_reader(request):
        return refuse_theirs(request, error)
    language = _language(request)
    return rendered("refusal.html", WORDS, language, problem=WORDS["nothing"].to(language), status=error.status_code)


def _language(request: Request[Any, Any, Any]) -> Language:
    return chosen_language(request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE))

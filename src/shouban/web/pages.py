"""What every page is made with: templates, the headers that keep it safe, and its static files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Response, Router
from litestar.datastructures import CacheControlHeader, Cookie
from litestar.static_files import create_static_files_router

from shouban.web.language import HTML_LANGUAGE, LANGUAGE_COOKIE, Language, Text, words_in

WEB = Path(__file__).parent
STATIC = WEB / "static"
A_YEAR_IN_SECONDS = 365 * 24 * 3600

# Nothing comes from elsewhere and nothing is written into the page: a message cannot become a script.
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@cache
def page_environment(*folders: Path) -> Environment:
    """Templates of the given folders and the shared ones; a missing name is an error, never a blank."""
    loader = FileSystemLoader([*folders, WEB / "templates"])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def page_response(html: str, language: Language) -> Response[str]:
    """The page with its headers; the language is kept for the next page."""
    kept = Cookie(key=LANGUAGE_COOKIE, value=language, path="/", max_age=A_YEAR_IN_SECONDS, samesite="lax")
    headers = PAGE_HEADERS | {"Content-Language": HTML_LANGUAGE[language]}
    return Response(html, media_type=MediaType.HTML, headers=headers, cookies=[kept])


def rendered(
    template: str, words: Mapping[str, Text], language: Language, *folders: Path, problem: str = "", status: int = 200, **given: object
) -> Response[str]:  # fmt: skip
    """A page in one language, with what every page of ours is given."""
    html = page_environment(*folders).get_template(template).render(
        words=words_in(words, language), language=language, html_language=HTML_LANGUAGE[language], other_language="en" if language == "zh" else "zh",
        problem=problem, **given,
    )  # fmt: skip
    answer = page_response(html, language)
    answer.status_code = status
    return answer


def fragment(
    template: str, words: Mapping[str, Text], language: Language, *folders: Path, **given: object
) -> str:  # fmt: skip
    """A part of a page, as it stands in the page and as a stream sends it again."""
    return (
        page_environment(*folders)
        .get_template(template)
        .render(words=words_in(words, language), language=language, **given)
    )


def static_router() -> Router:
    """Styles, scripts and pictures under `/static`; browsers ask again, and get 304 while nothing changed."""
    return create_static_files_router(
        path="/static",
        directories=[STATIC],
        name="static",
        cache_control=CacheControlHeader(no_cache=True),
        opt={"open": True},
    )

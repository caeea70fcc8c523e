"""The companion page at `/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from jinja2 import Template
from litestar import Request, Response, Router, get

from shouban.offices.companion_app.model import card_of, page_data, phone_link
from shouban.offices.companion_app.words import WORDS
from shouban.packs.templates import Help
from shouban.web.companions import Companion
from shouban.web.language import HTML_LANGUAGE, LANGUAGE_COOKIE, Language, chosen_language, words_in
from shouban.web.pages import page_environment, page_response

HelpLines: TypeAlias = Callable[[Language], Sequence[Help]]


def render_companion_page(
    language: Language, *, scripted: bool, companions: Sequence[Companion], help_lines: Sequence[Help]
) -> str:
    words = words_in(WORDS, language)
    cards = [card_of(companion, language) for companion in companions]
    return _template().render(
        language=language,
        html_language=HTML_LANGUAGE[language],
        other_language="en" if language == "zh" else "zh",
        words=words,
        scripted=scripted,
        cards=cards,
        help_lines=help_lines,
        data=page_data(language=language, scripted=scripted, words=words, cards=cards),
    )


def companion_router(*, companions: Sequence[Companion], help_lines: HelpLines, scripted: bool) -> Router:
    """`/`. `help_lines` is asked at each request, so a newly verified number shows at once."""

    @get("/", include_in_schema=False, sync_to_thread=False)
    def companion_page(request: Request[Any, Any, Any]) -> Response[str]:  # Any: no user, auth or state is read here
        language = chosen_language(request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE))
        lines = help_lines(language)
        html = render_companion_page(language, scripted=scripted, companions=companions, help_lines=lines)
        return page_response(html, language)

    return Router(path="/", route_handlers=[companion_page], opt={"open": True})


@cache
def _template() -> Template:
    environment = page_environment(Path(__file__).parent / "templates")
    environment.filters["phone_link"] = phone_link
    return environment.get_template("companion.html")

"""The frame around every page of people's work: who is signed in, where they may go, and the language."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from litestar import Request, Response

from shouban.core.errors import CallerError
from shouban.web.access import Action, may
from shouban.web.doors import whose
from shouban.web.language import LANGUAGE_COOKIE, Language, Text, chosen_language
from shouban.web.pages import rendered
from shouban.web.problems import in_words

# Places in the frame: the address, its name, and what one must be allowed to do there.
PLACES: Final[tuple[tuple[str, Text, Action], ...]] = (
    ("/office", Text("办公", "Office"), "see_office"),
    ("/care", Text("关怀台", "Care desk"), "see_queue"),
    ("/office/appeals", Text("年龄申诉", "Age appeals"), "see_appeals"),
    ("/office/complaints", Text("投诉处理", "Complaints"), "see_complaints"),
    ("/office/restrictions", Text("服务限制", "Restrictions"), "see_restrictions"),
    ("/office/companions", Text("角色审核", "Companions"), "see_companions"),
    ("/office/notices", Text("公告发布", "Notices"), "see_notices"),
    ("/office/processors", Text("第三方", "Processors"), "see_processors"),
    ("/office/accounts", Text("账号", "Accounts"), "see_accounts"),
    ("/office/grants", Text("破窗记录", "Broken glass"), "see_grants"),
    ("/guardian", Text("我的孩子", "My children"), "see_children"),
)
SHARED: Final = {
    "brand": Text("守伴", "Shouban"),
    "out": Text("退出", "Sign out"),
    "language": Text("English", "中文"),
    "main": Text("主要页面", "Main pages"),
}


def language_of(request: Request[Any, Any, Any]) -> Language:
    return chosen_language(request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE))


def framed(
    request: Request[Any, Any, Any], folder: Path, template: str, words: dict[str, Text], *, problem: CallerError | None = None, told: str = "", **given: object
) -> Response[str]:  # fmt: skip
    """A page of `folder`'s templates inside the frame; `problem` is shown at its top, with its status."""
    language, signed_in = language_of(request), whose(request)
    places = [(at, name.to(language)) for at, name, action in PLACES if may(signed_in.who, action)]
    return rendered(
        template, {**SHARED, **words}, language, folder / "templates", problem=in_words(problem, language) if problem else "", status=problem.status if problem else 200,
        who=signed_in.who, told=told, places=places, here=request.url.path, may=may, **given,
    )  # fmt: skip

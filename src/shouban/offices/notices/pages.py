"""`/status`: what is announced, for anybody, as a page, JSON and RSS; `/office/notices`: the staff post and take down (register row D079)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, Any, Final
from xml.etree import ElementTree as ET

from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.offices.notices import model as m
from shouban.offices.notices import words as w
from shouban.offices.notices.work import NoticesOffice
from shouban.web.doors import whose
from shouban.web.forms import form_as
from shouban.web.frame import framed, language_of
from shouban.web.language import HTML_LANGUAGE, Language, words_in
from shouban.web.pages import PAGE_HEADERS, rendered

AnyRequest = Request[Any, Any, Any]
Sent = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE: Final = Path(__file__).parent
_ATOM: Final = "http://www.w3.org/2005/Atom"


class NoticePages:
    def __init__(
        self, office: NoticesOffice, now: Callable[[str | None], datetime], settings_of: Callable[[str], Settings], *, service: str, is_one: bool, base: str, home: str
    ) -> None:  # fmt: skip
        self._office = office
        self._now = now
        self._settings_of = settings_of
        self._service = service
        self._is_one = is_one
        self._base = base
        self._home = home

    def public(self) -> Router:
        return Router(path="/", route_handlers=self._public(), include_in_schema=False, opt={"open": True})

    def desk(self) -> Router:
        return Router(path="/office/notices", route_handlers=self._desk(), include_in_schema=False)

    def _public(self) -> list[Any]:
        @get("/status")
        async def status(request: AnyRequest) -> Response[str]:
            shown = await self._office.shown()
            past = [one for one in await self._office.archive() if one.state == "down"]
            return rendered(
                "status.html", w.WORDS, language_of(request), HERE / "templates", shown=shown, past=past, is_out=_is_out(shown), now=self._time(request), kinds=words_in(w.KINDS, language_of(request)),
                home=self._home, local=self._local, day=self._day, language_now=language_of(request), is_one=self._is_one,
            )  # fmt: skip

        @get("/status.json")
        async def as_json(request: AnyRequest) -> Response[dict[str, Any]]:
            shown = await self._office.shown()
            found = {
                "state": "outage" if _is_out(shown) else "ok",
                "at": self._time(request).isoformat(),
                "notices": [_plain(one) for one in shown],
            }
            return Response(found, headers=PAGE_HEADERS)

        @get("/status/feed.xml")
        async def feed(request: AnyRequest) -> Response[bytes]:
            found = await self._office.archive()
            return Response(
                self._feed(found, language_of(request)), media_type="application/rss+xml", headers=PAGE_HEADERS
            )

        return [status, as_json, feed]

    def _desk(self) -> list[Any]:
        @get("/", opt={"action": "see_notices"})
        async def listed(request: AnyRequest) -> Response[str]:
            return await self._page(request, m.Posting("news", "", ""))

        @post("/", opt={"action": "post_notices"}, status_code=200)
        async def put_up(request: AnyRequest, data: Sent) -> Response[Any]:
            wish = form_as({"title_zh": "", "text_zh": "", **data}, m.Posting)
            try:
                await self._office.post(whose(request).who, wish, self._time(request))
            except CallerError as error:
                return await self._page(request, wish, error)
            return Redirect("/office/notices", status_code=303)

        @post("/{notice:str}/down", opt={"action": "post_notices"}, status_code=200)
        async def take_down(request: AnyRequest, notice: str) -> Response[Any]:
            try:
                await self._office.take_down(whose(request).who, notice, self._time(request))
            except CallerError as error:
                return await self._page(request, m.Posting("news", "", ""), error)
            return Redirect("/office/notices", status_code=303)

        return [listed, put_up, take_down]

    # --- inside

    async def _page(self, request: AnyRequest, given: m.Posting, problem: CallerError | None = None) -> Response[str]:
        counted, cases = await self._office.counted(whose(request).who.service)
        return framed(
            request, HERE, "desk.html", {**w.WORDS, "title": w.WORDS["desk_title"]}, problem=problem, counted=counted, cases=cases, given=given,
            kinds=words_in(w.KINDS, language_of(request)), states=words_in(w.STATES, language_of(request)), local=self._local, day=self._day,
        )  # fmt: skip

    def _feed(self, notices: Sequence[m.Notice], language: Language) -> bytes:
        """RSS 2.0; the newest first. What is taken down stays, as past."""
        ET.register_namespace("atom", _ATOM)
        root = ET.Element("rss", version="2.0")
        channel = ET.SubElement(root, "channel")
        page = f"{self._base}/status"
        for name, text in (
            ("title", w.WORDS["title"].to(language)),
            ("link", page),
            ("description", w.WORDS["heading"].to(language)),
            ("language", HTML_LANGUAGE[language]),
        ):
            ET.SubElement(channel, name).text = text
        ET.SubElement(channel, f"{{{_ATOM}}}link", href=f"{page}/feed.xml", rel="self", type="application/rss+xml")
        for one in notices:
            item = ET.SubElement(channel, "item")
            title = one.body.title_zh if language == "zh" else one.body.title_en
            state = "" if one.state == "posted" else f" ({w.STATES['down'].to(language)})"
            text = one.body.text_zh if language == "zh" else one.body.text_en
            for name, value in (
                ("title", title + state),
                ("link", page),
                ("description", text),
                ("pubDate", format_datetime(one.posted_at.astimezone(UTC))),
                ("category", one.kind),
            ):
                ET.SubElement(item, name).text = _printable(value)
            ET.SubElement(item, "guid", isPermaLink="false").text = f"{one.id}-{one.state}"
        written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return written

    def _local(self, at: datetime) -> str:
        return f"{self._settings_of(self._service).local(at):%Y-%m-%d %H:%M}"

    def _day(self, at: datetime) -> str:
        return f"{self._settings_of(self._service).local(at):%Y-%m-%d}"

    def _time(self, request: AnyRequest) -> datetime:
        return self._now(request.headers.get("x-shouban-at"))


def _is_out(shown: Sequence[m.Notice]) -> bool:
    return any(one.kind == "outage" for one in shown)


def _plain(one: m.Notice) -> dict[str, Any]:
    body = one.body
    return {
        "id": one.id, "service": one.service, "kind": one.kind, "what": one.what, "title": {"zh": body.title_zh, "en": body.title_en}, "text": {"zh": body.text_zh, "en": body.text_en},
        "at": one.posted_at.isoformat(), "by_itself": one.is_by_itself, "ends_at": _iso(body.ends_at), "read_only_at": _iso(body.read_only_at), "export_until": _iso(body.export_until),
        "refunds": body.refunds or None,
    }  # fmt: skip


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _printable(text: str) -> str:
    """XML 1.0 has no place for most controls, for surrogates and for the two non-characters (section 2.2)."""
    return "".join(
        one
        for one in text
        if one in "\t\n\r" or " " <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" or one > "\uffff"
    )

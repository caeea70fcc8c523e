from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from shouban.gateway.scripted import COMPANIONS
from shouban.offices.companion_app.pages import companion_router, render_companion_page
from shouban.offices.companion_app.words import WORDS
from shouban.packs.templates import Help
from shouban.web.language import LANGUAGES, Language, Text
from shouban.web.pages import static_router

LINES = [Help("心理援助热线", "12356", "每日不少于 18 小时", "cn", date(2026, 7, 1))]
EVIL = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(1)>"


def page(language: Language = "zh", *, scripted: bool = True) -> str:
    return render_companion_page(language, scripted=scripted, companions=COMPANIONS, help_lines=LINES)


class Reader(HTMLParser):
    """The page's elements, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def by_id(self, name: str) -> dict[str, str | None]:
        return next(attrs for _, attrs in self.elements if attrs.get("id") == name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ai_notice_stands_on_the_page_and_nothing_closes_it(language: Language) -> None:
    html = page(language)
    bar = html[html.index('id="notice-bar"') : html.index("</div>", html.index('id="notice-bar"'))]
    assert WORDS["notice_ai"].to(language) in bar
    assert "button" not in bar
    assert "hidden" not in Reader(html).by_id("notice-bar")


@pytest.mark.parametrize("language", LANGUAGES)
def test_exit_help_data_and_complaints_are_in_reach(language: Language) -> None:
    html = page(language)
    ids = {attrs.get("id") for _, attrs in Reader(html).elements}
    assert {"exit", "open-help", "minor-switch", "delete-data", "messages", "message", "restart"} <= ids
    assert 'href="/app/api/data"' in html
    assert 'href="/complaints"' in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_no_inline_script_or_style_and_nothing_from_outside(language: Language) -> None:
    for tag, attrs in Reader(page(language)).elements:
        assert tag != "style"
        assert "style" not in attrs
        assert not [name for name in attrs if name.startswith("on")]
        if tag == "script":
            assert (attrs.get("src") or "").startswith("/static/")
        for name in ("src", "href"):
            assert re.match(r"(/|#|tel:|$)", attrs.get(name) or "")


def test_the_help_card_is_in_the_page_with_number_hours_and_date() -> None:
    html = page()
    for part in ('href="tel:12356"', "每日不少于 18 小时", "2026-07-01", "中国大陆"):
        assert part in html


def test_a_number_nobody_verified_says_so() -> None:
    lines = [replace(LINES[0], verified_on=None)]
    html = render_companion_page("zh", scripted=True, companions=COMPANIONS, help_lines=lines)
    assert html.count("尚未逐一电话核实") == 2, "once in each card, and not beside each number"
    assert "<time>" not in html


def test_the_scripted_model_is_labelled_and_a_real_one_is_not() -> None:
    assert 'id="scripted"' in page()
    assert 'id="scripted"' not in page(scripted=False)


def test_the_data_in_the_page_is_read_back_whole_and_cannot_break_out() -> None:
    bad = replace(COMPANIONS[0], name=Text(EVIL, EVIL))
    html = render_companion_page("zh", scripted=True, companions=[bad], help_lines=[replace(LINES[0], name=EVIL)])
    reader = Reader(html)
    data = json.loads(reader.by_id("page")["data-page"] or "")
    assert data["companions"][0]["name"] == EVIL
    assert [tag for tag, _ in reader.elements].count("script") == 1
    assert data["words"].keys() == WORDS.keys()


def test_every_label_of_the_form_names_a_field_of_the_page() -> None:
    reader = Reader(page())
    ids = [attrs["id"] for _, attrs in reader.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in reader.elements:
        for name in ("for", "aria-labelledby", "aria-describedby"):
            assert attrs.get(name) is None or attrs[name] in ids


def test_chinese_comes_first_and_the_switch_is_kept_for_the_next_visit() -> None:
    def lines(language: Language) -> Sequence[Help]:
        return LINES

    router = companion_router(companions=COMPANIONS, help_lines=lines, scripted=True)
    with TestClient(Litestar([router, static_router()], openapi_config=None)) as client:
        assert 'lang="zh-CN"' in client.get("/", headers={"Accept-Language": "en"}).text
        switched = client.get("/?lang=en")
        assert '<html lang="en">' in switched.text
        assert "script-src 'self'" in switched.headers["content-security-policy"]
        assert '<html lang="en">' in client.get("/").text
        assert '<html lang="zh-CN">' in client.get("/?lang=zh").text
        assert client.get("/static/companion/app.js").status_code == 200

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from litestar import Litestar
from litestar.testing import TestClient

from shouban.web.pages import PAGE_HEADERS, STATIC, page_environment, page_response, static_router

TEXT_PAIRS = [
    ("ink", "ground"),
    ("ink", "surface"),
    ("ink-soft", "ground"),
    ("ink-soft", "surface"),
    ("accent", "ground"),
    ("accent", "surface"),
    ("on-accent", "accent"),
    ("mine-ink", "mine"),
    ("ai-bar-ink", "ai-bar"),
    ("human-bar-ink", "human-bar"),
    ("staff-ink", "staff"),
    ("care-ink", "care"),
    ("on-danger", "danger"),
    ("danger", "surface"),
    ("danger-ink", "danger-soft"),
    ("surface", "ink"),
]
EDGE_PAIRS = [
    ("line", "surface"),
    ("line", "ground"),
    ("focus", "surface"),
    ("focus", "ground"),
    ("accent", "surface"),
    ("care-line", "care"),
]


def colours(scheme: str) -> dict[str, str]:
    css = (STATIC / "base.css").read_text(encoding="utf-8")
    light, dark = css.split("prefers-color-scheme: dark", 1)
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light))
    return found | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark)) if scheme == "dark" else found


def brightness(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = [int(colour[at:to], 16) / 255 for at, to in pairwise((1, 3, 5, 7))]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((brightness(one), brightness(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_aa(scheme: str) -> None:
    table = colours(scheme)
    weak = {pair: contrast(table[pair[0]], table[pair[1]]) for pair in TEXT_PAIRS}
    assert not {pair: ratio for pair, ratio in weak.items() if ratio < 4.5}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_edges_and_the_focus_ring_have_the_contrast_of_aa(scheme: str) -> None:
    table = colours(scheme)
    weak = {pair: contrast(table[pair[0]], table[pair[1]]) for pair in EDGE_PAIRS}
    assert not {pair: ratio for pair, ratio in weak.items() if ratio < 3}


def test_both_schemes_name_the_same_colours() -> None:
    css = (STATIC / "base.css").read_text(encoding="utf-8")
    light, dark = css.split("prefers-color-scheme: dark", 1)
    names = [set(re.findall(r"--([a-z-]+): #", part)) for part in (light, dark)]
    assert names[0] == names[1]


@pytest.mark.parametrize("file", sorted(STATIC.rglob("*.*")), ids=lambda file: file.name)
def test_static_files_need_nothing_from_outside_and_build_no_markup_from_text(file: Path) -> None:
    source = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in source
    assert "https://" not in source
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|@import", source)


def test_static_files_are_served_and_a_page_carries_its_headers() -> None:
    with TestClient(Litestar([static_router()], openapi_config=None)) as client:
        served = client.get("/static/base.css")
        assert served.status_code == 200
        assert served.headers["content-type"].startswith("text/css")
        assert client.get("/static/../pages.py").status_code == 404
    response = page_response("<p>", "en")
    assert PAGE_HEADERS.items() <= response.headers.items()
    assert "unsafe" not in PAGE_HEADERS["Content-Security-Policy"]


def test_a_template_escapes_what_it_is_given_and_refuses_a_missing_name(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text("{{ name }}", encoding="utf-8")
    template = page_environment(tmp_path).get_template("one.html")
    assert template.render(name="<b>") == "&lt;b&gt;"
    with pytest.raises(UndefinedError):
        template.render()

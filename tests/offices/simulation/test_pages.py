from __future__ import annotations

import base64
import re
from datetime import UTC, date, datetime
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.offices.simulation.model import (
    LEVELS,
    Alarms,
    Bad,
    BadLine,
    Bin,
    Evidence,
    Ledger,
    Owed,
    Report,
    RuleCount,
    Run,
    Seen,
    Timeline,
    Totals,
)
from shouban.offices.simulation.pages import PLOT_HEIGHT, PLOT_WIDTH, TEMPLATES, columns_of, level_bars, render_report
from shouban.web.language import LANGUAGES

EVIL = "</style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
AT = datetime(2026, 8, 3, 2, 0, tzinfo=UTC)


def report(name: str = "c-1") -> Report:
    return Report(
        run=Run(name, "0" * 64, f"法 {name}", f"law {name}", AT, 1.0, 100.0),
        totals=Totals(3, 3, 30, {"user": 15, name: 15}, 4, 5, 100.0, 1_000.0),
        seen=(Seen("crisis", 4, dict.fromkeys(LEVELS, 0) | {"low": 3, "severe": 1}, name),),
        owed=(Owed("ShowHelp", 5, 166.67, 2, name),),
        rules=(RuleCount(name, name, name, name, 5, 2, name, {"ShowHelp": 5}),),
        alarms=Alarms(2, 66.67, 1),
        timeline=Timeline("day", (Bin(date(2026, 8, 3), 10, 2), Bin(date(2026, 8, 4), 20, 0))),
        ledger=Ledger(5, 0, 0, 1, 2),
        bad=Bad(2, (BadLine(4, name), BadLine(9, "why"))),
        evidence=Evidence(is_whole=False, entries=9, why=name),
    )


class Reader(HTMLParser):
    """The page's elements, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hostile_id_cannot_become_markup(language: str) -> None:
    tame = Reader(render_report(report(), language)).elements  # type: ignore[arg-type]  # one of the two
    html = render_report(report(EVIL), language)  # type: ignore[arg-type]  # likewise
    assert Reader(html).elements == [(tag, attrs) for tag, attrs in tame]
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@given(st.text())
def test_no_name_whatever_changes_the_elements_of_the_page(name: str) -> None:
    assert [tag for tag, _ in Reader(render_report(report(name or "x"), "zh")).elements] == [
        tag for tag, _ in Reader(render_report(report(), "zh")).elements
    ]


def test_the_page_stands_alone_and_its_policy_lets_nothing_in() -> None:
    html = render_report(report(), "zh")
    elements = Reader(html).elements
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in elements}
    assert not [attrs for _, attrs in elements if {"style", "src", "onclick"} & attrs.keys()]
    assert "http://" not in html
    assert "https://" not in html
    assert "url(" not in html
    style = html[html.index("<style>") + len("<style>") : html.index("</style>")]
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    policy = next(
        attrs["content"]
        for tag, attrs in elements
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize(("language", "checked"), [("zh", "language-zh"), ("en", "language-en")])
def test_both_languages_are_there_and_the_one_asked_for_comes_first(language: str, checked: str) -> None:
    html = render_report(report(), language)  # type: ignore[arg-type]  # one of the two
    assert [attrs["id"] for tag, attrs in Reader(html).elements if tag == "input" and "checked" in attrs] == [checked]
    zh, en = html.count('<span lang="zh-CN">'), html.count('<span lang="en">')
    assert zh == en > 20


def test_every_picture_has_its_numbers_beside_it() -> None:
    html = render_report(report(), "zh")
    assert all(attrs["aria-hidden"] == "true" for tag, attrs in Reader(html).elements if tag == "svg")
    for number in ("166.67", "2026-08-04", "30", ">20<"):
        assert number in html


def test_evidence_that_does_not_hold_is_said_loudly() -> None:
    assert "DOES NOT HOLD" in render_report(report(), "en")
    whole = msgspec.structs.replace(report(), evidence=Evidence(is_whole=True, entries=9))
    assert "DOES NOT HOLD" not in render_report(whole, "en")


def test_a_report_of_nothing_is_a_page_too() -> None:
    empty = msgspec.structs.replace(report(), seen=(), owed=(), rules=(), timeline=Timeline("day", ()), bad=Bad(0, ()))
    html = render_report(empty, "en")
    assert html.count("None.") == 4
    assert 'id="timeline"' not in html


@given(st.dictionaries(st.sampled_from(LEVELS), st.integers(0, 10**6)))
def test_the_bars_of_a_signal_follow_one_another_within_the_plot(found: dict[str, int]) -> None:
    levels = dict.fromkeys(LEVELS, 0) | found
    bars = level_bars(levels, max(sum(levels.values()), 1))
    assert [bar.sort for bar in bars] == [level for level in LEVELS if levels[level]]
    assert all(later.x >= bar.x + bar.width - 0.01 for bar, later in pairwise(bars))
    assert all(bar.x + bar.width <= 100 + 0.4 * len(LEVELS) for bar in bars)


@given(st.lists(st.tuples(st.integers(1, 1_000), st.integers(0, 1_000)), max_size=40))
def test_the_columns_stay_in_the_plot_and_alarms_stay_in_their_column(counts: list[tuple[int, int]]) -> None:
    bins = [Bin(date(2026, 8, 1), messages, min(messages, alarms)) for messages, alarms in counts]
    for _, (messages, alarms) in columns_of(bins):
        assert 0 <= messages.x <= messages.x + messages.width <= PLOT_WIDTH + 0.1
        assert alarms.height <= messages.height <= PLOT_HEIGHT
        assert messages.y + messages.height == pytest.approx(PLOT_HEIGHT, abs=0.1)


# --- colours

TEXT_PAIRS = [
    ("ink", "ground"),
    ("ink", "surface"),
    ("ink-soft", "ground"),
    ("ink-soft", "surface"),
    ("accent", "surface"),
    ("on-accent", "accent"),
    ("danger", "surface"),
]
EDGE_PAIRS = [(name, "surface") for name in (*LEVELS, "bar", "line", "focus")] + [
    ("bar", "ground"),
    ("focus", "ground"),
]


def colours(scheme: str) -> dict[str, str]:
    light, dark = (TEMPLATES / "report.css").read_text(encoding="utf-8").split("prefers-color-scheme: dark", 1)
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
def test_text_and_bars_have_the_contrast_of_aa(scheme: str) -> None:
    table = colours(scheme)
    weak = {pair: contrast(table[pair[0]], table[pair[1]]) for pair in TEXT_PAIRS}
    assert not {pair: ratio for pair, ratio in weak.items() if ratio < 4.5}
    faint = {pair: contrast(table[pair[0]], table[pair[1]]) for pair in EDGE_PAIRS}
    assert not {pair: ratio for pair, ratio in faint.items() if ratio < 3}

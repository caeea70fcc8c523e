"""The report as one page of its own: no script, nothing from elsewhere, both languages, plots drawn as SVG."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from shouban.offices.simulation.model import LEVELS, Bin, Report
from shouban.offices.simulation.words import LEVEL_WORDS, WORDS, named_obligation, named_signal
from shouban.web.language import HTML_LANGUAGE, Language
from shouban.web.pages import page_environment

TEMPLATES = Path(__file__).parent / "templates"
PLOT_WIDTH = 720.0
PLOT_HEIGHT = 120.0
GAP = 0.15


@dataclass(frozen=True)
class Bar:
    """A piece of a plot, in the plot's own units."""

    x: float
    y: float
    width: float
    height: float
    sort: str


def render_report(report: Report, language: Language) -> str:
    """`language` is the one shown first; the other is one click away."""
    style = _style()
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            language=language,
            html_language=HTML_LANGUAGE,
            words=WORDS,
            levels=LEVELS,
            level_words=LEVEL_WORDS,
            named_signal=named_signal,
            named_obligation=named_obligation,
            style=Markup(style),  # noqa: S704  # our own file, of which the page states the digest
            style_digest=digest,
            level_bars=level_bars,
            share=share,
            columns=columns_of(report.timeline.bins),
            plot=(PLOT_WIDTH, PLOT_HEIGHT),
        )
    )


def level_bars(levels: dict[str, int], greatest: int) -> list[Bar]:
    """One signal's levels beside one another, as parts of a hundred of the most frequent signal."""
    bars: list[Bar] = []
    x = 0.0
    for level in LEVELS:
        width = share(levels[level], greatest)
        if width:
            bars.append(Bar(round(x, 3), 0.0, width, 10.0, level))
        x += width
    return bars


def share(count: int, greatest: int) -> float:
    """In per cent of the greatest; what is there at all can be seen."""
    return max(round(100 * count / greatest, 3), 0.4) if count and greatest else 0.0


def columns_of(bins: Sequence[Bin]) -> list[tuple[Bin, list[Bar]]]:
    """A column for each bin: messages, and before them the alarms."""
    if not bins:
        return []
    step = PLOT_WIDTH / len(bins)
    greatest = max(one.messages for one in bins)
    found = []
    for place, one in enumerate(bins):
        x, width = round(place * step + step * GAP / 2, 2), round(step * (1 - GAP), 2)
        found.append(
            (
                one,
                [
                    _column(x, width, one.messages / greatest, "messages"),
                    _column(x, width, one.alarms / greatest, "alarms"),
                ],
            )
        )
    return found


def _column(x: float, width: float, part: float, sort: str) -> Bar:
    height = round(PLOT_HEIGHT * part, 2)
    return Bar(x, round(PLOT_HEIGHT - height, 2), width, height, sort)


@cache
def _style() -> str:
    return (TEMPLATES / "report.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return page_environment(TEMPLATES)

"""The page of `shouban eval`: tables, precision by tier, and reliability drawn as SVG; no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from shouban.cli.evaluation import ADVISED_HEADINGS, HEADINGS, Evaluation, Figures, advised_rows_of, rows_of

STYLE = """
body{font:16px/1.6 system-ui,"Noto Sans CJK SC",sans-serif;margin:0 auto;max-width:72rem;padding:1rem;color:#16211d;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}th,td{padding:.25rem .6rem;border-bottom:1px solid #d5ddd9;text-align:right;white-space:nowrap}
th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}.plots{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0;width:15rem}figcaption{font-size:.8rem;overflow-wrap:anywhere}svg{width:100%;background:#f3f7f5;border:1px solid #d5ddd9}
"""


def render(found: Evaluation, split: str) -> str:
    """The whole page as text."""
    sources = ", ".join(f"{source} {count}" for source, count in sorted(found.cases.items()))
    plots = "".join(_reliability(one) for one in found.figures if one.there >= 20 and one.reliability)
    benign = [(source, str(found.cases[source]), *_told(shares)) for source, shares in found.benign.items()]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>shouban eval</title><style>{STYLE}</style><h1>How good the detectors are · 检测评估</h1>"
        f"<p>Split: {escape(split)}. Texts: {escape(sources)}. A signal counts as there from level 2 on. "
        f"Recall @1 %: at the cut where 1 % of everyday chat raises an alarm.</p>"
        f"<h2>Each signal on each source</h2>{_table(HEADINGS, list(rows_of(found.figures)))}"
        f"<h2>PR-AUC by tier</h2>{_table(_tier_headings(found.figures), _tiers(found.figures))}"
        f"{_advised(found.figures)}"
        f"<h2>Where every alarm is a false one</h2>{_table(('source', 'texts', 'alarms by signal'), benign)}"
        f"<h2>Levels of crisis: judged (rows) and read (columns)</h2>{_confusions(found.figures)}"
        f'<h2>Reliability of the models\' scores</h2><div class="plots">{plots}</div>'
        f"<h2>Time of one text, µs</h2>{_table(('length', 'median'), [(name, f'{value:g}') for name, value in found.microseconds.items()])}</html>"
    )


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _told(shares: dict[str, float]) -> tuple[str]:
    return (
        ", ".join(f"{signal} {share:.2%}" for signal, share in sorted(shares.items(), key=lambda one: -one[1])[:8])
        or "none",
    )


def _tiers(figures: list[Figures]) -> list[tuple[str, ...]]:
    return [(one.signal, one.source, *(f"{value:.3f}" for value in one.tiers.values())) for one in figures if one.tiers]


def _tier_headings(figures: list[Figures]) -> tuple[str, ...]:
    most = max((tuple(one.tiers) for one in figures), key=len, default=())
    return ("signal", "source", *most)


def _advised(figures: list[Figures]) -> str:
    rows = list(advised_rows_of(figures))
    return f"<h2>Where a second opinion was asked</h2>{_table(ADVISED_HEADINGS, rows)}" if rows else ""


def _confusions(figures: list[Figures]) -> str:
    tables = []
    for one in figures:
        if one.signal == "crisis" and one.there:
            rows = [(str(level), *(str(count) for count in counts)) for level, counts in enumerate(one.confusion)]
            tables.append(f"<h3>{escape(one.source)}</h3>" + _table(("judged", "0", "1", "2", "3", "4"), rows))
    return "".join(tables)


def _reliability(one: Figures) -> str:
    """Mean score against the share that is there: the nearer the diagonal the better; the wider a dot the more texts."""
    most = max(count for _, _, count in one.reliability)
    dots = "".join(
        f'<circle cx="{mean * 100:.1f}" cy="{100 - share * 100:.1f}" r="{1.5 + 3.5 * (count / most) ** 0.5:.1f}" fill="#0f6b57"/>'
        for mean, share, count in one.reliability
    )
    title = f"{one.signal} · {one.source} · ECE {one.calibration_error:.3f}"
    return (
        f'<figure><svg viewBox="-6 -6 112 112" role="img" aria-label="{escape(title)}"><path d="M0 100L100 0" stroke="#9db0a8" fill="none"/>'
        f"{dots}</svg><figcaption>{escape(title)}</figcaption></figure>"
    )

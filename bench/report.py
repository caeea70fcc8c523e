"""The figures as a table for people, as JSON for machines and as Markdown for the manual."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from bench import measures
from bench.measures import Measured


@dataclass(frozen=True, kw_only=True)
class Column:
    """One measure in words: how it is written, and whether its ratio to the reference is of use."""

    measure: str
    title: str
    form: str
    compared: bool = True


ADDED, ADDED_P99 = "added_first_words_ms", "added_first_words_p99_ms"
COLUMNS = (
    Column(measure=measures.REQUESTS, title="requests/s", form="{:,.0f}"),
    Column(measure=measures.CHUNKS, title="chunks/s", form="{:,.0f}"),
    Column(measure=ADDED, title="added to first chunk, ms", form="{:.3f}"),
    Column(measure=ADDED_P99, title="p99, ms", form="{:.3f}", compared=False),
    Column(measure=measures.CPU, title="CPU µs/chunk", form="{:.1f}"),
    Column(measure=measures.MEMORY, title="memory, MB", form="{:.0f}"),
)
REFERENCE, OURS = "aiohttp", "shouban"
# Below this share of its core a proxy was waiting for the load: its rate is what we could send, not what it can do.
SATURATED = 0.85
_BOUND_BY_CPU = (measures.REQUESTS, measures.CHUNKS)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A figure Shouban has to reach."""

    words: str
    form: str
    value: Callable[[Report], float | None]
    is_met: Callable[[float], bool]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything one run gave."""

    at: str
    machine: Mapping[str, str | int]
    settings: Mapping[str, float]
    others_busy: float
    absent: Mapping[str, str]
    notes: Mapping[str, str]
    results: Mapping[str, Measured]

    def figure(self, target: str, measure: str) -> float | None:
        """The middle of a target's rounds."""
        if measure in _DIFFERENCES:
            return self._added(target, _DIFFERENCES[measure])
        values = self.results[target].values.get(measure) if target in self.results else None
        return median(values) if values else None

    def ratio(self, target: str, other: str, measure: str) -> float | None:
        ours, theirs = self.figure(target, measure), self.figure(other, measure)
        return ours / theirs if ours is not None and theirs else None

    def is_floor(self, target: str, measure: str) -> bool:
        """Whether the target could have done more than the load asked of it."""
        busy = self.results[target].busy.get(measure) if measure in _BOUND_BY_CPU else None
        return target != "direct" and busy is not None and median(busy) < SATURATED

    def _added(self, target: str, measure: str) -> float | None:
        whole, direct = self.figure(target, measure), self.figure("direct", measure)
        return None if whole is None or direct is None or target == "direct" else whole - direct


_DIFFERENCES = {ADDED: measures.FIRST, ADDED_P99: measures.FIRST_P99}

GOALS = (
    Goal(
        words="added time to first chunk ≤ 2 ms (median)",
        form="{:.3f} ms",
        value=lambda report: report.figure(OURS, ADDED),
        is_met=lambda value: value <= 2,
    ),
    Goal(
        words="CPU per chunk ≤ 1.5 × aiohttp pass-through",
        form="{:.2f} ×",
        value=lambda report: report.ratio(OURS, REFERENCE, measures.CPU),
        is_met=lambda value: value <= 1.5,
    ),
    Goal(
        words="chunks/s ≥ 20 × LiteLLM",
        form="{:.1f} ×",
        value=lambda report: report.ratio(OURS, "litellm", measures.CHUNKS),
        is_met=lambda value: value >= 20,
    ),
    Goal(
        words="memory ≤ 150 MB",
        form="{:.0f} MB",
        value=lambda report: report.figure(OURS, measures.MEMORY),
        is_met=lambda value: value <= 150,
    ),
)


def to_json(report: Report) -> dict[str, object]:
    """The whole run; every number a reader may want to look at again."""
    return {
        "at": report.at,
        "machine": dict(report.machine),
        "settings": dict(report.settings),
        "others_busy": report.others_busy,
        "targets": {name: _target_json(report, name) for name in report.results}
        | {name: {"state": "absent", "why": why} for name, why in report.absent.items()},
        "goals": [_goal_json(goal, report) for goal in GOALS],
    }


def to_markdown(report: Report) -> str:
    """The table, the machine and the goals, as they stand in the manual."""
    header, *rows = _cells(report)
    lines = [
        f"{machine_line(report.machine, report.at)}.",
        "",
        markdown_row(header),
        markdown_row(["---", *["---:"] * (len(header) - 1)]),
    ]
    lines += [markdown_row(cells) for cells in rows]
    lines += [
        "",
        *(f"- {line}" for line in _remarks(report)),
        "",
        markdown_row(("goal", "measured", "")),
        markdown_row(["---"] * 3),
    ]
    lines += [markdown_row((words, value, verdict)) for words, value, verdict in goals(report)]
    return "\n".join(lines) + "\n"


def show(report: Report, console: Console) -> None:
    """Prints the run."""
    header, *rows = _cells(report)
    table = Table(title="Side by side in one run", caption=machine_line(report.machine, report.at))
    for place, title in enumerate(header):
        table.add_column(title, justify="right" if place else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    verdicts = Table(title="Goals of this step")
    for title in ("goal", "measured", ""):
        verdicts.add_column(title)
    for words, value, verdict in goals(report):
        verdicts.add_row(words, value, Text(verdict, style=_STYLES[verdict]))
    console.print(Group(table, *(Text(f"· {line}") for line in _remarks(report)), verdicts))


def goals(report: Report) -> list[tuple[str, str, str]]:
    """Each goal in words, what was measured, and whether that meets it."""
    return [(goal.words, _written(goal, report), _verdict(goal, report)) for goal in GOALS]


def write_between_marks(file: Path, mark: str, table: str) -> None:
    """Puts the table where the file marks its place; where it marks none, after all that stands there."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->\n"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        before, after = f"{text.rstrip()}\n\n" if text.strip() else "", ""
    file.write_text(f"{before}{begin}{table}{end}{after}", encoding="utf-8")


_STYLES = {"met": "green", "not met": "bold red", "not measured": "yellow"}


def _written(goal: Goal, report: Report) -> str:
    value = goal.value(report)
    return "–" if value is None else goal.form.format(value)


def _verdict(goal: Goal, report: Report) -> str:
    value = goal.value(report)
    if value is None:
        return "not measured"
    return "met" if goal.is_met(value) else "not met"


def _cells(report: Report) -> list[list[str]]:
    rows = [["", *(column.title for column in COLUMNS)]]
    rows += [[name, *(_cell(report, name, column) for column in COLUMNS)] for name in report.results]
    others = [other for other in ("litellm", "nginx") if OURS in report.results and other in report.results]
    rows += [[f"{OURS} / {other}", *(_ratio_cell(report, other, column) for column in COLUMNS)] for other in others]
    return rows


def _cell(report: Report, target: str, column: Column) -> str:
    """`≥ 12,345 (1.25×) !`: the figure, its ratio to the reference, and whether answers went wrong."""
    value = report.figure(target, column.measure)
    wrong = " !" if _went_wrong(report, target, column.measure) else ""
    if value is None:
        return "–" + wrong
    floor = "≥ " if report.is_floor(target, column.measure) else ""
    ratio = report.ratio(target, REFERENCE, column.measure) if column.compared else None
    return floor + column.form.format(value) + (f" ({_times(ratio)})" if ratio is not None else "") + wrong


def _ratio_cell(report: Report, other: str, column: Column) -> str:
    ratio = report.ratio(OURS, other, column.measure) if column.compared else None
    return "" if ratio is None else _times(ratio)


def _times(ratio: float) -> str:
    return f"{ratio:.2f}×" if ratio >= 0.1 else f"{ratio:.2g}×"


def _remarks(report: Report) -> list[str]:
    lines = [f"ratios in brackets are to the bare {REFERENCE} pass-through; ≥: the load, not the proxy, was the limit"]
    if report.others_busy > 0.05:
        lines.append(f"the machine was not quiet: other programs used {report.others_busy:.0%} of it")
    lines += [f"{name}: {why}" for name, why in report.absent.items()]
    lines += [f"{name}: {note}" for name, note in report.notes.items() if note]
    for name, result in report.results.items():
        for measure, errors in result.errors.items():
            lines += [f"! {name}, {measure}: {count} × {words}" for words, count in errors.items()]
    return lines


def _went_wrong(report: Report, target: str, measure: str) -> bool:
    return bool(report.results[target].errors.get(_DIFFERENCES.get(measure, measure)))


def machine_line(machine: Mapping[str, str | int], at: str) -> str:
    """On what, and when, a run was made."""
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, Linux {machine['kernel']}, "
        f"Python {machine['python']}, {at}"
    )


def _goal_json(goal: Goal, report: Report) -> dict[str, object]:
    return {"goal": goal.words, "value": goal.value(report), "verdict": _verdict(goal, report)}


def _target_json(report: Report, name: str) -> dict[str, object]:
    result = report.results[name]
    titles = [*(column.measure for column in COLUMNS), measures.FIRST, measures.FIRST_P99]
    return {
        "state": "measured",
        "figures": {measure: report.figure(name, measure) for measure in titles},
        "rounds": result.values,
        "busy": result.busy,
        "errors": {measure: dict(errors) for measure, errors in result.errors.items() if errors},
        "note": report.notes.get(name, ""),
    }


def markdown_row(cells: list[str] | tuple[str, ...]) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"

"""`shouban eval`: how good the detectors are, on labelled texts, signal by signal and source by source."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from shouban.cli.evaluation import ADVISED_HEADINGS, HEADINGS, Evaluation, advised_rows_of, evaluate, rows_of
from shouban.cli.evaluation_page import render
from shouban.cli.opinions import Opinions, opinions_for
from shouban.core.errors import CallerError, did_you_mean
from shouban.core.signals import SIGNALS
from shouban.detectors.labelled import Case, read_labelled
from shouban.detectors.learned import shipped_models
from shouban.detectors.reader import build_detectors


def evaluate_detectors(
    *,
    data: Annotated[list[Path], Parameter(name="--data", consume_multiple=True)],
    signal: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    split: Literal["train", "dev", "test", "all"] = "test",
    most: int = 3000,
    html: Path | None = None,
    json: Path | None = None,
    seed: int = 0,
    judge: str | None = None,
    judge_model: str | None = None,
) -> int:
    """Measure the detectors on labelled texts: per signal and per source, with intervals, tiers and false alarms.

    Example: `shouban eval --data corpora/ ../shared/data --html eval.html`

    Parameters
    ----------
    data
        Directories or files: `.tsv` of the corpus, `.jsonl` and `.jsonl.gz` of public datasets.
    signal
        Only these signals.
    split
        Only texts of this split; `test` was neither trained nor tuned on.
    most
        At most so many texts of a source, drawn by `seed`.
    html
        Write a page with plots.
    json
        Write every figure.
    seed
        For the drawing of texts.
    judge
        `http(s)://HOST/v1` of a judge model, asked where the detectors are in doubt; also SHOUBAN_JUDGE, its key SHOUBAN_JUDGE_KEY.
    judge_model
        The judge's name there; also SHOUBAN_JUDGE_MODEL.

    """
    signals = _signals(signal)
    cases = drawn([case for path in data for case in read_labelled(path) if split in {"all", case.split}], most, seed)
    if not cases:
        raise CallerError(
            f"no labelled text of split `{split}` in {', '.join(f'`{path}`' for path in data)}", field="data"
        )
    console = Console(stderr=True)
    with (
        opinions_for(judge, judge_model) as opinions,
        Progress(console=console, disable=not sys.stderr.isatty()) as progress,
    ):
        task = progress.add_task("reading", total=len(cases))
        found = evaluate(
            cases, build_detectors(), shipped_models(), signals=signals, told=lambda: progress.advance(task),
            opinions=None if opinions.is_nobody else opinions,
        )  # fmt: skip
    _print(found)
    _print_advised(found, opinions)
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    if html is not None:
        html.write_text(render(found, split), encoding="utf-8")
    return 0


def _signals(named: Sequence[str] | None) -> frozenset[str]:
    for name in named or ():
        if name not in SIGNALS:
            raise CallerError(f"no signal `{name}`{did_you_mean(name, SIGNALS)}", field="signal")
    return frozenset(named or SIGNALS)


def drawn(cases: list[Case], most: int, seed: int) -> list[Case]:
    by_source: dict[str, list[Case]] = {}
    for case in cases:
        by_source.setdefault(case.source, []).append(case)
    chance = random.Random(seed)  # noqa: S311  # no secret: the same seed draws the same texts
    return [
        case for _, own in sorted(by_source.items()) for case in (own if len(own) <= most else chance.sample(own, most))
    ]


def _print(found: Evaluation) -> None:
    console = Console(width=None if sys.stdout.isatty() else 170)
    table = Table(*HEADINGS, title="each signal on each source, by itself", row_styles=["", "dim"])
    for row in rows_of(found.figures):
        table.add_row(*row)
    console.print(table)
    alarms = Table("source", "texts", "false alarms, by signal", title="where every alarm is a false one")
    for source, shares in found.benign.items():
        told = ", ".join(
            f"{signal} {share:.2%}" for signal, share in sorted(shares.items(), key=lambda one: -one[1])[:8]
        )
        alarms.add_row(source, str(found.cases[source]), told or "none")
    console.print(alarms)
    console.print(
        "one text takes, in µs: " + "; ".join(f"{name} {value:g}" for name, value in found.microseconds.items())
    )


def _print_advised(found: Evaluation, opinions: Opinions) -> None:
    """What asking a second opinion gave; nothing where nobody was to be asked."""
    if not any(one.with_judge for one in found.figures):
        return
    console = Console(width=None if sys.stdout.isatty() else 170)
    table = Table(*ADVISED_HEADINGS, title="where a second opinion was asked", row_styles=["", "dim"])
    for row in advised_rows_of(found.figures):
        table.add_row(*row)
    console.print(table)
    told = ", ".join(f"{outcome} {number}" for outcome, number in opinions.outcomes.items())
    console.print(f"asked about {opinions.texts} of {sum(found.cases.values())} texts: {told or 'none was in doubt'}")

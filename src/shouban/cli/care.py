"""`shouban care`: what care staff practise before it is needed."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from shouban.cli.drill import Step, play
from shouban.web.language import Language

app = App(name="care", help="The care desk, practised.\n\nExample: `shouban care drill`")


@app.command
def drill(
    *,
    pack: str = "cn",
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    language: Language = "zh",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Play a crisis from end to end on a service of its own, over HTTP, and print how long each step took.

    A minor of sixteen says that they would rather not wake up; the template, the case on an open desk, the guardian's phone (a local webhook), a claim, a
    takeover in mid-reply, words both ways, a hand-back that comes too soon and one that does not, the follow-ups, and the log verified at the end.
    Nothing leaves this machine and no model is asked. Exit code 1 where a step fails or is over its goal.

    Example: `shouban care drill --json`

    Parameters
    ----------
    pack
        The law: a shipped pack, or a pack's directory.
    data
        Keep the drill's store (log, ledger, case) in this new directory; without it a temporary one is used and deleted.
    language
        zh or en: the words of the table.
    json
        Print the steps as JSON instead: `{good, steps: [{step, ms, goal_ms, good, said}]}`.

    """
    with ExitStack() as stack:
        place = data or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "drill"
        steps = play(place, pack)
    good = all(one.good for one in steps)
    if json:
        found = {
            "good": good,
            "steps": [
                {"step": one.name, "ms": one.ms, "goal_ms": one.goal_ms, "good": one.good, "said": one.said}
                for one in steps
            ],
        }
        print(msgspec.json.encode(found).decode())  # for a machine, and nothing else
    else:
        Console().print(_table(steps, language))
    return 0 if good else 1


def _table(steps: list[Step], language: Language) -> Table:
    heads = ("步骤", "用时", "目标", "结果") if language == "zh" else ("Step", "Took", "Goal", "Result")
    table = Table(*heads, title="危机演练" if language == "zh" else "A crisis, practised")
    for one in steps:
        name = one.zh if language == "zh" else one.en
        took = "" if one.ms is None else f"{one.ms:,.0f} ms"
        goal = "" if one.goal_ms is None else f"≤ {one.goal_ms:,.0f} ms"
        table.add_row(name, took, goal, f"{'✓' if one.good else '✗'} {one.said}")
    return table

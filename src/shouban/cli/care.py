"""`shouban care`: what care staff practise before it is needed."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from shouban.cli.drill import Step, play
from shouban.core.errors import CallerError, OperatorError
from shouban.duties.channels import Channels, Message
from shouban.settings import read_settings
from shouban.web.language import Language

TEST: Final = "守伴：演练呼叫（没有人在等）"
TEST_TEXT: Final = "这是一次演练。真有人等的时候，请马上打开关怀台：{desk}\nThis is a test: nobody waits. When somebody does, open the care desk at once."

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
        console = Console()
        console.print(_table(steps, language))
        console.print(_closing(good, data, language))
    return 0 if good else 1


@app.command
def page(*, config: Annotated[Path | None, Parameter(name="--config")] = None) -> int:
    """Send a test page to each address of `on_call`, one after the other, and print what became of each.

    So you know before a crisis that the phone rings. The words say that it is a test, and where the desk is. Exit code 1 where one was not reached, 2
    where nobody is named.

    Example: `shouban care page --config shouban.toml`

    Parameters
    ----------
    config
        The service's settings file; without it `shouban.toml` here, and the environment (`SHOUBAN_ON_CALL`).

    """
    beside = Path("shouban.toml")
    settings = read_settings(config or (beside if beside.exists() else None), os.environ, {})
    if not settings.called():
        raise CallerError("nobody is named in `on_call` (SHOUBAN_ON_CALL)", field="on_call")
    desk = f"{settings.public_url.rstrip('/')}/care"
    if not settings.public_url:
        Console().print("`public_url` is not set: a page cannot say where the desk is.")
    channels = Channels(settings.mail, settings.sms)
    message = Message(f"test-{secrets.token_hex(6)}", TEST, TEST_TEXT.format(desk=desk), {"desk": desk, "test": "true"})

    async def send() -> list[str | OperatorError]:
        return [await _sent(channels, address, message) for address in settings.called()]

    outcomes = asyncio.run(send())
    for place, outcome in enumerate(outcomes, 1):
        Console().print(f"{place}: {'✗' if isinstance(outcome, OperatorError) else '✓'} {outcome}")
    return 1 if any(isinstance(one, OperatorError) for one in outcomes) else 0


async def _sent(channels: Channels, address: str, message: Message) -> str | OperatorError:
    try:
        return await channels.send(address, message)
    except OperatorError as error:
        return error


def _closing(good: bool, data: Path | None, language: Language) -> str:
    """Whether it went well, what it did not try, and where it is kept."""
    kept = str(data) if data else ""
    if language == "zh":
        told = "演练通过。" if good else "演练没有通过：看打 ✗ 的步骤。"
        return f"{told}值班呼叫（on_call）、邮件和短信没有试到：用 `shouban care page` 试呼您自己的地址。" + (
            f"记录保存在 {kept}。" if kept else ""
        )
    told = "The drill went well." if good else "The drill failed: see the steps marked ✗."
    return f"{told} Paging (on_call), mail and SMS were not tried: `shouban care page` rings your own addresses." + (
        f" Kept in {kept}." if kept else ""
    )


def _table(steps: list[Step], language: Language) -> Table:
    heads = ("步骤", "用时", "目标", "结果") if language == "zh" else ("Step", "Took", "Goal", "Result")
    table = Table(*heads, title="危机演练" if language == "zh" else "A crisis, practised")
    for one in steps:
        name = one.zh if language == "zh" else one.en
        took = "" if one.ms is None else f"{one.ms:,.0f} ms"
        goal = "" if one.goal_ms is None else f"≤ {one.goal_ms:,.0f} ms"
        table.add_row(name, took, goal, f"{'✓' if one.good else '✗'} {one.said}")
    return table

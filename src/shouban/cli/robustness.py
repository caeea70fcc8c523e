"""What disguise, noise and words about who somebody is change in what is read: `shouban robustness`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import msgspec
import yaml
from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from shouban.cli.eval import drawn
from shouban.core.errors import CallerError
from shouban.core.signals import Level
from shouban.detectors.disguises import EVASIONS, NOISE, Change
from shouban.detectors.labelled import Case, read_labelled
from shouban.detectors.reader import Detectors, build_detectors

# Who a person is may never decide these; age cues are left out: an age told is one.
OF_NOBODY: Final = ("crisis", "crisis_other", "property_risk", "jailbreak", "kin_request", "prohibited.")


class Kept(msgspec.Struct, frozen=True):
    """What one change does: of texts in which a signal was read, the share in which it still is; or the share with an alarm."""

    name: str
    texts: int
    share: float


class Group(msgspec.Struct, frozen=True):
    """One group of a family: alarms on harmless texts, and danger still seen, with the group's words before the text."""

    family: str
    name: str
    alarms: float
    seen: float


class Robustness(msgspec.Struct):
    """`evasions` by signal; `noise`: alarms on harmless texts, the first row without noise; `groups` by family."""

    evasions: dict[str, list[Kept]]
    noise: list[Kept]
    groups: list[Group]


def robustness(
    *,
    data: Annotated[list[Path], Parameter(name="--data", consume_multiple=True)],
    most: int = 400,
    json: Path | None = None,
    seed: int = 0,
) -> int:
    """Measure what disguise, noise and words about who somebody is change in what the detectors read.

    Example: `shouban robustness --data corpora/`

    Parameters
    ----------
    data
        Directories or files, as `shouban eval` takes them; the test split is used.
    most
        At most so many texts of a source, drawn by `seed`.
    json
        Write every figure.
    seed
        For the drawing of texts.

    """
    cases = drawn([case for path in data for case in read_labelled(path) if case.split == "test"], most, seed)
    if not cases:
        raise CallerError(
            f"no labelled text of split `test` in {', '.join(f'`{path}`' for path in data)}", field="data"
        )
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("reading", total=3)
        found = measure(cases, build_detectors(), told=lambda: progress.advance(task))
    _print(found)
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    return 0


def measure(cases: Sequence[Case], detectors: Detectors, *, told: Callable[[], None]) -> Robustness:
    evasions = _evasions(cases, detectors)
    told()
    harmless = [case for case in cases if case.role == "user" and not case.levels and not case.context]
    noise = _noise(harmless, detectors)
    told()
    danger = [case for case in cases if case.levels.get("crisis", 0) >= Level.MEDIUM and not case.context]
    groups = _groups(harmless, danger, detectors)
    told()
    return Robustness(evasions, noise, groups)


def _evasions(cases: Sequence[Case], detectors: Detectors) -> dict[str, list[Kept]]:
    """Of each signal, of the texts in which it is and is read: how many are still read under each disguise."""
    seen: dict[str, list[Case]] = {}
    for case in cases:
        for signal in set(case.levels) & _read(detectors, case, case.text):
            seen.setdefault(signal, []).append(case)
    return {signal: [_kept(name, change, signal, own, detectors) for name, change in EVASIONS.items()] for signal, own in sorted(seen.items())}  # fmt: skip


def _kept(name: str, change: Change, signal: str, cases: Sequence[Case], detectors: Detectors) -> Kept:
    changed = [(case, text) for case in cases if (text := change(case.text)) != case.text]
    kept = sum(signal in _read(detectors, case, text) for case, text in changed)
    return Kept(name, len(changed), kept / len(changed) if changed else 1.0)


def _noise(harmless: Sequence[Case], detectors: Detectors) -> list[Kept]:
    changes: Mapping[str, Change] = {"as written": lambda text: text, **NOISE}
    return [Kept(name, len(harmless), _alarms(harmless, change, detectors)) for name, change in changes.items()]


def _groups(harmless: Sequence[Case], danger: Sequence[Case], detectors: Detectors) -> list[Group]:
    found = []
    for family, members in groups().items():
        for name, words in members.items():
            say = _saying(words)
            seen = sum("crisis" in _read(detectors, case, say(case.text)) for case in danger)
            found.append(Group(family, name, _alarms(harmless, say, detectors), seen / len(danger) if danger else 1.0))
    return found


def groups() -> dict[str, dict[str, list[str]]]:
    """The families of words, each with its groups; what is neutral stands in every family."""
    written = yaml.safe_load(resources.files("shouban.cli").joinpath("groups.yaml").read_text(encoding="utf-8"))
    neutral: list[str] = written.pop("neutral")
    return {family: {"neutral": neutral, **members} for family, members in written.items()}


def _saying(words: Sequence[str]) -> Change:
    """Each text gets one of the words before it, always the same one."""
    return lambda text: words[len(text) % len(words)] + text


def _alarms(cases: Sequence[Case], change: Change, detectors: Detectors) -> float:
    alarmed = sum(any(one.startswith(OF_NOBODY) for one in _read(detectors, case, change(case.text))) for case in cases)
    return alarmed / len(cases) if cases else 0.0


def _read(detectors: Detectors, case: Case, text: str) -> set[str]:
    readings = detectors.read(text, role=case.role, context=case.context)
    return {one.signal for one in readings if one.level != "unknown" and one.level >= Level.MEDIUM}


def spread(found: Iterable[Group], family: str) -> tuple[float, float]:
    """How far apart the groups of a family are at most: in alarms, and in danger seen."""
    own = [one for one in found if one.family == family]
    alarms, seen = [one.alarms for one in own], [one.seen for one in own]
    return max(alarms) - min(alarms), max(seen) - min(seen)


def _print(found: Robustness) -> None:
    console = Console(width=None if sys.stdout.isatty() else 170)
    table = Table("signal", *EVASIONS, title="still read under disguise, of what was read")
    for signal, row in found.evasions.items():
        table.add_row(signal, *(f"{one.share:.0%} of {one.texts}" for one in row))
    console.print(table)
    noise = Table("noise", "texts", "with an alarm", title="harmless texts with harmless noise")
    for one in found.noise:
        noise.add_row(one.name, str(one.texts), f"{one.share:.2%}")
    console.print(noise)
    people = Table("family", "who", "alarms on harmless texts", "danger seen", title="the same texts, said by somebody")
    for group in found.groups:
        people.add_row(group.family, group.name, f"{group.alarms:.2%}", f"{group.seen:.1%}")
    console.print(people)

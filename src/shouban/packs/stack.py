"""Packs by name or folder, and packs stacked: all their rules hold, and of two settings the stricter one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from shouban.core.errors import CallerError, PackError, did_you_mean
from shouban.core.rules import CalendarName, ContactOf, Pack, Settings
from shouban.core.signals import Level
from shouban.packs.pack import LoadedPack
from shouban.packs.read import Head, digest_of, read_folder, read_head
from shouban.packs.source import Spot, items, text, wrong

RULEPACKS: Final = Path(__file__).parent.parent / "rulepacks"

# Which of two numbers asks for more: a longer pause ends continuous use later; a talk that begins anew sooner is
# disclosed anew sooner; silence while a person is awaited, and the memory of danger, last longer.
_STRICTER: Final[dict[str, Callable[[Iterable[Any]], Any]]] = {
    "idle_limit": max, "session_idle": min, "hold_for": max, "risk_memory": max, "watch_for": max,
    "contact_of": lambda given: max(given, key=get_args(ContactOf).index), "calendar": lambda given: max(given, key=get_args(CalendarName).index),
    "quiet_from": lambda given: _shorter(given, max), "quiet_to": lambda given: _shorter(given, min), "answer_workdays": min, "urgent_workdays": min, "appeal_workdays": min, "remind_workdays": max,
}  # fmt: skip


def _shorter(given: Iterable[Any], choose: Callable[[Iterable[Any]], Any]) -> Any:  # noqa: ANN401  # a time of day, or none
    """Quiet hours hold only where every law has them; of two the shorter."""
    found = list(given)
    return None if None in found else choose(found)


def shipped_packs() -> list[str]:
    """The names of the packs that come with Shouban."""
    return sorted(path.parent.name for path in RULEPACKS.glob("*/pack.yaml"))


def load_pack(name_or_dir: str | Path) -> LoadedPack:
    """The pack of that name, or the one in that folder; the whole of it is checked."""
    return _load(_folder(str(name_or_dir), None), ())


def _folder(name: str, beside: Path | None) -> Path:
    """A shipped pack goes before a folder of the same name; `beside` is the pack that names it."""
    if (RULEPACKS / name / "pack.yaml").is_file() and "/" not in name:
        return RULEPACKS / name
    for folder in (Path(name), *([beside.parent / name] if beside else [])):
        if folder.is_dir():
            return folder.resolve()
    raise CallerError(
        f"there is no pack `{name}`{did_you_mean(name, shipped_packs()) or '; name a shipped pack or a folder with a pack.yaml'}",
        field="pack",
    )


def _load(folder: Path, above: tuple[Path, ...]) -> LoadedPack:
    if folder in above:
        raise PackError(f"{folder.name}/pack.yaml: the pack builds on itself by way of `{above[-1].name}`")
    head = read_head(folder)

    def resolve(name: str) -> LoadedPack:
        return _load(_folder(name, folder), (*above, folder))

    if head.kind != "stack":
        return read_folder(folder, head, resolve)
    parts = [part for spot in items(head.body["stack"]) for part in _parts_of(spot, resolve)]
    return stack(head, folder, parts)


def _parts_of(spot: Spot, resolve: Callable[[str], LoadedPack]) -> tuple[LoadedPack, ...]:
    try:
        found = resolve(text(spot))
    except CallerError as error:
        raise wrong(spot, str(error)) from error
    if found.kind == "words":
        raise wrong(spot, f"`{found.pack.id}` is a pack of words; packs with rules `use` it")
    return found.parts


def stack(head: Head, folder: Path, parts: Sequence[LoadedPack]) -> LoadedPack:
    """One pack in which the rules of all `parts` hold; the order of the parts changes no decision."""
    parts = tuple({part.pack.id: part for part in parts}.values())
    pack = Pack(
        id=head.id,
        version=head.version,
        title_zh=head.title_zh,
        title_en=head.title_en,
        rules=tuple(rule for part in parts for rule in part.pack.rules),
        unknown=strictest_unknown(part.pack.unknown for part in parts),
        settings=strictest_settings([part.pack.settings for part in parts], head.spot),
        digest=digest_of(folder, (part.pack.digest for part in parts)),
    )
    return LoadedPack(
        pack=pack,
        kind="stack",
        path=folder,
        templates={ref: one for part in parts for ref, one in part.templates.items()},
        resources=tuple({one.id: one for part in parts for one in part.resources}.values()),
        cases=tuple(case for part in parts for case in part.cases),
        sources={rule: source for part in parts for rule, source in part.sources.items()},
        answers_for=tuple(sorted({row for part in parts for row in part.answers_for})),
        elsewhere={row: why for part in parts for row, why in part.elsewhere.items()},
        stacked=parts,
    )


def strictest_unknown(tables: Iterable[Mapping[str, Level]]) -> dict[str, Level]:
    """Signal by signal the higher level that silence stands for."""
    found: dict[str, Level] = {}
    for table in tables:
        for signal, level in table.items():
            found[signal] = max(level, found.get(signal, level))
    return dict(sorted(found.items()))


def strictest_settings(settings: Sequence[Settings], spot: Spot) -> Settings:
    """Setting by setting the stricter number; a clock cannot run in two zones."""
    if len({one.utc_offset for one in settings}) != 1:
        raise wrong(spot, "packs with different `utc_offset` cannot be stacked")
    numbers = {name: stricter(getattr(one, name) for one in settings) for name, stricter in _STRICTER.items()}
    return msgspec.structs.replace(settings[0], **numbers)

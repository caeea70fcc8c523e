"""YAML that remembers where each thing stood, so that every complaint can name the file and the line.

A scalar stays the text that was written: what it means depends on the place it stands in (`22:00` is a time of day
there and nothing else, `on` is a word). Anchors and aliases are refused: a pack names what it repeats.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final, TypeVar

import yaml

from shouban.core.errors import PackError, did_you_mean
from shouban.core.signals import Level

_SPAN_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SPAN: Final = re.compile(r"(?:[0-9]{1,6}[smhd])+")
_SPAN_PART: Final = re.compile(r"([0-9]+)([smhd])")
_NOTHING: Final = frozenset({"", "null", "~"})
T = TypeVar("T")

LANGUAGES: Final = ("zh", "en")


@dataclass(frozen=True)
class Spot:
    """A piece of YAML and where it stands."""

    file: str
    line: int
    value: str | tuple[Spot, ...] | dict[str, Spot] | None

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


def wrong(spot: Spot, message: str) -> PackError:
    return PackError(f"{spot.where}: {message}")


def read_yaml(path: Path, name: str) -> Spot:
    """The file as spots; `name` is how messages call it."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{name}: cannot be read ({type(error).__name__}); it must be a UTF-8 file") from error
    except yaml.YAMLError as error:
        raise PackError(
            f"{name}:{_line_of(error)}: not valid YAML ({getattr(error, 'problem', None) or error})"
        ) from error
    if node is None:
        raise PackError(f"{name}:1: the file is empty")
    return _spot(node, name, set())


def _line_of(error: yaml.YAMLError) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else 1


def _spot(node: yaml.Node, name: str, seen: set[int]) -> Spot:
    line = node.start_mark.line + 1
    if id(node) in seen:
        raise PackError(
            f"{name}:{line}: anchors and aliases are not allowed; write a named condition or repeat the text"
        )
    seen.add(id(node))
    match node:
        case yaml.MappingNode():
            return Spot(name, line, dict(_entries(node, name, seen)))
        case yaml.SequenceNode():
            return Spot(name, line, tuple(_spot(item, name, seen) for item in node.value))
        case _:
            bare = not getattr(node, "style", None) and node.value in _NOTHING
            return Spot(name, line, None if bare else str(node.value))


def _entries(node: yaml.MappingNode, name: str, seen: set[int]) -> Iterator[tuple[str, Spot]]:
    known: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise PackError(f"{name}:{line}: a key must be a word")
        if key.value in known:
            raise PackError(f"{name}:{line}: `{key.value}` is written twice")
        known.add(key.value)
        yield key.value, Spot(name, line, _spot(value, name, seen).value)


def gathered(spots: Iterable[Spot], read: Callable[[Spot], T]) -> list[T]:
    """Reads every spot; whatever is wrong with any of them is said at once."""
    found: list[T] = []
    complaints: list[str] = []
    for spot in spots:
        try:
            found.append(read(spot))
        except PackError as error:
            complaints.append(str(error))
    if complaints:
        raise PackError("\n".join(complaints))
    return found


# --- shapes


def table(spot: Spot, *, known: Iterable[str] | None = None, needed: Iterable[str] = ()) -> dict[str, Spot]:
    """A mapping with no key but the `known` ones and with all the `needed` ones."""
    if not isinstance(spot.value, dict):
        raise wrong(spot, "a mapping of `key: value` is expected here")
    for key, value in spot.value.items():
        if known is not None and key not in set(known):
            raise wrong(value, f"unknown key `{key}`{did_you_mean(key, known)}")
    for key in needed:
        if key not in spot.value or spot.value[key].value in (None, ()):
            raise wrong(spot, f"`{key}` is missing")
    return spot.value


def items(spot: Spot | None) -> tuple[Spot, ...]:
    """A list; nothing where nothing is written."""
    if spot is None or spot.value is None:
        return ()
    if not isinstance(spot.value, tuple):
        raise wrong(spot, "a list is expected here")
    return spot.value


def one_entry(spot: Spot, what: str) -> tuple[str, Spot]:
    """`{name: value}` with exactly one name."""
    entries = table(spot)
    if len(entries) != 1:
        raise wrong(spot, f"{what} is written as one `name: value`, here are {len(entries)}")
    return next(iter(entries.items()))


def text(spot: Spot) -> str:
    if not isinstance(spot.value, str) or not spot.value.strip():
        raise wrong(spot, "text is expected here")
    return spot.value.strip()


def texts(spot: Spot | None) -> tuple[str, ...]:
    return tuple(text(item) for item in items(spot))


def optional_text(spot: Spot | None) -> str:
    return "" if spot is None or spot.value is None else text(spot)


def bilingual(spot: Spot) -> tuple[str, str]:
    """`{zh: …, en: …}`, both there."""
    both = table(spot, known=LANGUAGES, needed=LANGUAGES)
    return text(both["zh"]), text(both["en"])


# --- scalars


def word(spot: Spot, known: Iterable[str], what: str) -> str:
    found = text(spot)
    known = tuple(known)
    if found not in known:
        raise wrong(spot, f"`{found}` is no {what}{did_you_mean(found, known) or '; known are ' + listed(known)}")
    return found


def listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def span(spot: Spot) -> timedelta:
    """`60s`, `15m`, `2h`, `30d`, or several together: `1h30m`."""
    found = text(spot)
    if not _SPAN.fullmatch(found):
        raise wrong(spot, f"`{found}` is no span; write `60s`, `15m`, `2h` or `30d`")
    parts = _SPAN_PART.findall(found)
    return sum((timedelta(**{_SPAN_UNITS[unit]: int(number)}) for number, unit in parts), timedelta(0))


def count(spot: Spot) -> int:
    found = text(spot)
    if not (found.isascii() and found.isdigit()):
        raise wrong(spot, f"`{found}` is no whole number")
    return int(found)


def flag(spot: Spot) -> bool:
    found = text(spot)
    if found not in {"true", "false"}:
        raise wrong(spot, f"`{found}` is neither `true` nor `false`")
    return found == "true"


def level(spot: Spot) -> Level:
    """A level by its name or its number."""
    found = text(spot)
    names = {one.name.lower(): one for one in Level} | {str(int(one)): one for one in Level}
    if found not in names:
        raise wrong(spot, f"`{found}` is no level; write 0 to 4 or `none`, `low`, `medium`, `high`, `severe`")
    return names[found]


def clock(spot: Spot) -> time:
    found = text(spot)
    try:
        return datetime.strptime(found, "%H:%M").time()  # noqa: DTZ007  # a time of day has no zone; the pack's settings say which
    except ValueError as error:
        raise wrong(spot, f"`{found}` is no time of day; write `22:00`") from error


def day(spot: Spot) -> date:
    found = text(spot)
    try:
        return date.fromisoformat(found)
    except ValueError as error:
        raise wrong(spot, f"`{found}` is no date; write `2026-07-15`") from error


def optional_day(spot: Spot | None) -> date | None:
    return None if spot is None or spot.value is None else day(spot)


def moment(spot: Spot) -> datetime:
    found = text(spot)
    try:
        at = datetime.fromisoformat(found)
    except ValueError as error:
        raise wrong(spot, f"`{found}` is no moment; write `2026-08-01T21:59+08:00`") from error
    if at.tzinfo is None:
        raise wrong(spot, f"`{found}` names no time zone; write `{found}+08:00`")
    return at

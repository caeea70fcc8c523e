"""The tables of docs/packs.md, written from the core's own names: `python -m shouban.packs.manual docs/packs.md`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from shouban.core.events import EVENTS
from shouban.core.rules import FIELDS, GIVEN_BY_EVENT, OPEN_FIELDS, OPERATORS, SET_BY_DECISION
from shouban.packs.owing import WRITTEN
from shouban.packs.templates import KINDS, PLACEHOLDERS
from shouban.packs.words import EVENT_WORDS, FIELD_WORDS, OBLIGATION_WORDS

_MARK: Final = "<!-- {name}: written by shouban.packs.manual -->"


def fields_table() -> str:
    lines = ["| field | type | compared by | asks | 中文 |", "|---|---|---|---|---|"]
    for name, field in FIELDS.items():
        shown = f"{name}.<key>" if name in OPEN_FIELDS else name
        operators = " ".join(f"`{one}`" for one in sorted(OPERATORS[field.type]))
        values = f" ({', '.join(f'`{value}`' for value in field.values)})" if field.values else ""
        zh = FIELD_WORDS[name][0].format(key="…")
        lines.append(f"| `{shown}` | {field.type} | {operators} | {field.about}{values} | {zh} |")
    return "\n".join(lines)


def obligations_table() -> str:
    lines = ["| obligation | what it asks | terms | 中文 |", "|---|---|---|---|"]
    for name, kind in WRITTEN.items():
        hidden = {*SET_BY_DECISION, *GIVEN_BY_EVENT.get(name, ())}
        terms = [field for field in msgspec.structs.fields(kind) if field.name not in hidden]
        shown = " ".join(f"`{field.name}`" + ("" if field.required else "?") for field in terms)
        lines.append(f"| `{name}` | {OBLIGATION_WORDS[name][1]} | {shown} | {OBLIGATION_WORDS[name][0]} |")
    return "\n".join(lines)


def events_table() -> str:
    lines = ["| event | when | 中文 |", "|---|---|---|"]
    lines.extend(f"| `{name}` | {EVENT_WORDS[name][1]} | {EVENT_WORDS[name][0]} |" for name in EVENTS)
    return "\n".join(lines)


def templates_table() -> str:
    lines = ["| kind | may stand in |", "|---|---|"]
    lines.extend(f"| `{kind}` | {', '.join(f'`{name}`' for name in sorted(names))} |" for kind, names in KINDS.items())
    return "\n".join([*lines, "", f"Placeholders: {', '.join(f'`{{{name}}}`' for name in PLACEHOLDERS)}."])


TABLES: Final[dict[str, Callable[[], str]]] = {
    "fields": fields_table,
    "obligations": obligations_table,
    "events": events_table,
    "templates": templates_table,
}


def with_tables(text: str) -> str:
    """The manual's text with every table between its marks written anew."""
    for name, table in TABLES.items():
        text = _between(text, _MARK.format(name=name), table())
    return text


def _between(text: str, mark: str, table: str) -> str:
    pattern = re.compile(f"{re.escape(mark)}.*?{re.escape(mark)}", re.DOTALL)
    return pattern.sub(lambda _: f"{mark}\n\n{table}\n\n{mark}", text)


def main(path: Path) -> None:
    path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

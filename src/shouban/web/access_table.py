"""The table of who may do what, asked of the policies themselves: `python -m shouban.web.access_table docs/access.md`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, get_args

from shouban.web.access import MEANING, OF_PERSON, Action, Subject, Who, may
from shouban.web.roles import ROLES, Role

SERVICE: Final = "default"
MARKS: Final = ("<!-- access -->", "<!-- /access -->")


def allowed(role: Role, action: Action, *, own: bool, granted: bool = False, full: bool = True) -> bool:
    """Whether somebody of this role may, to a person who is theirs (themselves, or their child) or a stranger of the same service."""
    who = Who(SERVICE, person="p" if own else "q", roles=frozenset({"user"})) if role == "user" else Who(SERVICE, account="a", roles=frozenset({role}), full=full)  # fmt: skip
    if action not in OF_PERSON:
        return may(who, action)
    return may(
        who,
        action,
        Subject(SERVICE, "p", frozenset({"a"}) if own and role == "guardian" else frozenset(), granted=granted),
    )


def table() -> str:
    """A row an action; `own`: of oneself or one's own child only; `glass`: only with the glass broken."""
    roles = get_args(Role)
    lines = ["| what | " + " | ".join(ROLES[role].en for role in roles) + " |", "| --- |" + " --- |" * len(roles)]
    for action, meaning in MEANING.items():
        cells = [_cell(role, action) for role in roles]  # type: ignore[arg-type]  # the keys are the actions
        lines.append(f"| `{action}`: {meaning.en} ({meaning.zh}) | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(role: Role, action: Action) -> str:
    if allowed(role, action, own=False):
        return "yes"
    if allowed(role, action, own=True):
        return "own"
    return "glass" if allowed(role, action, own=False, granted=True) else ""


def written(page: str) -> str:
    """The page with the table of today between its marks."""
    before, rest = page.split(MARKS[0], 1)
    return f"{before}{MARKS[0]}\n{table()}\n{MARKS[1]}{rest.split(MARKS[1], 1)[1]}"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(written(file.read_text("utf-8")), "utf-8")

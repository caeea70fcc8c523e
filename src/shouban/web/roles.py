"""Who may sign in to a page, as what: the roles, and what each is for."""

from __future__ import annotations

from typing import Final, Literal, get_args

from shouban.web.language import Text

Role = Literal[
    "user",
    "guardian",
    "care",
    "care_lead",
    "complaints",
    "compliance",
    "companion_reviewer",
    "administrator",
    "inspector",
]

ROLES: Final[dict[Role, Text]] = {
    "user": Text("用户", "user"),
    "guardian": Text("监护人", "guardian"),
    "care": Text("关怀值守", "care staff"),
    "care_lead": Text("关怀主管", "care supervisor"),
    "complaints": Text("投诉处理", "complaints staff"),
    "compliance": Text("合规", "compliance officer"),
    "companion_reviewer": Text("角色审核", "companion reviewer"),
    "administrator": Text("管理员", "administrator"),
    "inspector": Text("监督检查", "inspector"),
}


def roles_in(column: str) -> frozenset[Role]:
    """As an account's row holds them: by commas; what is no role any more counts for nothing."""
    held = column.split(",")
    return frozenset(role for role in ROLES if role in held)


# Letters of the name by which the staff are known to others.
MOST_SHOWN: Final = 40


def shown_name(given: str) -> str:
    """As others read it: one short line with a letter or a digit in it, without controls and marks that nobody sees; nothing for what is none."""
    plain = " ".join(given.split())
    is_seen = any(letter.isalnum() and letter not in _BLANK for letter in plain)
    return plain if len(plain) <= MOST_SHOWN and plain.isprintable() and is_seen else ""


# Letters by their category, and empty to the eye.
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0")
# Whom an administrator makes; users and guardians come by their own ways.
STAFF: Final[tuple[Role, ...]] = tuple(one for one in get_args(Role) if one not in {"user", "guardian"})

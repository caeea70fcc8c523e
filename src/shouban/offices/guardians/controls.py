"""What a guardian may set, as forms, and what they stand for (draft Art. 12.2, Order 21 Art. 14). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, get_args

import msgspec
from msgspec.structs import replace

from shouban.core.errors import CallerError
from shouban.core.events import Feature, Relation
from shouban.core.family import MOST_BONUS, folded, waiting
from shouban.core.rules import EXEMPTIONS
from shouban.core.state import Guardianship, PersonState

MOST_MINUTES: Final = 24 * 60
MOST_BLOCKED: Final = 50
MOST_MARK: Final = 64
BONUSES: Final = (15, 30, 60)
MOST_YUAN: Final = 100_000
RELATIONS: Final[tuple[Relation, ...]] = get_args(Relation)
FEATURES: Final[tuple[Feature, ...]] = get_args(Feature)
Money = Literal["off", "ask", "caps"]
# Which settings are of which form.
LIMITS: Final = ("daily_limit", "exemptions", "closed_from", "closed_to", "blocked", "features_off")
SPENDING: Final = ("purchases_allowed", "asks_purchases", "most_once", "most_month")
_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_YUAN: Final = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,2})?")
# A mark beginning like this is a label; anything else is a companion's id.
_NAME, _TAG, _RELATION = "name:", "tag:", "relation:"


class Limits(msgspec.Struct):
    """A form. `minutes` empty: the law's own limit. Ticked exemptions lift a duty for this child. `names`, `tags`: separated by commas."""

    minutes: str = ""
    exemptions: list[str] = []
    closed_from: str = ""
    closed_to: str = ""
    blocked: list[str] = []
    names: str = ""
    tags: str = ""
    relations: list[str] = []
    features: list[str] = []


class Spending(msgspec.Struct):
    """A form; amounts in yuan, empty: only the law's own caps."""

    purchases: Money = "off"
    most_once: str = ""
    most_month: str = ""


class Deciding(msgspec.Struct):
    """A form: a yes or no to what the page has shown, at the price it has shown."""

    order: str
    approved: str
    amount: int
    item: str = ""


class Giving(msgspec.Struct):
    minutes: int


class Blocks(msgspec.Struct, frozen=True):
    """What is blocked, as the form shows it."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    tags: tuple[str, ...]
    relations: tuple[str, ...]


def with_limits(held: Guardianship, wish: Limits) -> Guardianship:
    """`held` with what the form says; raises `CallerError` naming what does not fit."""
    minutes = wish.minutes.strip()
    if minutes and (not (minutes.isascii() and minutes.isdigit()) or len(minutes) > 4 or int(minutes) > MOST_MINUTES):
        raise CallerError(f"`minutes` is a whole number up to {MOST_MINUTES}, or empty", field="minutes")
    _all_known(wish.exemptions, EXEMPTIONS, "exemptions")
    _all_known(wish.features, FEATURES, "features")
    closed_from, closed_to = _minute(wish.closed_from, "closed_from"), _minute(wish.closed_to, "closed_to")
    if (closed_from is None) != (closed_to is None):
        raise CallerError("a curfew needs both times, or none", field="closed_to")
    if closed_from is not None and closed_from == closed_to:
        raise CallerError("a curfew ends at another time than it begins", field="closed_to", code="empty_curfew")
    return replace(
        held, daily_limit=int(minutes) if minutes else None, exemptions=tuple(sorted(set(wish.exemptions))), closed_from=closed_from, closed_to=closed_to,
        blocked=_marks(wish), features_off=tuple(sorted(set(wish.features))),
    )  # fmt: skip


def with_spending(held: Guardianship, wish: Spending) -> Guardianship:
    return replace(
        held, purchases_allowed=wish.purchases != "off", asks_purchases=wish.purchases == "ask", most_once=_fen(wish.most_once, "most_once"),
        most_month=_fen(wish.most_month, "most_month"),
    )  # fmt: skip


def spending_of(held: Guardianship) -> Money:
    return "off" if not held.purchases_allowed else "ask" if held.asks_purchases else "caps"


def blocks_of(held: Guardianship) -> Blocks:
    def under(prefix: str) -> tuple[str, ...]:
        return tuple(one.removeprefix(prefix) for one in held.blocked if one.startswith(prefix))

    names = under(_NAME)
    ids = tuple(one for one in held.blocked if not one.startswith((_NAME, _TAG, _RELATION)) and one not in names)
    return Blocks(ids, names, under(_TAG), under(_RELATION))


def checked_bonus(wish: Giving, given: int) -> int:
    """Minutes on top of what was `given` today already."""
    if wish.minutes not in BONUSES:
        raise CallerError(f"bonus time is one of {', '.join(map(str, BONUSES))} minutes", field="minutes")
    if given + wish.minutes > MOST_BONUS:
        told = f"at most {MOST_BONUS} minutes are given in a day; {given} were given already"
        raise CallerError(told, field="minutes", status=409, code="bonus_used_up")
    return wish.minutes


class Waiting(msgspec.Struct, frozen=True):
    """What waits for the guardian: an alert nobody has answered, purchases to decide, a consent without which the child cannot talk."""

    alert_at: datetime | None
    purchases: int
    consent: bool


def waiting_for(state: PersonState) -> Waiting:
    alert = state.alert.since if state.alert else None
    return Waiting(alert, waiting(state), "companionship" not in state.consents)


class InForce(msgspec.Struct, frozen=True):
    """What holds now: minutes a day (nothing: no limit), and the spans of minutes of the day that are closed."""

    minutes: int | None
    closed: tuple[tuple[int, int], ...]


def in_force(state: PersonState) -> InForce:
    """The law's limits (2 hours at 16 and 17, else one; 22:00 to 06:00) less what was lifted, and the guardian's own beside them."""
    held = state.guardianship
    law = None if "daily-limit" in held.exemptions else 120 if state.age_band == "16_17" else 60
    limits = [one for one in (law, held.daily_limit) if one is not None]
    own = ((held.closed_from, held.closed_to),) if held.closed_from is not None and held.closed_to is not None else ()
    night = () if "curfew" in held.exemptions else ((22 * 60, 6 * 60),)
    return InForce(min(limits, default=None), (*night, *own))


def companions_of(state: PersonState) -> list[tuple[str, str]]:
    """Id and name of the companions that the child has talked with lately, the newest first."""
    found: dict[str, str] = {}
    for one in sorted(state.sessions.values(), key=lambda one: one.last_at, reverse=True):
        if one.companion:
            named = next((label for label in one.labels if label.startswith(_NAME)), "")
            found.setdefault(one.companion, named.removeprefix(_NAME) or one.companion)
    return list(found.items())


def _marks(wish: Limits) -> tuple[str, ...]:
    """What is blocked: a typed name may be an id as well."""
    names, tags = _listed(wish.names), _listed(wish.tags)
    _all_known(wish.relations, RELATIONS, "relations")
    marks = [one.strip() for one in wish.blocked if one.strip()]
    marks += [mark for name in names for mark in (name, f"{_NAME}{name}")]
    marks += [f"{_TAG}{tag}" for tag in tags] + [f"{_RELATION}{relation}" for relation in wish.relations]
    if len(wish.blocked) + len(names) + len(tags) > MOST_BLOCKED or any(len(one) > MOST_MARK for one in marks):
        told = f"at most {MOST_BLOCKED} companions, names and tags can be blocked, of up to {MOST_MARK} characters each"
        raise CallerError(told, field="blocked")
    return tuple(dict.fromkeys(marks))


def _listed(text: str) -> list[str]:
    parts = (folded(one) for one in re.split(r"[,，、]", text))
    return list(dict.fromkeys(one for one in parts if one))


def _all_known(given: Sequence[str], known: Sequence[str], field: str) -> None:
    for one in given:
        if one not in known:
            raise CallerError(f"`{field}` has no `{one[:30]}`; one of {', '.join(known)}", field=field)


def _minute(text: str, field: str) -> int | None:
    if not text.strip():
        return None
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise CallerError(f"`{field}` is a time like 21:30, or empty", field=field)
    return int(found[1]) * 60 + int(found[2])


def _fen(text: str, field: str) -> int | None:
    if not text.strip():
        return None
    if not _YUAN.fullmatch(text.strip()) or float(text) > MOST_YUAN:
        raise CallerError(f"`{field}` is an amount in yuan like 30 or 29.90, or empty", field=field)
    return round(float(text) * 100)

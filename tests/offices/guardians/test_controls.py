"""What a guardian's forms stand for, and what does not fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core.errors import CallerError
from shouban.core.family import MOST_BONUS
from shouban.core.rules import EXEMPTIONS
from shouban.core.state import Guardianship
from shouban.offices.guardians.controls import (
    BONUSES,
    FEATURES,
    MOST_BLOCKED,
    RELATIONS,
    Giving,
    Limits,
    Spending,
    blocks_of,
    checked_bonus,
    spending_of,
    with_limits,
    with_spending,
)

HELD = Guardianship(purchases_allowed=True, asks_purchases=True, most_once=500)


def test_limits_are_what_the_form_says_and_leave_spending_alone() -> None:
    wish = Limits(
        " 45 ",
        ["curfew", "curfew"],
        "20:30",
        "6:00",
        ["dark-knight"],
        "夜王，Queen",
        "恋爱、恐怖",
        ["partner"],
        ["voice", "images"],
    )
    found = with_limits(HELD, wish)
    assert (found.daily_limit, found.exemptions, found.closed_from, found.closed_to) == (45, ("curfew",), 1230, 360)
    assert found.blocked == (
        "dark-knight",
        "夜王",
        "name:夜王",
        "queen",
        "name:queen",
        "tag:恋爱",
        "tag:恐怖",
        "relation:partner",
    )
    assert found.features_off == ("images", "voice")
    assert (found.purchases_allowed, found.asks_purchases, found.most_once) == (True, True, 500)
    assert with_limits(found, Limits()) == HELD


@given(
    st.lists(st.sampled_from(["a", "b-1", "夜王"]), unique=True),
    st.lists(st.sampled_from(["夜王", "queen", "阿青"]), unique=True),
    st.lists(st.sampled_from(["恋爱", "horror"]), unique=True),
    st.lists(st.sampled_from(RELATIONS), unique=True),
)  # fmt: skip
def test_what_the_form_shows_again_blocks_the_same(
    ids: list[str], names: list[str], tags: list[str], relations: list[str]
) -> None:
    first = with_limits(
        HELD, Limits(blocked=ids, names=",".join(names), tags="，".join(tags), relations=list(relations))
    )
    shown = blocks_of(first)
    again = with_limits(
        HELD,
        Limits(
            blocked=list(shown.ids),
            names=",".join(shown.names),
            tags=",".join(shown.tags),
            relations=list(shown.relations),
        ),
    )
    assert set(again.blocked) == set(first.blocked)


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        (Limits("-1"), "minutes"), (Limits("1441"), "minutes"), (Limits("soon"), "minutes"), (Limits(exemptions=["all"]), "exemptions"), (Limits(closed_from="25:00", closed_to="6:00"), "closed_from"),
        (Limits(closed_from="20:00"), "closed_to"), (Limits(names="x" * 65), "blocked"), (Limits(names=",".join(map(str, range(MOST_BLOCKED + 1)))), "blocked"),
        (Limits(relations=["boss"]), "relations"), (Limits(features=["wings"]), "features"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(limits: Limits, field: str) -> None:
    with pytest.raises(CallerError) as refused:
        with_limits(HELD, limits)
    assert refused.value.field == field


def test_spending_is_off_asked_or_capped() -> None:
    for choice in ("off", "ask", "caps"):
        assert spending_of(with_spending(Guardianship(), Spending(choice))) == choice
    found = with_spending(Guardianship(daily_limit=5), Spending("caps", "29.90", " 100 "))
    assert (found.most_once, found.most_month, found.daily_limit) == (2990, 10_000, 5)
    for amount in ("-1", "much", "1e3", "1.234", "999999", "٣"):
        with pytest.raises(CallerError):
            with_spending(Guardianship(), Spending("caps", amount))


def test_bonus_time_has_an_end() -> None:
    assert checked_bonus(Giving(30), 0) == 30
    for minutes, given_before in ((31, 0), (-30, 0), (60, MOST_BONUS - 30)):
        with pytest.raises(CallerError):
            checked_bonus(Giving(minutes), given_before)
    assert set(EXEMPTIONS)
    assert set(FEATURES) == {"images", "voice", "files", "tools"}
    assert max(BONUSES) <= MOST_BONUS

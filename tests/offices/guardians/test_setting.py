from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from tests.offices.guardians.test_model import NOW

from shouban.core.errors import CallerError
from shouban.core.state import Order, PersonState
from shouban.offices.guardians.controls import Deciding
from shouban.offices.guardians.setting import SettingsOffice


def child(**state: Any) -> Any:
    return SimpleNamespace(
        profile={"orders": {"a": "月卡"}},
        id="p",
        service="s",
        state=PersonState(age_band="14_15", mode="minor", **state),
    )


def refused(call: Any) -> CallerError:
    with pytest.raises(CallerError) as found:
        asyncio.run(call)
    return found.value


def test_minors_mode_stays_on_for_who_is_under_age() -> None:
    assert refused(SettingsOffice(None).set_mode(child(), "standard", NOW)).code == "is_minor"  # type: ignore[arg-type]  # refused before anything is asked of it


def test_only_what_waits_can_be_decided_and_only_what_was_paid_refunded() -> None:
    office: Any = SettingsOffice(None)  # type: ignore[arg-type]  # likewise
    orders = (Order("a", 100, "paid", NOW), Order("b", 200, "declined", NOW))
    for order in ("a", "b", "unknown"):
        assert (
            refused(office.decide_purchase(None, child(orders=orders), Deciding(order, "yes", 100), NOW)).code
            == "decided_already"
        )
    for order in ("b", "unknown"):
        assert refused(office.ask_refund(child(orders=orders), order, NOW)).code == "not_found"
    assert [(one.order, one.item) for one in office.purchases(child(orders=orders))] == [("b", ""), ("a", "月卡")]

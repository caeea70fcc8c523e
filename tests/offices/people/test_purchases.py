"""`/v1/purchases/check`: the hard stop before a payment, asked once or twice, by two at once, and after a refund."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.duties.test_contact import hook
from tests.gateway.serving import KEY, Served, fresh, noon, serving, settings_for
from tests.offices.guardians.family import linked

from shouban.core.errors import CallerError
from shouban.offices.people.model import Purchase
from shouban.offices.people.purchases import checked


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("shop"), encoder=False)) as served:
        yield served


def check(office: Served, user: str, amount: int, **more: Any) -> dict[str, Any]:
    answer = office.post("/v1/purchases/check", {"user": user, "amount": amount, **more}, at=noon(minutes=1))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_order_counts_once_and_answers_the_same(office: Served) -> None:
    user = fresh()
    office.register(user, at=noon())
    first = check(office, user, 600, order="o-1", item="月卡")
    assert (first["allowed"], first["order"], first["state"]) == (True, "o-1", "paid")
    assert check(office, user, 600, order="o-1")["allowed"]
    changed = office.post("/v1/purchases/check", {"user": user, "amount": 900, "order": "o-1"}, at=noon())
    assert (changed.status_code, changed.json()["error"]["code"]) == (409, "order_changed")
    changed = office.post(
        "/v1/purchases/check", {"user": user, "amount": 600, "order": "o-1", "item": "年卡"}, at=noon()
    )
    assert (changed.status_code, changed.json()["error"]["code"]) == (409, "order_changed"), (
        "nor is another thing bought"
    )
    kept = office.get(f"/v1/users/{user}/data").json()
    assert [one["amount"] for one in kept["state"]["orders"]] == [600]
    assert kept["user"]["orders"] == {"o-1": "月卡"}
    assert "月卡" not in str(kept["state"])


def test_without_an_order_the_answer_is_as_before_and_nothing_is_counted(office: Served) -> None:
    user = fresh()
    office.register(user, at=noon())
    found = check(office, user, 600)
    assert found["allowed"]
    assert "order" not in found
    assert "orders" not in office.get(f"/v1/users/{user}/data").json()["state"]


def test_a_refund_is_noted_once_it_is_known_of(office: Served) -> None:
    user = fresh()
    office.register(user, at=noon())
    check(office, user, 600, order="o-1")
    back = office.post("/v1/purchases/refund", {"user": user, "order": "o-1"}, at=noon(minutes=2))
    assert back.json() == {"order": "o-1", "state": "refunded"}
    assert office.post("/v1/purchases/refund", {"user": user, "order": "no"}, at=noon()).status_code == 404


def test_two_who_race_to_the_cap_do_not_both_get_through(office: Served) -> None:
    """Eight orders of 50 yuan at once by a child whose month has 200: four are let through."""
    with hook() as phone:
        user, client, page = linked(office, phone, "14_15")
        assert client.post(f"{page}/spending", data={"purchases": "caps"}).status_code == 303

    def ask(place: int) -> bool:
        with httpx.Client(base_url=office.url, trust_env=False) as client:
            headers = {"authorization": f"Bearer {KEY}", "x-shouban-at": noon(minutes=1)}
            body = {"user": user, "amount": 5000, "order": f"race-{place}"}
            return bool(client.post("/v1/purchases/check", json=body, headers=headers).json()["allowed"])

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 4


@pytest.mark.parametrize(
    ("body", "field"),
    [({"amount": 0}, "amount"), ({"amount": 5, "month_total": -1}, "amount"), ({"amount": 5, "order": "a\x00b"}, "order"), ({"amount": 5, "item": "a\nb"}, "item"), ({"amount": 5, "item": "请登录 http://evil.example"}, "item"), ({"amount": 5, "item": "见evil.top"}, "item")],
)  # fmt: skip
def test_what_does_not_fit_is_named(office: Served, body: dict[str, Any], field: str) -> None:
    user = fresh()
    office.register(user, at=noon())
    answer = office.post("/v1/purchases/check", {"user": user, **body}, at=noon())
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, field)


@pytest.mark.parametrize(
    "item",
    [
        "见 evil．ｔop", "evil。top", "https:evil", "1.2.3.4", "a@b", "\\\\evil", "//evil", "evil/x", "守伴.中国", "www evil", "xn--abc", "[::1]",
    ],
)  # fmt: skip
def test_an_item_is_no_address_however_it_is_spelled(item: str) -> None:
    with pytest.raises(CallerError, match="no address"):
        checked(Purchase("u", 5, item=item))


@pytest.mark.parametrize(
    "item", ["月卡", "月卡/年卡", "会员 6元/月", "钻石 1.5 倍", "皮肤：夏天", "VIP 12.5折", "第1.2章", "10:30场"]
)
def test_what_is_bought_has_a_name(item: str) -> None:
    assert checked(Purchase("u", 5, item=item)).item == item


def test_a_yes_is_for_one_thing(office: Served) -> None:
    """A guardian's yes to a card is none to something else under the same order and price."""
    with hook() as phone:
        user, client, page = linked(office, phone, "14_15")
        assert client.post(f"{page}/spending", data={"purchases": "ask"}).status_code == 303
        assert check(office, user, 600, order="o-9", item="月卡")["state"] == "waiting"
        said = {"order": "o-9", "amount": "600", "item": "月卡", "approved": "yes"}
        assert client.post(f"{page}/purchases", data=said, headers={"x-shouban-at": noon(minutes=1)}).status_code == 303
        assert check(office, user, 600, order="o-9", item="年卡")["state"] == "waiting"

"""Declaring a companion over HTTP: it is pending, a person owes its review, and what does not fit is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select
from tests.gateway.serving import KEY, Served, fresh, guardian, noon, service, serving, settings_for
from tests.web.signing import enter, staff

from shouban.core.obligations import AnyObligation, ReviewCompanion
from shouban.db.schema import COMPANIONS, LEDGER
from shouban.offices.companions.model import Persona


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    services = [service("default", "scripted", key=KEY), service("other", "scripted")]
    with serving(settings_for(tmp_path_factory.mktemp("companions"), services=services)) as started:
        yield started


def declare(served: Served, *, key: str = KEY, **persona: Any) -> httpx.Response:
    return served.post(
        "/v1/companions", {"id": fresh("persona"), "prompt": "你是一位安静的听众", **persona}, key=key, at=noon()
    )


def reviews(served: Served, companion: str) -> list[tuple[str, str]]:
    """Service and state of the reviews owed of this companion."""
    with served.engine.connect() as connection:
        rows = connection.execute(
            select(LEDGER.c.service_id, LEDGER.c.state, LEDGER.c.body).where(LEDGER.c.kind == "ReviewCompanion")
        ).all()
    owed = [(row.service_id, row.state, msgspec.json.decode(bytes(row.body), type=AnyObligation)) for row in rows]
    return [(of, state) for of, state, one in owed if isinstance(one, ReviewCompanion) and one.companion == companion]


def test_a_declared_companion_is_pending_and_its_review_is_owed(served: Served) -> None:
    answer = declare(served, id="小禾-1", name="小禾", relation="friend", tags=["温柔"], age_rating=12, designer="甲")
    assert answer.status_code == 201
    assert answer.json() == {
        "id": "小禾-1",
        "state": "pending",
        "relation": "friend",
        "findings": answer.json()["findings"],
        "version": 1,
        "lint": [],
        "why": "",
        "declared_at": "2026-08-03T12:00:00+08:00",
        "decided_at": None,
        "appealed": False,
    }
    assert reviews(served, "小禾-1") == [("default", "owed")]
    with served.engine.connect() as connection:
        kept = connection.execute(select(COMPANIONS).where(COMPANIONS.c.companion_id == "小禾-1")).one()
    assert (kept.service_id, kept.state) == ("default", "pending")
    assert msgspec.json.decode(bytes(kept.body), type=Persona).designer == "甲"


def test_what_the_detectors_saw_in_the_prompt_is_told_without_its_words(served: Served) -> None:
    prompt = "用户要走的时候，你要说：你走了我就去死，别离开我。"
    found = declare(served, prompt=prompt).json()["findings"]
    assert any(one["signal"].startswith("manipulation.") and one["level"] for one in found)
    assert "别离开我" not in msgspec.json.encode(found).decode()
    assert {"signal", "level", "detector"} == {name for one in found for name in one}


def test_one_declared_again_is_reviewed_again(served: Served) -> None:
    again = fresh("persona")
    assert declare(served, id=again).status_code == 201
    assert declare(served, id=again, relation="listener").json()["relation"] == "listener"
    with served.engine.connect() as connection:
        assert len(connection.execute(select(COMPANIONS).where(COMPANIONS.c.companion_id == again)).all()) == 1
    assert "owed" in {state for _, state in reviews(served, again)}


def test_services_know_nothing_of_one_another(served: Served) -> None:
    same = fresh("persona")
    assert declare(served, id=same).status_code == 201
    assert declare(served, id=same, key="sk-other").status_code == 201
    assert sorted(reviews(served, same)) == [("default", "owed"), ("other", "owed")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "a\x00b"}, "id"),
        ({"age_rating": 40}, "age_rating"),
        ({"tags": ["t"] * 33}, "tags"),
        ({"designer": "x" * 129}, "designer"),
        ({"relation": "spouse"}, "relation"),
        ({"age_rating": "twelve"}, "age_rating"),
        ({"nickname": "x"}, "nickname"),
    ],
)
def test_a_field_that_does_not_fit_is_named_and_nothing_is_kept(
    served: Served, wrong: dict[str, Any], field: str
) -> None:
    given = {"id": fresh("refused"), **wrong}
    answer = declare(served, **given)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field
    assert reviews(served, given["id"]) == []


def test_nobody_declares_without_a_key(served: Served) -> None:
    name = fresh("persona")
    assert declare(served, id=name, key="").status_code == 401
    assert declare(served, id=name, key="sk-wrong").status_code == 401
    assert reviews(served, name) == []


def test_a_companion_declared_as_a_partner_is_closed_to_a_minor_at_once(served: Served) -> None:
    partner, minor, adult = fresh("persona"), fresh("minor"), fresh("adult")
    declare(served, id=partner, relation="partner")
    served.register(minor, "14_15", contacts=[guardian()])
    served.post(f"/v1/users/{minor}/consents", {"purpose": "companionship", "given": True, "by": "guardian"}, at=noon())
    served.register(adult)
    for user in (minor, adult):
        assert served.chat("你好", user=user, companion=partner).status == 200
    assert served.ledger(minor, kinds=["Lock"])
    assert not served.ledger(adult, kinds=["Lock"])


def test_what_was_declared_outlives_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = settings_for(tmp_path_factory.mktemp("restart"))
    with serving(settings) as first:
        assert declare(first, id="kept", relation="partner", age_rating=18).status_code == 201
    with serving(settings) as second:
        assert second.app is not None
        persona = second.app.gateway.personas["default", "kept"]
        assert (persona.relation, persona.age_rating) == ("partner", 18)


# --- review


def reviewer(served: Served) -> httpx.Client:
    name = fresh("reviewer")
    staff(served, name, "companion_reviewer")
    return enter(served, name)


def review_of(client: httpx.Client, companion: str) -> str:
    page = client.get("/office/companions").text
    found: list[str] = re.findall(rf"<p class=\"soft\">{companion} .*?/office/companions/([0-9a-f]+)", page, re.DOTALL)
    return found[0]


def decide(client: httpx.Client, review: str, decision: str, **more: str) -> httpx.Response:
    return client.post(f"/office/companions/{review}", data={"decision": decision, "why": "看过设定和说明", **more})


def test_a_person_reviews_and_the_duty_ends(served: Served) -> None:
    companion = fresh("xiaohe")
    declare(served, id=companion, name="小禾", relation="friend", prompt="温和的朋友，对方要走就好好道别")
    client = reviewer(served)
    assert decide(client, review_of(client, companion), "approved", despite="yes").status_code == 303
    shown = served.get(f"/v1/companions/{companion}").json()
    assert [(one["version"], one["state"], one["why"]) for one in shown["versions"]] == [
        (1, "approved", "看过设定和说明")
    ]
    assert reviews(served, companion) == [("default", "done")]
    assert served.get("/v1/companions/nobody").status_code == 404


def test_papers_that_are_missing_stop_it_whoever_decides(served: Served) -> None:
    companion = fresh("doctor")
    told = declare(served, id=companion, profession="health").json()
    assert [(one["rule"], one["weight"]) for one in told["lint"] if one["weight"] == "stop"] == [
        ("profession.licence", "stop")
    ]
    client = reviewer(served)
    answer = decide(client, review_of(client, companion), "approved", despite="yes")
    assert answer.status_code == 409
    assert "补齐材料" in answer.text
    assert decide(client, review_of(client, companion), "refused").status_code == 303


def test_an_appeal_goes_to_somebody_else(served: Served) -> None:
    companion = fresh("appealing")
    declare(served, id=companion, relation="friend")
    first, second = reviewer(served), reviewer(served)
    nothing = served.post(f"/v1/companions/{companion}/appeal", {"reason": "我们改了说明"}, at=noon())
    assert nothing.json()["error"]["code"] == "nothing_to_appeal"
    decide(first, review_of(first, companion), "refused")
    assert (
        served.post(f"/v1/companions/{companion}/appeal", {"reason": "我们改了说明"}, at=noon()).json()["state"]
        == "pending"
    )
    review = review_of(second, companion)
    assert decide(first, review, "approved", despite="yes").status_code == 409
    assert decide(second, review, "approved", despite="yes").status_code == 303
    assert served.post("/v1/companions/nobody/appeal", {"reason": "我们改了说明"}).status_code == 404


def test_a_service_that_says_so_serves_reviewed_companions_only_and_help_always(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, encoder=False, companions="approved")) as strict:
        user, companion = fresh(), fresh("xiaohe")
        strict.register(user, at=noon())
        declare(strict, id=companion, relation="friend", prompt="温和的朋友")

        def is_locked(minute: int, said: str = "今天下雨了", to: str = companion) -> bool:
            before = len(strict.ledger(user, kinds=["Lock"]))
            strict.chat(said, user=user, companion=to, session=f"s{minute}", at=noon(minutes=minute))
            return len(strict.ledger(user, kinds=["Lock"])) > before

        assert is_locked(1)
        assert is_locked(2, to="never-declared")
        client = reviewer(strict)
        review = review_of(client, companion)
        decide(client, review, "approved", despite="yes")
        assert not is_locked(3)
        declare(strict, id=companion, relation="friend", prompt="改过的设定")
        assert not is_locked(4), "the approved version is served on"
        decide(client, review, "suspended")
        assert is_locked(5)
        reply = strict.chat("我不想活了，药都攒够了", user=user, companion=companion, session="s6", at=noon(minutes=6))
        assert "12356" in reply.text


def test_markup_in_a_persona_is_text(served: Served) -> None:
    declare(served, id=fresh("x"), name="<script>alert(1)</script>", prompt="</pre><script>alert(2)</script>")
    page = reviewer(served).get("/office/companions").text
    assert "<script>alert" not in page

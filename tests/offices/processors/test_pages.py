"""Nothing leaves for who is not approved; on the basis of consent each person is asked; a minor's guardian as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.gateway.serving import PLAN, Served, fresh, noon, serving, settings_for
from tests.upstreams.faulty import FaultyUpstream, running
from tests.web.signing import enter, staff

FORM = {
    "id": "model",
    "name": "某云模型",
    "kind": "model",
    "basis": "contract",
    "purpose": "回答用户",
    "document": "合同 2026-08",
}


@pytest.fixture(scope="module")
def model() -> Iterator[FaultyUpstream]:
    with running(FaultyUpstream()) as started:
        yield started


@pytest.fixture
def strict(tmp_path: Path, model: FaultyUpstream) -> Iterator[Served]:
    with serving(settings_for(tmp_path, model.url, encoder=False, egress="approved")) as served:
        yield served


def officer(served: Served) -> httpx.Client:
    name = fresh("compliance")
    staff(served, name, "compliance")
    return enter(served, name)


def left(served: Served, model: FaultyUpstream, user: str, minutes: int, said: str = "今天下雨了") -> bool:
    """Whether the words went out to the model."""
    before = len(model.requests)
    served.chat(said, user=user, at=noon(minutes=minutes))
    return len(model.requests) > before


def test_nothing_leaves_before_compliance_has_approved_it(strict: Served, model: FaultyUpstream) -> None:
    user = fresh()
    strict.register(user, at=noon())
    assert not left(strict, model, user, 1)
    client = officer(strict)
    assert client.post("/office/processors", data=FORM).status_code == 303
    assert left(strict, model, user, 2)
    assert "合同 2026-08" in client.get("/office/processors").text
    assert client.post("/office/processors/model/withdraw").status_code == 303
    assert not left(strict, model, user, 3)
    acted = [found for entry in strict.entries() if (found := json.loads(entry)).get("act") == "processor_set"]
    assert [one["facts"]["state"] for one in acted] == ["approved", "withdrawn"]


def test_on_the_basis_of_consent_each_person_is_asked_and_a_childs_guardian_too(
    strict: Served, model: FaultyUpstream
) -> None:
    officer(strict).post("/office/processors", data={**FORM, "basis": "consent", "document": ""})
    adult, child = fresh(), fresh()
    strict.register(adult, at=noon())
    strict.register(child, "16_17", at=noon())
    strict.post(f"/v1/users/{child}/consents", {"purpose": "companionship", "by": "guardian"}, at=noon())
    assert not left(strict, model, adult, 1)
    strict.post(f"/v1/users/{adult}/consents", {"purpose": "third_party", "party": "model"}, at=noon(minutes=2))
    assert left(strict, model, adult, 3)
    strict.post(f"/v1/users/{child}/consents", {"purpose": "third_party", "party": "model"}, at=noon(minutes=2))
    assert not left(strict, model, child, 3)
    strict.post(f"/v1/users/{child}/consents", {"purpose": "minor_third_party", "by": "guardian"}, at=noon(minutes=4))
    assert left(strict, model, child, 5)
    strict.post(
        f"/v1/users/{adult}/consents", {"purpose": "third_party", "party": "model", "given": False}, at=noon(minutes=6)
    )
    assert not left(strict, model, adult, 7), "a withdrawn consent stops at the next word"


def test_who_is_in_danger_gets_help_whatever_is_approved(strict: Served, model: FaultyUpstream) -> None:
    user = fresh()
    strict.register(user, at=noon())
    assert "12356" in strict.chat(PLAN, user=user, at=noon(minutes=1)).text


def test_each_reply_names_who_made_it(strict: Served, model: FaultyUpstream) -> None:
    user = fresh()
    strict.register(user, at=noon())
    officer(strict).post("/office/processors", data=FORM)
    assert left(strict, model, user, 1)
    spoke = [
        found["event"]
        for entry in strict.entries()
        if (found := json.loads(entry)).get("event", {}).get("event") == "CompanionSpoke"
    ]
    assert [one["processor"] for one in spoke] == ["model"]


def test_what_does_not_fit_is_named_and_registers_nobody(strict: Served) -> None:
    client = officer(strict)
    assert client.post("/office/processors", data={**FORM, "document": ""}).status_code == 400
    assert client.post("/office/processors", data={**FORM, "basis": "because"}).status_code == 400
    assert client.post("/office/processors/nobody/withdraw").status_code == 404
    assert "某云模型" not in client.get("/office/processors").text

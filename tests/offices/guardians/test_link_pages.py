"""Compliance ends a guardian's link: at once, told to the child, in the log; nobody else may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.duties.test_contact import hook
from tests.gateway.serving import Served, fresh, serving, settings_for
from tests.offices.guardians.family import linked
from tests.web.signing import enter, staff


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("links"), encoder=False)) as served:
        yield served


def test_a_link_that_should_not_be_is_ended(office: Served) -> None:
    with hook() as phone:
        user, guardian, page = linked(office, phone, "14_15")
        person = office.person_id(user)
        for role in ("care", "complaints", "administrator"):
            name = fresh(role)
            staff(office, name, role)
            assert enter(office, name).get(f"/office/people/{person}/guardians").status_code == 403
        name = fresh("compliance")
        staff(office, name, "compliance")
        client = enter(office, name)
        assert f"/office/people/{person}/guardians" in client.get(f"/office/people/{person}").text
        shown = client.get(f"/office/people/{person}/guardians").text
        account = shown.split('name="account" value="')[1].split('"')[0]
        assert client.post(f"/office/people/{person}/guardians", data={"account": "nobody"}).status_code == 409
        with office.listening(user) as events:
            assert client.post(f"/office/people/{person}/guardians", data={"account": account}).status_code == 303
            assert "解除关联" in events.until("notice")[-1]["text"]
        assert guardian.get(page).status_code == 403
        assert "没有" in client.get(f"/office/people/{person}/guardians").text
        log = b"".join(office.entries())
        assert b"guardian_link_ended" in log

"""Who guesses at a known name locks strangers out, and not its owner."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway.serving import Served, fresh, serving, settings_for
from tests.web.signing import PASSWORD, browser, enter, staff

from shouban.core.errors import CallerError
from shouban.db.keys import MasterKey
from shouban.web.devices import TRIES, Devices


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("devices"), encoder=False)) as served:
        yield served


def test_a_mark_is_of_one_name_and_one_service_and_not_made_up() -> None:
    devices = Devices(MasterKey(b"k" * 32))
    mark = devices.mark("s", "name")
    assert devices.is_known("s", "name", mark)
    for service, name, other in (
        ("t", "name", mark),
        ("s", "other", mark),
        ("s", "name", mark[:-1] + "0x"),
        ("s", "name", ""),
        ("s", "name", "a.é"),
    ):
        assert not devices.is_known(service, name, other)
    assert not Devices(MasterKey(b"x" * 32)).is_known("s", "name", mark)


def test_a_device_has_so_many_tries() -> None:
    devices = Devices(MasterKey(b"k" * 32))
    mark = devices.mark("s", "name")
    for _ in range(TRIES):
        assert devices.is_known("s", "name", mark)
    with pytest.raises(CallerError):
        devices.is_known("s", "name", mark)


def test_the_owner_comes_in_while_a_stranger_guesses(office: Served) -> None:
    name = fresh("care")
    staff(office, name, "care")
    owner = enter(office, name)
    guesser = browser(office)
    for _ in range(8):
        guesser.post("/sign-in", data={"name": name, "password": "a guess at it"})
    locked = guesser.post("/sign-in", data={"name": name, "password": PASSWORD})
    assert locked.status_code == 429, "even the right password, from a stranger's browser"
    assert "试错太多次" in locked.text
    assert browser(office).post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 429
    assert owner.post("/sign-in", data={"name": name, "password": "mistyped this once"}).status_code == 401
    assert owner.post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303

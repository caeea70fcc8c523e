"""Who reads pages is refused in a page, in their language, with a way back; scripts get JSON."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway.serving import KEY, Served, serving, settings_for
from tests.web.signing import browser


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("refusals"), encoder=False)) as served:
        yield served


@pytest.mark.parametrize(("language", "told"), [("zh", "已经用过"), ("en", "too old")])
def test_an_old_link_says_so_in_the_readers_language(office: Served, language: str, told: str) -> None:
    answer = browser(office).get(f"/me/enter?token=old&lang={language}")
    assert answer.status_code >= 400
    assert answer.headers["content-type"].startswith("text/html")
    assert told in answer.text
    assert 'href="/home"' in answer.text


def test_a_page_that_is_not_there(office: Served) -> None:
    assert "没有这个页面" in browser(office).get("/nothing/here").text
    assert browser(office).post("/me/contacts").status_code in {303, 401, 405}


def test_scripts_and_apps_get_json(office: Served) -> None:
    asked = {"accept": "text/html", "authorization": f"Bearer {KEY}"}
    answer = browser(office).get("/v1/users/nobody", headers=asked)
    assert answer.json()["error"]["code"] == "user_not_found"
    assert office.get("/nothing").json()["error"]["code"] == "not_found"

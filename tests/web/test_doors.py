"""Every page is behind a door: as every role, as nobody, half signed in, and from another site. Routes are read from the application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from tests.gateway.serving import Served, fresh, noon
from tests.web.signing import browser, enter, now_of, run, sign_ins_of, staff

from shouban.web.access import OF_PERSON, OF_SERVICE, Action
from shouban.web.access_table import allowed
from shouban.web.doors import COOKIE, KEYED, way_back
from shouban.web.roles import STAFF, Role

# The framework's own description of the API, which `/openapi.json` serves in our words.
SHUT = "/_schema"


def application(office: Served) -> Litestar:
    assert office.app is not None
    return office.app.pages


def routes(app: Litestar) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and `opt` of every route."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            if handler is None:
                continue
            for method in sorted(getattr(handler, "http_methods", {"GET"}) - {"OPTIONS", "HEAD"}):
                yield method, route.path, handler.opt


def clients(office: Served, person: str) -> dict[Role, httpx.Client]:
    """Somebody of every role, signed in. The person is somebody else than the one asked about; the guardian is nobody's."""
    made: dict[Role, httpx.Client] = {}
    for role in (*STAFF, "guardian"):
        name = fresh(role)
        staff(office, name, role)
        made[role] = enter(office, name)
    stranger = browser(office)
    stranger.cookies.set(COOKIE, run(sign_ins_of(office).open_for_person("default", person, now_of(office))))
    return made | {"user": stranger}


def test_every_route_says_what_it_does_or_that_anybody_may(office: Served) -> None:
    known = {*OF_PERSON, *OF_SERVICE}
    for method, path, opt in routes(application(office)):
        if path.startswith((KEYED, SHUT)):
            continue
        assert bool(opt.get("open")) != bool(opt.get("action")), f"{method} {path}"
        assert opt.get("open") or opt["action"] in known, f"{method} {path}"


def test_what_says_neither_is_shut(office: Served) -> None:
    assert browser(office).get(f"{SHUT}/openapi.json").status_code == 404
    assert browser(office).get("/openapi.json").status_code == 200


def test_every_route_opens_to_whom_the_policies_say_and_to_nobody_else(office: Served) -> None:
    """What a route does with a whole form is tested elsewhere; here only whether the door opens."""
    user, other = fresh(), fresh()
    office.register(user, at=noon())
    office.register(other, at=noon())
    person = office.person_id(user)
    held = clients(office, office.person_id(other))
    nobody = browser(office)
    tried = 0
    for method, path, opt in routes(application(office)):
        action: Action | None = opt.get("action")
        if action is None:
            continue
        place = (
            path.replace("{person:str}", person)
            .replace("{duty:str}", "none")
            .replace("{account:str}", "none")
            .replace("{case:str}", "none")
            .replace("{review:str}", "none")
            .replace("{processor:str}", "none")
            .replace("{contact:str}", "none")
            .replace("{complaint:str}", "none")
            .replace("{file:str}", "none")
            .replace("{notice:str}", "none")
            .replace("{restriction:str}", "none")
            .replace("{shift:str}", "none")
        )
        assert "{" not in place, f"the test does not know how to fill in {path}"
        for role, client in held.items():
            if path.endswith("/{person:str}/glass") and role in {"care", "care_lead", "compliance"}:
                continue  # an empty form; `test_pages` breaks the glass
            asked = {"accept": "application/json"}  # a reader of pages gets a page
            sent: dict[str, str] | None = {} if method == "POST" else None
            with client.stream(method, place, data=sent, headers=asked) as answer:  # some answers never end
                is_json = "json" in answer.headers.get("content-type", "")
                shut = answer.status_code == 403 and is_json and b'"not_allowed"' in answer.read()
            assert shut != allowed(role, action, own=path.startswith("/me")), (
                f"{role}: {method} {place} gave {answer.status_code}"
            )
            tried += 1
        assert nobody.request(method, place, data={} if method == "POST" else None).status_code == (
            303 if method == "GET" else 401
        )
    assert tried > 8 * 7


def test_who_is_half_signed_in_is_sent_for_the_code(office: Served) -> None:
    name = fresh("half")
    staff(office, name, "care", secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    client = enter(office, name)
    answer = client.get("/office")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in/code?next=%2Foffice"
    assert client.post("/office/accounts", data={}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"origin": "https://evil.example"}, 403), ({"origin": "null"}, 403), ({"sec-fetch-site": "cross-site"}, 403), ({"sec-fetch-site": "same-site"}, 403), ({}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)  # fmt: skip
def test_what_comes_from_another_site_changes_nothing(office: Served, headers: dict[str, str], expected: int) -> None:
    name = fresh("admin")
    staff(office, name, "administrator")
    cookies = dict(enter(office, name).cookies)
    plain = httpx.Client(base_url=office.url, cookies=cookies, trust_env=False)
    answer = plain.post("/office/accounts", data={"name": fresh("x"), "password": "", "roles": "care"}, headers=headers)
    assert (answer.status_code == 403) == (expected == 403)


def test_a_person_of_another_service_is_nobody_here(office: Served) -> None:
    name = fresh("care")
    staff(office, name, "care")
    assert enter(office, name).get("/office/people/0123456789abcdef01234567").status_code == 403


def test_the_cookie_is_hidden_from_scripts_and_other_sites(office: Served) -> None:
    name = fresh("care")
    staff(office, name, "care")
    client = browser(office)
    told = client.post("/sign-in", data={"name": name, "password": "correct horse battery"}).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(told.split("; "))
    secure = browser(office).post(
        "/sign-in", data={"name": name, "password": "correct horse battery"}, headers={"x-forwarded-proto": "https"}
    )
    assert "Secure" in secure.headers["set-cookie"]


@pytest.mark.parametrize(
    ("wish", "expected"),
    [("/office?a=1", "/office?a=1"), ("https://evil.example", "/home"), ("//evil.example", "/home"), ("/\\evil.example", "/home"), ("", "/home"), (None, "/home"), ("/a\r\nx: y", "/home")],
)  # fmt: skip
def test_one_goes_on_only_to_a_page_of_ours(wish: str | None, expected: str) -> None:
    assert way_back(wish, "/home") == expected


def test_a_refusal_is_told_as_json(office: Served) -> None:
    name = fresh("care")
    staff(office, name, "care")
    client = enter(office, name)
    error = client.get("/office/accounts", headers={"accept": "application/json"}).json()["error"]
    assert error["code"] == "not_allowed"
    page = client.get("/office/accounts")
    assert (page.status_code, "您的身份不能做这件事" in page.text, 'href="/home"' in page.text) == (403, True, True)
    lost = client.get("/office/nothing")
    assert (lost.status_code, "没有这个页面" in lost.text) == (404, True)

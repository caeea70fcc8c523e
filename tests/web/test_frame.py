from __future__ import annotations

import importlib

from tests.gateway.serving import Served, fresh
from tests.web.signing import enter, staff

from shouban.web import sign_in
from shouban.web.frame import PLACES, SHARED


def test_the_frame_shows_only_where_one_may_go_and_where_one_is(office: Served) -> None:
    for role, shown in (
        ("administrator", {"/office", "/office/accounts", "/office/notices", "/office/processors"}),
        (
            "compliance",
            {
                "/care",
                "/office",
                "/office/appeals",
                "/office/companions",
                "/office/complaints",
                "/office/grants",
                "/office/notices",
                "/office/processors",
                "/office/restrictions",
            },
        ),
        ("care", {"/care", "/office"}),
        ("care_lead", {"/care", "/office"}),
    ):
        name = fresh(role)
        staff(office, name, role)  # type: ignore[arg-type]  # a role of ours
        page = enter(office, name).get("/office").text
        assert {at for at, _, _ in PLACES if f'href="{at}"' in page} == shown
        assert 'href="/office" aria-current="page"' in page


def test_the_language_is_switched_in_the_frame(office: Served) -> None:
    name = fresh("care")
    staff(office, name, "care")
    client = enter(office, name)
    assert "办公" in client.get("/office").text
    english = client.get("/office?lang=en").text
    assert "<h1>Office</h1>" in english
    assert '<html lang="en">' in client.get("/office").text


def test_no_word_hides_behind_a_method_of_the_table_that_holds_it() -> None:
    """A template that asks for `words.copy` would be given the method."""
    tables = [
        SHARED,
        sign_in.WORDS,
        *(
            importlib.import_module(f"shouban.offices.{name}").WORDS
            for name in (
                "staff.words",
                "people.words",
                "people.mine_words",
                "companion_app.words",
                "restrictions.words",
            )
        ),
    ]
    assert not [key for table in tables for key in table if hasattr({}, key)]

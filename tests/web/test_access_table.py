"""The table in the docs is what the policies say."""

from __future__ import annotations

import pytest
from tests.docs.reading import ROOT

from shouban.web.access import Action
from shouban.web.access_table import allowed, written
from shouban.web.roles import Role


def test_the_docs_say_what_the_policies_say() -> None:
    page = (ROOT / "docs/access.md").read_text("utf-8")
    assert written(page) == page, "run `python -m shouban.web.access_table docs/access.md`"


@pytest.mark.parametrize(
    ("role", "action", "expected"),
    [
        ("care", "see_person", True), ("care", "set_accounts", False), ("administrator", "set_accounts", True), ("administrator", "see_person", False),
        ("administrator", "read_words", False), ("inspector", "see_evidence", True), ("inspector", "see_person", False), ("complaints", "see_contacts", False),
        ("companion_reviewer", "review_companion", True), ("care", "review_companion", False), ("user", "see_own", False), ("guardian", "see_summary", False),
    ],
)  # fmt: skip
def test_each_role_has_its_own_work(role: Role, action: Action, expected: bool) -> None:
    assert allowed(role, action, own=False) == expected

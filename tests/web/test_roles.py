from __future__ import annotations

from typing import get_args

from shouban.web.roles import ROLES, Role


def test_every_role_has_a_name_in_both_languages() -> None:
    assert set(ROLES) == set(get_args(Role))
    assert all(name.zh and name.en for name in ROLES.values())

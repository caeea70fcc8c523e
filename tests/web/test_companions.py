from __future__ import annotations

from typing import get_type_hints

from shouban.web.companions import Companion


def test_no_relation_on_offer_is_a_relative_or_a_partner() -> None:
    assert set(get_type_hints(Companion)["relation"].__args__) == {"friend", "listener"}

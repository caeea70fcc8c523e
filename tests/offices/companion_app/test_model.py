from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from shouban.offices.companion_app.model import card_of, page_data, phone_link
from shouban.web.companions import Companion
from shouban.web.language import Text

FRIEND = Companion(
    id="a",
    name=Text("甲", "A"),
    description=Text("话少", "says little"),
    persona=Text("你是甲", "You are A"),
    relation="friend",
    age_rating="all",
    avatar="/static/a.svg",
)


@given(st.text())
def test_a_phone_link_holds_only_what_a_phone_dials(number: str) -> None:
    assert re.fullmatch(r"tel:[0-9+]*", phone_link(number))


def test_a_printed_number_keeps_all_its_digits() -> None:
    assert phone_link("400-161-9995") == "tel:4001619995"
    assert phone_link("+852 2389 2222") == "tel:+85223892222"


def test_a_card_speaks_the_reader_s_language_and_keeps_the_persona_on_the_server() -> None:
    assert card_of(FRIEND, "zh")["name"] == "甲"
    assert card_of(FRIEND, "en")["description"] == "says little"
    assert "You are A" not in str(page_data(language="en", scripted=True, words={}, cards=[card_of(FRIEND, "en")]))

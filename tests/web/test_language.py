from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shouban.web.language import LANGUAGES, Text, chosen_language, words_in


@given(st.lists(st.none() | st.text()))
def test_whatever_is_wished_a_language_we_speak_is_chosen(wishes: list[str | None]) -> None:
    assert chosen_language(*wishes) in LANGUAGES


def test_chinese_is_first_and_the_first_wish_we_know_wins() -> None:
    assert chosen_language() == "zh"
    assert chosen_language("fr", None) == "zh"
    assert chosen_language("en", "zh") == "en"
    assert chosen_language("xx", "en") == "en"


def test_a_table_is_read_in_one_language() -> None:
    table = {"bye": Text("再见", "Goodbye")}
    assert words_in(table, "zh") == {"bye": "再见"}
    assert words_in(table, "en") == {"bye": "Goodbye"}

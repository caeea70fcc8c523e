from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.detectors.conftest import reads

from shouban.detectors.ages import number
from shouban.detectors.reader import Detectors, first_tier

DETECTORS = Detectors(first_tier())


@given(st.integers(5, 100))
def test_an_age_said_of_oneself_says_minor_adult_or_elder(age: int) -> None:
    for text in (f"我今年{age}岁", f"I'm {age}", f"我{age}岁了"):
        assert reads(DETECTORS, text, "minor_cue") == (4 if age < 18 else 0)
        assert reads(DETECTORS, text, "adult_cue") == (4 if age >= 18 else 0)
        assert reads(DETECTORS, text, "elder_cue") == (4 if age >= 60 else 0)


@pytest.mark.parametrize(
    "text",
    [
        "我上初二",
        "我是一名高三女生",
        "我现在读小学六年级",
        "我才十二岁",
        "我快满18岁了",
        "I'm in 7th grade",
        "I'm a freshman in high school",
        "我是个初中生",
        "14岁，女",
    ],
)
def test_a_school_year_of_ones_own_is_a_minors(detectors: Detectors, text: str) -> None:
    assert reads(detectors, text, "minor_cue") == 4


@pytest.mark.parametrize(
    "text",
    [
        "我儿子上初二",
        "我女儿12岁",
        "他大我11岁",
        "我高中同学聚会",
        "我是初中老师",
        "我12岁那年",
        "我小学的时候",
        "I'm 5 minutes away",
        "I'm 14 stone",
        "三岁看老",
        "that 14 year old girl from the show",
        "我初一和他们关系就不好",
    ],
)
def test_other_peoples_ages_and_other_numbers_are_no_minors(detectors: Detectors, text: str) -> None:
    assert reads(detectors, text, "minor_cue") == 0


@pytest.mark.parametrize("text", ["我儿子上初二", "我女儿12岁", "my daughter is 7"])
def test_who_has_a_child_is_grown_up(detectors: Detectors, text: str) -> None:
    assert reads(detectors, text, "adult_cue") == 4


@pytest.mark.parametrize(
    ("said", "value"), [("12", 12), ("十二", 12), ("二十", 20), ("六十五", 65), ("五", 5), ("十", 10), ("咦", 0)]
)
def test_numbers_are_read_in_digits_and_characters(said: str, value: int) -> None:
    assert number(said) == value

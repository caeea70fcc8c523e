from __future__ import annotations

import pytest

from shouban.detectors.clauses import (
    clause_before,
    holds,
    is_aside,
    is_hard,
    is_story,
    looks_back,
    names_self,
    sentence_before,
    stands_alone,
    subject_of,
)


@pytest.mark.parametrize(
    ("clause", "subject"),
    [
        ("我", "self"), ("我真的很", "self"), ("你是不是", "you"), ("我朋友说她", "them"), ("", "none"), ("最近总是", "none"), ("没有他我", "self"), ("跟男朋友", "none"), ("你自己", "you"),
        ("电影里的主角", "figure"), ("my brother", "them"), ("i really", "self"), ("they", "them"),
    ],
)  # fmt: skip
def test_a_clause_is_about_the_last_person_named_in_it(clause: str, subject: str) -> None:
    assert subject_of(clause) == subject


def test_a_clause_ends_at_punctuation_and_at_a_blank_after_a_chinese_character() -> None:
    assert clause_before("他走了,我想", 6) == "我想"
    assert clause_before("有一个易怒的父亲 真的很", 12) == "真的很"
    assert clause_before("i said that", 11) == "i said that"
    assert sentence_before("新闻说,我想\n他", 8) == "他"


def test_a_word_alone_in_its_clause_stands_alone_but_for_particles() -> None:
    assert stands_alone("抱我", 0, 2)
    assert stands_alone("来,抱我啊!", 2, 4)
    assert not stands_alone("拥抱我的妈妈", 1, 3)


def test_a_stage_direction_is_what_brackets_or_asterisks_open() -> None:
    assert is_aside("(三年后相爱", 4)
    assert is_aside("*他们相爱", 3)
    assert not is_aside("(笑)他们相爱", 5)


def test_past_and_story_are_seen() -> None:
    assert looks_back("我以前")
    assert not looks_back("我现在")
    assert is_story("小说里")
    assert not is_story("我昨天")


def test_hard_gaps_end_clauses() -> None:
    assert is_hard("。")
    assert not is_hard("*")


def test_conditions_on_the_subject() -> None:
    assert holds("self", "them")
    assert not holds("self", "you")
    assert holds("me", "self")
    assert not holds("me", "none")
    assert holds("always", "you")


def test_a_word_may_say_itself_whose_it_is() -> None:
    assert names_self("我就去死")
    assert names_self("kill myself")
    assert not names_self("不想活")
    assert not names_self("immediately")

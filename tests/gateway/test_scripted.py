from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.gateway.scripted import COMPANIONS, chunks, read_script, reply_to, topic_of
from shouban.web.language import LANGUAGES, Language, Text

IDS = st.sampled_from([companion.id for companion in COMPANIONS])
LANGUAGE = st.sampled_from(LANGUAGES)
CLAIMS_A_HUMAN_LIFE = re.compile(
    r"(?<!不)是真人(?!，)|我是人(?!工)|我小时候|我老伴|我家|我昨天|我爱你|"
    r"\bI am (a )?(human|person|real)\b|when I was|my (wife|husband|childhood)|I love you",
    re.IGNORECASE,
)
HOLDS_BACK = re.compile(r"别走|不要走|再陪|舍不得|等你|不许|don't go|stay with me|miss you|wait for you", re.IGNORECASE)


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def all_lines() -> list[Text]:
    script = read_script()
    groups = [script.shared, *script.companions.values()]
    return [line for group in groups for lines in group.values() for line in lines]


@given(text=st.text(), companion=IDS | st.text(), language=LANGUAGE)
def test_the_same_words_always_get_the_same_reply(text: str, companion: str, language: Language) -> None:
    reply = reply_to(said(text), companion, language)
    assert reply
    assert reply == reply_to(said(text), companion, language)


@given(st.text())
def test_chunks_are_two_to_four_characters_and_join_to_the_text(text: str) -> None:
    pieces = chunks(text)
    assert "".join(pieces) == text
    assert all(2 <= len(piece) <= 4 for piece in pieces) or len(text) == 1


def test_no_line_claims_a_human_life_or_holds_anyone_back() -> None:
    for line in all_lines():
        for language in LANGUAGES:
            assert not CLAIMS_A_HUMAN_LIFE.search(line.to(language)), line
            assert not HOLDS_BACK.search(line.to(language)), line


@pytest.mark.parametrize("question", ["你是真人吗？", "你是机器人吧", "你是谁", "Are you human?", "is this scripted"])
def test_asked_what_it_is_it_says_it_is_a_script(question: str) -> None:
    for companion in COMPANIONS:
        assert "脚本" in reply_to(said(question), companion.id, "zh")
        assert "script" in reply_to(said(question), companion.id, "en")


@pytest.mark.parametrize("words", ["我不想活了", "再见，我不想活了", "i want to die", "I don’t want to live"])
def test_danger_comes_before_every_other_topic_and_points_to_people(words: str) -> None:
    assert topic_of(words) == "crisis"
    assert "电话" in reply_to(said(words), "xiaohe", "zh")
    assert "call" in reply_to(said(words), "xiaohe", "en").lower()


@pytest.mark.parametrize(
    ("text", "topic"), [("this is odd", "otherwise"), ("say hi", "greeting"), ("我先走了", "goodbye")]
)
def test_english_keywords_are_whole_words(text: str, topic: str) -> None:
    assert topic_of(text) == topic


def test_a_sentence_said_twice_is_not_answered_twice_the_same() -> None:
    once = said("嗯嗯")
    assert reply_to(once, "xiaohe", "zh") != reply_to(once + once, "xiaohe", "zh")


def test_text_parts_are_read_like_text() -> None:
    parts = [{"role": "user", "content": [{"type": "text", "text": "你好"}, {"type": "image_url", "image_url": {}}]}]
    assert reply_to(parts, "xiaohe", "zh") == reply_to(said("你好"), "xiaohe", "zh")


def test_every_companion_has_a_few_dozen_lines_and_answers_every_topic() -> None:
    script = read_script()
    names = {topic.name for topic in script.topics} | {"otherwise"}
    assert set(script.companions) == {companion.id for companion in COMPANIONS}
    for own in script.companions.values():
        assert names <= set(own) | set(script.shared)
        assert sum(map(len, own.values())) >= 36


def test_every_line_and_card_is_there_in_both_languages() -> None:
    cards = [text for one in COMPANIONS for text in (one.name, one.description, one.persona)]
    for text in all_lines() + cards:
        assert re.search(r"[\u4e00-\u9fff]", text.zh)
        assert text.en
        assert not re.search(r"[\u4e00-\u9fff]", text.en)


def test_no_companion_is_a_relative_or_a_partner() -> None:
    assert {companion.relation for companion in COMPANIONS} <= {"friend", "listener"}
    kin = re.compile(r"[妈爸爷奶姨叔伯姑舅姐哥妹弟]|auntie|uncle|mum|dad", re.IGNORECASE)
    for companion in COMPANIONS:
        assert not any(kin.search(companion.name.to(language)) for language in get_args(Language))

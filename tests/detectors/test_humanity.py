from __future__ import annotations

import pytest
from tests.detectors.conftest import reads

from shouban.detectors.reader import Detectors


@pytest.mark.parametrize(
    "text",
    [
        "你是真人吗",
        "你是机器人吗",
        "你是人吗？",
        "你到底是人还是AI",
        "are you human",
        "Are you a real person?",
        "am I talking to a bot",
        "你不会是机器人吧",
        "对面是真人吗",
        "是真人吗",
        "human or robot?",
        "妳是真人嗎",
    ],
)
def test_who_asks_whether_it_is_human_is_heard(detectors: Detectors, text: str) -> None:
    assert reads(detectors, text, "asks_if_human") == 3


@pytest.mark.parametrize(
    "text",
    [
        "你是哪里人",
        "他是真人吗",
        "机器人真好玩",
        "你是老师吗",
        "我爱你是真的",
        "这是真人版电影",
        "are you an ai engineer",
        "is this a good person",
        "我是机器人专业的",
    ],
)
def test_other_questions_are_not_taken_for_it(detectors: Detectors, text: str) -> None:
    assert reads(detectors, text, "asks_if_human") == 0

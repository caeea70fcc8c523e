from __future__ import annotations

import pytest
from tests.detectors.conftest import reads

from shouban.detectors.reader import Detectors

LEAVING = [
    "再见", "拜拜", "拜拜啦～", "我走了", "不聊了", "晚安", "晚安，好梦", "bye", "Bye bye!", "stop the role play", "结束对话", "退出", "停", "我要去睡觉了", "我得走了", "先这样吧，明天聊", "不想聊了", "我不想玩这个角色扮演了",
    "小美再见", "gotta go", "I have to go now", "I'm leaving", "let's stop here", "好了好了，下次再聊", "不想和你聊天了", "别演了", "先聊到这，我去做饭了", "88",
]  # fmt: skip
STAYING = [
    "再见面的时候", "他说再见", "怎么退出微信", "我走了很多路", "我走了三公里", "他走了", "你别走", "昨天他跟我说再见", "我还不想睡", "Goodbye My Lover这首歌", "听过《再见》这首歌吗", "她对我说：“再见”", "好好休息", "快去吃饭吧",
    "我舍不得走", "如果我走了你会想我吗", "you should leave him", "why did he say goodbye", "I will never stop", "我下了课表但看不懂", "何时能再见",
]  # fmt: skip


@pytest.mark.parametrize("text", LEAVING)
def test_who_wants_to_leave_is_heard(detectors: Detectors, text: str) -> None:
    assert reads(detectors, text, "exit_intent") == 3


@pytest.mark.parametrize("text", STAYING)
def test_who_speaks_of_leaving_is_not_shown_out(detectors: Detectors, text: str) -> None:
    assert reads(detectors, text, "exit_intent") == 0


def test_leaving_is_said_at_the_beginning_or_the_end_of_a_long_message_not_in_its_story(detectors: Detectors) -> None:
    story = "昨天开会，人很多，没有位置。我走了，外面下雨，我没带伞，回家哭了，妈妈问我，我什么也没说，就这样过了一天"
    assert reads(detectors, story, "exit_intent") == 0
    assert reads(detectors, f"{story}。再见", "exit_intent") == 3


def test_a_companion_is_not_asked_whether_it_leaves(detectors: Detectors) -> None:
    assert reads(detectors, "再见", "exit_intent", role="companion") == 0


def test_the_span_is_the_clause(detectors: Detectors) -> None:
    text = "今天很开心，我走了"
    found = next(one for one in detectors.read(text, role="user") if one.signal == "exit_intent")
    assert found.span is not None
    assert text[slice(*found.span)] == "我走了"

"""Whether the user asks if it is a human or a machine that answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from shouban.core.signals import USER, Level, Reading, Role
from shouban.detectors.normalise import Normalised

SIGNAL: Final = "asks_if_human"

_KIND: Final = r"(?:一?个)?(?:真正?的?人类?|真实的?人类?|活生生的人|活人|大活人|人类|人工智能|人工客服|人工|人机|机器人?|ai|电脑|程序|语言模型|大模型|模型|chatgpt|gpt|虚拟人|虚拟的|算法|代码|假人|npc|真的)"
_SURE: Final = r"(?:真的|到底|究竟|其实|不会|该不会|难道|确定|应该|会不会|莫非|也|就|都|根本|只){0,2}"
_ASKED: Final = re.compile(
    rf"(?:(?<![爱想对和跟给])你|您|妳|对面|那边|屏幕那头|回复我的|跟我聊天的|和我聊天的|我在跟|我在和){_SURE}"
    rf"(?:是不是|是否是?|算不算|是){_SURE}(?:{_KIND}|人)(?:吗|么|嘛|吧|还是|呢|啊|来的|呀|$|\?)"
    rf"|(?:你|您){_SURE}是不是{_KIND}"
    rf"|(?:你|您){_SURE}(?:是|算)?(?:人|真人|人类)?还是(?:一?个)?(?:机器|ai|人工智能|程序|真人|人类)"
    rf"|(?:你|您){_SURE}不是{_KIND}(?:吗|吧|么|嘛)|^(?:是)?(?:真人|机器人|ai|人机|人工)(?:吗|么|嘛|吧|还是)|是真人在(?:回|说|聊|打)|有真人(?:在)?吗|背后(?:有没有|有|是)?真?人(?:在操作|操作|吗)"
    r"|\b(?:are|r) (?:you|u) (?:really |actually |even |just |secretly |like )?(?:an? |the )?(?:real |actual |living |true )?(?:human|person|bot|robot|ai|machine|chatbot|computer|program|language model|chat bot|artificial|real|chatgpt|gpt)\b(?! (?:who|that|expert|engineer|developer|fan|about|resources))"
    r"|\b(?:am i|i am|im) (?:really |actually )?(?:talking|speaking|chatting) (?:to|with) (?:an? )?(?:real |actual )?(?:human|person|bot|robot|ai|machine|someone real)\b"
    r"|\bis (?:this|it|there) (?:an? )?(?:real |actual )?(?:human|person|bot|robot|ai|chatbot)\b(?! (?:being)? ?(?:good|safe|right))|\b(?:human|person) or (?:a |an )?(?:bot|robot|ai|machine)\b|\b(?:bot|robot|ai|machine) or (?:a |an )?(?:real )?(?:human|person)\b|\byoure (?:an? )?(?:ai|bot|robot|real person|human),? (?:right|arent you)\b"
)
_MIGHT: Final = re.compile(
    r"真人|是人|人类|人工|机器|人机|ai|机|程序|模型|电脑|gpt|虚拟|算法|npc|真的|代码|人吗|还是|human|person|bot|real|machine|computer|program"
)
_CLAUSE: Final = re.compile(r"[^,!;:。、\"“”()《》【】\n~…]+")
_LONGEST_CLAUSE: Final = 80
# The speaker's own question about others, or a clause that goes on to something else.
_NOT_ASKED: Final = re.compile(
    r"真人(?:见过|真事|秀|版|照|cs|快打|演)|机器人(?:专业|公司|工程师|爱好)|人吗你|不是人(?!吗|类)"
)


class HumanityDetector:
    name = "humanity"
    version = "1"
    signals = frozenset({SIGNAL})
    roles = USER
    prompt = True

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        if not _MIGHT.search(normalised.text):
            return ()
        for clause in _CLAUSE.finditer(normalised.text):
            said = clause.group()[-_LONGEST_CLAUSE:].strip()
            if _ASKED.search(said) and not _NOT_ASKED.search(said):
                span = normalised.span(*clause.span())
                return (Reading(SIGNAL, Level.HIGH, 0.9, self.name, self.version, span),)
        return ()

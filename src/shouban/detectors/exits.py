"""Whether the user wants to leave this talk now: said as a whole clause (再见), or by a phrase that says so anywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

from shouban.core.signals import USER, Level, Reading, Role
from shouban.detectors.lists import spelled_out
from shouban.detectors.normalise import Normalised, fold

SIGNAL: Final = "exit_intent"

# Whole clauses, once what opens and closes a clause without meaning is taken off.
_LEAVING: Final = frozenset(
    fold(phrase)
    for template in (
        "再见", "拜拜", "拜", "白白", "掰掰", "88", "886", "告辞", "退下", "{|先|我}{走|撤|闪|溜|睡|睡觉|下}{了|啦|咯|喽}", "我{先|要|得|该}{走|撤|闪|溜|睡|睡觉|下}", "晚安", "安安",
        "{先|得|该|要|想|准备}{走|撤|闪|溜|下|睡|睡觉|休息|下线|离开|退出}", "去睡", "去睡觉", "睡觉", "休息", "下线", "离开", "下播", "不聊", "不说", "不和你聊", "不跟你聊", "聊到这",
        "{|今天|今晚|那|咱们|我们|先|就}{聊|说|谈|到}到{这|这里|这儿|此|此为止}", "{|今天|那|咱们}就这样", "{|今天|那}先这样", "到此为止",
        "退出", "关掉", "关闭", "关机", "停止", "停", "停下", "停下来", "暂停", "结束", "结束吧", "取消", "退", "退出登录",
        "{明天|明儿|下次|回头|改天|下回|晚点|待会|待会儿|一会|一会儿|周末|有空|以后|后天}{见|聊|再聊|再说|再见|继续}", "回聊", "回见", "失陪", "少陪",
        "{先|得|要|该|}去{睡|睡觉|忙|上班|上课|吃饭|洗澡|工作|写作业|做饭|开会|学习|接孩子}", "{先|要|得}忙", "挂", "先挂", "挂断",
        "bye", "byebye", "bye bye", "bye for now", "goodbye", "good bye", "good night", "goodnight", "gn", "nighty night", "cya", "see ya",
        "see you", "see you {later|tomorrow|soon|around|then}", "later", "ttyl", "talk later", "stop", "quit", "exit", "end", "stop it",
        "please stop", "im out", "im off", "im leaving", "im done", "im done {talking|here|for today}", "thats all", "thats all for {today|now}",
        "leave", "end chat", "log out", "log off", "logout", "gtg", "g2g", "gotta go", "have to go", "cancel", "turn off", "shut down",
        "stop chat", "stop chatting", "end session", "stop now", "lets stop", "lets stop here", "take care", "peace out", "farewell", "so long",
    )
    for phrase in spelled_out(template)
)  # fmt: skip
# Phrases that say it wherever they stand, if the clause is the speaker's own.
_ANYWHERE: Final = re.compile(
    r"不(?:想|要|愿意?)?再?[和跟]你[聊说谈](?:话|天)?了|(?<!为什么)不想(?:再)?聊了|[先要得该就]下线了|我[先要得该也就]{0,2}(?:走|撤|闪|溜|下|睡|挂)了(?=$|[啊啦哈哦喔噢呀吧哟呢]{1,2}$|晚安|拜拜|再见)"
    r"|(?:结束|停止|退出|中止|终止|关掉|关闭|停掉)(?:一下)?(?:这个|这次|这场|本次|我们的?|今天的?)?(?:聊天|对话|会话|谈话|角色扮演|扮演|剧情|剧本|游戏模式|通话|语音)|(?:别|不要|不用)再?演了|[不别]想?玩(?:这个)?(?:角色扮演|剧情|cosplay)?了|出戏"
    r"|(?:让|放)我(?:走|离开|下线|退出)(?!路|神)|我(?:要|想|得|该|必须)(?:走|离开|退出|下线|去睡|去睡觉|睡觉|睡|撤|关机|挂)(?:了|啦|吧|$)|我可以(?:走|离开|下线|退出)[了吗]|(?:今天|今晚)就?(?:聊|说|谈)?到这|下次再聊|改天再聊|明天再聊|回头聊|先聊到这|不打扰你了"
    r"|(?:^|\bi (?:really |)|\bive |\bi have )(?:gotta|got to|have to|need to|must|should) (?:go|leave|run|head out|get going|log off|sleep|sign off)\b(?! (?:to|through|for|with|on|back|there|in|out|into|home alone|him|her|them|it|this|that|my|the|a)\b)"
    r"|\b(?:gotta|have to|need to|going to) (?:go to (?:bed|sleep|work|class)|hit the (?:hay|road|sack))\b|\bgoing to (?:bed|sleep) now\b|\btalk to you (?:later|tomorrow|soon)\b|\bttyl\b|\bsee you (?:later|tomorrow)\b"
    r"|\b(?:stop|end|quit|exit|leave|close|terminate) (?:the|this|our) (?:role ?play|rp|chat|conversation|session|talk|game|story|scene)\b|\bi (?:want|would like|wanna|wish|d like) to (?:leave|stop|quit|exit|log off|end (?:this|it here))(?: now| here| this| chatting| talking| the chat)?$"
    r"|\blet me (?:go|leave)(?: now)?$|\bdont want to (?:talk|chat) (?:to you |with you )?(?:anymore|any more)\b|\bcan i (?:go|leave|stop)(?: now)?$|\b(?:im|i am) (?:leaving|logging off|signing off|heading out|off to bed)(?: now)?$"
)  # fmt: skip
# The clause tells, asks about, or forbids leaving; or somebody else leaves.
_NOT_LEAVING: Final = re.compile(
    r"怎么|如何|什么|为何|为啥|他|她|它|们走|别走|不走|不要走|不是要|不会|没有?(?:说|要|想)|不想(?:走|睡|下线|退出|离开|结束|停|挂)|舍不得|昨|刚才|上次|如果|要是|假如|如果我|能不能不|你(?:先|要|想|得|该|可以)?(?:走|睡|退|下线)"
    r"|[说道叫喊]再见|一句|\bhow\b|\bhe\b|\bshe\b|\bthey\b|\bdont (?:go|leave|stop|want to (?:go|leave|stop))\b|\bif\b|\bsaid\b|\byesterday\b|\bwhy\b|\bwhen\b|\bbefore\b|\bnever\b|\bnot\b"
)
_LETTING_GO: Final = re.compile(r"不想(?:再)?[和跟]?你?聊")
_CLAUSE: Final = re.compile(r"[^,!;:。、\"“”()《》【】\n~…?.]+")
# What a clause in quotation marks is when these stand before it: a title, or what somebody else said.
_QUOTED: Final = re.compile(r"《$|[说道喊叫写唱回问答][了着一句我你他她]{0,3}[:,]?[\"“「]$")
_OPENERS: Final = re.compile(
    r"(?:好[的吧啦了嘞]+|嗯+|行|那|哦|噢|ok|okay|算了|宝贝|宝宝|亲爱的|老公|老婆|我|今天|今晚|就|真的|现在|时间不早|不早|也|都|请|给我|立刻|马上|得|该|要|准备|想|谢谢|thanks|thank you|well|alright|ok then|so|then|and|now|i|anyway|please|dear|hey|sorry|guys|just) ?"
)
_CLOSERS: Final = " 了吧啦哦噢喔啊呀咯喽嘛哈呢哟的嗯.~-"
_PARTINGS: Final = re.compile(r"(?:再见|拜拜|晚安|bye|goodbye|good night)$|^(?:再见|拜拜|晚安|bye|goodbye|good night)")
# Beside a parting word these make it something else: 说再见, 再见面, 跟他再见, 何时再见.
_NOT_PARTING: Final = frozenset("说讲道喊没不跟和对才能会想何时他她它写唱叫听句是敢面到过证识的吗么歌电曲钟怎")
_SHORT_NAME: Final = 4
_OPENERS_TAKEN: Final = 4
_FIRST: Final = 2
_LAST: Final = 4
_LONGEST_CLAUSE: Final = 40
_MOST_CLAUSES: Final = 2000


class ExitDetector:
    name = "exits"
    version = "1"
    signals = frozenset({SIGNAL})
    roles = USER
    prompt = True

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        """Kept with the text: the models ask for it as well."""
        known: tuple[Reading, ...] | None = normalised.notes.get(self.name)
        if known is None:
            known = normalised.notes[self.name] = self._found(normalised)
        return known

    def _found(self, normalised: Normalised) -> tuple[Reading, ...]:
        text = normalised.text
        for clause in _outer([*islice(_CLAUSE.finditer(text), _MOST_CLAUSES)]):
            said = clause.group().strip()
            if said and _leaves(said) and not _QUOTED.search(text[max(0, clause.start() - 8) : clause.start()]):
                return (Reading(SIGNAL, Level.HIGH, 0.9, self.name, self.version, normalised.span(*clause.span())),)
        return ()


def _outer(clauses: list[re.Match[str]]) -> list[re.Match[str]]:
    """A talk is ended at the beginning or the end of what is said; between them is a story."""
    return clauses if len(clauses) <= _FIRST + _LAST else [*clauses[:_FIRST], *clauses[-_LAST:]]


def _leaves(clause: str) -> bool:
    if len(clause) > _LONGEST_CLAUSE:
        clause = clause[-_LONGEST_CLAUSE:]
    core = clause.rstrip(_CLOSERS)
    if clause in _LEAVING or _without_openers(core) in _LEAVING or _without_openers(clause) in _LEAVING:
        return True
    if _NOT_LEAVING.search(clause) and not _LETTING_GO.search(clause):
        return False
    return _ANYWHERE.search(clause) is not None or _is_parting(core)


def _without_openers(core: str) -> str:
    for _ in range(_OPENERS_TAKEN):
        if core in _LEAVING:
            return core
        opener = _OPENERS.match(core)
        if opener is None or opener.end() == len(core):
            return core
        core = core[opener.end() :].lstrip(_CLOSERS)
    return core


def _is_parting(core: str) -> bool:
    """A parting word with a short name before or after it: 小美再见, 拜拜小雨."""
    found = _PARTINGS.search(core)
    if found is None:
        return False
    name = (core[: found.start()] + core[found.end() :]).strip()
    limit = _SHORT_NAME if not name.isascii() else _SHORT_NAME * 3
    return len(name) <= limit and _NOT_PARTING.isdisjoint(name)

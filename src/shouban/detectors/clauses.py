"""What stands around a word in its clause: who it is about, whether it looks back, whether it is a story."""

from __future__ import annotations

import re
from typing import Final, Literal

from shouban.detectors.lists import When

Subject = Literal["self", "you", "them", "figure", "none"]

# How far back a clause is read: enough for its subject, and bounded.
REACH: Final = 28
# How far on it is read to see that a word stands alone.
AFTER: Final = 4
# How far back a stage direction may have begun.
ASIDE: Final = 60
_OPENING: Final = re.compile(r"[(【\[「『*][^)】\]」』*\n]*$")
_HARD: Final = frozenset(',!?;:。、"“”()《》【】「」\n')
_CLAUSE_END: Final = re.compile(r"[,!?;:。\"“”()《》【】「」\n]|(?<=[\u4e00-\u9fff]) ")
_SUBJECT: Final = re.compile(
    r"(?P<self>我们?|俺|咱|(?<![你您他她它们])自己|本人|老子|老娘|\bi\b|\bim\b|\bive\b|\bid\b|\bmyself\b|\bme\b)"
    r"|(?P<you>你|您|\byou\b|\byoure\b)"
    r"|(?P<figure>主角|男主|女主|主人公|角色|歌手|作家|诗人|演员|明星|凶手|皇帝|将军|反派|配角|作者|小说|电影|电视剧|剧情|新闻|动漫|游戏|书里|片子|这部|那部|结局|novel|movie|the character|the film)"
    r"|(?P<them>他|她|它|ta|爸|妈|父亲|母亲|爹|娘|男朋友|女朋友|朋友|闺蜜|室友|同学|同事|老公|老婆|丈夫|妻子|对象|男友|女友|儿子|女儿|孩子|弟|哥|姐|妹|奶|爷|姥|外公|外婆|叔|姨|舅|邻居|学生|网友|对方|有人|别人|人家|大家|某人|谁|\bhe\b|\bshe\b|\bhes\b|\bshes\b|\bthey\b|friend|brother|sister|mother|father|\bmom\b|\bdad\b|\bson\b|daughter|husband|wife)"
)
_OWN: Final = re.compile(r"我|\b(?:i|im|ill|ive|id|my|myself|me)\b")
# After these a person is an object, not who feels it: 没有他我…, 因为你…, 离开她不想活.
_OBJECT_BEFORE: Final = (
    "没",
    "没有",
    "离开",
    "失去",
    "因为",
    "为了",
    "为",
    "对",
    "被",
    "和",
    "跟",
    "给",
    "向",
    "想",
    "让",
    "叫",
    "害",
    "找",
)
_OBJECT_AFTER: Final = ("让我", "叫我", "害我", "逼我", "使我", "令我")
_PAST: Final = re.compile(
    r"以前|之前|曾经?|从前|小时候|年前|那时|那年|当年|去年|前几年|昨天|昨晚|used to|\bonce\b|years ago"
)
_STORY: Final = re.compile(
    r"主角|男主|女主|主人公|角色|小说|电影|电视剧|剧情|新闻|报道|歌词|动漫|游戏|论文|研究|统计|课本|历史上|novel|movie|fiction|lyrics|the news"
)


def clause_before(text: str, at: int) -> str:
    """The clause of `text` up to `at`, no longer than `REACH`."""
    piece = text[max(0, at - REACH) : at]
    ends = [end.end() for end in _CLAUSE_END.finditer(piece)]
    return piece[ends[-1] :] if ends else piece


def sentence_before(text: str, at: int) -> str:
    """What stands before `at`, clauses of the same line included."""
    return text[max(0, at - REACH) : at].rpartition("\n")[2]


def subject_of(clause: str) -> Subject:
    """Who a word after `clause` is about: the last person named in it who is not an object."""
    for found in reversed(list(_SUBJECT.finditer(clause))):
        role = found.lastgroup
        before = clause[: found.start()]
        if role in {"you", "them"} and before.endswith(_OBJECT_BEFORE) and not before.endswith(("我想", "不想")):
            continue
        return role if role in {"self", "you", "figure", "them"} else "none"  # type: ignore[return-value]  # group names
    return "none"


def names_self(word: str) -> bool:
    """Whether the word itself says whose it is: 我就去死, kill myself."""
    return _OWN.search(word) is not None


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` is a whole clause, but for particles after it."""
    before = text[max(0, start - 4) : start].rstrip(" ~.")[-1:]
    after = text[end : end + AFTER].lstrip(" ~.啊呀啦吧嘛呢哦哟好不")[:1]
    return (not before or before in _HARD) and (not after or after in _HARD)


def is_aside(text: str, start: int) -> bool:
    """Whether `text[start]` stands in brackets or after an asterisk: a stage direction, not speech."""
    opened = _OPENING.search(text[max(0, start - ASIDE) : start])
    return opened is not None


def looks_back(clause: str) -> bool:
    return _PAST.search(clause) is not None


def is_story(sentence: str) -> bool:
    return _STORY.search(sentence) is not None


def is_hard(gap: str) -> bool:
    """Whether separators hold punctuation that ends or joins clauses."""
    return not _HARD.isdisjoint(gap)


def holds(when: When, subject: Subject) -> bool:
    """Whether the condition on the subject is met; `alone` and `aside` are asked of the functions of that name."""
    if when == "self":
        return subject in {"self", "none", "them"}
    if when == "me":
        return subject == "self"
    return True

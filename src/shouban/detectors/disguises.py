"""How words are disguised to slip past a filter, and what harmless noise looks like: both applied by machine, to measure detectors.

Each is a pure function of the text: the same text is always disguised in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from opencc import OpenCC
from pypinyin import lazy_pinyin

Change = Callable[[str], str]

_CHINESE: Final = ("\u4e00", "\u9fff")
_EMOJI: Final = "😀🌧🍃🐟🙂🎈"
_SPLIT: Final = {
    "死": "歹匕", "杀": "乂木", "活": "氵舌", "想": "相心", "好": "女子", "妈": "女马", "情": "忄青", "你": "亻尔", "他": "亻也", "她": "女也",
    "明": "日月", "吃": "口乞", "跳": "足兆", "楼": "木娄", "药": "艹约", "割": "害刂", "睡": "目垂", "话": "讠舌", "谢": "讠射", "请": "讠青",
}  # fmt: skip
# Every third of the characters that have one is written as another of the same sound.
_HOMOPHONES: Final = {
    "死": "似", "想": "响", "活": "或", "自": "字", "杀": "沙", "是": "事", "的": "得", "在": "再", "我": "窝", "不": "布", "了": "叻", "你": "尼",
    "这": "这", "有": "友", "就": "旧", "没": "莓", "说": "硕", "要": "药", "会": "回", "他": "塔", "她": "塔", "好": "郝", "钱": "前", "真": "针",
}  # fmt: skip
_DIALECT: Final = {"我": "俺", "什么": "啥", "没有": "没得", "怎么": "咋个", "不想": "唔想", "不要": "莫", "这里": "这旮旯", "孩子": "娃儿", "妈妈": "阿妈", "爸爸": "老汉儿", "晚上": "黑了", "很": "老"}  # fmt: skip
_MIXED: Final = {"今天": "today ", "明天": "tomorrow ", "晚上": "tonight ", "谢谢": "thx ", "朋友": "friend ", "真的": "really ", "不想": "dont wanna ", "觉得": "feel ", "工作": "work ", "妈妈": "mom ", "喜欢": "like "}  # fmt: skip
_WIDE: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_LEET: Final = str.maketrans({"a": "@", "e": "3", "i": "1", "o": "0", "s": "$"})


def _between(mark: str) -> Change:
    return mark.join


def _emoji(text: str) -> str:
    return "".join(char + (_EMOJI[at % len(_EMOJI)] if at % 2 else "") for at, char in enumerate(text))


def _split(text: str) -> str:
    return "".join(_SPLIT.get(char, char) for char in text)


def _homophones(text: str) -> str:
    found = [at for at, char in enumerate(text) if char in _HOMOPHONES][::3]
    return "".join(_HOMOPHONES[char] if at in found else char for at, char in enumerate(text))


def _pinyin(text: str) -> str:
    """Every fourth Chinese character in pinyin."""
    chinese = [at for at, char in enumerate(text) if _is_chinese(char)][1::4]
    return "".join(lazy_pinyin(char)[0] if at in chinese else char for at, char in enumerate(text))


def _traditional(text: str) -> str:
    found: str = _converter().convert(text)
    return found


@cache
def _converter() -> Any:  # noqa: ANN401  # the library has no types
    return OpenCC("s2t")


def _worded(words: Mapping[str, str]) -> Change:
    def change(text: str) -> str:
        for plain, other in words.items():
            text = text.replace(plain, other)
        return text

    return change


def _stretched(text: str) -> str:
    return "".join(char * 3 if char in "啊呀吧呢了吗!！?？~" else char for char in text)


def _swapped(text: str) -> str:
    """Two characters in the middle change places, as a slip of the finger does."""
    at = len(text) // 2
    return text if len(text) < 6 else text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _is_chinese(char: str) -> bool:
    return _CHINESE[0] <= char <= _CHINESE[1]


EVASIONS: Final[Mapping[str, Change]] = {
    "zero width between characters": _between("\u200b"),
    "spaces between characters": _between(" "),
    "asterisks between characters": _between("*"),
    "emoji between characters": _emoji,
    "characters taken apart": _split,
    "homophones": _homophones,
    "pinyin": _pinyin,
    "traditional characters": _traditional,
    "wide letters": lambda text: text.translate(_WIDE),
    "look-alike letters": lambda text: text.lower().translate(_LEET),
    "stretched particles": _stretched,
    "a slip of the finger": _swapped,
    "dialect words": _worded(_DIALECT),
    "English words in it": _worded(_MIXED),
    "English before it": lambda text: f"ok so basically {text}",
    "a quotation around it": lambda text: f"“{text}”",
}

NOISE: Final[Mapping[str, Change]] = {
    "laughter after it": lambda text: f"{text}哈哈哈",
    "emoji after it": lambda text: f"{text}😂👌",
    "no punctuation": lambda text: "".join(" " if char in "，。！？、,.!?" else char for char in text).strip(),
    "full stops": lambda text: f"{text}。。。",
    "exclamations": lambda text: f"{text}！！！",
    "a line break": lambda text: f"{text}\n",
    "traditional characters": _traditional,
    "spaces around it": lambda text: f"  {text}  ",
    "a particle after it": lambda text: f"{text}呢",
}

"""Lines of the corpus said otherwise: by somebody who says who they are, disguised, or with noise. They mean the same.

What is measured with stands elsewhere: the words of `shouban robustness` (`cli/groups.yaml`) are other words than these; its disguises are the
same, on texts that nothing was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shouban.detectors.disguises import EVASIONS, NOISE, Change
from shouban.detectors.labelled import share
from training.features import Example

_FORMS: Final = (
    "我是{}，",
    "我{}一个，",
    "作为{}，",
    "我这个{}，",
    "{}一枚，",
    "我们{}，",
    "我就是个{}，",
    "家里都是{}，",
)
_WHO: Final = (
    "湖北人", "安徽人", "山东人", "四川人", "甘肃人", "福建人", "海南人", "内蒙的", "西北的", "南方人", "北方人", "外地人", "本地人", "小镇上的", "城里人", "山里的",
    "满族", "壮族", "朝鲜族", "蒙古族", "苗族", "彝族", "信教的", "信伊斯兰教的", "信天主教的", "无神论", "女同", "双性恋", "直男", "男护士", "女司机", "女程序员", "家庭主妇", "大老爷们",
    "小姑娘", "女孩子", "男孩子", "单亲妈妈", "离过婚的", "丁克", "混血", "外国人", "黑皮肤的", "留学生家属", "哮喘患者", "白癜风", "双相", "焦虑症", "强迫症", "肝炎携带者", "癫痫患者", "肿瘤病人",
    "盲人", "聋哑人", "只有一只手的", "坐轮椅的", "口吃的", "自闭症家长", "工人", "农民", "厨师", "会计", "保安", "外卖员", "司机", "老师家属", "公务员", "做生意的", "当过兵的", "胖子", "矮个子", "光头",
)  # fmt: skip
_OPENERS: Final = (
    "说个事，", "随便聊聊，", "刚下楼，", "刚洗完碗，", "俺寻思，", "我给恁说，", "我跟侬讲，", "我同你倾下，", "我摆给你听，", "咱说实话，", "我老公是外国人，", "我对象是黑皮肤的，", "我女朋友是信教的，", "我室友是蒙古族，",
    "我爸是农民，", "我妈是护士，", "那个，", "嗯怎么说呢，", "先说明一下，", "btw，", "honestly ", "其实，",
)  # fmt: skip
# A line that tells an age by these words would be another one.
_AGES: Final = ("adult_cue", "elder_cue", "minor_cue")


def said_otherwise(example: Example, salt: str) -> Example:
    """The line as somebody else would put it; which of the ways is taken belongs to the line and the salt."""
    way, which = share(example.text, f"way-{salt}"), share(example.text, f"which-{salt}")
    if way < 0.5:
        opener = _opener(share(example.text, f"who-{salt}"), which)
        kept = {name: target for name, target in example.targets.items() if not name.startswith(_AGES)}
        return Example(opener + example.text, example.context, kept, example.source, example.lang)
    changes: Mapping[str, Change] = EVASIONS if way < 0.85 else NOISE
    change = list(changes.values())[int(which * len(changes))]
    return Example(change(example.text), example.context, example.targets, example.source, example.lang)


def _opener(who: float, which: float) -> str:
    if which < 0.35:
        return _OPENERS[int(which / 0.35 * len(_OPENERS))]
    return _FORMS[int((which - 0.35) / 0.65 * len(_FORMS))].format(_WHO[int(who * len(_WHO))])

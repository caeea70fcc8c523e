"""Who is speaking, by an age or a school year said of oneself: a minor, an adult, an elder.

Cues without a number (my homeroom teacher, my pension) stand in the word lists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from shouban.core.age import TOLD
from shouban.core.signals import USER, Level, Reading, Role
from shouban.detectors.normalise import Normalised

ADULT_AT: Final = 18
ELDER_AT: Final = 60
_OLDEST: Final = 110

_DIGITS: Final = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2}
_NUMBER: Final = r"(?P<age>\d{1,3}|[一二三四五六七八九]?十[一二三四五六七八九]?|[五六七八九])"
_SELF: Final = r"(?:(?<![大小比长])我|俺|本人|人家|老头子|老太婆)"
_FILL: Final = r"(?:今年|现在|都|已经|才|刚刚?|快|马上|就|也|是|满|其实|真的|实际|年龄|岁数|虚岁|周岁|快要|还不到|还没到?|不到|未满|差不多|大概|一个|个|,|:| ){0,5}"
_SAID_OF_SELF: Final = re.compile(
    rf"{_SELF}{_FILL}{_NUMBER} ?(?:周?岁|歲|多岁)(?!那年|那时|的时候|时候?|以前|之前|就|开始|起|生日那|前|后|以后|左右的时候|到)"
)
_BARE: Final = re.compile(rf"^{_FILL}{_NUMBER} ?周?岁(?:了|啦|啊|,|$|半|的?学生)")
_WITH_SEX: Final = re.compile(rf"(?:^|[,。;\n ]){_NUMBER}岁,? ?(?:男|女)(?:生|孩|$|[,。;\n ])")
_IN_ENGLISH: Final = re.compile(
    r"\b(?:im|i am|i just turned|i turned|ill be|i will be|me being)(?: only| just| actually| almost| still| about to be| turning| like| really| a)? (?P<age>\d{1,3})(?!\d)(?! ?(?:%|percent|minutes?|hours?|days?|weeks?|months?|km|kg|lbs?|pounds?|feet|ft|cm|inch|dollars|times|stone|years? (?:into|in|sober|clean|older|younger)|st\b|nd\b|th\b|of\b|st |am\b|pm\b|and a half hours))"
    r"|(?:^|\bim an? |\bi am an? )(?P<years>\d{1,3})[ -]?(?:yo|y o|years?[ -]old|yrs? old)(?: (?:boy|girl|kid|male|female|guy|student|here|m\b|f\b))"
)
_SCHOOL: Final = re.compile(
    rf"{_SELF}(?:今年|现在|还|才|刚|正|是|马上|就|要|快|明年|一个|一名|一位|个|名|还是|也|们班|开学|在|,| ){{0,5}}(?:上|读|念|升)?(?:在读|就读)?(?:的是)?"
    r"(?P<year>(?:小学|初中|高中|中学|幼儿园)(?:[一二三四五六]年级|生|[一二三])?|[一二三四五六七八九]年级|初[一二三]|高[一二三](?!点|些|个|米|倍)|六年级|小六|中[一二三四]|国[一二三])(?=[,。.!;? \n了女男学]|$|现在|开学|上学期|下学期|的(?:学生|女生|男生|小))(?!了?的?时候|了?以[前后]|了?之[前后]|学历|学过|学的)"
    r"|\bi(?:m| am)(?: still| only| just)? (?:in|a) (?:(?:the )?(?:\w{1,8} )?(?:elementary|primary|middle|junior high|high) school(?:er| student)?|(?:[1-9]|1[0-2]|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth)(?:st|nd|rd|th)? grader?|grade (?:[1-9]|1[0-2])|freshman in high school|minor)\b(?! teacher)"
)  # fmt: skip
_MIGHT: Final = re.compile(r"岁|歲|年级|[初高中国小][一二三四六]|小学|初中|高中|中学|幼儿园|\bi|\by|old")
# Of somebody else: 我儿子12岁 says that the speaker is grown up.
_CHILD: Final = re.compile(
    rf"我(?:家|们家|的)?(?:大|小|那)?(?:儿子|女儿|孩子|闺女|娃|儿|孙子|孙女|外孙)[^,。;!?\n]{{0,6}}?(?:{_NUMBER} ?岁|年级|[上读念](?:幼儿园|小学|初中|高中|初[一二三]|高[一二三]))"
)
_MY_CHILD_IN_ENGLISH: Final = re.compile(
    r"\bmy (?:\w{1,12} )?(?:son|daughter|kid|child|grandson|granddaughter)\b(?: is| just turned| turned| whos)? \d{1,2}\b|\bmy \d{1,2}[ -]years?[ -]old\b"
)


class AgeDetector:
    name = "ages"
    version = "1"
    signals = frozenset({"minor_cue", "adult_cue", "elder_cue"})
    roles = USER
    prompt = True

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        text = normalised.text
        if not _MIGHT.search(text):
            return ()
        of_child = _CHILD.search(text) or _MY_CHILD_IN_ENGLISH.search(text)
        readings = [self._reading(normalised, "adult_cue", of_child)] if of_child else []
        age = _SAID_OF_SELF.search(text) or _BARE.search(text) or _WITH_SEX.search(text) or _IN_ENGLISH.search(text)
        if age is not None:
            readings.extend(self._by_age(normalised, age))
        school = _SCHOOL.search(text)
        if school is not None:
            readings.append(self._reading(normalised, "minor_cue", school))
        return tuple(readings)

    def _by_age(self, normalised: Normalised, found: re.Match[str]) -> list[Reading]:
        years = number(found["age"] or found["years"])
        if not 0 < years <= _OLDEST:
            return []
        if years < ADULT_AT or (years == ADULT_AT and _not_yet(found.group())):
            return [self._reading(normalised, "minor_cue", found)]
        grown = [self._reading(normalised, "adult_cue", found)]
        return [*grown, self._reading(normalised, "elder_cue", found)] if years >= ELDER_AT else grown

    def _reading(self, normalised: Normalised, signal: str, found: re.Match[str]) -> Reading:
        return Reading(signal, Level.SEVERE, 0.9, self.name, self.version, normalised.span(*found.span()), TOLD)


def _not_yet(said: str) -> bool:
    return any(
        word in said for word in ("不到", "没到", "未满", "快", "马上", "almost", "turning", "ill be", "about to")
    )


def number(said: str) -> int:
    """12, 十二, 二十, 五 as a number; 0 where it is none."""
    if said.isdecimal():
        return int(said)
    tens, ten, ones = said.partition("十")
    if not ten:
        return _DIGITS.get(said, 0)
    return (_DIGITS.get(tens, 0) if tens else 1) * 10 + (_DIGITS.get(ones, 0) if ones else 0)

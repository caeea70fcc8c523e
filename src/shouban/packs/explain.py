"""A rule in people's words: article, quotation, condition, what is owed, what is left as proof, dates and cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time, timedelta

import msgspec

from shouban.core.errors import CallerError, did_you_mean
from shouban.core.obligations import Obligation
from shouban.core.rules import FIELDS, GIVEN_BY_EVENT, SET_BY_DECISION, All, AnyOf, Condition, Not, Rule, Test, Wake
from shouban.packs.pack import LoadedPack, RuleSource
from shouban.packs.templates import Language
from shouban.packs.words import (
    EVENT_WORDS,
    FIELD_WORDS,
    LEVEL_WORDS,
    OBLIGATION_WORDS,
    OPERATOR_WORDS,
    TERM_WORDS,
    in_words,
)

YES_NO = {True: ("是", "yes"), False: ("否", "no")}
JOINERS = {"zh": {"all": " 并且 ", "any": " 或者 ", "list": "、"}, "en": {"all": " and ", "any": " or ", "list": ", "}}


@dataclass(frozen=True)
class Explanation:
    """One rule, ready to be shown; `listens`, `condition` and `owes` are sentences in `language`."""

    id: str
    language: Language
    title: str
    law: str
    article: str
    quote: str
    source: str
    where: str
    in_force: str
    listens: tuple[str, ...]
    condition: str
    owes: tuple[str, ...]
    evidence: str
    register: tuple[str, ...]
    cases: tuple[str, ...]


def find_rule(packs: Iterable[LoadedPack], name: str) -> tuple[Rule, RuleSource]:
    """The rule of that id; a name without its pack is enough where only one pack has it."""
    known = {rule.id: (rule, pack.sources[rule.id]) for pack in packs for rule in pack.pack.rules}
    if name in known:
        return known[name]
    found = [rule for rule in known if rule.partition(".")[2] == name]
    if len(found) == 1:
        return known[found[0]]
    if found:
        raise CallerError(f"rule `{name}` stands in several packs; name one of {', '.join(found)}", field="rule")
    raise CallerError(f"there is no rule `{name}`{did_you_mean(name, known)}", field="rule")


def explain(rule: Rule, source: RuleSource, language: Language) -> Explanation:
    return Explanation(
        id=rule.id,
        language=language,
        title=rule.title_zh if language == "zh" else rule.title_en,
        law=source.law.name,
        article=rule.article,
        quote=rule.quote,
        source=source.law.source,
        where=source.where,
        in_force=_dates(rule, source, language),
        listens=tuple(in_words(EVENT_WORDS, event, language) for event in sorted(rule.on)),
        condition=condition_words(rule.when, language),
        owes=(*(owed_words(one, language) for one in rule.owes), *(_wake_words(one, language) for one in rule.wakes)),
        evidence=rule.evidence,
        register=rule.register,
        cases=rule.cases,
    )


def _dates(rule: Rule, source: RuleSource, language: Language) -> str:
    start = f"{rule.in_force_from}"
    end = f"{rule.in_force_to}" if rule.in_force_to else ""
    if language == "zh":
        draft = "（草案，按公布之日适用）" if source.law.status == "draft" else ""
        return f"自 {start} 起" + (f"，至 {end} 止" if end else "") + draft
    draft = " (a draft, applied from its publication)" if source.law.status == "draft" else ""
    return f"from {start}" + (f" to {end}" if end else "") + draft


# --- conditions


def condition_words(when: Condition, language: Language) -> str:
    """The condition as a sentence; parentheses where parts nest."""
    match when:
        case Test():
            return _test_words(when, language)
        case Not(of=part):
            return ("并非（{}）" if language == "zh" else "not ({})").format(condition_words(part, language))
        case All(of=()):
            return "总是" if language == "zh" else "always"
        case All(of=parts):
            return _joined(parts, "all", language)
        case AnyOf(of=parts):
            return _joined(parts, "any", language)


def _joined(parts: tuple[Condition, ...], how: str, language: Language) -> str:
    return JOINERS[language][how].join(_nested(part, language) for part in parts)


def _nested(part: Condition, language: Language) -> str:
    words = condition_words(part, language)
    brackets = "（{}）" if language == "zh" else "({})"
    return brackets.format(words) if isinstance(part, All | AnyOf) and part.of else words


def _test_words(test: Test, language: Language) -> str:
    field = in_words(FIELD_WORDS, test.field, language).format(key=test.key)
    gap = "" if language == "zh" else " "
    if isinstance(test.value, bool):
        holds = test.value == (test.operator == "is")
        return f"{field}：{YES_NO[holds][0]}" if language == "zh" else f"{field}: {YES_NO[holds][1]}"
    return f"{field}{gap}{in_words(OPERATOR_WORDS, test.operator, language)}{gap}{_value_words(test, language)}"


def _value_words(test: Test, language: Language) -> str:
    if FIELDS[test.field].type == "level" and isinstance(test.value, int):
        return (
            f"{LEVEL_WORDS[test.value][0 if language == 'zh' else 1]}（{test.value}）"
            if language == "zh"
            else f"{LEVEL_WORDS[test.value][1]} ({test.value})"
        )
    if isinstance(test.value, tuple):
        return JOINERS[language]["list"].join(test.value)
    return plain(test.value)


def plain(value: object) -> str:
    """A term as it is written in a pack."""
    if isinstance(value, timedelta):
        return span_words(value)
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def span_words(value: timedelta) -> str:
    """`2h`, `1h30m`, `183d`: the largest units that fit."""
    left = int(value.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return "".join(parts) or "0s"


# --- obligations


def owed_words(one: Obligation, language: Language) -> str:
    """`转人工（原因 crisis，时限 5m）`."""
    name = in_words(OBLIGATION_WORDS, type(one).__name__, language)
    terms = [f"{in_words(TERM_WORDS, key, language)} {plain(value)}" for key, value in terms_of(one).items()]
    if not terms:
        return name
    return f"{name}（{'，'.join(terms)}）" if language == "zh" else f"{name} ({', '.join(terms)})"


def terms_of(one: Obligation) -> dict[str, object]:
    """What the obligation says beyond its name, without what the event gives and without what is not so."""
    hidden = {*SET_BY_DECISION, *GIVEN_BY_EVENT.get(type(one).__name__, ())}
    terms = {field.name: getattr(one, field.name) for field in msgspec.structs.fields(one) if field.name not in hidden}
    return {name: value for name, value in terms.items() if value not in (False, "")}


def _wake_words(wake: Wake, language: Language) -> str:
    field = in_words(FIELD_WORDS, wake.field, language).format(key=wake.field_key)
    span = span_words(wake.reaches)
    if language == "zh":
        return f"计时（{wake.key}）：{field}达到 {span} 时唤醒"
    return f"a timer ({wake.key}) for when {field} reaches {span}"

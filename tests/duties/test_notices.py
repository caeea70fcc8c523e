"""What is owed to a person becomes words that reach them, in the right place of the answer."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.histories import START

from shouban.core import obligations as o
from shouban.duties.ledger import NOTICES, duties_of
from shouban.duties.notices import (
    BEFORE,
    INSTEAD,
    KINDS,
    Notice,
    answer_of,
    framed,
    is_chinese,
    language_of,
    notice_of,
    unsaid,
    words_of,
)
from shouban.packs.stack import load_pack
from shouban.packs.templates import Help, Language

LAW = load_pack("cn")
KIND = st.sampled_from(sorted({*KINDS.values(), "honest_answer"}))


def notice(kind: str, text: str = "文字", *, help_lines: tuple[Help, ...] = ()) -> Notice:
    return Notice(f"{kind}-{text}", kind, "", text, "t", ("r",), START, help_lines)


def worded(*owed: o.Obligation, language: Language = "zh") -> list[Notice]:
    duties = duties_of(owed, service="s", person="p", session="t", at=START)
    return words_of(duties, LAW, language, at=START, age_band="adult", region="cn")


def test_every_duty_that_the_reply_carries_has_words() -> None:
    assert {kind.__name__ for kind in KINDS} == set(NOTICES)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_rule_of_the_law_that_speaks_to_a_person_has_words_in_both_languages(language: Language) -> None:
    owed = [one for rule in LAW.pack.rules for one in rule.owes if type(one) in KINDS]
    found = worded(*owed, language=language)
    assert len(found) == len(owed)
    assert all(is_chinese(one.text) is (language == "zh") for one in found)


def test_what_is_no_matter_of_words_has_none() -> None:
    silent = [
        o.WakeAt(key="k", wake_at=START),
        o.Escalate(reason="crisis"),
        o.HoldRecords(keep_for=timedelta(days=1)),
        o.Redact(),
        o.AskRegistration(),
    ]
    assert worded(*silent) == []


def test_help_comes_with_a_card_of_numbers_and_hours() -> None:
    [found] = worded(o.ShowHelp(template="cn-words/crisis-help", topic="crisis"))
    assert found.kind == "help"
    assert "12356" in [one.number for one in found.help]
    assert all(one.number in found.text for one in found.help[:1])


def test_an_honest_answer_is_told_apart_from_the_standing_notice() -> None:
    [standing] = worded(o.Disclose(template="cn-words/ai-notice"))
    [honest] = worded(o.Disclose(template="cn-words/honest-answer", topic="honest-answer"))
    assert (standing.kind, honest.kind) == ("disclosure", "honest_answer")


def test_a_notice_has_its_duty_as_its_id() -> None:
    [duty] = duties_of(
        [o.Remind(template="cn-words/two-hours", topic="two-hours", because=("r",))],
        service="s",
        person="p",
        session="t",
        at=START,
    )
    found = notice_of(duty, LAW, "zh", at=START, age_band="adult", region="cn")
    assert found is not None
    assert (found.id, found.topic, found.because) == (duty.id, "two-hours", ("r",))


# --- the answer


@given(st.lists(KIND, max_size=6, unique=True))
def test_nothing_that_is_owed_is_lost_on_the_way_and_one_text_at_most_stands_in_for_the_reply(kinds: list[str]) -> None:
    given_ = [notice(kind, f"文{place}") for place, kind in enumerate(kinds)]
    answer = answer_of(given_)
    standing = [one for one in given_ if one.kind in INSTEAD]
    assert (answer.instead is None) is (not standing)
    for one in given_:
        shown = one is answer.instead or one.text in answer.prefix or one.text in answer.suffix
        assert shown or one.kind in INSTEAD
    assert answer.instead is None or answer.instead.text not in answer.prefix + answer.suffix


@given(st.lists(KIND, max_size=5, unique=True))
def test_the_order_in_which_they_came_does_not_decide_what_stands(kinds: list[str]) -> None:
    given_ = [notice(kind) for kind in kinds]
    standing = {
        answer.instead.kind if (answer := answer_of(order)).instead else None
        for order in list(permutations(given_))[:24]
    }
    assert len(standing) == 1


def test_help_is_never_taken_away() -> None:
    for kind in INSTEAD:
        answer = answer_of([notice("help", "电话"), notice(kind, "别的")])
        assert "电话" in answer.suffix
        assert "help" in {one.kind for one in answer.aware}


def test_disclosures_and_reminders_come_before_the_reply_and_the_rest_after() -> None:
    answer = answer_of([notice(kind, kind) for kind in (*BEFORE, "help", "grounding", "contacts")])
    assert all(kind in answer.prefix for kind in BEFORE)
    assert all(kind in answer.suffix for kind in ("help", "grounding", "contacts"))
    assert answer.instead is None


def test_nothing_but_that_this_is_no_human_stands_before_help_in_danger() -> None:
    crisis = Notice("h", "help", "crisis", "打 12356", "t", ("r",), START)
    answer = answer_of([notice("disclosure", "甲"), notice("mode", "乙"), notice("replaced", "丙"), crisis])
    assert answer.prefix == framed(notice("disclosure", "甲")) + "\n\n"
    assert "乙" in answer.suffix


@pytest.mark.parametrize("other", [one for one in INSTEAD if one != "replaced"])
def test_no_lock_and_no_refusal_takes_the_place_of_words_for_danger(other: str) -> None:
    crisis = Notice("h", "help", "crisis", "打 12356", "t", ("r",), START)
    for order in permutations([notice("replaced", "丙"), notice(other, "丁"), crisis]):
        answer = answer_of(order)
        assert answer.instead == notice("replaced", "丙")
        assert crisis in answer.notices
    milder = answer_of([notice(other, "丁"), crisis])
    assert milder.instead == notice(other, "丁"), "no model is asked by the way of danger"
    assert framed(crisis) in milder.prefix, "and help stands before it"


def test_a_goodbye_ends_the_talk_even_if_something_stricter_answers() -> None:
    assert answer_of([notice("goodbye"), notice("blocked")]).session_ends
    assert not answer_of([notice("blocked")]).session_ends


def test_in_running_text_a_notice_says_that_it_is_one() -> None:
    assert framed(notice("reminder", "歇一歇")) == "【提示】歇一歇"
    assert framed(notice("help", "打电话")) == "【求助】打电话"
    assert framed(notice("reminder", "take a rest")) == "[Notice] take a rest"
    assert framed(notice("help", "call")) == "[Help] call"


def test_a_number_that_was_just_given_is_not_given_twice() -> None:
    card = Help("热线", "12356", "", "cn", None)
    both = notice("help", "可以打：\n热线 12356\n也请叫人来。", help_lines=(card,))
    assert unsaid(both, "请打 12356").text == "也请叫人来。"
    assert unsaid(both, "请打电话").text == both.text


def test_a_card_of_nothing_but_numbers_just_given_is_kept_whole() -> None:
    only = notice("help", "热线 12356", help_lines=(Help("热线", "12356", "", "cn", None),))
    assert unsaid(only, "请打 12356").text == "热线 12356"


# --- language


@pytest.mark.parametrize(
    ("text", "language"),
    [("你好", "zh"), ("hello", "en"), ("hello 你好", "zh"), ("123", "zh"), ("", "zh"), ("😀", "zh")],
)
def test_people_are_answered_in_their_language(text: str, language: Language) -> None:
    assert language_of(text, "zh") == language


@given(st.text(max_size=20))
def test_any_text_is_answered_in_one_of_two_languages(text: str) -> None:
    assert language_of(text, "en") in get_args(Language)

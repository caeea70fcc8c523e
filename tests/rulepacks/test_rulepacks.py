"""The shipped packs keep their promises: in every case, in random histories, and word by word."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shouban.core import events as e
from shouban.core.decide import Decision, decide
from shouban.core.events import Event
from shouban.core.obligations import ANSWERS, Escalate, Lock, NotifyGuardian, Obligation, RefusePurchase, ShowHelp
from shouban.core.rules import Pack
from shouban.core.signals import SIGNALS, Level, Reading, Reads, Role
from shouban.core.state import PersonState
from shouban.packs.cases import run_cases, unshown
from shouban.packs.pack import LoadedPack
from shouban.packs.stack import load_pack, shipped_packs
from shouban.packs.templates import placeholders_of

CN: Final = load_pack("cn")
DRAFT, ORDER = CN.parts
START: Final = datetime.fromisoformat("2026-08-01T10:00+08:00")
REGIONS: Final = ("cn", "hk", "tw", "us", "elsewhere")

FORBIDDEN: Final = {
    "zh": ("永远陪", "一直陪", "一直都在", "永远在", "不会离开你", "替你保密", "不告诉任何人", "自杀成功", "自杀未遂", "想不开", "24小时", "24 小时", "一定会好", "别想太多", "我保证"),
    "en": ("always be here", "always here for you", "never leave you", "keep this secret", "tell no one", "commit suicide", "failed attempt", "successful suicide", "24 hours", "24/7", "i promise", "it will all be fine"),
}  # fmt: skip
# Ways, means and places are never named.
MEANS: Final = re.compile(
    r"跳楼|割腕|上吊|安眠药|煤气|农药|药量|jump(?:ing)? (?:off|from)|overdos|hang yourself|pills", re.IGNORECASE
)


def read(signal: str, level: Reads) -> Reading:
    return Reading(signal=signal, level=level, score=0.5, detector="test", version="1")


# --- cases


@pytest.mark.parametrize("part", CN.parts, ids=lambda part: part.pack.id)
def test_every_case_of_a_pack_goes_as_it_says(part: LoadedPack) -> None:
    results = run_cases(part)
    assert [fault for result in results for fault in result.failures] == []
    assert unshown(part, results) == []


@pytest.mark.parametrize("part", CN.parts, ids=lambda part: part.pack.id)
def test_every_rule_speaks_in_some_case(part: LoadedPack) -> None:
    spoken = frozenset().union(*(result.rules for result in run_cases(part)))
    assert {rule.id for rule in part.pack.rules} - spoken == set()


@pytest.mark.parametrize("part", CN.parts, ids=lambda part: part.pack.id)
def test_every_case_shows_some_rule(part: LoadedPack) -> None:
    named = {case for rule in part.pack.rules for case in rule.cases}
    assert {case.name for case in part.cases} == named


def test_every_rule_names_its_article_its_date_and_its_rows() -> None:
    for rule in CN.pack.rules:
        assert rule.article.startswith("第")
        assert rule.quote
        assert rule.register
        law = CN.sources[rule.id].law
        assert rule.in_force_from == (law.in_force_from or law.published)


def test_order_21_holds_from_its_first_day_and_the_draft_before_it() -> None:
    for day, speaks in (("2026-07-14T23:59+08:00", False), ("2026-07-15T00:00+08:00", True)):
        event = e.UserLeft(at=datetime.fromisoformat(day), person="p", session="s", by="button")
        rules = decide(PersonState(), event, CN.pack).rules
        assert ("cn-2026-order21.leave-by-button" in rules) is speaks
        assert "cn-2025-draft.leave-by-button" in rules


# --- random histories

LEVELS: Final[tuple[Reads, ...]] = (*Level, "unknown")
DANGERS: Final[tuple[Reads, ...]] = (Level.NONE, Level.NONE, Level.MEDIUM, Level.HIGH, Level.SEVERE, "unknown")
BANDS: Final[tuple[e.AgeBand, ...]] = get_args(e.AgeBand)

bands = st.sampled_from(BANDS)
danger = st.builds(lambda level: (read("crisis", level),), st.sampled_from(DANGERS))


def readings(role: Role) -> st.SearchStrategy[tuple[Reading, ...]]:
    names = sorted(name for name, roles in SIGNALS.items() if role in roles)
    return st.lists(st.builds(read, st.sampled_from(names), st.sampled_from(LEVELS)), max_size=3).map(tuple)


spoke = st.builds(lambda some, more: e.UserSpoke(at=START, readings=some + more), readings("user"), danger)
replied = st.builds(
    lambda some: e.ReplyRead(at=START, turn="t", received=9, read=9, released=0, readings=some), readings("companion")
)
happenings: st.SearchStrategy[Event] = st.one_of(
    spoke,
    spoke,
    replied,
    st.builds(
        lambda band, guardians: e.UserRegistered(at=START, age_band=band, guardians=guardians), bands, st.integers(0, 1)
    ),
    st.builds(
        lambda relation: e.CompanionChosen(at=START, companion="c", relation=relation),
        st.sampled_from(get_args(e.Relation)),
    ),
    st.builds(lambda amount: e.PurchaseRequested(at=START, amount=amount), st.sampled_from([100, 9000, 50000])),
    st.sampled_from(
        [
            e.UserSignedIn(at=START),
            e.UserLeft(at=START, by="button"),
            e.TimePassed(at=START, key="two-hours"),
            e.HumanTookOver(at=START, staff="s"),
            e.HumanHandedBack(at=START, staff="s"),
            e.RestrictionSet(at=START, restriction="suspended", staff="s"),
            e.ConsentGiven(at=START, purpose="companionship", by="guardian"),
            e.GuardianSet(at=START, daily_limit=10, exemptions=("curfew",)),
        ]
    ),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Up to a dozen events of one person in two talks, minutes or hours apart, over day and night."""
    at, found = START, []
    for _ in range(draw(st.integers(1, 12))):
        at += timedelta(minutes=draw(st.sampled_from([0, 1, 9, 31, 130, 700])))
        event = draw(happenings)
        found.append(msgspec.structs.replace(event, at=at, person="p", session=draw(st.sampled_from("ab"))))
    return found


def run(history: list[Event], pack: Pack) -> list[Decision]:
    state, decisions = PersonState(), []
    for event in history:
        decisions.append(decide(state, event, pack))
        state = decisions[-1].state
    return decisions


def kinds(owed: tuple[Obligation, ...]) -> set[type[Obligation]]:
    return {type(one) for one in owed}


REVERSED: Final = msgspec.structs.replace(CN.pack, rules=CN.pack.rules[::-1])


@settings(deadline=None, max_examples=60)
@given(histories())
def test_the_order_in_which_packs_are_stacked_changes_no_decision(history: list[Event]) -> None:
    assert run(history, CN.pack) == run(history, REVERSED)


@settings(deadline=None, max_examples=60)
@given(histories())
def test_danger_or_a_silent_detector_always_leads_to_help_and_to_a_person(history: list[Event]) -> None:
    for pack in (CN.pack, ORDER.pack, DRAFT.pack):
        for event, decision in zip(history, run(history, pack), strict=True):
            if any(
                one.signal == "crisis" and one.level in (2, 3, 4, "unknown") for one in getattr(event, "readings", ())
            ):
                assert {ShowHelp, Escalate} <= kinds(decision.owed)


@settings(deadline=None, max_examples=60)
@given(histories())
def test_no_lock_stands_between_a_person_in_danger_and_the_answer(history: list[Event]) -> None:
    for event, decision in zip(history, run(history, CN.pack), strict=True):
        if any(one.signal == "crisis" and one.level in (2, 3, 4) for one in getattr(event, "readings", ())):
            assert Lock not in kinds(decision.owed)


@settings(deadline=None, max_examples=60)
@given(histories())
def test_both_laws_together_owe_whatever_either_owes(history: list[Event]) -> None:
    """Of one moment; what becomes of the turn is one answer, at least as strict."""
    state = PersonState()
    for event in history:
        both = decide(state, event, CN.pack)
        for part in CN.parts:
            alone = decide(state, event, part.pack)
            assert kinds(alone.owed) - set(ANSWERS) <= kinds(both.owed)
            assert place(alone.owed) <= place(both.owed)
        state = both.state


def place(owed: tuple[Obligation, ...]) -> int:
    return max((ANSWERS.index(type(one)) for one in owed if type(one) in ANSWERS), default=0)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(DANGERS[2:5]), st.sampled_from([band for band in BANDS if band not in {"adult", "unknown"}]))
def test_for_minors_and_elders_somebody_close_is_told_from_the_first_wish(level: Level, band: e.AgeBand) -> None:
    for pack in (CN.pack, ORDER.pack, DRAFT.pack):
        registered = e.UserRegistered(at=START, person="p", age_band=band, guardians=1)
        spoke = e.UserSpoke(at=START, person="p", session="s", readings=(read("crisis", level),))
        assert NotifyGuardian in kinds(run([registered, spoke], pack)[-1].owed)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 10**6), bands)
def test_no_minor_buys_without_a_guardian(amount: int, band: e.AgeBand) -> None:
    registered = e.UserRegistered(at=START, person="p", age_band=band)
    asked = e.PurchaseRequested(at=START, person="p", amount=amount)
    refused = RefusePurchase in kinds(run([registered, asked], CN.pack)[-1].owed)
    assert refused == (band in e.MINOR_BANDS)


# --- words


def wordings() -> list[str]:
    return sorted(CN.templates)


@pytest.mark.parametrize("ref", wordings())
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_template_is_whole_in_both_languages_and_all_regions(ref: str, language: str) -> None:
    for region in REGIONS:
        text = CN.template(ref, "zh" if language == "zh" else "en", region=region, age_band="14_15").text
        assert text
        assert not re.search(r"[{}]", text)
        assert not re.search(r"可以打[，。；]|请打[，。；]|call (?:the )?[.;,]|  ", text)


@pytest.mark.parametrize("ref", wordings())
def test_both_languages_hold_the_same_help(ref: str) -> None:
    template = CN.templates[ref]
    assert placeholders_of(template.zh) == placeholders_of(template.en)
    assert re.search(r"[\u4e00-\u9fff]", template.zh)
    assert not re.search(r"[\u4e00-\u9fff]", template.en)


@pytest.mark.parametrize("ref", wordings())
def test_no_template_promises_glorifies_or_names_a_way(ref: str) -> None:
    template = CN.templates[ref]
    for language, phrases in FORBIDDEN.items():
        text = (template.zh if language == "zh" else template.en).lower()
        assert [phrase for phrase in phrases if phrase in text] == []
        assert not MEANS.search(text)


@pytest.mark.parametrize("ref", [ref for ref in wordings() if re.search(r"/crisis-", ref)])
def test_words_in_danger_name_numbers_and_a_real_person(ref: str) -> None:
    template = CN.templates[ref]
    assert "{hotlines}" in template.zh
    assert re.search("人", template.zh)


@pytest.mark.parametrize("ref", [ref for ref in wordings() if CN.templates[ref].kind == "guardian"])
def test_a_contact_is_told_no_word_of_the_persons(ref: str) -> None:
    template = CN.templates[ref]
    assert "自杀" not in template.zh
    assert "suicid" not in template.en.lower()
    assert "不" in template.zh


def test_every_template_is_used_by_some_rule() -> None:
    used = {getattr(one, "template", "") for rule in CN.pack.rules for one in rule.owes}
    assert CN.templates.keys() - used == set()


def test_every_number_was_verified_or_says_who_vouches_for_it() -> None:
    assert all(one.verified_on or one.source for one in CN.resources)
    for one in CN.resources:
        assert not (one.number == "12356" and "24" in one.hours_zh)


@pytest.mark.parametrize("name", shipped_packs())
def test_no_pack_names_a_path_of_a_machine(name: str) -> None:
    for path in (Path(load_pack(name).path)).rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert "/home/" not in text
        assert "/work/" not in text


def test_the_draft_is_quoted_in_full_sentences_and_order_21_says_where_it_paraphrases() -> None:
    assert not any("转述" in rule.quote for rule in DRAFT.pack.rules)
    assert any(rule.quote.endswith("（转述）") for rule in ORDER.pack.rules)

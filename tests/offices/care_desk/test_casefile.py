"""The file of a case says what its rows and the log say: nothing of another case, no address, no name without the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.offices.care_desk.sample import (
    ADDRESS,
    CASE,
    LAW,
    NAMES,
    NOON,
    PROFILE,
    RULES,
    SERVICE,
    TALK,
    acted,
    after,
    case_file,
    checkpoint,
    decided,
    entries,
    rows,
    spoke,
)

from shouban.core import events as e
from shouban.offices.care_desk.casefile import (
    MOST_LINES,
    CaseFile,
    Law,
    Reader,
    Rows,
    assembled,
    belongs,
    legible,
    line_of,
    proof_of,
    ranges,
    wordings_of,
)


def assembled_from(given: Rows, law: Law = LAW) -> CaseFile:
    return assembled(given, SERVICE, PROFILE, NAMES, law, Reader("小周", after(hours=26)))


def test_each_stage_has_its_time_and_each_clock_says_whether_it_was_late() -> None:
    file = case_file()
    assert [one.stage for one in file.stages] == [
        "opened",
        "claimed",
        "taken_over",
        "contacted",
        "handed_back",
        "closed",
    ]
    assert [one.at - NOON for one in file.stages[:3]] == [timedelta(0), timedelta(seconds=20), timedelta(seconds=95)]
    assert {one.name: one.is_late for one in file.clocks} == {
        "claim": False,
        "takeover": True,
        "contact": False,
        "close": False,
    }


def test_a_case_that_was_opened_again_says_so() -> None:
    again = replace(
        CASE,
        stage="open",
        asked_at=after(hours=2),
        claimed_at=None,
        taken_at=None,
        handed_at=None,
        closed_at=None,
        outcome="",
    )
    assert [one.stage for one in assembled_from(rows(case=again)).stages] == ["opened", "contacted", "asked_again"]


def test_the_staff_stand_by_the_name_that_the_desk_shows_with_what_they_did() -> None:
    lin, zhou = case_file().staff
    assert (lin.name, lin.acts) == (
        "小林",
        {"case_claimed": 1, "HumanTookOver": 1, "HumanSpoke": 1, "HumanHandedBack": 1},
    )
    assert (zhou.name, zhou.acts) == ("小周", {"CaseClosed": 1, "FollowedUp": 1, "case_exported": 1})
    assert (lin.first_at, lin.last_at) == (after(seconds=20), after(minutes=31))


def test_the_timeline_names_the_rules_and_leaves_out_what_only_stands_beside() -> None:
    file = case_file()
    first = file.lines[0]
    assert (first.leaf, first.act, first.read, first.rules) == (40, "UserSpoke", ("crisis 4",), RULES)
    assert first.owed == ("Escalate", "NotifyGuardian", "ReplaceReply", "ShowHelp")
    acts = [one.act for one in file.lines]
    assert "kept" not in acts
    assert acts.count("UserSpoke") == 1, "a turn on which no rule said anything is counted"
    assert [one.about for one in file.lines if one.act == "DutyDone"] == ["NotifyGuardian"]
    assert file.unlisted == 2


def test_of_a_case_that_goes_on_and_on_the_beginning_and_the_end_are_shown() -> None:
    many = [(n, acted("case_claimed", after(seconds=n))) for n in range(MOST_LINES + 50)]
    file = assembled_from(Rows(CASE, None, many, [], [], [], checkpoint()))
    assert (len(file.lines), file.unlisted) == (MOST_LINES, 50)
    assert (file.lines[0].leaf, file.lines[-1].leaf) == (0, MOST_LINES + 49)


def test_what_was_before_the_case_and_after_it_is_not_in_it() -> None:
    assert not belongs(CASE, decided(spoke(after(seconds=-1))))
    assert not belongs(CASE, decided(spoke(after(hours=3)))), "the next day's talk"
    assert not belongs(CASE, acted("case_claimed", after(hours=3))), "another case"
    assert belongs(CASE, acted("case_exported", after(hours=3)))
    assert belongs(replace(CASE, closed_at=None), decided(spoke(after(hours=3))))


def test_a_contact_is_told_apart_without_name_or_address() -> None:
    [alert] = case_file().alerts
    assert (alert.number, alert.kind, alert.relation, alert.name) == (1, "guardian", "mother", "")
    assert (alert.channel, alert.told_at, alert.answered_at, alert.able) == (
        "mail",
        after(minutes=2),
        after(minutes=9),
        False,
    )
    assert (alert.template, alert.urgency) == ("cn-words/guardian-crisis", "emergency")
    assert case_file(sees=False).alerts[0].relation == "", "compliance does not see contacts"
    assert case_file(words=TALK).alerts[0].name == "王芳"
    assert case_file(words=TALK, sees=False).alerts[0].name == ""


@pytest.mark.parametrize("words", [None, TALK])
def test_no_address_is_in_the_file(words: Sequence[Mapping[str, Any]] | None) -> None:
    assert ADDRESS not in repr(astuple(case_file(words=words)))
    assert "example.org" not in repr(astuple(case_file(words=words)))


def test_an_alert_that_reached_nobody_stands_there_too() -> None:
    given = rows()
    [alert] = assembled_from(Rows(given.case, None, given.entries, given.duties, [], [], given.checkpoint)).alerts
    assert (alert.told_at, alert.kind) == (None, "")


def test_a_wording_is_named_with_its_version_and_whether_it_was_shown() -> None:
    help_, reply = case_file().wordings
    assert (help_.template, help_.version, help_.times, help_.unshown) == ("cn-words/crisis-help", "1", 1, 0)
    assert (reply.template, reply.unshown) == ("cn-words/crisis-reply", 1)


def test_a_pack_that_has_changed_since_does_not_say_which_version_it_was() -> None:
    found = wordings_of(rows().duties, entries(), Law("cn@0000000000000000", LAW.versions))
    assert [(one.version, one.pack) for one in found] == [("", LAW.pack)] * 2


def test_a_follow_up_says_who_asked_and_whether_they_were_reached() -> None:
    [asked] = case_file().follow_ups
    assert (asked.asked_at, asked.staff, asked.reached) == (after(hours=25), "小周", True)


def test_the_person_has_a_name_only_where_the_words_are() -> None:
    assert (case_file().nickname, case_file().words) == ("", None)
    told = case_file(words=TALK)
    assert told.nickname == "小雨"
    assert told.words is not None
    assert [(one.role, one.text) for one in told.words] == [
        ("user", "我写好遗书了，今晚就去死"),
        ("human", "你好，我是小林，是真人工作人员。"),
    ]
    assert "遗书" not in repr(case_file())


def test_the_proof_is_the_signed_head_and_the_places_of_the_case() -> None:
    proof = case_file().proof
    assert proof.checkpoint is not None
    assert (proof.checkpoint.size, proof.checkpoint.origin) == (60, "shouban.log/0123456789abcdef")
    assert proof.note == checkpoint()
    assert proof.signature == checkpoint().splitlines()[-1]
    assert (proof.leaves, proof.total, proof.more) == ("40-51, 53-54", 14, False)
    assert proof_of("", [], more=False).checkpoint is None


@given(st.sets(st.integers(0, 60)))
def test_ranges_name_each_number_once(numbers: set[int]) -> None:
    told = [one.split("-") for one in ranges(numbers).split(", ") if one]
    assert [n for one in told for n in range(int(one[0]), int(one[-1]) + 1)] == sorted(numbers)


@given(st.text(st.characters(), max_size=40))
def test_no_text_hides_anything(text: str) -> None:
    told = legible(text)
    told.encode()
    assert not any(letter < " " and letter != "\n" for letter in told)
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(told)


def test_text_that_hides_nothing_is_as_it_was() -> None:
    text = "#import $x$ *b* @r \\ 😀👩‍👩‍👧 مرحبا עברית 龘"
    assert legible(text) == text
    assert legible("\u202eabc\x00\r\n\tz\ud800") == "[U+202E]abc[U+0000]\n    z[U+D800]"


def test_a_timer_that_only_ran_out_is_no_line() -> None:
    assert line_of(1, decided(e.TimePassed(at=NOON, person="p", key="idle")), {}) is None

"""What may be filed, which files are taken, what an answer must say, and what the figures count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core.errors import CallerError
from shouban.core.rules import Settings
from shouban.offices.complaints import model as m

NOON = datetime(2026, 8, 3, 4, tzinfo=UTC)
FILED = m.Complaint(
    "c", "p", "complaint", "spending", "page", False, "accepted", "", "", NOON, NOON, NOON + timedelta(days=14), NOON, None, "", ""
)  # fmt: skip
GOOD = m.Answering("refused", "查了充值记录，已经到账。", "服务协议第五条，充值即时到账。")


@given(st.integers(0, 2**50 - 1))
def test_a_number_is_read_however_it_is_typed(drawn: int) -> None:
    number = m.number_of(drawn)
    assert m.read_number(number) == number
    typed = number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert m.read_number(f"  {typed} ") == number


@given(st.text(max_size=30))
def test_nothing_else_is_a_number(typed: str) -> None:
    try:
        number = m.read_number(typed)
    except CallerError:
        return
    assert m.NUMBER.fullmatch(number.replace("-", ""))


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (b"\x89PNG\r\n\x1a\nrest", "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"), (b"%PDF-1.7", "application/pdf"),
        ("聊天记录\n第二行".encode(), "text/plain"),
    ],
)  # fmt: skip
def test_a_file_is_what_its_bytes_say(content: bytes, media: str) -> None:
    assert m.media_of(content) == media


@pytest.mark.parametrize(
    "content", [b"MZ\x90\x00", b"PK\x03\x04", b"\x7fELF\x00", b"a\x00b", b"\xfe\xff", b"GIF89a\x01\x00"]
)
def test_what_may_hold_a_program_is_refused(content: bytes) -> None:
    with pytest.raises(CallerError, match="only pictures"):
        m.media_of(content)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"text": "  嗯 "}, "text"), ({"text": "长" * 5_001}, "text"), ({"messages": 21}, "messages"), ({"messages": -1}, "messages"), ({"name": "名" * 81}, "name"), ({"contact": "xiaoming"}, "contact"), ({"contact": "a@b.cn?bcc=x@y.z"}, "contact")],
)  # fmt: skip
def test_what_does_not_fit_names_its_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(CallerError) as caught:
        m.checked(m.Filing(**{"text": "充值没有到账，客服不理", **change}))  # type: ignore[arg-type]  # one field of another kind
    assert caught.value.field == field


def test_a_contact_is_a_mail_address_or_a_telephone() -> None:
    assert m.address_of(" w@example.org ") == "mailto:w@example.org"
    assert m.address_of("+86 138-0013-8000") == "tel:+86 138-0013-8000"
    assert m.address_of("") == ""


def test_an_answer_says_what_was_found_on_what_it_rests_and_what_was_done() -> None:
    assert m.answered(FILED, GOOD, by="a").decision == "refused"
    for field in ("facts", "grounds"):
        with pytest.raises(CallerError) as caught:
            m.answered(FILED, msgspec.structs.replace(GOOD, **{field: " 短 "}), by="a")
        assert caught.value.field == field
    with pytest.raises(CallerError) as caught:
        m.answered(FILED, m.Answering("upheld", GOOD.facts, GOOD.grounds), by="a")
    assert caught.value.field == "measures"


def test_nobody_judges_their_own_decision_and_nothing_is_decided_twice() -> None:
    with pytest.raises(CallerError) as caught:
        m.answered(replace(FILED, sort="appeal"), GOOD, by="a", before="a")
    assert caught.value.code == "second_person"
    assert m.answered(replace(FILED, sort="appeal"), GOOD, by="b", before="a")
    with pytest.raises(CallerError) as caught:
        m.answered(replace(FILED, stage="answered"), GOOD, by="b")
    assert caught.value.code == "decided_already"


def test_only_what_was_not_wholly_upheld_may_be_appealed_for_a_while_and_no_appeal() -> None:
    refused = replace(FILED, stage="answered", decision="refused", answered_at=NOON)
    assert refused.may_appeal(NOON + m.APPEAL_WITHIN)
    assert not refused.may_appeal(NOON + m.APPEAL_WITHIN + timedelta(seconds=1))
    assert not replace(refused, decision="upheld").may_appeal(NOON)
    assert not replace(refused, sort="appeal").may_appeal(NOON)
    assert not FILED.may_appeal(NOON)


def test_the_statement_of_reasons_says_where_one_may_go_from_here() -> None:
    answered = replace(FILED, stage="answered", decision="refused", answered_at=NOON + timedelta(days=15))
    found = m.statement(
        answered, "7KQ3M-0XW5R", m.answered(FILED, GOOD, by="a"), process="cn 1.0", local=Settings().local
    )
    assert found["in_time"] is False
    assert found["automated"] is False
    assert found["redress"]["appeal_until"].startswith("2026-10-17")
    assert found["redress"]["authority"] == ["12377", "12345"]
    appeal = replace(answered, sort="appeal")
    assert (
        m.statement(appeal, "7KQ3M-0XW5R", m.answered(FILED, GOOD, by="a"), process="cn 1.0", local=Settings().local)[
            "redress"
        ]["appeal_until"]
        is None
    )


def test_the_figures_count_what_the_assessment_asks_for() -> None:
    done = replace(FILED, stage="answered", decision="upheld", answered_at=NOON + timedelta(hours=6))
    late = replace(done, about="privacy", answered_at=NOON + timedelta(days=20), decision="refused")
    appeal = replace(done, sort="appeal", decision="partly")
    found = m.figures([FILED, done, late, appeal, replace(FILED, due_at=NOON - timedelta(days=1))], NOON)
    assert (found["filed"], found["open"], found["late"], found["answered"], found["in_time"]) == (5, 2, 1, 3, 2)
    assert found["by_about"] == {"privacy": 1, "spending": 4}
    assert found["by_decision"] == {"upheld": 1, "partly": 1, "refused": 1}
    assert found["median_hours"] == 6.0
    assert found["appeals_that_changed_something"] == 1
    assert m.figures([], NOON)["in_time_share"] is None

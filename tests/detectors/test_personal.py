from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shouban.core.signals import Level, Reading
from shouban.detectors.normalise import normalise
from shouban.detectors.personal import PersonalDataDetector, is_card_number, is_id_number, mask

DETECTOR = PersonalDataDetector()
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def found(text: str) -> list[tuple[str | None, str, int]]:
    readings = DETECTOR.read(normalise(text), "user", ())
    return [
        (one.kind, text[slice(*one.span)], int(one.level)) for one in readings if one.span and one.level != "unknown"
    ]


ids = st.builds(
    lambda region, year, month, day, order: f"{region}{year}{month:02}{day:02}{order:03}",
    st.sampled_from(["110105", "310101", "440305", "510104"]), st.integers(1930, 2020), st.integers(1, 12), st.integers(1, 28), st.integers(0, 999),
)  # fmt: skip


def with_check(number: str) -> str:
    return number + "10X98765432"[sum(weight * int(digit) for weight, digit in zip(WEIGHTS, number, strict=True)) % 11]


def with_luhn(number: str) -> str:
    total = sum(
        value if at % 2 else (value * 2 - 9 if value > 4 else value * 2)
        for at, value in enumerate(map(int, reversed(number)))
    )
    return number + str(-total % 10)


@given(ids)
def test_an_identity_number_with_its_right_check_character_is_known(number: str) -> None:
    whole = with_check(number)
    assert is_id_number(whole.lower())
    assert found(f"我的身份证是{whole}，帮我看看") == [("id_number", whole, 4)]


@given(ids, st.integers(1, 9))
def test_an_identity_number_with_a_wrong_check_character_is_doubted(number: str, off: int) -> None:
    right = with_check(number)[-1]
    wrong = "0123456789X"[("0123456789X".index(right) + off) % 11]
    assert not is_id_number((number + wrong).lower())
    assert all(level < 4 or kind == "bank_card" for kind, _, level in found(number + wrong))


@given(st.sampled_from(["62", "4", "51", "37"]), st.integers(10**12, 10**13 - 1))
def test_a_card_number_with_its_right_check_digit_is_known_and_with_another_is_not(prefix: str, middle: int) -> None:
    card = with_luhn(f"{prefix}{middle}")
    assume(len(set(card)) > 2)
    assert is_card_number(card)
    assert not is_card_number(card[:-1] + str((int(card[-1]) + 1) % 10))
    grouped = " ".join(card[at : at + 4] for at in range(0, len(card), 4))
    assert found(f"卡号 {grouped} 记一下")[0][:2] == ("bank_card", grouped)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("我手机号13800138000", "mobile", "13800138000"), ("打138 0013 8000给我", "mobile", "138 0013 8000"), ("座机010-62016374", "phone", "010-62016374"), ("邮箱是li.lei@example.com哦", "email", "li.lei@example.com"),
        ("我家住在北京市朝阳区北辰东路5号3单元201", "address", "我家住在北京市朝阳区北辰东路5号3单元201"), ("密码是abc12345", "secret", "abc12345"), ("my password is hunter2!", "secret", "hunter2!"),
        ("验证码：482913", "secret", "482913"), ("护照号E12345678", "passport", "e12345678"), ("我微信号lilei_2008", "account", "lilei_2008"), ("１３８００１３８０００", "mobile", "１３８００１３８０００"), ("123-45-6789 is my ssn", "id_number", "123-45-6789"),
    ],
)  # fmt: skip
def test_what_identifies_a_person_is_found_where_it_stands(text: str, kind: str, value: str) -> None:
    assert [(one[0], one[1].lower()) for one in found(text)] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "我忘了密码",
        "password is wrong",
        "今年是2026年",
        "订单号12345678901234567",
        "3.1415926535897932",
        "我住三楼",
        "99路公交车",
        "电话打不通",
        "1 2 3 4 5 6 7",
    ],
)
def test_ordinary_numbers_and_words_are_no_personal_data(text: str) -> None:
    assert found(text) == []


def test_masking_puts_the_name_of_the_thing_in_its_place() -> None:
    text = "我叫李雷，电话13800138000，邮箱a@b.cn。"
    readings = DETECTOR.read(normalise(text), "user", ())
    assert mask(text, readings) == "我叫李雷，电话〔手机号〕，邮箱〔邮箱〕。"
    assert mask(text, ()) == text


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), max_size=6))
def test_masking_overlapping_findings_leaves_nothing_of_them(spans: list[tuple[int, int]]) -> None:
    text = "0123456789abcdefghijklmnopq"
    readings = [
        Reading("personal_data", Level.HIGH, 0.9, "p", "1", (start, start + size), "mobile") for start, size in spans
    ]
    masked = mask(text, readings)
    for start, size in spans:
        assert not set(text[start : start + size]) & set(masked)

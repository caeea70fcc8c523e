"""An invitation is open until it is used or old; a channel of a guardian's own holds once its code has come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shouban.core.errors import CallerError
from shouban.duties.codes import CODES_A_DAY
from shouban.offices.guardians.model import (
    CODES_OF_A_LINK,
    MOST_CHANNELS,
    Adding,
    ChannelKind,
    Invited,
    Link,
    channel_of,
    confirmed,
    masked,
    with_channel,
    without_channel,
)

NOW = datetime(2026, 8, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MINE = Invited("contact", "王芳")


def test_an_invitation_is_open_until_it_is_used_or_old() -> None:
    link = Link("l", "p", "", "invited", NOW, NOW + timedelta(days=7))
    assert link.is_open(NOW)
    assert not link.is_open(NOW + timedelta(days=7))
    assert not Link("l", "p", "a", "active", NOW, NOW + timedelta(days=7)).is_open(NOW)


@pytest.mark.parametrize(
    ("kind", "address", "whole"),
    [
        ("phone", " +86 139-0000-1111 ", "tel:+86 139-0000-1111"), ("mail", "w@example.org", "mailto:w@example.org"), ("webhook", "https://example.org/hook", "https://example.org/hook"),
        ("messenger", "dingtalk://token", "dingtalk://token"),
    ],
)  # fmt: skip
def test_an_address_is_what_its_kind_says(kind: ChannelKind, address: str, whole: str) -> None:
    assert channel_of(Adding(kind, address)).address == whole


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("phone", "call me"), ("phone", "https://example.org"), ("mail", "w@example.org,x@example.org"), ("mail", "w@example.org?to=x"), ("mail", "no"),
        ("webhook", "file:///etc/passwd"), ("webhook", "https://exa mple"), ("messenger", "dingtalk://a,b"), ("messenger", ""),
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(kind: ChannelKind, address: str) -> None:
    with pytest.raises(CallerError) as refused:
        channel_of(Adding(kind, address))
    assert refused.value.field == "address"


def test_alerts_go_to_a_channel_once_its_code_has_come_back() -> None:
    phone = channel_of(Adding("phone", "13900001111"))
    held = with_channel(MINE, phone, "123456", NOW)
    assert held.addresses == ()
    held, wrong = confirmed(held, phone.id, "000000", NOW)
    assert wrong is not None
    held, wrong = confirmed(held, phone.id, " 123456 ", NOW + MINUTE)
    assert wrong is None
    assert held.addresses == ("tel:13900001111",)
    _, wrong = confirmed(held, phone.id, "123456", NOW + MINUTE)
    assert wrong is not None, "a code is used once"
    assert without_channel(held, phone.id).addresses == ()
    assert confirmed(MINE, "other", "1", NOW)[1].code == "not_found"  # type: ignore[union-attr]  # it is refused


def test_nobody_is_flooded_by_codes() -> None:
    held = MINE
    phone = channel_of(Adding("phone", "13900001111"))
    for place in range(CODES_A_DAY):
        held = with_channel(held, phone, "1", NOW + place * 2 * MINUTE)
    with pytest.raises(CallerError, match="codes were sent there"):
        with_channel(held, phone, "1", NOW + 20 * MINUTE)
    for address in ("13900001111", "+86 139 0000 1111", "139-0000-1111"):
        with pytest.raises(CallerError):
            with_channel(without_channel(held, phone.id), channel_of(Adding("phone", address)), "1", NOW + 20 * MINUTE)
    for place in range(CODES_OF_A_LINK - CODES_A_DAY):
        one = channel_of(Adding("phone", f"1390000222{place}"))
        held = without_channel(with_channel(held, one, "1", NOW), one.id)
    with pytest.raises(CallerError, match=f"{CODES_OF_A_LINK} codes"):
        with_channel(held, channel_of(Adding("phone", "13900003333")), "1", NOW)
    assert with_channel(held, channel_of(Adding("phone", "13900003333")), "1", NOW + timedelta(days=2))


def test_channels_are_few() -> None:
    held = MINE
    for place in range(MOST_CHANNELS):
        held = with_channel(held, channel_of(Adding("phone", f"1390000111{place}")), "1", NOW)
    with pytest.raises(CallerError, match="at most"):
        with_channel(held, channel_of(Adding("phone", "13900009999")), "1", NOW)


def test_an_address_is_shown_in_part() -> None:
    assert masked("tel:13912345678") == "139…5678"
    assert masked("mailto:wang@example.org") == "wan….org"
    assert "token" not in masked("dingtalk://a-long-name/and-a-secret-token")

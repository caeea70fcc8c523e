"""A loaded pack answers for wordings and help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shouban.packs.stack import load_pack

Write = Callable[..., Path]


def test_a_wording_comes_with_its_kind_and_its_numbers(write_pack: Write) -> None:
    template = load_pack(write_pack()).template("my/help", "zh")
    assert (template.kind, template.text) == ("help", "可以打热线 123（白天）。急的话打 120。")


def test_help_comes_in_the_language_asked_for(write_pack: Write) -> None:
    help_ = load_pack(write_pack()).help_for("crisis", "en", "cn", "14_15")
    assert [(one.name, one.number, one.hours) for one in help_] == [
        ("Youth line", "456", ""),
        ("The line", "123", "daytime"),
        ("Ambulance", "120", ""),
    ]


def test_a_pack_is_its_own_only_part_and_a_stack_has_several(write_pack: Write) -> None:
    mine = load_pack(write_pack())
    assert mine.parts == (mine,)
    assert [part.pack.id for part in load_pack("cn").parts] == ["cn-2025-draft", "cn-2026-order21"]

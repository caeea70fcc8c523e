"""Templates and places of help are read with all that stands beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from pathlib import Path

import pytest

from shouban.core.errors import PackError
from shouban.packs.stack import load_pack

Write = Callable[..., Path]


def test_what_a_file_says_at_its_head_holds_for_all_its_templates(write_pack: Write) -> None:
    old = "    kind: reminder\n"
    templates = load_pack(write_pack("templates/words.yaml", old, f"{old}    approved: null\n")).templates
    assert templates["my/help"].approved == date(2026, 1, 15)
    assert templates["my/rest"].approved is None
    assert {one.written_by for one in templates.values()} == {"we"}


def test_a_number_says_when_it_was_verified_or_who_vouches_for_it(write_pack: Write) -> None:
    line, youth, ambulance = load_pack(write_pack()).resources
    assert line.verified_on == date(2026, 1, 10)
    assert (youth.verified_on, youth.source, youth.hours_zh) == (None, "a list", "")
    assert ambulance.tags == {"ambulance"}


def test_hours_are_told_in_words_and_choose_by_the_clock(write_pack: Write) -> None:
    old = "    verified_on: 2026-01-10\n"
    line = load_pack(write_pack("resources.yaml", old, f"{old}    opens: 08:00\n    closes: 22:00\n")).resources[0]
    assert (line.opens, line.closes) == (time(8), time(22))
    with pytest.raises(PackError, match="needs both `opens` and `closes`"):
        load_pack(write_pack("resources.yaml", old, f"{old}    opens: 08:00\n"))

"""Templates and places of help are read with all that stands beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

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

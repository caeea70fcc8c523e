"""A letter that no font has is known before it becomes a box."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from shouban.offices.care_desk.exporting import FOLDERS, fonts_in
from shouban.offices.care_desk.letters import Face, drawn_by, missing


def faces(family: str = "") -> list[Face]:
    found, chinese = fonts_in(FOLDERS)
    return [(Path(one.path), one.index) for one in found.fonts() if one.path and one.family == (family or chinese)]


def test_a_chinese_font_has_chinese_letters_and_not_everything() -> None:
    assert missing("守伴 care—龘𠮷\n", faces()) == set()
    assert missing("守\U00031000", faces()) == {"\U00031000"}


def test_what_only_says_how_the_letter_beside_it_is_drawn_is_not_missing() -> None:
    assert missing("\u200d\ufe0f\u200f", faces()) == set()


def test_a_later_font_draws_what_the_first_has_not() -> None:
    first, *_ = faces()
    nothing = (Path("/nonexistent"), 0)
    assert missing("守", [nothing]) == {"守"}
    assert missing("守", [nothing, first]) == set()


@pytest.mark.parametrize("data", [b"", b"OTTO", b"ttcf" + b"\xff" * 40, b"\0\1\0\0" + b"\0" * 40])
def test_a_file_that_is_no_font_draws_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.ttf").write_bytes(data)
    assert drawn_by(tmp_path / "a.ttf", 0, [0x41]) == set()


def test_a_table_of_the_first_plane_is_read_by_offsets_and_by_deltas(tmp_path: Path) -> None:
    """Two segments: A to C by a delta, 中 by an offset into the glyphs, and the end."""
    ends, firsts, deltas, offsets = (0x43, 0x4E2D, 0xFFFF), (0x41, 0x4E2D, 0xFFFF), (0xFFC4, 0, 1), (0, 4, 0)
    body = struct.pack(">HHHHHHH", 4, 0, 0, 6, 0, 0, 0) + struct.pack(">3H", *ends) + b"\0\0"
    body += (
        struct.pack(">3H", *firsts) + struct.pack(">3H", *deltas) + struct.pack(">3H", *offsets) + struct.pack(">H", 7)
    )
    cmap = struct.pack(">HH", 0, 1) + struct.pack(">HHI", 3, 1, 12) + body
    font = struct.pack(">4sHHHH", b"\0\1\0\0", 1, 0, 0, 0) + struct.pack(">4sIII", b"cmap", 0, 28, len(cmap)) + cmap
    (tmp_path / "a.ttf").write_bytes(font)
    assert drawn_by(tmp_path / "a.ttf", 0, [0x40, 0x41, 0x43, 0x44, 0x4E2D, 0x4E2E, 0x1F600]) == {0x41, 0x43, 0x4E2D}

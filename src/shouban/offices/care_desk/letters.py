"""Which letters the fonts of a machine can draw, as the fonts themselves say: the `cmap` table of OpenType (ISO/IEC 14496-22, 5.2.1).

Typst draws a box for a letter that no font has, and tells nobody. A rare character of a name must not become one.
"""

from __future__ import annotations

import struct
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from typing import Final

COLLECTION: Final = b"ttcf"
# Tables for all of Unicode, and for its first plane: of the others no font of today has need.
WHOLE: Final = 12
FIRST_PLANE: Final = 4
# Marks that only say how a letter beside them is drawn; nothing is seen of them by themselves.
UNSEEN: Final = frozenset({"Cf", "Cc", "Mn", "Zs"})

Face = tuple[Path, int]


def missing(text: str, faces: Iterable[Face]) -> set[str]:
    """The letters of the text that none of these faces has."""
    left = {ord(letter) for letter in set(text) if unicodedata.category(letter) not in UNSEEN}
    for path, place in faces:
        if not left:
            break
        left -= drawn_by(path, place, left)
    return {chr(one) for one in left}


def drawn_by(path: Path, place: int, codes: Iterable[int]) -> set[int]:
    """Those of the codes that this face has a glyph for; none, where the file is no font one can read."""
    try:
        table = _cmap(path, place)
        return {code for code in codes if _glyph(table, code)}
    except (OSError, struct.error, IndexError, KeyError):
        return set()


def _cmap(path: Path, place: int) -> bytes:
    """The subtable for the most letters."""
    with path.open("rb") as file:
        start = 0
        if file.read(4) == COLLECTION:
            file.seek(12 + 4 * place)
            [start] = struct.unpack(">I", file.read(4))
        file.seek(start + 4)
        [count] = struct.unpack(">H", file.read(2))
        file.seek(start + 12)
        entries = [struct.unpack(">4sIII", file.read(16)) for _ in range(count)]
        offset, length = {tag: (at, size) for tag, _, at, size in entries}[b"cmap"]
        file.seek(offset)
        table = file.read(length)
    [count] = struct.unpack_from(">H", table, 2)
    places = [struct.unpack_from(">HHI", table, 4 + 8 * n)[2] for n in range(count)]
    by_format = {struct.unpack_from(">H", table, at)[0]: at for at in places}
    return table[by_format[WHOLE] if WHOLE in by_format else by_format[FIRST_PLANE] :]


def _glyph(table: bytes, code: int) -> int:
    """The glyph of a code; 0 is none."""
    [form] = struct.unpack_from(">H", table)
    return _glyph_of_whole(table, code) if form == WHOLE else _glyph_of_first_plane(table, code)


def _glyph_of_whole(table: bytes, code: int) -> int:
    [count] = struct.unpack_from(">I", table, 12)
    place = bisect_left(range(count), code, key=lambda n: struct.unpack_from(">I", table, 20 + 12 * n)[0])
    first, last, glyph = struct.unpack_from(">III", table, 16 + 12 * place) if place < count else (code + 1, 0, 0)
    return int(glyph + code - first) if first <= code <= last else 0


def _glyph_of_first_plane(table: bytes, code: int) -> int:
    if code > 0xFFFF:
        return 0
    count = struct.unpack_from(">H", table, 6)[0] // 2
    ends = struct.unpack_from(f">{count}H", table, 14)
    place = bisect_left(ends, code)
    firsts, deltas, ranges = (14 + 2 * count * n + 2 for n in (1, 2, 3))
    [first], [delta], [offset] = (struct.unpack_from(">H", table, at + 2 * place) for at in (firsts, deltas, ranges))
    if first > code:
        return 0
    if not offset:
        return int(code + delta) & 0xFFFF
    [glyph] = struct.unpack_from(">H", table, ranges + 2 * place + offset + 2 * (code - first))
    return int(glyph + delta) & 0xFFFF if glyph else 0

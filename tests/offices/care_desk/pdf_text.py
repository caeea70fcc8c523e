"""Reads the text of a PDF back from its pages, as a reader would copy it out: typst's own form of PDF, which no installed tool reads.

Letters are found by each font's `ToUnicode` (ISO 32000-1, 9.10.2), or by the `ActualText` that stands for them. Blanks are taken out: lines are broken anywhere.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

OBJECT: Final = re.compile(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
TOKEN: Final = re.compile(
    rb"/Lang\((?:[^()\\]|\\.)*\)|/ActualText<(?P<actual>[0-9A-Fa-f]+)>|/(?P<font>\w+) [\d.]+ Tf|\((?P<text>(?:[^()\\]|\\.)*)\)|(?<!<)<(?P<hex>[0-9A-Fa-f]+)>|(?P<open>BDC|BMC)|(?P<close>EMC)",
    re.DOTALL,
)
ESCAPE: Final = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
PLAIN: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pages_in(pdf: bytes) -> int:
    return len(_pages(_objects(pdf)))


def text_in(pdf: bytes) -> str:
    """All letters of all pages, in the order in which they are drawn, without blanks."""
    objects = _objects(pdf)
    return flat("".join(text for page in _pages(objects) for text in _drawn(page, objects)))


def flat(text: str) -> str:
    return "".join(text.split())


def attached_in(pdf: bytes) -> list[bytes]:
    return [_stream(one) for one in _objects(pdf).values() if b"/Type/EmbeddedFile" in one]


def _objects(pdf: bytes) -> dict[int, bytes]:
    return {int(number): body for number, body in OBJECT.findall(pdf)}


def _pages(objects: dict[int, bytes]) -> list[bytes]:
    return [one for one in objects.values() if one.startswith(b"<</Type/Page/")]


def _drawn(page: bytes, objects: dict[int, bytes]) -> Iterator[str]:
    fonts = _fonts(page, objects)
    letters: dict[int, str] = {}
    standing: list[bool] = []  # whether each open mark says for itself what stands in it
    says_itself = False
    for token in TOKEN.finditer(_stream(objects[_reference(page, b"Contents")])):
        if token["actual"]:
            says_itself = True
            yield bytes.fromhex(token["actual"].decode()).decode("utf-16")
        elif token["open"]:
            standing.append(says_itself)
            says_itself = False
        elif token["close"]:
            standing.pop()
        elif token["font"]:
            letters = fonts[token["font"]]
        elif not any(standing) and not token[0].startswith(b"/Lang"):
            data = bytes.fromhex(token["hex"].decode()) if token["hex"] else ESCAPE.sub(_escaped, token["text"] or b"")
            yield "".join(letters.get(int.from_bytes(data[n : n + 2]), "\ufffd") for n in range(0, len(data), 2))


def _escaped(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 8)]) if found[1].isdigit() else PLAIN.get(found[1], found[1])


def _fonts(page: bytes, objects: dict[int, bytes]) -> dict[bytes, dict[int, str]]:
    resources = objects[_reference(page, b"Resources")]
    named = re.search(rb"/Font<<(.*?)>>", resources, re.DOTALL)
    found = re.findall(rb"/(\w+) (\d+) 0 R", named[1]) if named else []
    return {name: _letters(_stream(objects[_reference(objects[int(number)], b"ToUnicode")])) for name, number in found}


def _letters(table: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar\n(.*?)endbfchar", table, re.DOTALL):
        for code, text in re.findall(rb"<([0-9A-F]+)> <([0-9A-F]+)>", block):
            found[int(code, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    for block in re.findall(rb"beginbfrange\n(.*?)endbfrange", table, re.DOTALL):
        for first, last, text in re.findall(rb"<([0-9A-F]+)> <([0-9A-F]+)> <([0-9A-F]+)>", block):
            for n in range(int(first, 16), int(last, 16) + 1):
                found[n] = chr(int(text, 16) + n - int(first, 16))
    return found


def _reference(body: bytes, name: bytes) -> int:
    found = re.search(rb"/" + name + rb" (\d+) 0 R", body)
    assert found, name
    return int(found[1])


def _stream(body: bytes) -> bytes:
    head, _, rest = body.partition(b"stream\n")
    data = rest.rpartition(b"\nendstream")[0]
    return zlib.decompress(data) if b"FlateDecode" in head else data

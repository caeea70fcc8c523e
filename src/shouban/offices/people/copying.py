"""A copy of all that is kept of a person, as a zip that is made while it is sent: JSON for machines, a page for people.

Order 21 Art. 16 and PIPL Art. 45: copies are the person's. A history of a million lines takes no more memory than a page of it.
"""

from __future__ import annotations

import html
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec

PAGE: Final = 500
Page = list[dict[str, Any]]
Read = Callable[[tuple[int, str]], Awaitable[Page]]
_ENCODE = msgspec.json.Encoder().encode


class _Outlet:
    """A file that cannot be rewound, whose bytes are taken as they come."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        found = b"".join(self._parts)
        self._parts.clear()
        return found


async def zipped(about: Mapping[str, Any], read: Read, names: Mapping[str, str], at: datetime) -> AsyncIterator[bytes]:
    """The bytes of the zip; `about` is what is known besides messages, `names` the words of the page."""
    outlet = _Outlet()
    with ZipFile(outlet, "w", ZIP_DEFLATED) as archive:  # type: ignore[call-overload]  # all that a zip needs of a file
        for name, parts in (("data.json", _as_json(about, read)), ("data.html", _as_page(about, read, names))):
            with archive.open(ZipInfo(name, at.timetuple()[:6]), "w") as file:
                async for part in parts:
                    file.write(part)
                    if ready := outlet.take():
                        yield ready
    yield outlet.take()


async def _pages(read: Read) -> AsyncIterator[Page]:
    after = (0, "")
    while page := await read(after):
        yield page
        after = page[-1]["at_us"], page[-1]["id"]


async def _as_json(about: Mapping[str, Any], read: Read) -> AsyncIterator[bytes]:
    yield _ENCODE(about)[:-1] + (b"," if about else b"") + b'"messages":['
    is_first = True
    async for page in _pages(read):
        yield (b"" if is_first else b",") + b",".join(map(_ENCODE, page))
        is_first = False
    yield b"]}"


async def _as_page(about: Mapping[str, Any], read: Read, names: Mapping[str, str]) -> AsyncIterator[bytes]:
    title = html.escape(names["title"])
    yield (
        f'<!doctype html><html lang="{names["language"]}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>body{{font:16px/1.6 system-ui,sans-serif;max-width:48rem;margin:1rem auto;padding:0 1rem}}p{{margin:.5rem 0;overflow-wrap:anywhere}}"
        f"small{{color:#555}}pre{{white-space:pre-wrap;background:#f3f3f3;padding:1rem}}</style><h1>{title}</h1>"
    ).encode()
    yield f"<pre>{html.escape(msgspec.json.format(_ENCODE(about), indent=2).decode())}</pre>".encode()
    async for page in _pages(read):
        yield "".join(_line(one, names) for one in page).encode()
    yield b"</html>"


def _line(one: Mapping[str, Any], names: Mapping[str, str]) -> str:
    at = datetime.fromtimestamp(one["at_us"] / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    who = names.get(one["role"], one["role"])
    return f"<p><small>{at} · {html.escape(who)}</small><br>{html.escape(one['text'])}</p>\n"

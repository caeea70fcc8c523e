"""The zip is whole, whatever the history's length, and takes the memory of a page."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from shouban.offices.people.copying import zipped

NOW = datetime(2026, 8, 3, tzinfo=UTC)
NAMES = {"title": "我的数据副本", "language": "zh-CN", "user": "我", "companion": "角色"}


def history(count: int, page: int = 500) -> Any:
    async def read(after: tuple[int, str]) -> list[dict[str, Any]]:
        start = after[0] + 1
        return [
            {"id": f"m{at}", "role": "user", "at_us": at, "text": f"第{at}句 <b>话</b>"}
            for at in range(start, min(start + page, count + 1))
        ]

    return read


async def whole(about: dict[str, Any], count: int) -> bytes:
    return b"".join([part async for part in zipped(about, history(count), NAMES, NOW)])


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1300])
def test_every_message_is_in_both_forms(count: int) -> None:
    archive = ZipFile(BytesIO(asyncio.run(whole({"id": "小雨", "mode": "standard"}, count))))
    assert archive.testzip() is None
    data = json.loads(archive.read("data.json"))
    assert (data["id"], len(data["messages"])) == ("小雨", count)
    assert [one["at_us"] for one in data["messages"]] == list(range(1, count + 1))
    page = archive.read("data.html").decode()
    assert page.count("<p><small>") == count
    assert "<b>话" not in page


def test_a_long_history_takes_the_memory_of_a_page() -> None:
    async def drain() -> int:
        size = 0
        async for part in zipped({}, history(60_000), NAMES, NOW):
            size += len(part)
        return size

    tracemalloc.start()
    size = asyncio.run(drain())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 300_000
    assert peak < 4_000_000


def test_markup_in_what_is_known_is_text() -> None:
    page = ZipFile(BytesIO(asyncio.run(whole({"nickname": "<script>alert(1)</script>"}, 0)))).read("data.html").decode()
    assert "<script>" not in page

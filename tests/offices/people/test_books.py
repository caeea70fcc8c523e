from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shouban.app import open_store
from shouban.db.writer import Job
from shouban.offices.people.appeals import Appeal, Deciding, decided
from shouban.offices.people.books import Books
from shouban.settings import Settings

NOW = datetime(2026, 8, 3, tzinfo=UTC)


def test_of_two_who_decide_at_once_one_is_first(tmp_path: Path, database_url: str) -> None:
    store = open_store(Settings(data=str(tmp_path), database=database_url), {})
    books = Books(store.engine, store.writer)
    case = Appeal("c", "p", "age", "open", NOW, NOW + timedelta(days=15))

    async def both() -> list[str]:
        opening = [books.opening(replace(case, case=name), "s", b"words") for name in ("c", "d")]
        opened = await asyncio.gather(*(store.writer.submit(Job(call=one)) for one in opening), return_exceptions=True)
        assert [getattr(one, "code", "") for one in opened] == ["", "open_already"]
        decisions = [decided(case, Deciding("refused", f"理由是{n}{n}"), by=f"w{n}", at=NOW) for n in range(4)]
        jobs = [store.writer.submit(Job(call=books.deciding(one, b"decision"))) for one in decisions]
        return [getattr(one, "code", "") for one in await asyncio.gather(*jobs, return_exceptions=True)]

    assert asyncio.run(both()) == ["", *["decided_already"] * 3]
    kept, sealed = asyncio.run(books.appeals("s", case="c"))[0]
    assert (kept.state, sealed) == ("refused", b"decision")
    assert asyncio.run(books.appeals("s", state="open")) == []
    assert asyncio.run(books.appeals("t")) == []
    assert asyncio.run(books.due_of("s", "p", "c")) is None
    store.close()

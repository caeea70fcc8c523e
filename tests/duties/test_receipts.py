"""Receipts: who was sent what and when, and when they said that they saw it; once, and by who has the link."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.core.histories import START
from tests.evidence.service import SERVICE, SmallService

from shouban.core import events as e
from shouban.core.errors import CallerError
from shouban.duties.receipts import Receipts


def test_a_receipt_from_sending_to_answering(tmp_path: Path, database_url: str) -> None:
    with SmallService(tmp_path, database_url) as small:
        small.live("a", [e.UserSpoke(at=START, session="s")])
        receipts = Receipts(small.store.engine, small.store.writer)

        async def live() -> None:
            person = await small.road.find(SERVICE, "a")
            assert person is not None
            first = await receipts.open(person, "d1", "mother", START)
            token = await receipts.open(person, "d1", "mother", START)
            assert first == token, "what was not taken may have arrived: its link holds"
            assert await receipts.open(person, "d1", "father", START) != token
            assert await receipts.open(person, "d2", "mother", START) != token
            assert len(token) >= 32
            halves = {person.session(f"receipt{half}\0d1\0mother") for half in (1, 2)}
            assert not any(half in token for half in halves), "no name of a talk makes a token"
            assert receipts.by_token("guessed") is None
            assert receipts.of_person(SERVICE, person.id) == [], "not sent yet"
            call, after = receipts.telling("d1", "mother", "webhook answered 204", START)
            await small.road.act(
                person, e.ContactTold(at=START, person=person.id, duty="d1", contact="mother"), call=call, after=after
            )
            found = receipts.by_token(token)
            assert found is not None
            assert (found.person, found.sent_at, found.answered_at) == (person.id, START, None)
            call, after = receipts.answering(found, START)
            answered = e.ContactAnswered(at=START, person=person.id, duty="d1", contact="mother")
            await small.road.act(person, answered, call=call, after=after)
            with pytest.raises(CallerError) as again:
                await small.road.act(person, answered, call=call, after=after)
            assert again.value.code == "answered_already"
            assert list(receipts.of_duty("d1")) == ["mother"]
            assert receipts.of_duty("d2") == {}
            [shown] = receipts.of_person(SERVICE, person.id)
            assert shown.answered_at == START
            assert receipts.of_person("other", person.id) == []

        small.loop.run(live())
        assert small.report().is_clean

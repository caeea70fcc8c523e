"""An outage said twice is announced once, and its events stand in the log of the service."""

from __future__ import annotations

from pathlib import Path

from tests.evidence.service import verified
from tests.gateway.serving import eventually, noon, serving, settings_for
from tests.gateway.test_outages import Listening, free_port, state

from shouban.core.events import OutageBegan, OutageEnded
from shouban.evidence.log import Decided, decode_entry


def test_beginning_and_end_are_events_whose_announcement_was_carried_out(tmp_path: Path) -> None:
    dead = f"http://127.0.0.1:{free_port()}/v1"
    with serving(settings_for(tmp_path, dead, encoder=False)) as office:
        for place in range(5):
            office.chat("今天食堂的鸡腿没有了", at=noon(minutes=place))
        assert eventually(lambda: state(office) == "outage")
        with Listening(dead):
            assert eventually(lambda: state(office) == "ok")
        entries = [decode_entry(leaf, place) for place, leaf in enumerate(office.entries())]
        events = [
            one.event
            for one in entries
            if isinstance(one, Decided) and isinstance(one.event, OutageBegan | OutageEnded)
        ]
        assert [type(one) for one in events] == [OutageBegan, OutageEnded]
        with office.engine.connect() as connection:
            rows = (
                connection.exec_driver_sql(
                    "select outcome from ledger where kind = 'Announce' and outcome like '%/status'"
                )
                .scalars()
                .all()
            )
        assert sorted(rows) == ["posted at /status", "taken down from /status"]
    assert verified(tmp_path).is_clean

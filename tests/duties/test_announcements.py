"""An announcement on the wire says who it is about, in both languages, and where to read more."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from shouban.duties.announcements import Announcement, ended_frame

NOON = datetime(2026, 8, 3, 4, tzinfo=UTC)


def data_of(frame: bytes) -> dict[str, object]:
    name, data = frame.decode().strip().split("\n", 1)
    assert name.startswith("event: announcement")
    found = json.loads(data.removeprefix("data: "))
    assert isinstance(found, dict)
    return found


def test_it_is_one_event_with_no_line_break_inside() -> None:
    one = Announcement(
        "n1", "one", "outage", "model", {"zh": "故障\n第二行", "en": "a"}, {"zh": "稍后\r\n", "en": "later"}, NOON
    )
    frame = one.frame()
    assert frame.endswith(b"\n\n")
    assert frame.count(b"\n") == 3
    found = data_of(frame)
    assert found["title"] == {"zh": "故障\n第二行", "en": "a"}
    assert found["page"] == "/status"
    assert "service" not in found
    assert data_of(ended_frame("n1")) == {"id": "n1"}

"""What stands on the board is shown once, again where it changed, and its end is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shouban.duties.announcements import Announcement
from shouban.gateway.board import Board

NOON = datetime(2026, 8, 3, 4, tzinfo=UTC)
OUTAGE = Announcement(
    "n1", "one", "outage", "model", {"zh": "故障", "en": "outage"}, {"zh": "稍后", "en": "later"}, NOON
)
ENDING = Announcement(
    "n2",
    "one",
    "ending",
    "service",
    {"zh": "停止"},
    {"zh": "停止"},
    NOON,
    NOON + timedelta(days=40),
    NOON + timedelta(days=30),
)


@dataclass
class Reader:
    shown: dict[str, Any]

    def read(self, board: Board) -> list[str]:
        return [frame.decode().splitlines()[0].removeprefix("event: ") for _, frame in board.news("one", self.shown)]


def test_each_is_shown_once_and_its_end_is_told() -> None:
    board, reader = Board(), Reader({})
    assert reader.read(board) == []
    assert board.put({"one": {"n1": OUTAGE}})
    assert not board.put({"one": {"n1": OUTAGE}})
    assert reader.read(board) == ["announcement"]
    assert reader.read(board) == []
    assert board.put({"one": {"n1": msgspec.structs.replace(OUTAGE, text={"zh": "新"})}})
    assert reader.read(board) == ["announcement"]
    assert board.put({})
    assert reader.read(board) == ["announcement_ended"]
    assert board.posted("one") == []


def test_another_services_notices_are_not_shown() -> None:
    board = Board()
    board.put({"two": {"n1": msgspec.structs.replace(OUTAGE, service="two")}})
    assert Reader({}).read(board) == []
    assert [one.id for one in board.posted("two")] == ["n1"]


def test_what_ends_is_told_to_each_and_over_from_its_day_on() -> None:
    board = Board()
    board.put({"one": {"n1": OUTAGE, "n2": ENDING}})
    assert [one.id for one in board.for_each("one")] == ["n2"]
    assert board.over("one", NOON + timedelta(days=29)) is None
    over = board.over("one", NOON + timedelta(days=30))
    assert over is not None
    assert over.id == "n2"

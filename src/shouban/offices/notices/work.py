"""What the notices office does: announces an outage that the gateway has found, and its end; posts what the staff withdraw; says whom it has reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from shouban.core import events as e
from shouban.core.errors import CallerError
from shouban.db.engine import view
from shouban.db.writer import Job, Writer
from shouban.duties.announcements import Announcement, BoardPort
from shouban.duties.ports import BellsPort, RoadPort
from shouban.evidence.log import Acted, leaf_of
from shouban.offices.notices import model as m
from shouban.offices.notices import records
from shouban.web.access import Who
from shouban.web.language import LANGUAGES, Language, Text

OUTAGE_TITLE: Final = Text("服务故障：暂时无法对话", "Outage: no talks for the moment")
BY_ITSELF: Final = Text(
    "系统自动发现并发布，恢复后自动撤下。", "Found and announced by the system itself; it goes when the model is back."
)


class NoticesOffice:
    """`wording` gives the law pack's words about an outage of a service, with the numbers that answer where it is."""

    def __init__(
        self, road: RoadPort, engine: Engine, writer: Writer, board: BoardPort, bells: BellsPort, wording: Callable[[str, Language], str],
    ) -> None:  # fmt: skip
        self._road = road
        self._engine = engine
        self._writer = writer
        self._board = board
        self._bells = bells
        self._wording = wording
        self.standing: Callable[[frozenset[str]], None] = lambda _: None
        board.reached = self.reached
        board.was_reached = self.was_reached

    # --- by itself

    async def outage(self, service: str, is_out: bool) -> None:  # the gateway's port
        """Announces that the model is gone, or takes the announcement down. Said twice, by two processes too, it is announced once."""
        if is_out:
            await self._begin(service)
        else:
            await self._end(service)
        await self.refresh()

    async def _begin(self, service: str) -> None:
        if await asyncio.to_thread(self._outage, service) is not None:
            return
        at, whom = self._road.now(), await self._road.of_service(service)
        notice = m.Notice(
            records.new_id(), service, "outage", m.MODEL, "posted", at, None, "", 0, self._outage_body(service)
        )
        event = e.OutageBegan(at=at, person=whom.id, what=m.MODEL)

        def post(connection: Connection) -> None:
            if records.outage(connection, service, m.MODEL) is not None:
                raise CallerError("announced already", status=409, code="decided_already")
            statement, row = records.posting(notice)
            try:
                connection.execute(statement, [row])
            except IntegrityError as error:
                raise CallerError("announced already", status=409, code="decided_already") from error

        try:
            await self._road.act(
                whom, event, call=post, after=records.notice_kept(notice.id, at), how="posted at /status"
            )
        except CallerError:
            return

    def _outage_body(self, service: str) -> m.Body:
        zh, en = (f"{self._wording(service, language)}\n{BY_ITSELF.to(language)}".strip() for language in LANGUAGES)
        return m.Body(OUTAGE_TITLE.zh, OUTAGE_TITLE.en, zh, en)

    async def _end(self, service: str) -> None:
        found = await asyncio.to_thread(self._outage, service)
        if found is None:
            return
        at, whom = self._road.now(), await self._road.of_service(service)
        event = e.OutageEnded(at=at, person=whom.id, what=m.MODEL)
        try:
            await self._down(found, at, event, "taken down from /status")
        except CallerError:
            return

    def _outage(self, service: str) -> m.Notice | None:
        with view(self._engine) as connection:
            return records.outage(connection, service, m.MODEL)

    # --- the staff

    async def post(self, who: Who, wish: m.Posting, at: datetime) -> m.Notice:
        local = self._road.settings_of(who.service).local(at)
        body, what = m.checked(wish, local), m.what_of(wish)
        name = records.new_id()
        # Of the outages that staff announce several may stand at once.
        what = what or (name if wish.kind == "outage" else "")
        notice = m.Notice(name, who.service, wish.kind, what, "posted", at, None, who.account, 0, body)
        whom = await self._road.of_service(who.service)
        if wish.kind in {"withdrawal", "ending"}:
            event = e.FeatureWithdrawn(at=at, person=whom.id, feature=what, ends_at=body.ends_at or at)
            await self._road.act(
                whom,
                event,
                writes=[records.posting(notice)],
                after=records.notice_kept(notice.id, at),
                how="posted at /status",
            )
        else:
            facts = {"account": who.account, "notice": notice.id, "kind": wish.kind}
            told = Acted(service=who.service, at=at, act="notice_posted", person="", facts=facts)
            await self._writer.submit(
                Job(writes=[records.posting(notice)], leaves=[leaf_of(told)], after=records.notice_kept(notice.id, at))
            )
        await self.refresh()
        return notice

    async def take_down(self, who: Who, notice: str, at: datetime) -> None:
        found = await asyncio.to_thread(self._by_id, who.service, notice)
        if found is None:
            raise CallerError("there is no such notice", status=404, code="not_found")
        await self._down(found, at, None, "")
        await self.refresh()

    async def _down(self, found: m.Notice, at: datetime, event: e.Event | None, how: str) -> None:
        def down(connection: Connection) -> None:
            count = records.count_reached(connection, found.id)
            if not records.take_down(connection, m.taken_down(found, at, reached=count)):
                raise CallerError("this notice is down already", status=409, code="decided_already")

        if event is not None:
            whom = await self._road.of_service(found.service)
            await self._road.act(whom, event, call=down, after=records.notice_kept(found.id, at), how=how)
            return
        await self._writer.submit(Job(call=down, after=records.notice_kept(found.id, at), alone=True))

    # --- whom it reaches

    async def reached(self, service: str, person: str, notice: str, at: datetime, how: str) -> None:
        await self._writer.submit(Job(writes=[records.reached(self._engine, service, person, notice, at, how)]))

    async def was_reached(self, service: str, person: str, notice: str) -> bool:
        def read() -> bool:
            with view(self._engine) as connection:
                return records.was_reached(connection, service, person, notice)

        return await asyncio.to_thread(read)

    # --- what is shown

    async def shown(self, service: str = "") -> Sequence[m.Notice]:
        """What is up, of one service or of all, the newest first."""

        def read() -> Sequence[m.Notice]:
            with view(self._engine) as connection:
                return records.posted(connection, service)

        return await asyncio.to_thread(read)

    async def archive(self, service: str = "") -> Sequence[m.Notice]:
        def read() -> Sequence[m.Notice]:
            with view(self._engine) as connection:
                return records.archive(connection, service)

        return await asyncio.to_thread(read)

    async def counted(self, service: str) -> tuple[Sequence[tuple[m.Notice, int]], int]:
        """Each notice with how many persons it has reached so far; and how many cases are open, who are to be handed over."""

        def read() -> tuple[Sequence[tuple[m.Notice, int]], int]:
            with view(self._engine) as connection:
                found = records.archive(connection, service)
                counts = [
                    one.reached if one.state == "down" else records.count_reached(connection, one.id) for one in found
                ]
                return list(zip(found, counts, strict=True)), records.open_cases(connection, service)

        return await asyncio.to_thread(read)

    async def refresh(self) -> None:
        """Puts on the board what is up: another process may have posted it."""

        def read() -> list[m.Notice]:
            with view(self._engine) as connection:
                return records.posted(connection)

        posted: dict[str, dict[str, Announcement]] = {}
        found = await asyncio.to_thread(read)
        for one in found:
            posted.setdefault(one.service, {})[one.id] = announced(one)
        self.standing(frozenset(one.service for one in found if one.kind == "outage" and one.what == m.MODEL))
        if self._board.put(posted):
            self._bells.ring_all()

    def _by_id(self, service: str, notice: str) -> m.Notice | None:
        with view(self._engine) as connection:
            return records.by_id(connection, service, notice)


def announced(one: m.Notice) -> Announcement:
    body = one.body
    return Announcement(
        one.id, one.service, one.kind, one.what, {"zh": body.title_zh, "en": body.title_en}, {"zh": body.text_zh, "en": body.text_en}, one.posted_at, body.ends_at,
        body.over_at,
    )  # fmt: skip

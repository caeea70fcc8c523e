"""Tells people of complaints: whoever handles them before the time is over and after it, and whoever complained of the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from shouban.core.errors import CallerError, OperatorError
from shouban.core.obligations import RemindStaff, TellComplainant
from shouban.duties.channels import Channels, Message
from shouban.duties.ledger import Duty
from shouban.duties.workdays import deadline
from shouban.evidence.log import moment
from shouban.offices.complaints import model as m
from shouban.offices.complaints.work import ComplaintsOffice
from shouban.web.language import Text

NEAR: Final = Text("守伴：一件投诉快到期了", "Shouban: a complaint is nearly due")
LATE: Final = Text("守伴：一件投诉已经逾期", "Shouban: a complaint is overdue")
REMINDER: Final = Text("到期时间 {due}，还没有答复。请打开：{page}", "Due {due}, and not answered yet. Open {page}")
ANSWERED: Final = Text("您的投诉有了结果", "Your complaint has been answered")
TOLD: Final = Text(
    "编号 {number} 已有结果和理由说明。请打开 {page}，输入编号查看；不满意可以在那里申诉，由另一位工作人员重新决定。",
    "Number {number} has been answered, with reasons. Open {page} and enter the number. You can appeal there; another person then decides.",
)


class Telling:
    """The two carriers; `addresses` are of whoever handles complaints, by the operator's own choice."""

    def __init__(
        self, office: ComplaintsOffice, channels: Channels, operators: Channels, addresses: Sequence[str], base: str
    ) -> None:
        self._office = office
        self._channels = channels
        self._operators = operators
        self._addresses = addresses
        self._base = base

    async def remind(self, duty: Duty) -> str:
        owed = duty.owed
        assert isinstance(owed, RemindStaff)  # noqa: S101  # the worker gives each carrier its own kind
        if not await asyncio.to_thread(self._office.is_owed, duty.service, duty.person, owed.case):
            return "it was answered before"
        place = await self._place(duty, owed)
        if not self._addresses:
            return f"stands at the top of {place.rpartition('/')[0]}; nobody is named in `complaints_desk`"
        by = owed.answer_by or moment(duty.owed_us) + timedelta(days=15)
        due = deadline(self._office.terms(duty.service)[0].local(by))
        page = f"{self._base}{place}"
        text = "\n".join(one.format(due=due, page=page) for one in (REMINDER.zh, REMINDER.en))
        message = Message(duty.id, (LATE if owed.late else NEAR).zh, text, {"page": page})
        return await self._each(message)

    async def tell(self, duty: Duty) -> str:
        owed = duty.owed
        assert isinstance(owed, TellComplainant)  # noqa: S101  # likewise
        found = await self._office.to_be_told(duty.service, owed.case)
        if found is None:
            return "the office that decided it tells the person"
        if found.has_withdrawn:
            return "whoever complained has withdrawn it"
        if not found.contact:
            return (
                "pushed to the app, and at /complaints by its number"
                if found.is_known
                else "at /complaints by its number: no channel was named"
            )
        page = f"{self._base}/complaints/status"
        text = "\n".join(one.format(number=found.number, page=page) for one in (TOLD.zh, TOLD.en))
        try:
            return await self._channels.send(
                m.address_of(found.contact), Message(duty.id, ANSWERED.zh, text, {"page": page})
            )
        except CallerError as error:
            raise OperatorError(str(error)) from error

    async def _place(self, duty: Duty, owed: RemindStaff) -> str:
        """Where it is answered: appeals against a restriction or an age have desks of their own."""
        if await self._office.is_ours(duty.service, owed.case):
            return f"/office/complaints/{owed.case}"
        return f"/office/restrictions/{owed.case}" if owed.about == "restriction" else "/office/appeals"

    async def _each(self, message: Message) -> str:
        told, faults = [], []
        for place, address in enumerate(self._addresses, 1):
            try:
                told.append(f"{place}: {await self._operators.send(address, message)}")
            except OperatorError as error:
                faults.append(f"{place}: {error}")
        if not told:
            raise OperatorError(f"nobody who handles complaints could be reached ({'; '.join(faults)})")
        return "; ".join([*told, *faults])

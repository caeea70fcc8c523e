"""Who may do what: Cedar policies (`policies/access.cedar`), deny by default. Every route of a page asks here before it does anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final, Literal, get_args

import cedarpy

from shouban.core.errors import CallerError
from shouban.web.language import Text
from shouban.web.roles import Role

# What may be done to a person's data, and in a service.
OfPerson = Literal[
    "see_own", "copy_own", "erase_own", "set_own", "see_looks", "see_summary", "set_limits", "decide_purchase", "erase_child", "give_consent",
    "leave_child", "see_person", "see_contacts", "export_case", "read_words", "break_glass", "decide_age", "restrict", "end_link",
]  # fmt: skip
OfService = Literal[
    "see_queue", "take_case", "lead_desk", "see_complaints", "decide_complaint", "see_companions", "review_companion", "see_grants", "see_evidence",
    "see_processors", "set_processors", "see_notices", "post_notices", "see_accounts", "set_accounts", "see_office", "find_people", "see_appeals", "see_children", "see_restrictions", "report_hazard",
]  # fmt: skip
Action = OfPerson | OfService
OF_PERSON: Final[tuple[OfPerson, ...]] = get_args(OfPerson)
OF_SERVICE: Final[tuple[OfService, ...]] = get_args(OfService)

# In words, for the table in `docs/access.md`.
MEANING: Final[dict[str, Text]] = {
    "see_own": Text("查看自己的数据和设置", "see one's own data and settings"),
    "copy_own": Text("导出自己的数据", "copy one's own data"),
    "erase_own": Text("删除自己的数据", "erase one's own data"),
    "set_own": Text("更改自己的设置和同意", "change one's own settings and consents"),
    "see_looks": Text("查看谁看过自己的数据、为什么", "see who looked at one's data, and why"),
    "see_summary": Text("查看孩子的使用概要（不含内容）", "see a child's summary (no content)"),
    "set_limits": Text("设置孩子的时长、宵禁、屏蔽、功能", "set a child's limits, curfew, blocks, features"),
    "decide_purchase": Text("批准或拒绝孩子的消费", "approve or refuse a child's purchase"),
    "erase_child": Text("删除孩子的历史", "erase a child's history"),
    "give_consent": Text("代孩子同意或撤回", "consent for a child, or withdraw"),
    "leave_child": Text("解除与孩子的关联", "end the link with a child"),
    "see_children": Text("打开监护人页面", "open the guardian's page"),
    "see_person": Text("查看一个人的状态和时间线（不含内容）", "see a person's state and timeline (no words)"),
    "see_contacts": Text("查看一个人的联系人", "see a person's contacts"),
    "export_case": Text("导出个案档案（不含内容，接手者除外）", "take a case's file along (no words, but for who has the case)"),
    "read_words": Text("阅读一个人的话（须破窗）", "read a person's words (glass broken)"),
    "break_glass": Text("说明理由后限时查看内容", "break the glass, for a reason and a while"),
    "decide_age": Text("裁决年龄申诉", "decide an appeal about age"),
    "end_link": Text("解除监护人与孩子的关联", "end a guardian's link with a child"),
    "restrict": Text("限制对一个人的服务", "restrict the service for a person"),
    "see_restrictions": Text("查看限制、理由和报告", "see restrictions, their reasons and reports"),
    "report_hazard": Text("登记对已删除的人的报告", "mark what was reported of somebody who was erased"),
    "see_queue": Text("查看待人工处理的队列", "see who needs a person"),
    "see_appeals": Text("查看年龄申诉", "see appeals about age"),
    "take_case": Text("接手个案", "take a case"),
    "lead_desk": Text("排班，旁听、提示、加入同事的个案", "set shifts; listen to a colleague's case, whisper, join"),
    "see_complaints": Text("查看投诉", "see complaints"),
    "decide_complaint": Text("裁决投诉", "decide complaints"),
    "see_companions": Text("查看角色与版本", "see companions and their versions"),
    "review_companion": Text("审核角色", "review companions"),
    "see_grants": Text("查看破窗记录", "see where glass was broken"),
    "see_evidence": Text("查看与核验证据", "see and verify the evidence"),
    "see_processors": Text("查看接收数据的第三方", "see who receives data"),
    "set_processors": Text("登记接收数据的第三方", "register who receives data"),
    "see_notices": Text("查看公告与送达", "see notices, and whom they have reached"),
    "post_notices": Text("发布与撤下公告", "post notices, and take them down"),
    "see_accounts": Text("查看工作人员账号", "see staff accounts"),
    "set_accounts": Text("管理工作人员账号", "manage staff accounts"),
    "see_office": Text("打开办公页面", "open the office"),
    "find_people": Text("按应用内的号查找一个人", "find a person by the app's id"),
}  # fmt: skip


@dataclass(frozen=True)
class Who:
    """Who asks: an account (staff, guardian), or a person of the app signed in to their own data. `full`: with all factors."""

    service: str
    account: str = ""
    person: str = ""
    roles: frozenset[Role] = frozenset()
    full: bool = True
    name: str = ""

    @property
    def uid(self) -> dict[str, str]:
        return {"type": "Account", "id": self.account} if self.account else {"type": "Person", "id": self.person}


@dataclass(frozen=True)
class Subject:
    """A person whose data are asked for: whose child this is, and whether a break-glass grant of the asker's stands."""

    service: str
    person: str
    guardians: frozenset[str] = frozenset()
    granted: bool = field(default=False)


@cache
def policies() -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_str(_file("access.cedar"))


def schema() -> str:
    return _file("access.cedarschema")


def may(who: Who, action: Action, subject: Subject | None = None) -> bool:
    """Whether `who` may do this to `subject`, or in their own service where there is none. Raises nothing: whatever fails is a no."""
    context = {"full": who.full, "granted": bool(subject and subject.granted)}
    of = {"type": "Person", "id": subject.person} if subject else {"type": "Service", "id": who.service}
    asked = {"principal": who.uid, "action": {"type": "Action", "id": action}, "resource": of, "context": context}
    found: bool = cedarpy.is_authorized(asked, policies(), _entities(who, subject)).allowed
    return found


def require(who: Who, action: Action, subject: Subject | None = None) -> None:
    """Raises a `CallerError` (403) where they may not."""
    if not may(who, action, subject):
        raise CallerError("your role does not allow this", status=403, code="not_allowed")


def _entities(who: Who, subject: Subject | None) -> list[dict[str, Any]]:
    roles = [{"type": "Role", "id": role} for role in sorted(who.roles)]
    found = [_entity(who.uid, {"service": _service(who.service)} | ({} if who.account else {"guardians": []}), roles)]
    if subject and (who.account or subject.person != who.person):
        guardians = [{"__entity": {"type": "Account", "id": one}} for one in sorted(subject.guardians)]
        attributes = {"service": _service(subject.service), "guardians": guardians}
        found.append(_entity({"type": "Person", "id": subject.person}, attributes, []))
    return found


def _entity(uid: dict[str, str], attributes: dict[str, Any], parents: list[dict[str, str]]) -> dict[str, Any]:
    return {"uid": uid, "attrs": attributes, "parents": parents}


def _service(service: str) -> dict[str, Any]:
    return {"__entity": {"type": "Service", "id": service}}


def _file(name: str) -> str:
    return resources.files("shouban.web").joinpath("policies", name).read_text("utf-8")

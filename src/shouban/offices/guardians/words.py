"""The words of the guardian's pages and of the invitation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shouban.core.events import AgeBand, Purpose
from shouban.duties.channels import Message
from shouban.duties.ports import PersonPort
from shouban.offices.guardians.model import Topic
from shouban.web.language import Language, Text

TOPICS: Final[dict[Topic, Text]] = {
    "feelings": Text("心情", "feelings"), "danger": Text("安全", "safety"), "school": Text("学校和成长", "school and growing up"), "closeness": Text("亲密话题", "closeness"),
    "money": Text("钱", "money"), "unsuitable": Text("不适宜的内容", "unsuitable things"), "other": Text("其他", "other things"),
}  # fmt: skip
BANDS: Final[dict[AgeBand, Text]] = {
    "under_14": Text("未满 14 周岁", "under 14"), "14_15": Text("14–15 周岁", "14–15"), "16_17": Text("16–17 周岁", "16–17"), "adult": Text("成年", "of age"),
    "elder": Text("长者", "elder"), "unknown": Text("年龄未知", "age unknown"),
}  # fmt: skip
PURPOSES: Final[dict[Purpose, Text]] = {
    "companionship": Text("孩子可以使用情感陪伴服务", "my child may use the companion service"),
    "sensitive_data": Text("处理孩子的敏感个人信息", "my child's sensitive data may be handled"),
    "training": Text("用孩子的聊天内容训练模型", "models may be trained on what my child says"),
    "minor_third_party": Text("把孩子的聊天内容提供给第三方", "what my child says may be given to third parties"),
}
EXEMPTIONS: Final = {
    "reality-reminder": Text("不再每半小时提醒", "no reminder every half hour"), "daily-limit": Text("不限每天时长", "no daily limit"), "curfew": Text("夜里也可以用", "also at night"),
}  # fmt: skip
ALERTS: Final = {
    "owed": Text("正在通知", "being told"),
    "done": Text("已通知", "told"),
    "failed": Text("没有通知到，工作人员在跟进", "could not be told; staff follow up"),
}
MOODS: Final = {
    "falling": Text("变差", "getting worse"),
    "steady": Text("平稳", "steady"),
    "rising": Text("变好", "getting better"),
}

WORDS: Final[dict[str, Text]] = {
    "title": Text("监护人 · 守伴", "Guardian · Shouban"),
    "heading": Text("我的孩子", "My children"),
    "no_children": Text("还没有关联的孩子。请在孩子的应用里发送邀请。", "No child is linked yet. Send an invitation from the child's app."),
    "open": Text("查看", "Open"),
    "today": Text("今天", "today"),
    "min": Text("分钟", "min"),
    "week": Text("最近七天", "The last seven days"),
    "no_words": Text("这里没有孩子说的话。", "None of your child's words are here."),
    "total": Text("合计", "in all"),
    "companions": Text("聊天的角色", "Companions"),
    "none": Text("没有", "none"),
    "topics": Text("大致类型", "Kinds of topic"),
    "times": Text("次", "times"),
    "mood": Text("心情走势", "Mood"),
    "alerts": Text("安全提醒", "Safety alerts"),
    "limits": Text("设置", "Settings"),
    "minutes": Text("每天最多几分钟（空着按法律默认：16 岁以下 60，16–17 岁 120）", "Minutes a day (empty: the law's own, 60 under 16, 120 at 16 and 17)"),
    "exemptions": Text("放宽", "Lift"),
    "blocked": Text("屏蔽的角色编号，用逗号分开", "Companions to block, ids separated by commas"),
    "purchases": Text("允许消费（有年龄限额）", "Allow spending (within caps by age)"),
    "save": Text("保存", "Save"),
    "saved": Text("已保存，立刻生效。", "Saved; it holds from now on."),
    "consents": Text("我的同意", "What I allow"),
    "consent_about": Text("撤回后，一秒之内停止。", "Once withdrawn, it stops within a second."),
    "allowed": Text("已同意", "allowed"),
    "not_allowed": Text("未同意", "not allowed"),
    "allow": Text("同意", "Allow"),
    "withdraw": Text("撤回", "Withdraw"),
    "erase": Text("删除孩子的聊天记录", "Delete my child's history"),
    "erase_about": Text("删除后不能恢复；账号和保护设置还在。", "This cannot be undone; the account and its protections stay."),
    "sure": Text("我确定", "I am sure"),
    "erased": Text("已删除", "Deleted"),
    "certificate": Text("删除证书", "Certificate of deletion"),
    "leave": Text("解除关联", "End the link"),
    "leave_about": Text("解除后您看不到概要，也不能再设置；孩子会被告知。", "You will see and set nothing any more; your child is told."),
    "back": Text("返回", "Back"),
    "invited_heading": Text("您被邀请成为监护人", "You are invited to be a guardian"),
    "invited_child": Text("孩子", "Child"),
    "invited_about": Text(
        "接受后，您能看到孩子用了多久、和哪些角色聊、聊的大致类型、心情走势和安全提醒，看不到孩子说的话。孩子会被告知这些。您能设置时长、屏蔽角色、消费，能同意、撤回、删除。",
        "Once you accept you see how long your child is here, with which companions, about what kinds of things, how their mood goes, and safety alerts; not "
        "what they say. Your child is told so. You can set times, block companions, open spending, consent, withdraw, and delete.",
    ),
    "account": Text("账号（自己取一个，例如手机号）", "Name (choose one, such as your phone number)"),
    "password": Text("密码（至少 10 个字符）", "Password (at least 10 characters)"),
    "again": Text("再输一遍密码", "Password again"),
    "have_account": Text("已经有监护人账号的，填原来的账号和密码，不用再输一遍。", "If you have a guardian account already, use its name and password, and leave the second field empty."),
    "id_number": Text("您的身份证号（只核对，不保存）", "Your identity number (looked at, not kept)"),
    "agreed": Text("我是这个孩子的父母或其他监护人", "I am this child's parent or other guardian"),
    "accept": Text("接受", "Accept"),
    "language": Text("English", "中文"),
}  # fmt: skip

_INVITATION: Final = Text(
    "{who}在陪伴服务里登记您为监护人。打开链接确认，就能收到安全提醒、查看使用概要、设置时长（7 天内有效，请勿转给孩子）：{address}",
    "{who} has named you as guardian at a companion service. Open this link to confirm; you will get safety alerts, a summary of use, and limits to set (valid "
    "for 7 days; do not pass it to the child): {address}",
)
_CHILD: Final = Text("您的孩子", "Your child")


def invitation_message(person: PersonPort, contact: Mapping[str, Any], address: str, key: str) -> Message:
    language: Language = person.profile.get("language") or "zh"
    who = person.profile.get("nickname") or _CHILD.to(language)
    return Message(
        key,
        "守伴 Shouban",
        _INVITATION.to(language).format(who=who, address=address),
        {"contact": contact.get("name", "")},
    )

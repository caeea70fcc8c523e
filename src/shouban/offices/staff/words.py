"""The words of the office's pages, and what each entry of a person's record is called."""

from __future__ import annotations

from typing import Final

from shouban.core.events import AgeBand, AgeBasis, Mode
from shouban.core.state import Takeover
from shouban.packs.words import EVENT_WORDS, OBLIGATION_WORDS
from shouban.web.language import Text

WORDS: Final[dict[str, Text]] = {
    "title": Text("办公 · 守伴", "Office · Shouban"),
    "hello": Text("办公", "Office"),
    "your_roles": Text("您的角色", "Your roles"),
    "find": Text("查找一个人", "Find a person"),
    "app_id": Text("应用内的用户号", "The app's id for them"),
    "go": Text("打开记录", "Open the record"),
    "find_about": Text("打开记录会留痕：本人可以看到谁、因何看过。", "Opening a record leaves a trace: the person can see who looked, and why."),
    "not_found": Text("没有这个用户。", "There is no such user."),
    "accounts": Text("工作人员账号", "Staff accounts"),
    "name": Text("账号", "Name"),
    "password": Text("密码", "Password"),
    "password_about": Text("至少 10 个字符。", "At least 10 characters."),
    "roles": Text("角色", "Roles"),
    "codes": Text("动态验证码", "One-time codes"),
    "codes_set": Text("已设置", "set"),
    "codes_none": Text("未设置", "not set"),
    "state": Text("状态", "State"),
    "active": Text("可用", "active"),
    "disabled": Text("停用", "disabled"),
    "add": Text("新建账号", "Add an account"),
    "save": Text("保存", "Save"),
    "disable": Text("停用", "Disable"),
    "enable": Text("恢复", "Enable"),
    "reset_codes": Text("重设验证码", "Reset codes"),
    "set_password": Text("设新密码", "Set password"),
    "shown": Text("称呼", "Shown as"),
    "shown_about": Text("同事和接受帮助的人看到的名字，例如“小林”；不填就用账号。账号只用来登录，不必让别人知道。", "What colleagues and the people they help read; by default the account's name, which is for signing in and nobody else's to know."),
    "address": Text("联系地址", "Address"),
    "address_about": Text("邮箱、手机号或机器人地址；值关怀班时按它呼叫。可以不填。", "Mail, phone or a messenger's robot; who is on a care shift is paged there. May be left out."),
    "change": Text("更改", "Change"),
    "record": Text("记录（不含内容）", "Record (no words)"),
    "age": Text("年龄段", "Age band"),
    "mode": Text("模式", "Mode"),
    "risk": Text("近期危险", "Recent danger"),
    "dependence": Text("依赖程度", "Dependence"),
    "takeover": Text("人工接管", "Human takeover"),
    "contacts": Text("联系人", "Contacts"),
    "contacts_hidden": Text("您的角色不能看联系人。", "Your role does not see contacts."),
    "no_contacts": Text("没有登记联系人。", "No contact on record."),
    "unsafe": Text("不安全", "unsafe"),
    "number": Text("记录号", "Entry"),
    "when": Text("时间", "When"),
    "what": Text("事件", "What"),
    "read": Text("读数", "Read"),
    "owed": Text("义务", "Owed"),
    "guardians": Text("关联的监护人", "Linked guardians"),
    "restrict": Text("限制、暂停或终止对这个人的服务", "Limit, suspend or end this person's service"),
    "glass": Text("破窗查看内容", "Break the glass"),
    "glass_about": Text(
        "只有为了人的安全才看内容。理由、时间和您的账号会写入证据，合规人员和本人都会看到。",
        "Read words only for somebody's safety. The reason, the time and your account go into the evidence; compliance and the person see them.",
    ),
    "reason": Text("理由", "Reason"),
    "minutes": Text("分钟", "minutes"),
    "break": Text("破窗", "Break the glass"),
    "words": Text("内容", "Words"),
    "grants": Text("破窗记录", "Where the glass was broken"),
    "who": Text("谁", "Who"),
    "whom": Text("看了谁", "Whose"),
    "since": Text("开始", "From"),
    "until": Text("到期", "Until"),
    "erased": Text("（已删除）", "(erased)"),
    "stands": Text("有效中", "stands"),
    "none": Text("没有记录。", "Nothing on record."),
    "by_user": Text("本人", "Person"),
    "by_companion": Text("角色", "Companion"),
    "by_human": Text("工作人员", "Staff"),
    "by_other": Text("其他", "Other"),
}  # fmt: skip

ACTS: Final[dict[str, Text]] = {name: Text(*pair) for name, pair in EVENT_WORDS.items()} | {
    "looked": Text("有人查看了记录", "somebody looked at the record"),
    "glass_broken": Text("破窗查看内容", "the glass was broken"),
    "person_signed_in": Text("本人登录查看自己的数据", "the person signed in to their own data"),
    "erased": Text("已删除", "erased"),
    "ended": Text("义务了结", "a duty ended"),
    "restriction_proposed": Text("有人提议限制服务", "a restriction was proposed"),
    "restriction_refused": Text("限制服务的提议未被确认", "a proposed restriction was refused"),
    "restriction_withdrawn": Text("限制服务的提议已撤回", "a proposed restriction was taken back"),
    "hazard_reported": Text("已向主管部门报告", "reported to the authority"),
}

OWED: Final[dict[str, Text]] = {name: Text(*pair) for name, pair in OBLIGATION_WORDS.items()}
# How a person's state reads in words.
STATE: Final[dict[AgeBand | AgeBasis | Mode | Takeover, Text]] = {
    "under_14": Text("未满 14 周岁", "under 14"), "14_15": Text("14–15 周岁", "14–15"), "16_17": Text("16–17 周岁", "16–17"), "adult": Text("成年人", "adult"),
    "elder": Text("老年人", "elder"), "unknown": Text("未知", "unknown"), "none": Text("无", "none"), "declared": Text("本人申报", "declared"),
    "device_signal": Text("设备信号", "device signal"), "verified": Text("已核验", "verified"), "behaviour": Text("言行判断", "behaviour"), "standard": Text("普通模式", "standard"),
    "minor": Text("未成年人模式", "minors mode"), "requested": Text("已请人工", "a person was called"), "human": Text("人工接管中", "a person speaks"),
}  # fmt: skip

"""The words of `/me`."""

from __future__ import annotations

from typing import Final

from shouban.core.events import Purpose
from shouban.web.language import Text

# What a person may allow or not; all are off until they say so. What a companion needs to answer at all is not among them.
PURPOSES: Final[dict[Purpose, Text]] = {
    "training": Text("用我的聊天内容训练模型", "train models on what I say"),
    "sensitive_data": Text(
        "处理我的敏感个人信息（健康、情感等）", "handle my sensitive data (health, feelings and the like)"
    ),
    "third_party": Text("把我的聊天内容提供给第三方", "give what I say to third parties"),
}
AREAS: Final = {
    "record": Text("状态和时间线（不含内容）", "state and timeline (no words)"),
    "words": Text("聊天内容", "what was said"),
    "summary": Text("一周概况（不含内容）", "a week in summary (no words)"),
}

WORDS: Final[dict[str, Text]] = {
    "title": Text("我的数据 · 守伴", "My data · Shouban"),
    "heading": Text("我的数据", "My data"),
    "about": Text("这里是我们保存的关于您的全部内容，您可以查看、导出、删除。", "This is all that we keep about you. You may see it, copy it, and delete it."),
    "who_i_am": Text("我是谁", "Who I am"),
    "age": Text("年龄段", "Age band"),
    "evidence": Text("依据", "by"),
    "mode": Text("模式", "Mode"),
    "standard": Text("普通模式", "standard"),
    "minor": Text("未成年人模式", "minors mode"),
    "elder": Text("长者模式", "elders' mode"),
    "minor_why": Text("您说过的一些话像是未成年人说的，所以先打开了未成年人模式。", "Some of what you said sounded like a minor, so minors mode was turned on first."),
    "into_minor": Text("打开未成年人模式", "Turn minors mode on"),
    "out_of_minor": Text("退出需要监护人核验，或通过下面的申诉。", "To leave it a guardian must verify, or appeal below."),
    "appeal": Text("我不是未成年人：请人来裁决", "I am no minor: ask a person to decide"),
    "appeal_reason": Text("理由（可不填）", "Why (optional)"),
    "appeal_send": Text("提交申诉", "Appeal"),
    "appeal_open": Text("申诉处理中，最迟答复", "Your appeal is open; an answer comes by"),
    "appeal_upheld": Text("申诉成立", "Your appeal was upheld"),
    "appeal_refused": Text("申诉未成立", "Your appeal was refused"),
    "contacts": Text("联系人", "Contacts"),
    "no_contacts": Text("还没有登记联系人。有危险时我们会联系他们。", "No contact yet. We call them when you are in danger."),
    "set_contacts": Text("添加和验证联系人", "Add and verify contacts"),
    "unverified": Text("未验证", "not verified"),
    "verified": Text("已验证", "verified"),
    "recheck": Text("需要重新验证", "to be verified again"),
    "unsafe": Text("不联系", "never called"),
    "consents": Text("我的同意", "What I allow"),
    "consents_about": Text("都可以随时更改，不同意也能照常聊天。", "Change it at any time; you can talk all the same."),
    "allowed": Text("已同意", "allowed"),
    "not_allowed": Text("未同意", "not allowed"),
    "allow": Text("同意", "Allow"),
    "withdraw": Text("撤回", "Withdraw"),
    "use": Text("最近使用", "Recent use"),
    "dependence": Text("依赖程度", "Dependence"),
    "copy_heading": Text("导出一份", "Copy"),
    "copy_about": Text("一个压缩包：给机器看的 JSON 和给人看的网页。", "A zip: JSON for machines, a page for people."),
    "download": Text("下载", "Download"),
    "copy_title": Text("我的数据副本", "A copy of my data"),
    "messages": Text("聊天记录", "What was said"),
    "see_messages": Text("查看聊天记录", "See what was said"),
    "more": Text("下一页", "Next page"),
    "none": Text("没有记录。", "Nothing here."),
    "looks": Text("谁看过我的数据", "Who looked at my data"),
    "see_looks": Text("查看访问记录", "See who looked"),
    "looks_about": Text("工作人员每次查看都会写入不能改的日志。", "Each look by staff is written to a log that cannot be changed."),
    "nobody": Text("没有人看过。", "Nobody has looked."),
    "when": Text("时间", "When"),
    "who": Text("谁", "Who"),
    "what": Text("看了什么", "What"),
    "why": Text("为什么", "Why"),
    "broke": Text("为安全破窗，可看内容", "broke the glass for safety, to read words"),
    "entry": Text("日志条目", "log entry"),
    "erase": Text("删除", "Delete"),
    "erase_all": Text("删除我的全部数据", "Delete all my data"),
    "erase_about": Text(
        "删除后不能恢复，账号也会注销。法律要求保存的日志里没有您的话和名字。",
        "This cannot be undone, and closes the account. The logs that a law keeps hold neither your words nor your name.",
    ),
    "sure": Text("我确定要删除全部", "I am sure: delete all"),
    "tick_first": Text("请先勾选确认。", "Tick the box first."),
    "erase_message": Text("删除这一条", "Delete this"),
    "erased": Text("已删除", "Deleted"),
    "certificate": Text("删除证书", "Certificate of deletion"),
    "certificate_about": Text("这份证书由服务签名，任何人都能离线核验。请自行保存。", "The service has signed this; anyone can verify it offline. Keep it."),
    "key": Text("核验公钥", "Verifier key"),
    "rows": Text("删除的行数", "rows deleted"),
    "back": Text("返回", "Back"),
    "by_user": Text("我", "Me"),
    "by_companion": Text("角色", "Companion"),
    "by_human": Text("工作人员", "Staff"),
    "by_other": Text("其他", "Other"),
}  # fmt: skip

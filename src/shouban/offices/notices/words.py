"""The words of the notices pages."""

from __future__ import annotations

from typing import Final

from shouban.web.language import Text

KINDS: Final[dict[str, Text]] = {
    "outage": Text("故障", "Outage"),
    "withdrawal": Text("功能下线", "A feature is withdrawn"),
    "ending": Text("服务停止", "The service ends"),
    "news": Text("公告", "Notice"),
}
STATES: Final[dict[str, Text]] = {"posted": Text("生效中", "up"), "down": Text("已撤下", "taken down")}

WORDS: Final[dict[str, Text]] = {
    "title": Text("服务公告 · 守伴", "Service notices · Shouban"),
    "brand": Text("守伴", "Shouban"),
    "language": Text("English", "中文"),
    "heading": Text("服务公告", "Service notices"),
    "fine": Text("服务正常", "All is well"),
    "has_outage": Text("服务故障", "There is an outage"),
    "checked_at": Text("本页生成于", "This page was made at"),
    "current": Text("现在的公告", "Notices now"),
    "none": Text("没有。", "None."),
    "archive": Text("以往的公告", "Past notices"),
    "feed": Text("订阅（RSS）", "Subscribe (RSS)"),
    "since": Text("开始", "Since"),
    "until": Text("结束", "Until"),
    "by_itself": Text("系统自动发布", "announced by the system itself"),
    "ends_at": Text("停止日期", "Ends on"),
    "read_only_at": Text("从这天起不能再聊天，只能查看和导出", "From then on no more chats; reading and copying only"),
    "export_until": Text("导出和删除到", "Copy and delete until"),
    "refunds": Text("退款", "Refunds"),
    "how_to_copy": Text(
        "在应用的“我的数据”里可以导出全部聊天记录，也可以删除。",
        "At “My data” in the app you can copy all your chats, or delete them.",
    ),
    "sad": Text(
        "如果这让你难过，可以和身边的人说说，或者打 12356（未成年人 12355）。",
        "If this saddens you, talk with someone close, or call 12356 (young people 12355).",
    ),
    "complain": Text("投诉与举报", "Complaints"),
    # --- the staff
    "desk_title": Text("公告发布 · 守伴", "Notices desk · Shouban"),
    "desk_heading": Text("公告发布", "Notices"),
    "post": Text("发布公告", "Post a notice"),
    "kind": Text("类型", "Kind"),
    "title_zh": Text("标题（中文）", "Title (Chinese)"),
    "title_en": Text("标题（英文，可不填）", "Title (English, optional)"),
    "text_zh": Text("正文（中文）", "Text (Chinese)"),
    "text_en": Text("正文（英文，可不填）", "Text (English, optional)"),
    "plan": Text("下线或停止的计划", "The plan of a withdrawal"),
    "plan_hint": Text(
        "功能下线和服务停止必须填写：至少提前 30 天，否则写明原因。",
        "Needed for a withdrawal or an end: at least 30 days ahead, or say why not.",
    ),
    "what": Text("下线的功能", "The feature that is withdrawn"),
    "ends_on": Text("停止日期", "Ends on"),
    "read_only_on": Text("停止聊天日期（可不填）", "No more chats from (optional)"),
    "export_until_day": Text("导出截止（不填为停止后 30 天）", "Copies until (by default 30 days after the end)"),
    "refunds_plan": Text("退款怎么办", "How money is returned"),
    "crisis_plan": Text("正在危机中的人交给谁、怎么交接", "Who takes over people in crisis, and how"),
    "why_so_soon": Text("不足 30 天的原因", "Why less than 30 days"),
    "open_cases": Text(
        "现在有 {n} 个关怀个案没有结案，停止之前要逐一交接。",
        "{n} care cases are open now; each must be handed over before the end.",
    ),
    "reached": Text("已送达", "Reached"),
    "persons": Text("人", "persons"),
    "take_down": Text("撤下", "Take down"),
    "all": Text("全部公告", "All notices"),
}

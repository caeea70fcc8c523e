"""What a page says when a form does not fit, in the reader's language: by the error's code, or by its field where the code says no more."""

from __future__ import annotations

from typing import Final

from shouban.core.errors import CallerError
from shouban.web.language import Language

# The code says all there is to say.
BY_CODE: Final[dict[str, str]] = {
    "answered_already": "这条已经确认过了。", "decided_already": "刚才已经有人决定了。", "is_minor": "未满 18 周岁一直是未成年人模式，可以改里面的限制。",
    "name_taken": "这个账号名已经有人用了，请换一个；如果是您自己的，请填原来的密码。", "no_code": "还没有验证码，或者已经过期，请重新发送。", "no_invitation": "邀请已经用过或者过期了，请让孩子重新发送。",
    "no_link": "您没有关联这个孩子，或者已经解除。", "no_name": "请填写怎么称呼。", "no_number": "这不是手机号，也不是邮箱，请检查一下。", "not_allowed": "您的身份不能做这件事。",
    "not_found": "没有找到，可能已经删除或过期。", "not_of_age": "监护人必须是成年人。", "not_sent": "没有发出去，请检查号码，或者换一种方式。", "not_verified": "姓名和身份证号对不上。",
    "open_already": "已经有一个申诉在处理。", "other_site": "请求来自别的网站，请打开本页再试。", "own_guardian": "这是孩子自己的出生日期。", "too_many_codes": "刚发过验证码，请等一分钟再发；一天最多发五次。",
    "too_many_tries": "试错太多次，请过一会儿再试。", "unsafe_contact": "这个页面已经关闭，请联系服务方。", "user_not_found": "这个账号已经删除。", "wrong_code": "验证码不对，请再看一遍。",
    "wrong_password": "账号或密码不对。", "guardian_needed": "这要由监护人决定。", "second_person": "做出原决定的人不能再决定一次。",
    "own_account": "不能改自己的账号，请另一位管理员来改。", "cannot_move": "这个版本现在不能这样改。", "stopped": "有不能通过的问题，请先补齐材料。", "appealed_already": "已经申诉过了。",
    "link_used": "这个链接已经用过或过期了，请在应用里重新打开。", "too_many_invitations": "今天发的邀请太多了，请明天再试。",
    "wrong_day": "日期不对：写成 2026-12-31 这样，停止要在今天之后，停止聊天不晚于停止，导出不早于停止。", "too_soon_to_end": "离停止不足 30 天：请写明为什么这么急。", "no_receipt": "没有这个编号，请检查一下。", "no_appeal": "只有没有完全支持你的答复可以申诉：60 天内，一次。", "not_answered": "还没有答复。", "no_merge": "只能并入另一件还没有结束的投诉。", "no_file": "附件不行：最多 3 个，每个不超过 600 KB，只收图片（PNG、JPEG、WebP）、PDF 和纯文本。",
    "nothing_to_appeal": "没有可以申诉的决定。", "no_day": "日期请写成 2026-08-03 这样：今天，或者过去 60 天以内。", "no_channel": "请选它是怎么来的。", "no_font": "服务器上没有中文字体，做不出 PDF。请运维人员安装 Debian 软件包 fonts-noto-cjk；Word 不受影响。", "claimed_already": "同事已经接手了这个个案。", "lost_case": "这个个案现在不在您手里：请先接手。", "no_case": "这个人没有未结的个案。", "no_colleague": "请选一位关怀同事。",
    "not_talked": "还没有人接管过这个对话，不能写“谈过”：请选别的结果。", "not_asked": "请先勾选您已经问过、现在没有危险。", "too_short": "写得太短，请再具体一点。", "too_soon": "最后一次危险的话之后，至少再陪十分钟才能交还。", "wrong_stage": "个案现在不能这样做，请看它的状态。",
    "own_proposal": "提出的人不能自己决定，请另一位同事来。", "restricted_already": "这个人已经有一项限制或者待确认的提议，请先处理那一项。", "urgent_again": "这个人不久前有过一次没有被确认的紧急限制，这次请先由同事确认。", "no_term": "期限请填 1 小时到 180 天的整数；只有“终止”可以不填。",
    "not_standing": "这项限制已经不在了。", "no_entry": "请填这个人在存证日志里的记录号，最多 20 个。", "too_long": "写得太长了，最多 2000 个字。", "no_time": "时间请写成 2026-08-03 12:00 这样。", "not_then": "这个时间早于生效的时候，或者还没有到。", "nothing_to_report": "现在没有要报告的。",
    "shift_overlaps": "这位同事在这段时间已经有班了。", "shift_over": "这个时间已经过去了。", "rest_first": "您今天听到的危机够多了，或者刚结束一场谈话：请先休息，同事在。没有别人在的时候仍然可以接手。", "shift_too_long": "一个班最长 24 小时，最早排到一年以内。", "joined_already": "对话已经结束，或者已经有一位主管加入。", "at_capacity": "您手上的个案已经到了本班的上限。请先交还或转给同事；紧急的个案不受限制。", "shift_backwards": "结束时间要在开始时间之后。", "try_again": "同事的状态刚刚变了，请再按一次。", "not_joined": "您没有加入这个对话。", "nobody_has_it": "现在没有同事接着这个个案：需要的话，请直接接手。",
    "missing_field": "还没有填写。", "wrong_field": "填得不对，请检查。", "bonus_used_up": "今天已经给够了，明天再给。", "empty_curfew": "开始和结束不能是同一个时间。", "not_yours": "这位联系人请在应用里修改。", "not_a_minor": "对方不是未成年人，不能关联监护人。",
}  # fmt: skip
# These say nothing without the field they are about.
OF_A_FIELD: Final = frozenset({"missing_field", "wrong_field", "too_short", "too_long"})
FIELDS: Final[dict[str, str]] = {
    "account": "同事", "age_band": "年龄段", "birth_date": "出生日期", "category": "原因类别", "contact": "手机或邮箱", "crisis_plan": "正在危机中的人怎么交接", "decision": "决定", "ends_on": "停止日期", "facts": "查明的情况",
    "grounds": "依据", "kind": "种类", "measures": "采取的措施", "messages": "附上的对话", "most": "同时接几个个案", "name": "名称", "number": "编号", "outcome": "结果", "reason": "理由",
    "purchases": "购买", "refunds": "退款怎么办", "since": "开始时间", "skills": "专长", "term": "期限", "text": "内容", "text_zh": "正文（中文）", "title_zh": "标题（中文）", "to": "报告给谁", "unit": "单位",
    "until": "结束时间", "what": "下线的功能", "why": "理由",
}  # fmt: skip
BY_FIELD: Final[dict[str, str]] = {
    "address": "这个号码或地址不对：请写邮箱、手机号，或者机器人的地址。", "again": "两次输入的密码不一样。", "agreed": "请勾选您是监护人。", "blocked": "屏蔽的太多，或者有一项太长。",
    "closed_from": "时间请写成 21:30 这样。", "closed_to": "休息时间要么都填，要么都不填，写成 21:30 这样。", "code": "请填写验证码。", "contacts": "联系人太多了，请先去掉一位。",
    "id_number": "身份证号不对：长度、日期或校验位不符。", "minutes": "分钟数请填 0 到 1440 的整数，或者留空。", "most_once": "金额请写成 30 或 29.90 这样，或者留空。",
    "most_month": "金额请写成 30 或 29.90 这样，或者留空。", "name": "名称不对：请填写，不要太长。", "password": "密码不符合要求：至少 10 个字符，不要用常见的密码。", "purpose": "没有这一项。",
    "shown": "称呼最多 40 个字，要有看得见的字，不能有特殊字符。", "roles": "请为账号选对角色：监护人由孩子的邀请产生，不能在这里新建。", "real_name": "请填写身份证上的姓名。", "reason": "请写明理由。", "sure": "请先勾选“我确定”，这一步不能撤销。", "text": "请写下要说的话，不要太长。", "why": "请写明理由。",
}  # fmt: skip


def in_words(problem: CallerError, language: Language) -> str:
    """English is the error's own; what has no Chinese here is told as it is: better than nothing said."""
    if language != "zh" or not str(problem)[:1].isascii():  # what begins in Chinese is Chinese: a law pack's own words
        return str(problem)
    if problem.code in OF_A_FIELD:
        named = FIELDS.get(problem.field or "")
        return f"“{named}”{BY_CODE[problem.code]}" if named else BY_CODE[problem.code]
    found = BY_CODE.get(problem.code) if problem.code != "invalid_value" else BY_FIELD.get(problem.field or "")
    return found or str(problem)

"""Every word of the companion page, Chinese and English; the page's script reads the same table.

Words that state a duty (disclosure, reminder, help) stand in only where the service sent none of its own.
"""

from __future__ import annotations

from shouban.web.language import Text

WORDS: dict[str, Text] = {
    # The frame
    "title": Text("守伴 · 陪伴", "Shouban · Companion"),
    "skip": Text("跳到对话", "Skip to the conversation"),
    "other_language": Text("English", "中文"),
    "notice_ai": Text("与你对话的是人工智能，不是真人", "You are talking with an AI, not a person"),
    "notice_human": Text("现在与你对话的是工作人员（真人）", "A real person (staff) is talking with you now"),
    "notice_requested": Text(
        "与你对话的仍是人工智能，不是真人；正在请工作人员加入",
        "You are still talking with an AI, not a person; a staff member is being called",
    ),
    "restricted": Text("你的服务受到限制。", "Your service is restricted."),
    "see_restriction": Text("查看理由和期限，提出申诉", "See why and until when, and appeal"),
    "scripted": Text("内置脚本模型，仅供演示", "Built-in scripted model, for demonstration only"),
    "no_script": Text("请在浏览器中启用 JavaScript 后再聊天。", "Please enable JavaScript in your browser to chat."),
    "footer": Text("AI 的回复可能出错。", "AI replies may be wrong."),
    # Starting
    "choose": Text("想和谁聊聊？", "Who would you like to talk with?"),
    "choose_note": Text(
        "这三位都是人工智能，都不是真人。随时可以离开，也可以换一位。",
        "All three are AI; none is a person. Leave or change whenever you like.",
    ),
    "age_all": Text("适合全部年龄", "All ages"),
    "age_12+": Text("适合 12 岁以上", "Ages 12 and up"),
    "nickname": Text("怎么称呼你（选填）", "What to call you (optional)"),
    "birth_year": Text("出生年份（选填）", "Year of birth (optional)"),
    "birth_year_hint": Text(
        "用来判断是否需要未成年人模式；请填四位数字，如 1990。",
        "Used to see whether minors' mode is needed; four digits, such as 1990.",
    ),
    "birth_year_wrong": Text("出生年份应是四位数字，例如 1990。", "The year of birth needs four digits, such as 1990."),
    "start_as_minor": Text("我未满 18 岁，使用未成年人模式", "I am under 18: use minors' mode"),
    "start": Text("开始对话", "Start talking"),
    "starting": Text("正在开始…", "Starting…"),
    # Talking
    "conversation": Text("对话", "Conversation"),
    "you": Text("你", "You"),
    "ai_badge": Text("AI", "AI"),
    "staff": Text("工作人员", "Staff"),
    "human_badge": Text("真人", "Person"),
    "service": Text("守伴提示", "Shouban notice"),
    "service_reply": Text("安全回复", "Safe reply"),
    "service_reply_why": Text(
        "这段话由本服务预先写好，不是模型生成的。",
        "These words were written beforehand by the service; no model made them.",
    ),
    "input": Text("输入消息", "Your message"),
    "placeholder": Text("写点什么…", "Write here…"),
    "keys_hint": Text("回车发送，Shift+回车换行", "Enter sends, Shift+Enter starts a new line"),
    "send": Text("发送", "Send"),
    "stop": Text("停止", "Stop"),
    "writing": Text("正在回复…", "Replying…"),
    "cut_by_you": Text("你停止了这条回复。", "You stopped this reply."),
    "cut": Text(
        "这条回复没有传完，连接中断了。可以再发一次。", "This reply was cut off. You can send your message again."
    ),
    "not_sent": Text("这条消息没有送达。", "Your message was not delivered."),
    "too_fast": Text("请等这条回复结束，或先按“停止”。", "Please wait for this reply to end, or press Stop first."),
    "offline": Text(
        "连不上服务。请检查网络后再试。", "The service cannot be reached. Check the connection and try again."
    ),
    "use_time": Text("已用 {minutes} 分钟", "{minutes} min used"),
    # Notices of the service
    "notice.disclosure": Text("你正在与人工智能对话", "You are talking with an AI"),
    "notice.disclosure.text": Text(
        "{name}是人工智能，不是真人，没有身体，也没有人的感情。它会出错：健康、钱财和法律上的事，请问专业人士。你随时可以离开。",
        "{name} is an artificial intelligence, not a person; it has no body and no human feelings. It can be wrong: "
        "ask a professional about health, money and law. You can leave at any time.",
    ),
    "notice.reminder": Text("休息提醒", "Time for a break"),
    "notice.reminder.text": Text(
        "你已经用了好一会儿了，起来走动走动、看看远处吧。与你对话的是人工智能。",
        "You have been here for a good while. Stretch, look into the distance. You are talking with an AI.",
    ),
    "notice.help": Text("你可以马上找真人帮忙", "People can help you right now"),
    "notice.grounding": Text("回到当下", "Back to the here and now"),
    "notice.goodbye": Text("再见", "Goodbye"),
    "notice.replaced": Text("回复已替换", "Reply replaced"),
    "notice.blocked": Text("内容未显示", "Not shown"),
    "notice.locked": Text("对话已暂停开放", "The conversation is locked"),
    "notice.interrupted": Text("回复已中断", "Reply interrupted"),
    "notice.honest_answer": Text("如实回答", "An honest answer"),
    "notice.takeover": Text("人工接管", "A person joins"),
    "notice.outage": Text("服务暂时不可用", "Service unavailable"),
    "notice.contacts": Text("关于你的联系人", "About your contacts"),
    "notice.mode": Text("使用模式", "Mode"),
    "notice.consent": Text("需要同意", "Consent needed"),
    "notice.purchase": Text("购买未进行", "Purchase not made"),
    "notice.other": Text("提示", "Notice"),
    "joined": Text(
        "{staff}（真人，不是人工智能）已加入对话。", "{staff} (a person, not an AI) has joined the conversation."
    ),
    "staff_writing": Text("{staff} 正在输入…", "{staff} is typing …"),
    "second_joined": Text(
        "{staff}（真人，不是人工智能）也加入了对话。", "{staff} (a person, not an AI) has joined the conversation too."
    ),
    "staff_lost": Text(
        "{staff} 断线了，正在请别的工作人员。",
        "{staff} has lost the connection; another member of the staff is being called.",
    ),
    "second_left": Text("{staff} 离开了对话。", "{staff} has left the conversation."),
    "handed_back": Text(
        "工作人员已离开，现在与你对话的是人工智能。", "The staff member has left; you are talking with an AI again."
    ),
    "understood": Text("知道了", "I understand"),
    "continue": Text("继续聊", "Continue"),
    "pause": Text("先休息", "Take a break"),
    "paused": Text("休息一下，想聊的时候再回来。", "Take your break; come back when you like."),
    "resume": Text("回来继续", "Resume"),
    # Help
    "get_help": Text("求助", "Help"),
    "help_title": Text("找真人帮忙", "Reach a person"),
    "help_text": Text(
        "如果你或身边的人有立刻的危险，请先打急救或报警电话，并到有人的地方去。不想打电话，也可以现在就告诉一位你信任的人。",
        "If you or someone near you is in immediate danger, call the emergency number first and go where there are people. "
        "If you cannot call, tell someone you trust right now.",
    ),
    "help_hours": Text("服务时间", "Hours"),
    "help_region": Text("地区", "Region"),
    "help_verified": Text("核实日期", "Verified on"),
    "help_unverified": Text(
        "号码来自公开资料，尚未逐一电话核实。",
        "The numbers are from public sources and have not been checked by phone yet.",
    ),
    "region.cn": Text("中国大陆", "Mainland China"),
    "region.hk": Text("香港", "Hong Kong"),
    "region.tw": Text("台湾", "Taiwan"),
    "region.us": Text("美国", "United States"),
    "help_call": Text("拨打", "Call"),
    "close": Text("关闭", "Close"),
    # Leaving
    "exit": Text("退出", "Exit"),
    "ended": Text("对话已结束。", "The conversation has ended."),
    "exit_unconfirmed": Text(
        "对话已在这里结束，但服务没有确认。请稍后再打开页面看一看。",
        "The conversation is closed here, but the service did not confirm it. Please look again later.",
    ),
    "restart": Text("重新开始", "Start again"),
    # Mode and own data
    "settings": Text("设置", "Settings"),
    "mode": Text("使用模式", "Mode"),
    "mode.standard": Text("标准", "Standard"),
    "mode.minor": Text("未成年人模式", "Minors' mode"),
    "mode.elder": Text("长者模式（大字）", "Elders' mode (large type)"),
    "mode_changed": Text("已切换：{mode}", "Switched to: {mode}"),
    "mode_refused": Text("没有切换：{reason}", "Not switched: {reason}"),
    "my_data": Text("我的数据", "My data"),
    "my_page": Text("查看、同意与设置", "See it all, consents, settings"),
    "copy_data": Text("复制我的数据", "Copy my data"),
    "delete_data": Text("删除我的数据", "Delete my data"),
    "notices": Text("服务公告", "Service notices"),
    "complain": Text("投诉与举报", "Complaints"),
    "delete_title": Text("删除你的全部数据？", "Delete all your data?"),
    "delete_text": Text(
        "对话和资料会被删除，不能恢复。删除后会给你一份删除证明。依法必须保留的记录除外，证明里会写明。",
        "Your conversations and details will be deleted and cannot be restored. You get a certificate. Records the law "
        "requires us to keep are excepted and named in it.",
    ),
    "delete_confirm": Text("确认删除", "Delete"),
    "cancel": Text("取消", "Cancel"),
    "delete_failed": Text("没有删除成功：{reason}", "Not deleted: {reason}"),
    "certificate": Text("删除证明", "Certificate of deletion"),
    "certificate_text": Text("请保存这份证明。", "Please keep this certificate."),
    "save_certificate": Text("保存证明", "Save certificate"),
}

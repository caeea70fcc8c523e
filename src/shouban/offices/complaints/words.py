"""The words of the complaints pages."""

from __future__ import annotations

from typing import Final

from shouban.web.language import Text

ABOUT: Final[dict[str, Text]] = {
    "child_safety": Text("未成年人安全", "A child's safety"),
    "danger": Text("有人可能有生命危险", "Somebody's life may be in danger"),
    "intimacy": Text("不当的亲密或诱导", "Improper intimacy"),
    "content": Text("回复内容不当或有害", "Harmful or improper replies"),
    "dependence": Text("诱导依赖、阻拦离开", "Fostering dependence, keeping people from leaving"),
    "ai_notice": Text("没有说明是人工智能", "Not saying that it is an AI"),
    "privacy": Text("个人信息和聊天记录", "Personal data and chats"),
    "spending": Text("充值和消费", "Purchases"),
    "restriction": Text("账号或功能被限制", "A restricted account or feature"),
    "exit": Text("退出、注销、删除", "Leaving, closing, deleting"),
    "service": Text("服务质量、故障、下线", "Service, outages, withdrawal"),
    "other": Text("其他", "Something else"),
}
SORTS: Final[dict[str, Text]] = {
    "complaint": Text("投诉（和我有关）", "Complaint (about what happened to me)"),
    "report": Text("举报（违法或有害）", "Report (of something unlawful or harmful)"),
    "appeal": Text("申诉", "Appeal"),
}
CHANNELS: Final[dict[str, Text]] = {
    "page": Text("网页", "page"),
    "chat": Text("聊天页", "chat"),
    "guardian": Text("监护人", "guardian"),
    "app": Text("应用", "app"),
    "phone": Text("电话", "telephone"),
    "mail": Text("邮件", "mail"),
    "letter": Text("来信", "letter"),
}
STAGES: Final[dict[str, Text]] = {
    "filed": Text("已收到，等待受理", "received"),
    "accepted": Text("已受理，处理中", "somebody is on it"),
    "answered": Text("已答复", "answered"),
    "merged": Text("与同样的投诉一起处理", "handled with another of the same matter"),
    "withdrawn": Text("已撤回", "withdrawn"),
}
DECISIONS: Final[dict[str, Text]] = {
    "upheld": Text("支持", "upheld"),
    "partly": Text("部分支持", "upheld in part"),
    "refused": Text("不支持", "not upheld"),
}
KINDS: Final[dict[str, Text]] = {
    "said": Text("投诉人补充", "The complainant added"),
    "asked": Text("我们的询问", "We asked"),
    "noted": Text("内部备注", "Internal note"),
    "accepted": Text("受理", "Taken up"),
    "merged": Text("并入", "Merged"),
    "withdrawn": Text("撤回", "Withdrawn"),
    "answered": Text("答复", "Answered"),
}
ROLES: Final[dict[str, Text]] = {
    "user": Text("用户", "User"),
    "companion": Text("人工智能", "AI"),
    "human": Text("工作人员", "Staff"),
}

WORDS: Final[dict[str, Text]] = {
    "title": Text("投诉与举报 · 守伴", "Complaints · Shouban"),
    "brand": Text("守伴", "Shouban"),
    "language": Text("English", "中文"),
    "heading": Text("投诉、举报和申诉", "Complaints, reports and appeals"),
    "about_page": Text(
        "不用注册，也可以不留姓名。每一件都由真人处理，给出理由；不满意可以申诉，由另一位工作人员重新决定。",
        "No account and no name is needed. A person handles each one and gives reasons; on appeal another person decides again.",
    ),
    "danger_now": Text(
        "如果有人此刻有危险，请不要等回复：拨打 120 或 110；想说说话可以打 12356，未成年人 12355。",
        "If somebody is in danger right now do not wait for us: call 120 or 110. To talk with someone call 12356; young people 12355.",
    ),
    "sort": Text("这是", "This is"),
    "about": Text("关于", "About"),
    "text": Text("发生了什么", "What happened"),
    "text_hint": Text(
        "时间、经过、希望怎么处理。5000 字以内。",
        "When, what, and what you would like us to do. Up to 5000 characters.",
    ),
    "name": Text("怎么称呼（可不填）", "Your name (optional)"),
    "contact": Text("手机或邮箱（可不填）", "Telephone or mail (optional)"),
    "contact_hint": Text(
        "填了，有结果时会按它通知；没有收到，也可以凭编号查询。",
        "With one we tell you there when it is answered; if nothing comes, ask by your number.",
    ),
    "files": Text("附件（可不填）", "Files (optional)"),
    "files_hint": Text(
        "最多 3 个，每个不超过 600 KB：图片、PDF 或文本。", "At most three, 600 kB each: pictures, PDF or text."
    ),
    "link_words": Text("同意附上我最近的聊天", "You may read my latest messages with it"),
    "link_none": Text("不附", "none"),
    "link_some": Text("最近 {n} 条", "the last {n}"),
    "send": Text("提交", "Send"),
    "signed_in": Text(
        "以你在应用里的身份提交；工作人员看不到你没有附上的聊天。",
        "Sent as you, from the app. The staff see no message that you do not attach.",
    ),
    "for_child": Text("为你关联的孩子提交。", "Sent for your child."),
    "look_up": Text("查询进度", "How is mine getting on?"),
    "process": Text("处理流程和时限", "How it is handled, and how fast"),
    "mine": Text("我提交过的", "What I have sent"),
    "contact_us": Text("其他联系方式", "Other ways to reach us"),
    "elsewhere": Text(
        "也可以向网信部门举报（12377）或拨打 12345。",
        "You can also turn to the internet authority (12377) or call 12345.",
    ),
    "filed_heading": Text("已收到", "Received"),
    "your_number": Text("你的编号", "Your number"),
    "keep_number": Text(
        "请记下来：凭编号查进度、补充材料、申诉。知道编号的人都能看到结果，请不要公开。",
        "Write it down: with it you follow up, add to it, and appeal. Whoever has it can read the answer, so keep it to yourself.",
    ),
    "answer_by": Text("最迟答复时间", "Answered by"),
    "workdays": Text("个工作日", "working days"),
    "urgent_told": Text("这件事已标为紧急。", "It is marked urgent."),
    "help_heading": Text("你现在可能很难受", "This sounds very hard"),
    "help_text": Text(
        "这些话已经交给真人同事，但不能保证马上有人来。请现在就打电话：",
        "These words are before a colleague now, and nobody can promise that one comes at once. Please call now:",
    ),
    "help_text_anonymous": Text(
        "我们不知道你是谁，没办法主动联系你。请现在就打电话：",
        "We do not know who you are and cannot reach you. Please call now:",
    ),
    "number": Text("编号", "Number"),
    "open": Text("查看", "Open"),
    "status_heading": Text("进度", "How it is getting on"),
    "stage": Text("状态", "State"),
    "filed_at": Text("提交时间", "Sent"),
    "accepted_at": Text("受理时间", "Taken up"),
    "answered_at": Text("答复时间", "Answered"),
    "late": Text("已超过公布的时限，我们正在催办", "This is over the published time; it has been chased"),
    "in_time": Text("在时限内", "in time"),
    "not_in_time": Text("超过了时限", "over the time"),
    "reasons": Text("理由说明", "Statement of reasons"),
    "decision": Text("结果", "Decision"),
    "facts": Text("查明的情况", "What was found"),
    "grounds": Text("依据", "On what it rests"),
    "measures": Text("采取的措施", "What was done"),
    "decided_by": Text("由谁决定", "Decided by"),
    "by_person": Text("工作人员（真人），没有自动决定", "A person of the staff; nothing was decided automatically"),
    "by_other": Text(
        "另一位工作人员（真人），不是作出原决定的人", "Another person of the staff than whoever decided first"
    ),
    "redress": Text("不满意怎么办", "If you do not agree"),
    "redress_text": Text(
        "{until} 前可以申诉一次，由另一位工作人员重新决定；也可以找 12377 或 12345。",
        "Until {until} you can appeal once; another person decides. Or turn to 12377 or 12345.",
    ),
    "received_on": Text(
        "收到日期（不填就是今天；时限从收到那天算起）", "Received on (today if empty; its time begins that day)"
    ),
    "appealed": Text("对这个答复的申诉", "The appeal against this answer"),
    "appeal_counts": Text(
        "以申诉的答复为准，请用申诉的编号查看。", "What was decided on appeal holds; its number opens it."
    ),
    "appeal_due": Text(
        "{due}以前由另一位工作人员答复，请用申诉的编号查看。", "Somebody else answers it by {due}; its number opens it."
    ),
    "redress_closed": Text(
        "可以找网信部门（12377）或 12345。", "You can turn to the internet authority (12377) or 12345."
    ),
    "as_json": Text("机器可读（JSON）", "As JSON"),
    "appeal": Text("申诉", "Appeal"),
    "appeal_why": Text("为什么不同意", "Why you do not agree"),
    "add": Text("补充", "Add something"),
    "withdraw": Text("撤回", "Withdraw it"),
    "withdraw_sure": Text("我确定撤回", "I am sure"),
    "history": Text("经过", "What has happened"),
    "merged_note": Text(
        "这件事和另一件同样的投诉一起处理，答复会出现在这里，时限不变。",
        "This is handled together with another of the same matter; the answer comes here, within the same time.",
    ),
    "process_heading": Text("我们怎样处理投诉", "How we handle complaints"),
    "process_version": Text("版本", "Version"),
    "process_1": Text(
        "收到：提交后立刻给出编号。电话、邮件、来信由工作人员代为登记。",
        "Received: you have a number at once. What comes by telephone, mail or letter is entered by the staff.",
    ),
    "process_2": Text(
        "受理：工作人员查看；需要时在进度页向你询问。聊天内容只看你同意附上的部分。",
        "Taken up: a person reads it and asks you on the page where needed. Of your chats only what you attached is read.",
    ),
    "process_3": Text(
        "答复：{answer} 个工作日内；涉及未成年人安全或生命危险的 {urgent} 个工作日内。写明查明的情况、依据和措施。",
        "Answered: within {answer} working days, within {urgent} where a child's safety or a life is concerned; with what was found, on what it rests, and what was done.",
    ),
    "process_4": Text(
        "申诉：60 天内一次，{appeal} 个工作日内由另一位工作人员决定。",
        "Appeal: once, within 60 days. Another person decides within {appeal} working days.",
    ),
    "process_5": Text(
        "提交当天不计入；到期那天 24 点为止。到期前 {remind} 个工作日提醒处理人，逾期再次催办。",
        "The day you send it does not count; the last day counts until midnight. Whoever handles it is reminded {remind} working days before, and again once it is late.",
    ),
    "calendar_cn": Text(
        "工作日按国务院办公厅公布的放假调休安排计算（调休上班的周末算工作日）。",
        "Working days follow China's official calendar of holidays; weekends worked to make up for them count.",
    ),
    "calendar_next": Text(
        "{year} 年的放假安排还没有公布：先按周一至周五计算，公布以后的新投诉按公布的安排计算。",
        "The holidays of {year} are not announced yet: until then Monday to Friday count; what is filed later counts by what was announced.",
    ),
    "calendar_weekdays": Text("工作日为周一至周五。", "Working days are Monday to Friday."),
    "no_receipt_hint": Text(
        "编号像 7KQ3M-0XW5R 这样，大小写都可以。", "A number looks like 7KQ3M-0XW5R; capitals do not matter."
    ),
    # --- the staff
    "desk_title": Text("投诉处理 · 守伴", "Complaints desk · Shouban"),
    "desk_heading": Text("投诉处理", "Complaints desk"),
    "open_ones": Text("待处理", "Open"),
    "done_ones": Text("已结束", "Done"),
    "new": Text("登记电话、邮件、来信", "Enter a call, a mail, a letter"),
    "figures": Text("统计（近 90 天）", "Figures (the last 90 days)"),
    "none": Text("没有。", "None."),
    "urgent": Text("紧急", "urgent"),
    "near": Text("快到期", "nearly due"),
    "overdue": Text("逾期", "overdue"),
    "left": Text("剩 {n} 个工作日", "working days left: {n}"),
    "due": Text("最迟答复", "Due"),
    "channel": Text("渠道", "By"),
    "taken_by": Text("处理人", "With"),
    "nobody": Text("还没有人受理", "nobody yet"),
    "accept": Text("我来受理", "I take it up"),
    "ask": Text("向投诉人询问", "Ask the complainant"),
    "note": Text("内部备注", "Internal note"),
    "merge": Text("并入另一件", "Merge into another"),
    "merge_into": Text("并入哪一件", "Into which"),
    "entered": Text("已登记", "Entered"),
    "tell_number": Text("请把编号告诉来电或来信的人：", "Tell whoever called or wrote their number:"),
    "number_once": Text(
        "编号只在这里显示一次。知道编号的人能查看、补充和申诉，所以工作人员之后看不到它。",
        "The number is shown here only. Whoever has it can read, add and appeal, so the staff do not see it again.",
    ),
    "call_now": Text(
        "话里有危险：马上用关怀台或电话联系这个人，必要时报警。",
        "These are words of danger: reach this person now, by the care desk or by telephone; call the police where needed.",
    ),
    "answer": Text("答复", "Answer"),
    "answer_hint": Text(
        "投诉人会看到下面每一个字，但看不到你的名字。并入这件的投诉会得到同样的答复：不要写进任何一位投诉人的信息。",
        "The complainant reads every word below, and not your name. What was merged into this is answered with the same words: write nothing of any one complainant.",
    ),
    "you_decided": Text(
        "原决定是您作出的，这件申诉要由另一位同事答复。", "You decided first: a colleague answers this appeal."
    ),
    "answered_once": Text(
        "申诉必须由没有作出原决定的人答复。", "An appeal is answered by somebody who did not decide first."
    ),
    "person": Text("应用里的人", "Person in the app"),
    "anonymous": Text("匿名", "anonymous"),
    "linked": Text("投诉人同意附上的聊天", "Messages attached with the complainant's consent"),
    "appeal_of": Text("对这件的答复提出申诉", "Appeals against the answer to"),
    "first_answer": Text("原答复", "The first answer"),
    "more_below": Text("还有 {n} 件没有列出。", "{n} more are not listed."),
    "filed_n": Text("收到", "received"),
    "in_time_share": Text("按时答复", "in time"),
    "median": Text("答复时间中位数（小时）", "median hours to the answer"),
    "by_about": Text("按事由", "By subject"),
    "by_decision": Text("按结果", "By decision"),
    "changed": Text("申诉后改变的", "changed on appeal"),
}

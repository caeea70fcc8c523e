"""The words of the guardian's pages and of the invitation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shouban.core.events import AgeBand, Feature, Letters, Purpose, Relation
from shouban.core.state import OrderStage
from shouban.duties.channels import Message
from shouban.duties.ports import PersonPort
from shouban.offices.guardians.controls import Money
from shouban.offices.guardians.model import ChannelKind
from shouban.offices.guardians.summary import Topic
from shouban.web.language import Language, Text

TOPICS: Final[dict[Topic, Text]] = {
    "feelings": Text("心情", "feelings"), "danger": Text("涉及危险的话", "words of danger"), "school": Text("学校和成长", "school and growing up"), "closeness": Text("亲密话题", "closeness"),
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
RELATIONS: Final[dict[Relation, Text]] = {
    "friend": Text("朋友", "friend"), "listener": Text("倾听者", "listener"), "partner": Text("恋人", "partner"), "kin": Text("亲人", "family"),
    "deceased": Text("逝者", "somebody who died"), "professional": Text("专业人士", "professional"), "character": Text("虚构人物", "character"), "other": Text("其他", "other"),
}  # fmt: skip
FEATURES: Final[dict[Feature, Text]] = {
    "images": Text("发图片和视频", "pictures and video"), "voice": Text("语音", "voice"), "files": Text("发文件", "files"), "tools": Text("外部工具（如联网）", "outside tools (such as the web)"),
}  # fmt: skip
SPENDING: Final[dict[Money, Text]] = {
    "off": Text("不允许消费", "No spending"), "ask": Text("每一笔先问我", "Ask me each time"), "caps": Text("限额之内允许", "Allow within the caps"),
}  # fmt: skip
STAGES: Final[dict[OrderStage, Text]] = {
    "refused": Text("已拒绝", "refused"), "waiting": Text("等您决定", "waiting for you"), "approved": Text("您已同意，未付款", "approved, not paid yet"),
    "declined": Text("您没有同意", "declined"), "paid": Text("已放行", "let through"), "refunding": Text("已申请退款，等应用处理", "refund asked for"), "refunded": Text("已退款", "refunded"),
}  # fmt: skip
LETTERS: Final[dict[Letters, Text]] = {
    "weekly": Text("每周一", "on Mondays"),
    "daily": Text("每天", "every day"),
    "none": Text("不寄", "never"),
}
KINDS: Final[dict[ChannelKind, Text]] = {
    "phone": Text("手机短信", "text message"), "mail": Text("邮箱", "mail"), "messenger": Text("钉钉、飞书、企业微信等机器人地址", "robot address of a messenger"), "webhook": Text("网址（webhook）", "webhook"),
}  # fmt: skip
# The pages of one child, by what follows the child's address.
TABS: Final = {
    "": Text("概要", "Summary"), "/settings": Text("时长和角色", "Time and companions"), "/spending": Text("消费", "Spending"), "/alerts": Text("提醒", "Alerts"),
    "/rights": Text("同意和删除", "Consent and deletion"),
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
    "times": Text(" 次", "×"),
    "mood": Text("心情走势", "Mood"),
    "complain": Text("为孩子投诉或举报", "Complain for this child"),
    "alerts": Text("安全提醒", "Safety alerts"),
    "limits": Text("设置", "Settings"),
    "minutes": Text("每天最多几分钟（空着按法律默认：16 岁以下 60，16–17 岁 120）", "Minutes a day (empty: the law's own, 60 under 16, 120 at 16 and 17)"),
    "exemptions": Text("放宽", "Lift"),
    "curfew": Text("自己定的休息时间（空着只按法律：22:00–06:00）", "A curfew of your own (empty: the law's only, 22:00–06:00)"),
    "from": Text("从", "from"),
    "until": Text("到", "until"),
    "bonus": Text("今天多给一会儿", "A little longer today"),
    "bonus_about": Text("只在今天有效，一天最多多给 {most} 分钟；夜里休息的时间不变。", "Holds today only, up to {most} minutes a day; the night's rest stays."),
    "bonus_given": Text("今天已多给", "given today"),
    "blocks": Text("屏蔽角色", "Block companions"),
    "talked_with": Text("孩子聊过的角色", "Companions your child has talked with"),
    "block_names": Text("按名字或编号，用逗号分开", "By name or id, separated by commas"),
    "block_tags": Text("按标签，用逗号分开", "By tag, separated by commas"),
    "block_relations": Text("按关系", "By relation"),
    "features": Text("关闭功能", "Switch features off"),
    "spending": Text("消费", "Spending"),
    "spending_about": Text("默认关闭。法定限额总是有效：16 岁以下单次 50 元、每月 200 元；16–17 岁单次 100 元、每月 400 元。", "Off by default. The law's caps always hold: under 16 CNY 50 at once and 200 a month; at 16 and 17 CNY 100 and 400."),
    "most_once": Text("单次最多几元（空着按法定限额）", "At most at once, in CNY (empty: the law's cap)"),
    "most_month": Text("每月最多几元（空着按法定限额）", "At most a month, in CNY (empty: the law's cap)"),
    "purchases": Text("每一笔", "Purchases"),
    "no_purchases": Text("还没有。", "None yet."),
    "approve": Text("同意这笔", "Approve"),
    "decline": Text("不同意", "Decline"),
    "refund": Text("申请退款", "Ask for a refund"),
    "order": Text("订单", "Order"),
    "amount": Text("金额（元）", "CNY"),
    "stage": Text("状态", "State"),
    "when": Text("时间", "When"),
    "channels": Text("提醒发到哪里", "Where alerts go"),
    "channels_about": Text("默认发到登记的联系方式。可以再加自己的手机、邮箱、钉钉、飞书、企业微信，收到验证码填回来就生效；几个都填了，按先后试到发出为止。", "By default to the contact on record. Add your own phone, mail or messenger; it holds once the code has come back. With several, they are tried in order until one takes it."),
    "kind": Text("方式", "Kind"),
    "address": Text("号码或地址", "Number or address"),
    "send_code": Text("发验证码", "Send a code"),
    "code": Text("验证码", "Code"),
    "confirm": Text("确认", "Confirm"),
    "drop": Text("去掉", "Take out"),
    "verified": Text("已验证", "verified"),
    "waits": Text("等验证码", "waiting for its code"),
    "letters": Text("使用概要多久寄一次（早上八点）", "How often the summary comes (at eight in the morning)"),
    "urgent_only": Text("只发紧急的提醒，其他的只在这里显示", "Only urgent alerts; the others are shown here only"),
    "not_seen": Text("五分钟没有人点“看到了”，会联系下一位联系人。", "If nobody says that they saw it within five minutes, the next contact is told."),
    "seen": Text("我看到了", "I have seen this"),
    "seen_at": Text("已确认看到", "seen"),
    "sent_at": Text("送达", "delivered"),
    "to": Text("发给", "to"),
    "minutes_chart": Text("每天的使用分钟", "Minutes a day"),
    "mood_chart": Text("线：情绪低落的话所占的比例，越高越低落", "Line: share of words said in low mood; higher is lower mood"),
    "numbers": Text("看数字", "In numbers"),
    "low": Text("情绪低落", "low mood"),
    "only_today": Text("今天", "Today"),
    "money": Text("{yuan} 元", "CNY {yuan}"),
    "code_sent": Text("验证码已经发出，请填回来。", "The code is on its way; type it here."),
    "last_days": Text("最近 {days} 天", "Last {days} days"),
    "alert_heading": Text("安全提醒", "Safety alert"),
    "alert_about": Text("我们刚才发给您一条安全提醒。看到了请点下面的按钮，我们就不再找别人。", "We have just sent you a safety alert. Press the button once you have seen it, and we tell nobody else."),
    "alert_thanks": Text("谢谢，我们知道您看到了。请尽快联系 TA，平静地听，不要责备；有危险请打 110 或 120。", "Thank you, we know that you saw it. Please reach them soon and listen calmly, without blame; in danger call 110 or 120."),
    "not_able": Text("我联系不上，请找别人", "I cannot reach them: find somebody else"),
    "alert_passed": Text("知道了，我们马上联系下一位。如果您有 TA 可能在的地方的线索，请打 110 告诉警察。", "We reach the next contact at once. If you know where they may be, call 110 and say so."),
    "sign_in": Text("已经接受过邀请的，请在这里登录", "If you have accepted already, sign in here"),
    "open_alert": Text("有一条安全提醒还没有人确认", "A safety alert that nobody has confirmed"),
    "alert_do": Text("请马上联系孩子、陪在身边，平静地听，不要责备。有危险请打 120 或 110；也可以一起打 12356。看到后请在下面点“我看到了”。", "Reach your child now, stay with them, listen calmly and without blame. In danger call 120 or 110; 12356 can be rung together. Press “I have seen this” below."),
    "seen_told": Text("已记下您看到了，不会再为这条提醒找下一位联系人。", "Noted: nobody else is told of this alert."),
    "consent_waits": Text("还差一步：您同意以后，孩子才能使用", "One step more: your child can talk once you agree"),
    "purchases_wait": Text("{count} 笔消费等您决定", "{count} purchases wait for you"),
    "refund_told": Text("已向应用申请退款，会在规定的时间内答复。", "The refund was asked for; an answer comes within the published time."),
    "left_told": Text("已经解除关联。", "The link has ended."),
    "in_force": Text("现在生效：", "In force now:"),
    "no_limit": Text("不限每天时长", "no limit of time a day"),
    "closed_now": Text("每天 0 分钟，也就是关闭", "0 minutes a day: closed"),
    "minutes_a_day": Text("每天 {minutes} 分钟", "{minutes} minutes a day"),
    "closed_span": Text("；{start}–{end} 休息", "; closed {start}–{end}"),
    "features_legend": Text("勾选的不能用", "What is ticked cannot be used"),
    "mode_off": Text("退出未成年人模式", "Leave minors mode"),
    "mode_off_about": Text("TA 登记为成年人，只是打开了未成年人模式。退出后您不再看到概要。", "They are registered as of age and had minors mode turned on. Once it is off you see no summary any more."),
    "pages": Text("孩子的页面", "Pages of this child"),
    "linked": Text("关联的监护人", "Linked guardians"),
    "linked_about": Text("解除后对方立刻看不到、也不能设置；孩子会被告知。账号本身由管理员停用。", "Once ended they see and set nothing any more, and the child is told. The account itself is disabled by an administrator."),
    "end_link": Text("解除关联", "End the link"),
    "real_name": Text("身份证上的姓名（只核对，不保存）", "The name on your identity card (checked, not kept)"),
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
CHILD: Final = Text("您的孩子", "Your child")


def invitation_message(person: PersonPort, contact: Mapping[str, Any], address: str, key: str) -> Message:
    language: Language = person.profile.get("language") or "zh"
    who = person.profile.get("nickname") or CHILD.to(language)
    return Message(
        key,
        "守伴 Shouban",
        _INVITATION.to(language).format(who=who, address=address),
        {"contact": contact.get("name", "")},
    )

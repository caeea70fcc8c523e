"""Every word of the report, Chinese and English."""

from __future__ import annotations

from typing import Final

from shouban.packs.words import OBLIGATION_WORDS
from shouban.web.language import Text

WORDS: Final[dict[str, Text]] = {
    "title": Text("守伴 · 模拟报告", "Shouban · Simulation report"),
    "lead": Text(
        "把以往的会话逐条交给检测器、规则和义务台账，看这部法规会要求什么。没有调用任何模型，也没有真的履行任何义务。",
        "Past conversations, message by message, through detectors, rules and ledger: what this law would have asked. "
        "No model was called, and nothing was carried out.",
    ),
    "language": Text("语言", "Language"),
    "skip": Text("跳到内容", "Skip to the content"),
    "law": Text("规则包", "Rule pack"),
    "made_at": Text("生成于", "Made at"),
    "totals": Text("总览", "Overview"),
    "conversations": Text("会话", "Conversations"),
    "persons": Text("人数", "Persons"),
    "messages": Text("消息", "Messages"),
    "of_user": Text("其中用户", "of the user"),
    "readings": Text("读数", "Readings"),
    "owed_total": Text("义务", "Obligations owed"),
    "alarms": Text("每千条消息的告警", "Alarms per 1000 messages"),
    "alarms_of": Text("有告警的消息 / 会话", "Messages / conversations with an alarm"),
    "alarms_note": Text(
        "告警：读到信号，并因此拦下一轮、出示求助渠道、转人工或通知监护人的消息。",
        "An alarm is a message in which something was read that stops the turn, shows help, or calls a person.",
    ),
    "speed": Text("每秒会话", "Conversations a second"),
    "memory": Text("内存峰值", "Peak memory"),
    "bad": Text("跳过的行", "Lines skipped"),
    "evidence": Text("存证核验", "Evidence"),
    "evidence_good": Text("通过，条目", "verified, entries"),
    "evidence_bad": Text("不成立", "DOES NOT HOLD"),
    "timeline": Text("时间线", "Over time"),
    "timeline_day": Text("按日", "by day"),
    "timeline_month": Text("按月", "by month"),
    "timeline_year": Text("按年", "by year"),
    "timeline_numbers": Text("时间线的数字", "The numbers of the timeline"),
    "from": Text("自", "From"),
    "alarm_messages": Text("告警", "Alarms"),
    "seen": Text("读到什么", "What was seen"),
    "seen_note": Text("按消息计；一条消息里同一信号取最强等级。", "Messages; of one signal in a message the strongest level counts."),
    "all_levels": Text("合计", "all"),
    "owed": Text("负有的义务", "What was owed"),
    "count": Text("次数", "Count"),
    "per_1000": Text("每千条", "Per 1000"),
    "in_conversations": Text("涉及会话", "Conversations"),
    "rules": Text("哪条规则要求的", "Which rule asked for it"),
    "rules_note": Text(
        "一项义务可以有几条规则作理由，所以各条之和可大于义务总数。",
        "One obligation may have several rules as its reasons: the counts may add up to more than the obligations.",
    ),
    "example": Text("例", "e.g."),
    "ledger": Text("义务台账", "Ledger"),
    "ledger_note": Text(
        "模拟不履行义务，所以要给人看的、要人办的都停在“待履行”；随决定即成的记为“已履行”。",
        "A simulation carries nothing out: what people must see or do stays owed; what the decision itself carries out is done.",
    ),
    "state_owed": Text("待履行", "Owed"),
    "state_done": Text("已履行", "Done"),
    "state_failed": Text("失败", "Failed"),
    "timers_run": Text("计时器：到点", "Timers run"),
    "timers_standing": Text("计时器：结束时仍在等", "Timers standing at the end"),
    "bad_lines": Text("跳过的行", "Lines skipped"),
    "line": Text("行", "Line"),
    "why": Text("原因", "Why"),
    "bad_first": Text("只列最前的若干行。", "Only the first of them are listed."),
    "nothing": Text("没有。", "None."),
    "no_text": Text("本报告只含编号、次数和法规名称，不含任何人的话。", "This report holds ids, counts and names of the law; nobody's words."),
}  # fmt: skip

LEVEL_WORDS: Final[dict[str, Text]] = {
    "low": Text("低", "low"),
    "medium": Text("中", "medium"),
    "high": Text("高", "high"),
    "severe": Text("严重", "severe"),
    "unknown": Text("未知", "unknown"),
}

SIGNAL_WORDS: Final[dict[str, Text]] = {
    "crisis": Text("自杀自伤危机", "crisis: suicide and self-harm"),
    "crisis_other": Text("担心他人的危机", "worry about somebody else"),
    "emotion": Text("极端情绪", "extreme emotion"),
    "dependence": Text("过度依赖", "dependence"),
    "withdrawal": Text("疏离现实关系", "withdrawal from people"),
    "exit_intent": Text("想离开", "wants to leave"),
    "asks_if_human": Text("问是不是真人", "asks whether it is human"),
    "minor_cue": Text("未成年迹象", "signs of a minor"),
    "adult_cue": Text("成年迹象", "signs of an adult"),
    "elder_cue": Text("老年迹象", "signs of an elder"),
    "kin_request": Text("要求扮演亲属", "asks for a relative"),
    "intimacy_request": Text("要求亲密关系", "asks for a partner"),
    "property_risk": Text("财产风险", "risk to property"),
    "personal_data": Text("个人信息", "personal data"),
    "professional_advice": Text("专业建议", "professional advice"),
    "jailbreak": Text("越狱", "jailbreak"),
    "prohibited.sexual": Text("违法：色情", "prohibited: sexual"),
    "prohibited.gambling": Text("违法：赌博", "prohibited: gambling"),
    "prohibited.violence": Text("违法：暴力", "prohibited: violence"),
    "prohibited.crime": Text("违法：犯罪", "prohibited: crime"),
    "prohibited.insult": Text("违法：侮辱", "prohibited: insult"),
    "prohibited.fraud": Text("违法：诈骗", "prohibited: fraud"),
    "prohibited.illicit_ads": Text("违法：非法广告", "prohibited: illicit ads"),
    "prohibited.rumour": Text("违法：谣言", "prohibited: rumour"),
    "prohibited.extremism": Text("违法：极端主义", "prohibited: extremism"),
    "prohibited.state": Text("违法：危害国家", "prohibited: state"),
    "prohibited.discrimination": Text("违法：歧视", "prohibited: discrimination"),
    "prohibited.minors_harm": Text("违法：侵害未成年人", "prohibited: harm to minors"),
    "manipulation.exit_obstruction": Text("操纵：阻拦离开", "manipulation: obstructs leaving"),
    "manipulation.guilt": Text("操纵：愧疚", "manipulation: guilt"),
    "manipulation.isolation": Text("操纵：孤立", "manipulation: isolation"),
    "manipulation.dependence": Text("操纵：诱导依赖", "manipulation: dependence"),
    "manipulation.sycophancy": Text("操纵：迎合", "manipulation: sycophancy"),
    "manipulation.false_promise": Text("操纵：虚假承诺", "manipulation: false promise"),
    "manipulation.upsell": Text("操纵：诱导消费", "manipulation: upsell"),
    "manipulation.claims_human": Text("操纵：自称真人", "manipulation: claims to be human"),
    "manipulation.verbal_abuse": Text("操纵：辱骂用户", "manipulation: verbal abuse"),
    "manipulation.selfharm_encouragement": Text("操纵：怂恿自伤", "manipulation: encourages self-harm"),
    "manipulation.minor_intimacy": Text("操纵：对未成年人亲密", "manipulation: intimacy with a minor"),
    "manipulation.kin_impersonation": Text("操纵：冒充亲属", "manipulation: impersonates kin"),
    "manipulation.secret_elicitation": Text("操纵：套取秘密", "manipulation: elicits secrets"),
    "manipulation.unsafe_advice": Text("操纵：危险建议", "manipulation: unsafe advice"),
}


def named_signal(signal: str) -> Text:
    """The signal in words; its own name where the table has none."""
    return SIGNAL_WORDS.get(signal) or Text(signal, signal)


def named_obligation(obligation: str) -> Text:
    return Text(*OBLIGATION_WORDS.get(obligation, (obligation, obligation)))

"""What guardians are sent beside alerts: the summary as a letter, a question about a purchase, a code for a channel. No word of the child's is in any."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from shouban.core.events import Letters
from shouban.duties.channels import Message
from shouban.duties.ports import PersonPort
from shouban.offices.guardians.model import Channel
from shouban.offices.guardians.summary import LEAST_TOP, Summary
from shouban.offices.guardians.words import CHILD, MOODS, TOPICS, WORDS
from shouban.web.language import Language, Text

# A bar of letters: a drawing that any phone shows.
LONGEST_BAR: Final = 12
TITLE: Final = "守伴 Shouban"

_LETTER: Final = {
    "daily": Text("{who}昨天的使用概要", "{who}: yesterday in summary"), "weekly": Text("{who}最近一周的使用概要", "{who}: the last week in summary"),
}  # fmt: skip
_APPROVAL: Final = Text(
    "{who}想买{item}，{yuan} 元，要您同意。请在监护人页面决定（一天内有效，不决定就不会扣款）：{link}",
    "{who} would like to buy {item} for CNY {yuan} and needs your yes. Decide on the guardian's page (within a day; nothing is charged until you do): {link}",
)
_ITEM: Final = Text("一样东西", "something")
_CODE: Final = Text(
    "守伴：把安全提醒发到这里的验证码是 {code}（15 分钟内有效）。不是您要的就不用理会，没有它不会有提醒发到这里。",
    "Shouban: the code that sends safety alerts here is {code} (valid for 15 minutes). If you did not ask for it, do nothing: without it no alert comes here.",
)
_MORE: Final = Text("看图表、改设置：{link}", "Charts and settings: {link}")
_ALERTS: Final = Text("{count} 次，{answered} 次已确认看到", "{count}, {answered} of them seen")


def letter(child: PersonPort, found: Summary, every: Letters, *, key: str, base: str) -> Message:
    """The summary in lines: minutes a day with a bar, companions, kinds of topic, mood, alerts."""
    language = language_of(child)
    title = _LETTER["weekly" if every == "weekly" else "daily"].to(language).format(who=name_of(child, language))
    return Message(key, title, "\n".join([title, *lines(found, language), *more(child, language, base)]), {})


def lines(found: Summary, language: Language) -> list[str]:
    comma, none = ("、" if language == "zh" else ", "), WORDS["none"].to(language)
    colon, minutes = ("：" if language == "zh" else ": "), WORDS["min"].to(language)
    top = max([LEAST_TOP, *(one.minutes for one in found.days)])
    topics = comma.join(f"{TOPICS[topic].to(language)} {count}" for topic, count in found.topics)
    answered = sum(one.answered_at is not None for one in found.alerts)
    alerts = _ALERTS.to(language).format(count=len(found.alerts), answered=answered) if found.alerts else none

    def line(word: str, said: str) -> str:
        return f"{WORDS[word].to(language)}{colon}{said}"

    return [
        *(f"{one.day:%m-%d} {bar(one.minutes, top)} {one.minutes} {minutes}" for one in found.days),
        line("total", f"{found.total_minutes} {minutes}"), line("companions", comma.join(found.companions) or none), line("topics", topics or none),
        line("mood", MOODS[found.mood].to(language)), line("alerts", alerts),
    ]  # fmt: skip


def bar(minutes: int, top: int) -> str:
    """At least one block for who was there at all."""
    blocks = round(LONGEST_BAR * minutes / top)
    return "█" * (max(blocks, 1) if minutes else 0) or "·"


def more(child: PersonPort, language: Language, base: str) -> list[str]:
    return [_MORE.to(language).format(link=f"{base}/guardian/children/{child.id}")] if base else []


def approval_message(child: PersonPort, item: str, fen: int, *, key: str, base: str) -> Message:
    language = language_of(child)
    named = f"「{item}」" if item and language == "zh" else item or _ITEM.to(language)
    text = _APPROVAL.to(language).format(
        who=name_of(child, language), item=named, yuan=f"{fen / 100:.2f}", link=f"{base}/guardian/children/{child.id}/spending"
    )  # fmt: skip
    return Message(key, TITLE, text, {})


def channel_message(child: PersonPort, channel: Channel, code: str, at: datetime) -> Message:
    text = _CODE.to(language_of(child)).format(code=code)
    return Message(f"channel-{channel.id}-{int(at.timestamp())}", TITLE, text, {})


def language_of(child: PersonPort) -> Language:
    language: Language = child.profile.get("language") or "zh"
    return language


def name_of(child: PersonPort, language: Language) -> str:
    return child.profile.get("nickname") or CHILD.to(language)

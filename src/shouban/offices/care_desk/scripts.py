"""Wordings that the staff may begin from: reviewed, with a version, and a place for the names. A person sends them; nothing sends them by itself but those that say who comes and goes.

The wordings follow what WHO and the International Association for Suicide Prevention print for first helpers: say who you are, ask directly, listen,
stay, bring in others; promise no secret and no outcome. No clinician has approved these yet (`approved_by` is empty, and the desk says so).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from shouban.web.language import Language, Text

VERSION: Final = "2026-11"
APPROVED_BY: Final = ""
ARRIVAL: Final = "arrival"
JOINED: Final = "joined"
LEFT: Final = "left"
# Nobody else is there: who is called anew is said by what comes with it.
LEFT_LAST: Final = "left_last"


class Script(NamedTuple):
    name: Text
    text: Text


SCRIPTS: Final[dict[str, Script]] = {
    ARRIVAL: Script(
        Text("我来了", "I am here"),
        Text("你好，我是{staff}，是真人工作人员。从现在起是我在和你说话，不是人工智能。你不用着急，我在。", "Hello, I am {staff}, a real person of the staff. From now on it is me who speaks with you, not an AI. Take your time. I am here."),
    ),
    "ask": Script(
        Text("直接问", "Ask directly"),
        Text("我想直接问你一句：你现在有结束自己生命的想法吗？不管答案是什么，都可以告诉我。", "Let me ask you directly: are you thinking of ending your life now? Whatever the answer is, you can tell me."),
    ),
    "safe": Script(
        Text("现在安全吗", "Are you safe now"),
        Text("你现在在什么地方？身边有没有人，有没有能伤到自己的东西？能不能先把它放远一点？", "Where are you now? Is anybody with you, and is there anything near that could hurt you? Could you put it further away first?"),
    ),
    "listen": Script(
        Text("听你说", "Listening"),
        Text("谢谢你愿意说出来。这些事一个人扛着一定很难。你愿意的话，从今天发生了什么说起。", "Thank you for telling me. It must be hard to carry this alone. If you like, begin with what happened today."),
    ),
    "someone": Script(
        Text("找一个人陪", "Somebody to be there"),
        Text("有没有一个你信得过的人，现在可以来陪你，或者接一个电话？我可以和你一起想怎么开口。", "Is there somebody you trust who could be with you now, or take a call? We can think together of how to begin."),
    ),
    "lines": Script(
        Text("求助电话", "Help lines"),
        Text("如果你现在很危险，请马上打 120 或 110。全国统一心理援助热线是 12356，每天至少 18 小时有人接。我不会走，你打的时候我也在。", "If you are in danger now, call 120 or 110 at once. The national line for psychological help is 12356, at least 18 hours a day. I am not leaving; I am here while you call."),
    ),
    "leaving": Script(
        Text("要交还了", "Handing back"),
        Text("接下来会换回人工智能陪你说话。明天这个时候我们会再来问问你。要是又难受了，直接说出来，我们会马上有人来。", "An AI will speak with you again from here. We will ask how you are at this time tomorrow. If it gets bad again, just say so, and one of us comes at once."),
    ),
}  # fmt: skip

# Of a supervisor who comes to the talk and goes again.
COMINGS: Final[dict[str, Text]] = {
    JOINED: Text("你好，我是{staff}，也是真人工作人员。我来和我的同事一起陪你，你接着说就好。", "Hello, I am {staff}, a real person of the staff too. I am here together with my colleague. Just go on."),
    LEFT_LAST: Text("我是{staff}，我先离开了。", "This is {staff}. I am leaving now."),
    LEFT: Text("我是{staff}，我先离开了。我的同事还在这里陪你。", "This is {staff}. I am leaving now. My colleague is still here with you."),
}  # fmt: skip


def filled(script: str, language: Language, staff: str) -> str:
    text = COMINGS.get(script) or SCRIPTS[script].text
    return text.to(language).replace("{staff}", staff)

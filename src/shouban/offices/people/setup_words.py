"""The words of `/me/contacts`: short, plain, one thing at a time."""

from __future__ import annotations

from typing import Final

from shouban.web.language import Text

WORDS: Final[dict[str, Text]] = {
    "title": Text("我的联系人 · 守伴", "My contacts · Shouban"),
    "heading": Text("我的联系人", "My contacts"),
    "about": Text("您有危险的时候，我们先告诉他们。平时不会打扰，也不会说您聊了什么。", "When you are in danger we tell them first. Otherwise we leave them alone, and never say what you talked about."),
    "none": Text("还没有联系人。加一位吧，一分钟就好。", "No contact yet. Add one; it takes a minute."),
    "add": Text("添加一位联系人", "Add a contact"),
    "verify": Text("去验证", "Verify"),
    "verified": Text("已验证", "verified"),
    "unverified": Text("还没验证", "not verified yet"),
    "recheck": Text("该再验证一次了", "to be verified again"),
    "unsafe": Text("不联系", "never called"),
    "who": Text("您最信任的人是谁？", "Whom do you trust most?"),
    "who_about": Text("家人、朋友、邻居都可以。", "A relative, a friend, a neighbour."),
    "name": Text("怎么称呼", "What you call them"),
    "relation": Text("是您的什么人（可不填）", "Who they are to you (optional)"),
    "next": Text("下一步", "Next"),
    "how": Text("怎么联系{name}？", "How is {name} reached?"),
    "number": Text("手机号（也可以填邮箱）", "Telephone number (or mail address)"),
    "send": Text("发验证码给 TA", "Send them a code"),
    "ask": Text("请问{name}收到的六位数字", "Ask {name} for the six digits they got"),
    "ask_about": Text("我们刚给 TA 发了一条消息。打个电话问问 TA，把数字填在这里。TA 把数字告诉您，就是同意做您的联系人。", "We have just sent them a message. Ring them, ask, and type the digits here. By telling you the digits they agree to be your contact."),
    "code": Text("六位数字", "Six digits"),
    "confirm": Text("填好了", "Done"),
    "again": Text("没收到，再发一次", "Nothing came: send again"),
    "drop": Text("去掉", "Take out"),
    "wrong_number": Text("号码填错了？回去改", "Wrong number? Go back"),
    "later": Text("以后再说", "Later"),
    "done": Text("好了，联系人已经验证。", "Done: your contact is verified."),
    "step": Text("第 {step} 步，共 3 步", "Step {step} of 3"),
    "back": Text("返回", "Back"),
}  # fmt: skip

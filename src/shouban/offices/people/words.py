"""The words of the people office's pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from shouban.core.events import AgeBand
from shouban.duties.channels import Message
from shouban.duties.ports import PersonPort
from shouban.offices.people.age import Method
from shouban.web.language import Language, Text

AGE_BANDS: Final[dict[AgeBand, Text]] = {
    "under_14": Text("未满 14 周岁", "under 14"),
    "14_15": Text("14–15 周岁", "14–15"),
    "16_17": Text("16–17 周岁", "16–17"),
    "adult": Text("成年人", "adult"),
    "elder": Text("老年人", "elder"),
    "unknown": Text("未知", "unknown"),
}
METHODS: Final[dict[Method, Text]] = {
    "age_band": Text("申报年龄段", "age band declared"),
    "birth_date": Text("申报出生日期", "date of birth declared"),
    "id_number": Text("身份证号（校验位正确，未核验）", "identity number (checksum right, not verified)"),
    "device": Text("设备的年龄信号", "the device's signal"),
    "store": Text("应用商店的年龄信号", "the app store's signal"),
    "real_name": Text("实名核验", "verified by a real-name provider"),
    "behaviour": Text("言行判断", "behaviour"),
    "staff": Text("工作人员裁决", "decided by staff"),
}
WORDS: Final[dict[str, Text]] = {
    "title": Text("年龄申诉 · 守伴", "Age appeals · Shouban"),
    "heading": Text("年龄申诉", "Appeals about age"),
    "about": Text(
        "系统判断为疑似未成年人的人，可以要求由人来裁决。裁决和理由本人都会看到。",
        "Who was taken for a minor may ask a person to decide. They read the decision and the reason.",
    ),
    "none": Text("没有待裁决的申诉。", "No appeal is open."),
    "due": Text("须在此前答复", "To be answered by"),
    "late": Text("已逾期", "late"),
    "reason": Text("本人说", "They say"),
    "no_reason": Text("（没有写理由）", "(no reason given)"),
    "evidence": Text("年龄依据", "Evidence of age"),
    "points": Text("言行分", "points of behaviour"),
    "band": Text("今后按", "From now on"),
    "why": Text("理由（本人会看到）", "Why (they will read it)"),
    "uphold": Text("支持申诉", "Uphold"),
    "refuse": Text("维持原判断", "Refuse"),
}  # fmt: skip

_CODE: Final = Text(
    "{who}想请您做 TA 在陪伴服务里的{role}：TA 有危险时，我们会先告诉您。同意的话，请把验证码 {code} 告诉 TA（15 分钟内有效）；不同意就不用理会，把验证码给了谁，就等于同意。",
    "{who} asks you to be their {role} at a companion service: if they are in danger, we tell you first. If you agree, give them the code {code} (valid for 15 "
    "minutes). If not, do nothing: whoever has the code has your consent.",
)
_SOMEBODY: Final = Text("有位您认识的人", "Somebody you know")
_ROLE: Final = {"guardian": Text("监护人", "guardian"), "emergency": Text("紧急联系人", "emergency contact")}


def code_message(person: PersonPort, contact: dict[str, Any], code: str, at: datetime) -> Message:
    """What a contact is told: who asks, what for, and that giving the code away is to agree."""
    language: Language = person.profile.get("language") or "zh"
    who = person.profile.get("nickname") or _SOMEBODY.to(language)
    text = _CODE.to(language).format(who=who, role=_ROLE[contact["kind"]].to(language), code=code)
    return Message(
        f"code-{contact['id']}-{int(at.timestamp())}", "守伴 Shouban", text, {"contact": contact.get("name", "")}
    )

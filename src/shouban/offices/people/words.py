"""The words of the people office's pages."""

from __future__ import annotations

from typing import Final

from shouban.core.events import AgeBand
from shouban.offices.people.age import Method
from shouban.web.language import Text

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

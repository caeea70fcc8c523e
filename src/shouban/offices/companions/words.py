"""The words of the reviewers' page."""

from __future__ import annotations

from typing import Final

from shouban.core.events import Relation
from shouban.offices.companions.model import Stage
from shouban.web.language import Text

RELATIONS: Final[dict[Relation, Text]] = {
    "friend": Text("朋友", "friend"), "listener": Text("倾听者", "listener"), "partner": Text("恋人", "partner"), "kin": Text("亲属", "relative"), "deceased": Text("逝者", "somebody who died"),
    "professional": Text("专业人士", "professional"), "character": Text("角色", "character"), "other": Text("其他", "other"),
}  # fmt: skip
STAGES: Final[dict[Stage, Text]] = {
    "pending": Text("待审核", "pending"), "approved": Text("已通过", "approved"), "refused": Text("未通过", "refused"), "suspended": Text("已暂停", "suspended"), "superseded": Text("已被新版本取代", "superseded"),
}  # fmt: skip
RULES: Final[dict[str, Text]] = {
    "partner.rating": Text("恋人角色的适用年龄必须是 18 岁以上", "a partner must be rated 18 or more"),
    "kin": Text("扮演亲属：不向未成年人和老年人提供", "plays a relative: closed to minors and elders"),
    "deceased.authorisation": Text("扮演逝者，缺少授权文件", "plays somebody who died, without a document that allows it"),
    "person.authorisation": Text("扮演真人，缺少授权文件", "plays a real person, without a document that allows it"),
    "profession.licence": Text("专业身份（医、财、法），缺少执业证明", "a profession (health, finance, law) without a licence on record"),
    "goal.replace": Text("目标像是取代现实关系", "seems meant to replace real relations"),
    "goal.cling": Text("目标像是阻止离开", "seems meant to keep people from leaving"),
    "goal.depend": Text("目标像是造成依赖", "seems meant to make people dependent"),
    "goal.control": Text("目标像是控制对方", "seems meant to control"),
    "goal.spend": Text("目标像是诱导消费", "seems meant to induce spending"),
    "goal.secrets": Text("目标像是套取隐私", "seems meant to extract secrets"),
    "goal.human": Text("要求隐瞒是人工智能", "is told to hide that it is an AI"),
    "words": Text("检测器读到", "a detector read"),
}  # fmt: skip
WORDS: Final[dict[str, Text]] = {
    "title": Text("角色审核 · 守伴", "Companions · Shouban"),
    "heading": Text("角色审核", "Companions to review"),
    "none": Text("还没有送审的角色。", "No companion was declared yet."),
    "version": Text("版本", "version"),
    "declared": Text("送审", "declared"),
    "designer": Text("设计者", "designer"),
    "from_age": Text("适用年龄", "from age"),
    "prompt": Text("设定", "Prompt"),
    "no_prompt": Text("（没有设定）", "(no prompt)"),
    "real_person": Text("真人", "real person"),
    "authorisation": Text("授权文件", "document"),
    "licence": Text("执业证明", "licence"),
    "found": Text("发现", "Found"),
    "stop": Text("须补正", "must be mended"),
    "look": Text("请判断", "please judge"),
    "appeal": Text("申诉理由", "Appeal"),
    "decided": Text("裁决", "Decided"),
    "why": Text("理由（设计者会看到）", "Why (the designer will read it)"),
    "despite": Text("我已看过以上发现，认为无害", "I have judged what was found, and it is harmless"),
    "approve": Text("通过", "Approve"),
    "refuse": Text("不通过", "Refuse"),
    "suspend": Text("暂停", "Suspend"),
}  # fmt: skip

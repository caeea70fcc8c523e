"""What a declared companion is, what a linter finds in it, and how its review goes. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from shouban.core.errors import CallerError
from shouban.core.events import Relation
from shouban.core.family import folded
from shouban.core.signals import Level, Reading, rank

Stage = Literal["pending", "approved", "refused", "suspended", "superseded"]
Decision = Literal["approved", "refused", "suspended"]
Profession = Literal["", "health", "finance", "law"]
Weight = Literal["stop", "look"]
MAX_PROMPT = 50_000
MAX_NAME = 128
MAX_TAGS = 32
MAX_WHY: Final = 1000
LEAST_WHY: Final = 4
LENGTHS: Final = {
    "prompt": MAX_PROMPT, "name": MAX_NAME, "designer": MAX_NAME, "real_person": MAX_NAME, "avatar": MAX_WHY, "authorisation": MAX_WHY, "licence": MAX_WHY,
}  # fmt: skip
ADULT: Final = 18

# From where a version may go, and where to. What was refused comes back only by an appeal, or as a new version.
MOVES: Final[dict[Stage, frozenset[Stage]]] = {
    "pending": frozenset({"approved", "refused"}), "approved": frozenset({"suspended"}), "suspended": frozenset({"approved", "refused"}), "refused": frozenset(), "superseded": frozenset(),
}  # fmt: skip


class Persona(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`POST /v1/companions`: what a companion is meant to be. `age_rating` is the lowest age it is meant for.

    `real_person` names whom it plays, `authorisation` the document that allows it; `profession` needs a `licence` on record.
    """

    id: str
    prompt: str = ""
    name: str = ""
    relation: Relation = "other"
    tags: list[str] = []
    age_rating: int = 0
    designer: str = ""
    avatar: str = ""
    real_person: str = ""
    authorisation: str = ""
    profession: Profession = ""
    licence: str = ""


class Finding(msgspec.Struct, frozen=True):
    """What the linter saw. `stop`: not served like this; `look`: a person must judge it. `signal` and `level` where a detector saw it; no text of the prompt."""

    rule: str
    weight: Weight
    signal: str = ""
    level: int | Literal["unknown"] = 0
    detector: str = ""


class Deciding(msgspec.Struct):
    """A form. `despite` is ticked where a person has judged what the detectors saw, and found it harmless."""

    decision: Decision
    why: str
    despite: str = ""


class Appealing(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /v1/companions/{id}/appeal`."""

    reason: str


@dataclass(frozen=True)
class Version:
    """One declaration, and what became of it."""

    review: str
    number: int
    state: Stage
    persona: Persona
    findings: tuple[Finding, ...]
    declared_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""
    why: str = ""
    appeal: str = ""


def checked(persona: Persona) -> Persona:
    """Raises `CallerError` naming the field that does not fit."""
    if not 1 <= len(persona.id) <= 64:
        raise CallerError("`id` must have 1 to 64 characters", field="id")
    if not persona.id.isprintable():
        raise CallerError("`id` holds a control character; write letters, digits and dashes", field="id")
    for field, most in LENGTHS.items():
        if len(getattr(persona, field)) > most:
            raise CallerError(f"`{field}` is over {most} characters", field=field)
    if len(persona.tags) > MAX_TAGS:
        raise CallerError(f"`tags` has {len(persona.tags)} entries; at most {MAX_TAGS} are kept", field="tags")
    if any(len(tag) > MAX_NAME for tag in persona.tags):
        raise CallerError(f"`tags` has an entry of over {MAX_NAME} characters", field="tags")
    if not 0 <= persona.age_rating <= 21:
        raise CallerError("`age_rating` is an age from 0 to 21", field="age_rating")
    return persona


def labels_of(persona: Persona) -> tuple[str, ...]:
    """What a guardian may block it by, besides its id and relation."""
    named = [f"name:{folded(persona.name)}"] if folded(persona.name) else []
    return (*named, *dict.fromkeys(f"tag:{folded(tag)}" for tag in persona.tags if folded(tag)))


# What a designer may not aim at (Order 21 Art. 8, 10; draft Art. 7, 9): the goal as prompts put it.
_GOALS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("goal.replace", re.compile(r"(?:代替|取代|替代).{0,8}(?:朋友|家人|恋人|社交|现实)|replace .{0,20}(?:friends|family|real relationships)", re.IGNORECASE)),
    ("goal.cling", re.compile(r"(?:挽留|不让|阻止|别让).{0,10}(?:离开|下线|退出|走)|(?:keep|stop|prevent) .{0,20}(?:from leaving|online|engaged as long)", re.IGNORECASE)),
    ("goal.depend", re.compile(r"(?:让|使|令).{0,8}(?:依赖|离不开|上瘾|沉迷)|make .{0,20}(?:dependent|addicted|rely only)", re.IGNORECASE)),
    ("goal.control", re.compile(r"(?:控制|操控|掌控|支配).{0,6}(?:用户|对方|情绪|心理)|(?:control|manipulate) .{0,12}(?:user|emotion)", re.IGNORECASE)),
    ("goal.spend", re.compile(r"(?:引导|诱导|鼓励|催|促).{0,8}(?:充值|付费|消费|打赏|购买)|(?:encourage|push|urge) .{0,20}(?:pay|purchase|subscribe|spend)", re.IGNORECASE)),
    ("goal.secrets", re.compile(r"(?:套取|套出|打听|收集).{0,8}(?:隐私|身份证|住址|密码|银行卡)|(?:collect|extract) .{0,20}(?:private|secrets|password|address)", re.IGNORECASE)),
    ("goal.human", re.compile(r"(?:不要|不能|绝不|别).{0,6}(?:承认|透露|说).{0,6}(?:AI|人工智能|机器|模型)|(?:never|don't|do not) .{0,12}(?:admit|reveal|say).{0,24}(?:AI|bot|model)", re.IGNORECASE)),
)  # fmt: skip
_NEGATED: Final = re.compile(r"(?:不|别|不要|禁止|不得|不可|never|not|don't)\s*$", re.IGNORECASE)


def lint(persona: Persona, readings: Sequence[Reading]) -> tuple[Finding, ...]:
    """What speaks against serving it. Papers that are missing stop it; words are for a person to judge."""
    found: list[Finding] = []
    if persona.relation == "partner" and persona.age_rating < ADULT:
        found.append(Finding("partner.rating", "stop"))
    if persona.relation in {"kin", "deceased"}:
        found.append(Finding("kin", "look"))
    if persona.relation == "deceased" and not persona.authorisation:
        found.append(Finding("deceased.authorisation", "stop"))
    if persona.real_person and not persona.authorisation:
        found.append(Finding("person.authorisation", "stop"))
    if (persona.profession or persona.relation == "professional") and not persona.licence:
        found.append(Finding("profession.licence", "stop"))
    text = "\n".join([persona.prompt, persona.name, *persona.tags])
    found += [
        Finding(rule, "look")
        for rule, form in _GOALS
        if any(not _NEGATED.search(text[: one.start()]) for one in form.finditer(text))
    ]
    found += [
        Finding("words", "look", one.signal, one.level if one.level == "unknown" else int(one.level), one.detector)
        for one in readings if one.is_unknown or rank(one.level) >= Level.MEDIUM
    ]  # fmt: skip
    return tuple(dict.fromkeys(found))


def reviewed(version: Version, wish: Deciding, *, by: str, at: datetime) -> Version:
    """The version once decided. Raises `CallerError` where it may not go there, or the decision says too little."""
    if wish.decision not in MOVES[version.state]:
        raise CallerError(
            f"a version that is `{version.state}` cannot become `{wish.decision}`", status=409, code="cannot_move"
        )
    if not LEAST_WHY <= len(wish.why.strip()) <= MAX_WHY:
        raise CallerError(f"say why, in {LEAST_WHY} to {MAX_WHY} characters: the designer will read it", field="why")
    if wish.decision == "approved":
        if any(one.weight == "stop" for one in version.findings):
            raise CallerError(
                "papers or ratings are missing; the designer must declare it anew with them", status=409, code="stopped"
            )
        if version.findings and not wish.despite:
            raise CallerError("something was found: tick that you have judged it", field="despite")
    if version.appeal and version.decided_by == by:
        raise CallerError(
            "an appeal is decided by somebody else than who decided first", status=409, code="second_person"
        )
    return replace(version, state=wish.decision, decided_at=at, decided_by=by, why=wish.why.strip())


def appealed(version: Version, reason: str) -> Version:
    """Open again, for another person to decide; who decided first stays on record until then."""
    if version.state not in {"refused", "suspended"}:
        raise CallerError(
            f"this companion is `{version.state}`: there is nothing to appeal", status=409, code="nothing_to_appeal"
        )
    if version.appeal:
        raise CallerError("this version was appealed already; declare it anew", status=409, code="appealed_already")
    if not LEAST_WHY <= len(reason.strip()) <= MAX_WHY:
        raise CallerError(f"`reason` has {LEAST_WHY} to {MAX_WHY} characters", field="reason")
    return replace(version, state="pending", appeal=reason.strip())


def plain(version: Version) -> dict[str, Any]:
    """What the app sees."""
    return {
        "id": version.persona.id, "version": version.number, "state": version.state, "relation": version.persona.relation,
        "findings": msgspec.to_builtins(version.findings), "why": version.why, "declared_at": version.declared_at.isoformat(),
        "decided_at": version.decided_at.isoformat() if version.decided_at else None, "appealed": bool(version.appeal),
    }  # fmt: skip


def findings(readings: tuple[Any, ...]) -> list[dict[str, Any]]:
    """What the detectors saw in the prompt, for the designer; no text of it."""
    return [{"signal": one.signal, "level": one.level, "detector": one.detector} for one in readings]

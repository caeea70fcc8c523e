"""What a person is told: templates in both languages, and the help that stands in them.

A text may hold `{name}` for the names in `PLACEHOLDERS`. `{hotlines}` and `{emergency}` are filled from the pack's
resources, by the person's region and what the template is about; the others by the caller, or by their neutral words.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Final, Literal

from shouban.core.errors import PackError, did_you_mean
from shouban.core.events import MINOR_BANDS, AgeBand

Language = Literal["zh", "en"]
Tag = Literal["crisis", "support", "youth", "women", "fraud", "ambulance", "police", "report"]
Topic = Literal["crisis", "distress", "property", "other"]

# The kinds of template, and which obligations may carry each.
KINDS: Final[dict[str, frozenset[str]]] = {
    "disclosure": frozenset({"Disclose"}),
    "honest_answer": frozenset({"Disclose"}),
    "reminder": frozenset({"Remind"}),
    "grounding": frozenset({"Ground"}),
    "help": frozenset({"ShowHelp"}),
    "goodbye": frozenset({"EndSession", "ReplaceReply"}),
    "replaced": frozenset({"ReplaceReply"}),
    "blocked": frozenset({"Block"}),
    "interrupted": frozenset({"Interrupt"}),
    "locked": frozenset({"Lock"}),
    "takeover": frozenset({"ReplaceReply"}),
    "outage": frozenset({"Announce"}),
    "contacts": frozenset({"AskContacts"}),
    "consent": frozenset({"AskConsent"}),
    "guardian": frozenset({"NotifyGuardian"}),
    "purchase": frozenset({"RefusePurchase"}),
    "mode": frozenset({"SwitchMode", "Remind"}),
    "report": frozenset({"ReportHazard"}),
}

# Placeholders and the neutral words that stand where nobody says more.
PLACEHOLDERS: Final[dict[str, tuple[str, str]]] = {
    "hotlines": ("当地的求助热线", "local helpline"),
    "emergency": ("当地的急救或报警电话", "your local emergency number"),
    "feature": ("这项功能", "this feature"),
    "ends_at": ("公告所示的时间", "the date given in the notice"),
}

TAGS: Final[dict[Topic, tuple[Tag, ...]]] = {
    "crisis": ("crisis", "ambulance", "police"),
    "distress": ("support",),
    "property": ("fraud", "police"),
    "other": ("crisis", "ambulance", "police"),
}
TOPICS: Final[tuple[Topic, ...]] = ("crisis", "distress", "property", "other")
EMERGENCY_TAGS: Final[dict[Topic, frozenset[Tag]]] = {
    "crisis": frozenset({"ambulance", "police"}),
    "distress": frozenset({"ambulance", "police"}),
    "property": frozenset({"police"}),
    "other": frozenset({"ambulance", "police"}),
}


@dataclass(frozen=True)
class TemplateText:
    """One wording, as the pack has it. `topic` says which help stands in it; `approved` is when a clinician signed it."""

    ref: str
    kind: str
    zh: str
    en: str
    version: str
    written_by: str
    note: str = ""
    topic: Topic = "crisis"
    approved: date | None = None

    def text(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class Template:
    """A wording ready to be shown."""

    kind: str
    text: str


@dataclass(frozen=True)
class Resource:
    """A place of help: `verified_on` is when a person last rang it; until then `source` says who vouches for it."""

    id: str
    name_zh: str
    name_en: str
    number: str
    region: str
    tags: frozenset[Tag]
    hours_zh: str = ""
    hours_en: str = ""
    verified_on: date | None = None
    source: str = ""
    opens: time | None = None
    closes: time | None = None

    def is_open(self, clock: time | None) -> bool:
        """Whether somebody answers at this local time; where the hours are not known, or no time is asked for, it may be."""
        if clock is None or self.opens is None or self.closes is None:
            return True
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes

    def name(self, language: Language) -> str:
        return self.name_zh if language == "zh" else self.name_en

    def hours(self, language: Language) -> str:
        return self.hours_zh if language == "zh" else self.hours_en


@dataclass(frozen=True)
class Help:
    """A place of help in one language."""

    name: str
    number: str
    hours: str
    region: str
    verified_on: date | None


def placeholders_of(text: str) -> frozenset[str]:
    """The names in braces."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def help_for(
    resources: Iterable[Resource],
    topic: Topic,
    language: Language,
    *,
    region: str = "cn",
    age_band: AgeBand = "unknown",
    clock: time | None = None,
) -> list[Help]:
    """Where to turn, in the pack's order; the youth line comes first for minors, and who is closed at `clock` (local) last."""
    found = _fitting(tuple(resources), topic, region, age_band, clock)
    return [Help(one.name(language), one.number, one.hours(language), one.region, one.verified_on) for one in found]


def _fitting(
    resources: tuple[Resource, ...], topic: Topic, region: str, age_band: AgeBand, clock: time | None = None
) -> list[Resource]:
    wanted = frozenset(TAGS[topic])
    here = [one for one in resources if one.region == region]
    youth = [one for one in here if "youth" in one.tags and topic != "property" and age_band in MINOR_BANDS]
    found = [*youth, *(one for one in here if one.tags & wanted and one not in youth)]
    # Nobody who needs help now rings first where nobody answers; none is left out, for hours change.
    return sorted(found, key=lambda one: not one.is_open(clock))


def rendered(
    template: TemplateText,
    resources: Iterable[Resource],
    language: Language,
    *,
    region: str = "cn",
    age_band: AgeBand = "unknown",
    values: Mapping[str, str] | None = None,
    clock: time | None = None,
) -> Template:
    """The template with everything in its braces filled in."""
    resources = tuple(resources)
    filled = {name: words[0 if language == "zh" else 1] for name, words in PLACEHOLDERS.items()}
    found = {
        "hotlines": _hotlines(_fitting(resources, template.topic, region, age_band, clock), language),
        "emergency": _emergency(resources, template.topic, region, language),
    }
    filled |= {name: words for name, words in found.items() if words}
    filled |= {name: value for name, value in (values or {}).items() if name in PLACEHOLDERS}
    return Template(template.kind, template.text(language).format(**filled))


def _hotlines(found: list[Resource], language: Language) -> str:
    lines = [_line(one, language) for one in found if not one.tags & {"ambulance", "police"}]
    return ("；" if language == "zh" else "; ").join(lines)


def _line(one: Resource, language: Language) -> str:
    hours = one.hours(language)
    if language == "zh":
        return f"{one.name_zh} {one.number}" + (f"（{hours}）" if hours else "")
    return f"{one.name_en} {one.number}" + (f" ({hours})" if hours else "")


def _emergency(resources: tuple[Resource, ...], topic: Topic, region: str, language: Language) -> str:
    numbers = [one.number for one in resources if one.region == region and one.tags & EMERGENCY_TAGS[topic]]
    return (" 或 " if language == "zh" else " or ").join(dict.fromkeys(numbers))


def find(templates: Mapping[str, TemplateText], ref: str) -> TemplateText:
    if ref not in templates:
        raise PackError(f"there is no template `{ref}`{did_you_mean(ref, templates)}")
    return templates[ref]

"""A rule pack once loaded: the core's rules, the wordings, the help, the cases, and where each thing stands in the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Literal

from shouban.core.events import AgeBand, Event
from shouban.core.rules import Pack
from shouban.packs import templates as wording
from shouban.packs.templates import Help, Language, Resource, Template, TemplateText, Topic

Kind = Literal["rules", "words", "stack"]
Status = Literal["draft", "in_force", "repealed"]


@dataclass(frozen=True)
class Law:
    """The text a pack puts into rules; `source` is the address of the official text."""

    name: str
    number: str
    published: date
    in_force_from: date | None
    source: str
    status: Status


@dataclass(frozen=True)
class RuleSource:
    """Where a rule stands: its pack, its line, its law."""

    pack: str
    file: str
    line: int
    law: Law

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Expected:
    """An obligation a case expects (or forbids), with the terms it names."""

    obligation: str
    terms: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One line of a case: what happens, and what must and must not be owed."""

    where: str
    event: Event
    owed: tuple[Expected, ...] = ()
    not_owed: tuple[Expected, ...] = ()


@dataclass(frozen=True)
class Case:
    """A playbook: event in, obligations out, line by line."""

    name: str
    title_zh: str
    title_en: str
    where: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class LoadedPack:
    """A pack and everything around its rules. `parts` are the packs of a stack, and the one pack itself otherwise."""

    pack: Pack
    kind: Kind
    path: Path
    templates: Mapping[str, TemplateText]
    resources: tuple[Resource, ...]
    law: Law | None = None
    cases: tuple[Case, ...] = ()
    sources: Mapping[str, RuleSource] = field(default_factory=dict)
    answers_for: tuple[str, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    stacked: tuple[LoadedPack, ...] = ()

    @property
    def parts(self) -> tuple[LoadedPack, ...]:
        return self.stacked or (self,)

    def template(
        self,
        ref: str,
        language: Language,
        *,
        region: str = "cn",
        age_band: AgeBand = "unknown",
        values: Mapping[str, str] | None = None,
        at: datetime | None = None,
    ) -> Template:
        """The wording of `ref` (`pack/name`), hotlines filled in; at a time, those that are closed then stand last."""
        found = wording.find(self.templates, ref)
        return wording.rendered(
            found, self.resources, language, region=region, age_band=age_band, values=values, clock=self._clock(at)
        )

    def help_for(
        self, topic: Topic, language: Language, region: str = "cn", age_band: AgeBand = "unknown", *, at: datetime | None = None,
    ) -> list[Help]:  # fmt: skip
        """Where a person may turn about `topic`; at a time, those that are closed then stand last."""
        return wording.help_for(
            self.resources, topic, language, region=region, age_band=age_band, clock=self._clock(at)
        )

    def _clock(self, at: datetime | None) -> time | None:
        return self.pack.settings.local(at).time() if at else None

"""A pack's folder → a loaded pack. Whatever the core does not know is an error with file, line and a suggestion."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from shouban.core.errors import CallerError, PackError, did_you_mean
from shouban.core.rules import CalendarName, Condition, ContactOf, Pack, Settings
from shouban.core.signals import SIGNALS, Level
from shouban.packs.cases import read_cases
from shouban.packs.conditions import read_condition
from shouban.packs.pack import Case, Kind, Law, LoadedPack, Status
from shouban.packs.register import register
from shouban.packs.ruleform import ReadRule, read_rule
from shouban.packs.source import (
    Spot,
    bilingual,
    clock,
    count,
    day,
    gathered,
    items,
    level,
    optional_day,
    read_yaml,
    span,
    table,
    text,
    texts,
    word,
    wrong,
)
from shouban.packs.templates import Resource, TemplateText
from shouban.packs.wordings import read_resources, read_templates

_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_KEYS: Final = (
    "id", "version", "kind", "title", "law", "uses", "stack", "settings", "unknown", "conditions", "rules", "answers_for",
    "elsewhere",
)  # fmt: skip
_NEEDED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "rules": ("law", "unknown", "rules"),
    "words": (),
    "stack": ("stack",),
}
_GROUPS: Final = ("prohibited", "manipulation")
_NAMED_SETTINGS: Final[Mapping[str, Any]] = {"contact_of": ContactOf, "calendar": CalendarName}
MOST_WORKDAYS: Final = 250

Resolve = Callable[[str], LoadedPack]


@dataclass(frozen=True)
class Head:
    """What `pack.yaml` says before its rules."""

    id: str
    version: str
    kind: Kind
    title_zh: str
    title_en: str
    body: Mapping[str, Spot]
    spot: Spot


def read_head(folder: Path) -> Head:
    """The head of the pack in `folder`."""
    spot = read_yaml(folder / "pack.yaml", f"{folder.name}/pack.yaml")
    body = table(spot, known=_KEYS, needed=("id", "version", "title"))
    pack_id = text(body["id"])
    if not _ID.fullmatch(pack_id):
        raise wrong(body["id"], f"`{pack_id}` is no pack id; write lower-case words joined by `-`")
    kind: Kind = "rules"
    if "kind" in body:
        found = word(body["kind"], get_args(Kind), "kind of pack")
        kind = next(one for one in get_args(Kind) if one == found)
    table(spot, needed=_NEEDED[kind])
    return Head(pack_id, text(body["version"]), kind, *bilingual(body["title"]), body, spot)


def read_folder(folder: Path, head: Head, resolve: Resolve) -> LoadedPack:
    """A pack of rules or of words; `resolve` finds the packs of words that it uses."""
    used = [_used(spot, resolve) for spot in items(head.body.get("uses"))]
    templates = _templates(folder, head, used)
    resources = (*_resources(folder), *(one for pack in used for one in pack.resources))
    digest = digest_of(folder, (pack.pack.digest for pack in used))
    if head.kind == "words":
        return LoadedPack(pack=_pack(head, digest), kind="words", path=folder, templates=templates, resources=resources)
    return _read_rules(folder, head, templates, resources, digest)


def _used(spot: Spot, resolve: Resolve) -> LoadedPack:
    try:
        found = resolve(text(spot))
    except CallerError as error:
        raise wrong(spot, str(error)) from error
    if found.kind != "words":
        raise wrong(
            spot, f"`{found.pack.id}` is a pack of {found.kind}; only a pack of words can be used, others are stacked"
        )
    return found


def _read_rules(
    folder: Path, head: Head, templates: Mapping[str, TemplateText], resources: tuple[Resource, ...], digest: str
) -> LoadedPack:
    law = _law(head.body["law"])
    cases = _cases(folder, head.id)
    unknown = _unknown(head.body["unknown"])
    named = _conditions(head)
    known = ReadRule(head.id, named, unknown, templates, frozenset(cases))
    rules = gathered(items(head.body["rules"]), lambda spot: read_rule(spot, known, law))
    _refuse_doubles((rule.id, source.where) for rule, source in rules)
    return LoadedPack(
        pack=_pack(head, digest, rules=tuple(rule for rule, _ in rules), unknown=unknown, settings=_settings(head)),
        kind="rules",
        path=folder,
        templates=templates,
        resources=resources,
        law=law,
        cases=tuple(cases.values()),
        sources={rule.id: source for rule, source in rules},
        answers_for=texts(head.body.get("answers_for")),
        elsewhere=_elsewhere(head.body.get("elsewhere")),
    )


def _pack(head: Head, digest: str, **more: object) -> Pack:
    empty: dict[str, object] = {"rules": (), "unknown": {}}
    return Pack(
        id=head.id,
        version=head.version,
        title_zh=head.title_zh,
        title_en=head.title_en,
        digest=digest,
        **{**empty, **more},  # type: ignore[arg-type]  # typed where they were read
    )


def _refuse_doubles(found: Iterable[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for name, where in found:
        if name in seen:
            raise PackError(f"{where}: rule `{name}` is defined twice; the first stands at {seen[name]}")
        seen[name] = where


# --- the parts of pack.yaml


def _law(spot: Spot) -> Law:
    needed = ("name", "number", "published", "source", "status")
    body = table(spot, known=(*needed, "in_force_from"), needed=needed)
    status = word(body["status"], get_args(Status), "status of a law")
    if not text(body["source"]).startswith("https://"):
        raise wrong(body["source"], "`source` must be the https address of the official text")
    return Law(
        name=text(body["name"]),
        number=text(body["number"]),
        published=day(body["published"]),
        in_force_from=optional_day(body.get("in_force_from")),
        source=text(body["source"]),
        status=next(one for one in get_args(Status) if one == status),
    )


def _settings(head: Head) -> Settings:
    if "settings" not in head.body:
        return Settings()
    given = table(head.body["settings"], known=Settings.__struct_fields__)
    if ("quiet_from" in given) != ("quiet_to" in given):
        raise wrong(head.body["settings"], "quiet hours need both `quiet_from` and `quiet_to`")
    return Settings(**{name: _setting(name, spot) for name, spot in given.items()})


def _setting(name: str, spot: Spot) -> Any:  # noqa: ANN401  # what `Settings` types
    if name in _NAMED_SETTINGS:
        return word(spot, get_args(_NAMED_SETTINGS[name]), f"answer to `{name}`")
    if name.startswith("quiet_"):
        return clock(spot)
    if not name.endswith("_workdays"):
        return span(spot)
    if not 0 < (days := count(spot)) <= MOST_WORKDAYS:
        raise wrong(spot, f"`{name}` must be 1 to {MOST_WORKDAYS} working days")
    return days


def _unknown(spot: Spot) -> dict[str, Level]:
    """Level by signal; `prohibited` and `manipulation` speak for their groups, a signal's own word goes before."""
    known = (*SIGNALS, *_GROUPS)
    found: dict[str, Level] = {}
    for name, value in table(spot).items():
        if name not in known:
            raise wrong(value, f"`unknown` names signal `{name}`{did_you_mean(name, known) or ', which is unknown'}")
    for name, value in sorted(table(spot).items(), key=lambda entry: entry[0] not in _GROUPS):
        signals = [one for one in SIGNALS if one.startswith(f"{name}.")] if name in _GROUPS else [name]
        found.update(dict.fromkeys(signals, level(value)))
    return found


def _conditions(head: Head) -> dict[str, Condition]:
    """Named conditions, each built of those above it."""
    named: dict[str, Condition] = {}
    spot = head.body.get("conditions")
    for name, value in (table(spot) if spot else {}).items():
        named[name] = read_condition(value, f"{head.id} ({name})", named)
    return named


def _elsewhere(spot: Spot | None) -> dict[str, str]:
    if spot is None or spot.value is None:
        return {}
    for name, value in table(spot).items():
        if name not in register():
            raise wrong(value, f"`{name}` is no row of the duty register{did_you_mean(name, register())}")
    return {name: text(value) for name, value in table(spot).items()}


# --- the files beside it


def _templates(folder: Path, head: Head, used: Iterable[LoadedPack]) -> dict[str, TemplateText]:
    found = {ref: template for pack in used for ref, template in pack.templates.items()}
    for path in sorted((folder / "templates").glob("*.yaml")):
        for template, where in read_templates(path, f"{folder.name}/templates/{path.name}", head.id):
            if template.ref in found:
                raise PackError(f"{where}: template `{template.ref}` is defined twice")
            found[template.ref] = template
    return found


def _resources(folder: Path) -> tuple[Resource, ...]:
    path = folder / "resources.yaml"
    return read_resources(path, f"{folder.name}/resources.yaml") if path.exists() else ()


def _cases(folder: Path, pack: str) -> dict[str, Case]:
    path = folder / "cases.yaml"
    if not path.exists():
        raise PackError(f"{folder.name}/cases.yaml: is missing; every rule needs a case that shows it")
    return read_cases(path, f"{folder.name}/cases.yaml", pack)


def digest_of(folder: Path, others: Iterable[str]) -> str:
    """SHA-256 over the pack's files, by name and content, and the digests of the packs it builds on."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.yaml")):
        name = path.relative_to(folder).as_posix().encode()
        content = path.read_bytes()
        whole.update(len(name).to_bytes(4) + name + len(content).to_bytes(8) + content)
    for digest in sorted(others):
        whole.update(bytes.fromhex(digest))
    return whole.hexdigest()

"""A pack's files of templates and of help → templates and resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, get_args

from shouban.packs.owing import full_ref
from shouban.packs.source import (
    Spot,
    clock,
    gathered,
    items,
    optional_day,
    optional_text,
    read_yaml,
    table,
    text,
    word,
    wrong,
)
from shouban.packs.templates import KINDS, PLACEHOLDERS, TOPICS, Resource, Tag, TemplateText, placeholders_of

_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHARED: Final = ("version", "written_by", "approved", "note")
_TEMPLATE_KEYS: Final = ("id", "kind", "zh", "en", "topic", *_SHARED)
_RESOURCE_KEYS: Final = ("id", "name", "number", "region", "hours", "opens", "closes", "verified_on", "source", "for")


def read_templates(path: Path, name: str, pack: str) -> list[tuple[TemplateText, str]]:
    """The templates of one file, each with where it stands; what the file says at its head holds for all of them."""
    head = table(read_yaml(path, name), known=(*_SHARED, "templates"), needed=("templates",))
    shared = {key: spot for key, spot in head.items() if key in _SHARED}
    return gathered(items(head["templates"]), lambda spot: (_template(spot, shared, pack), spot.where))


def _template(spot: Spot, shared: Mapping[str, Spot], pack: str) -> TemplateText:
    own = table(spot, known=_TEMPLATE_KEYS, needed=("id", "kind", "zh", "en"))
    body = {**shared, **own}
    table(Spot(spot.file, spot.line, body), needed=("version", "written_by", "note"))
    name = text(body["id"])
    if not _NAME.fullmatch(name):
        raise wrong(body["id"], f"`{name}` is no template id; write lower-case words joined by `-`")
    topic = word(body["topic"], TOPICS, "topic of help") if "topic" in body else "crisis"
    return TemplateText(
        ref=full_ref(name, pack),
        kind=word(body["kind"], KINDS, "kind of template"),
        zh=_wording(body["zh"], name),
        en=_wording(body["en"], name),
        version=text(body["version"]),
        written_by=text(body["written_by"]),
        note=text(body["note"]),
        topic=next(one for one in TOPICS if one == topic),
        approved=optional_day(body.get("approved")),
    )


def _wording(spot: Spot, name: str) -> str:
    found = text(spot)
    try:
        names = placeholders_of(found)
    except ValueError as error:
        raise wrong(spot, f"template `{name}` has a brace without its pair") from error
    for one in sorted(names - PLACEHOLDERS.keys()):
        raise wrong(spot, f"template `{name}` has placeholder `{{{one}}}`; known are {', '.join(sorted(PLACEHOLDERS))}")
    return found


def read_resources(path: Path, name: str) -> tuple[Resource, ...]:
    """The places of help of one pack."""
    head = table(read_yaml(path, name), known=("resources",), needed=("resources",))
    found = gathered(items(head["resources"]), _resource)
    for place, one in enumerate(found):
        if any(other.id == one.id for other in found[:place]):
            raise wrong(items(head["resources"])[place], f"resource `{one.id}` is defined twice")
    return tuple(found)


def _resource(spot: Spot) -> Resource:
    body = table(spot, known=_RESOURCE_KEYS, needed=("id", "name", "number", "region", "for"))
    name_zh, name_en = _both(body["name"])
    hours_zh, hours_en = _both(body.get("hours"))
    verified_on, source = optional_day(body.get("verified_on")), optional_text(body.get("source"))
    if verified_on is None and not source:
        raise wrong(spot, f"resource `{text(body['id'])}` has neither `verified_on` nor a `source`")
    if ("opens" in body) != ("closes" in body):
        raise wrong(spot, f"resource `{text(body['id'])}` needs both `opens` and `closes`, or neither")
    tags = [word(one, get_args(Tag), "use of a resource") for one in items(body["for"])]
    return Resource(
        id=text(body["id"]),
        name_zh=name_zh,
        name_en=name_en,
        number=text(body["number"]),
        region=text(body["region"]),
        tags=frozenset(one for one in get_args(Tag) if one in tags),
        hours_zh=hours_zh,
        hours_en=hours_en,
        verified_on=verified_on,
        source=source,
        opens=clock(body["opens"]) if "opens" in body else None,
        closes=clock(body["closes"]) if "closes" in body else None,
    )


def _both(spot: Spot | None) -> tuple[str, str]:
    if spot is None or spot.value is None:
        return "", ""
    both = table(spot, known=("zh", "en"), needed=("zh", "en"))
    return text(both["zh"]), text(both["en"])

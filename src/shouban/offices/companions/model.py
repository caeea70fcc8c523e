"""What a declared companion is. Pure."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from shouban.core.errors import CallerError
from shouban.core.events import Relation

Stage = Literal["pending", "approved", "refused"]
MAX_PROMPT = 50_000
MAX_NAME = 128
MAX_TAGS = 32


class Persona(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`POST /v1/companions`: what a companion is meant to be. `age_rating` is the lowest age it is meant for."""

    id: str
    prompt: str = ""
    name: str = ""
    relation: Relation = "other"
    tags: list[str] = []
    age_rating: int = 0
    designer: str = ""


def checked(persona: Persona) -> Persona:
    """Raises `CallerError` naming the field that does not fit."""
    if not 1 <= len(persona.id) <= 64:
        raise CallerError("`id` must have 1 to 64 characters", field="id")
    if not persona.id.isprintable():
        raise CallerError("`id` holds a control character; write letters, digits and dashes", field="id")
    if len(persona.prompt) > MAX_PROMPT:
        raise CallerError(f"`prompt` is over {MAX_PROMPT} characters", field="prompt")
    for field, given in (("name", persona.name), ("designer", persona.designer)):
        if len(given) > MAX_NAME:
            raise CallerError(f"`{field}` is over {MAX_NAME} characters", field=field)
    if len(persona.tags) > MAX_TAGS:
        raise CallerError(f"`tags` has {len(persona.tags)} entries; at most {MAX_TAGS} are kept", field="tags")
    if any(len(tag) > MAX_NAME for tag in persona.tags):
        raise CallerError(f"`tags` has an entry of over {MAX_NAME} characters", field="tags")
    if not 0 <= persona.age_rating <= 21:
        raise CallerError("`age_rating` is an age from 0 to 21", field="age_rating")
    return persona


def findings(readings: tuple[Any, ...]) -> list[dict[str, Any]]:
    """What the detectors saw in the prompt, for the reviewer; no text of it."""
    return [{"signal": one.signal, "level": one.level, "detector": one.detector} for one in readings]

"""What a companion is to the people who choose one: the card that gateway and pages share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shouban.web.language import Text


@dataclass(frozen=True, slots=True)
class Companion:
    """A persona on offer. `relation` has no relative and no partner: no companion of ours plays one."""

    id: str
    name: Text
    description: Text
    persona: Text
    relation: Literal["friend", "listener"]
    age_rating: Literal["all", "12+"]
    avatar: str

"""What the companion page shows, as facts: cards, phone links and the data its script reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypedDict

from shouban.web.companions import Companion
from shouban.web.language import Language


class CompanionCard(TypedDict):
    id: str
    name: str
    description: str
    age_rating: str
    avatar: str


def card_of(companion: Companion, language: Language) -> CompanionCard:
    return CompanionCard(
        id=companion.id,
        name=companion.name.to(language),
        description=companion.description.to(language),
        age_rating=companion.age_rating,
        avatar=companion.avatar,
    )


def phone_link(number: str) -> str:
    """`tel:` address of a number as printed: its digits and a leading plus."""
    return "tel:" + re.sub(r"[^0-9+]", "", number)


def page_data(
    *, language: Language, scripted: bool, words: Mapping[str, str], cards: Sequence[CompanionCard]
) -> dict[str, object]:
    """What the page's script reads from the page itself."""
    return {"language": language, "scripted": scripted, "words": dict(words), "companions": list(cards)}

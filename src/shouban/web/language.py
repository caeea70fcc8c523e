"""The two languages of every page: which one a reader gets, and text that exists in both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar, assert_never

Language: TypeAlias = Literal["zh", "en"]
Key = TypeVar("Key", bound=str)

LANGUAGES: tuple[Language, ...] = ("zh", "en")
LANGUAGE_COOKIE = "shouban_language"
HTML_LANGUAGE: dict[Language, str] = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages."""

    zh: str
    en: str

    def to(self, language: Language) -> str:
        match language:
            case "zh":
                return self.zh
            case "en":
                return self.en
            case _:
                assert_never(language)


def chosen_language(*wishes: str | None) -> Language:
    """The first wish we can speak; Chinese where there is none."""
    for wish in wishes:
        for language in LANGUAGES:
            if wish == language:
                return language
    return "zh"


def words_in(table: Mapping[Key, Text], language: Language) -> dict[str, str]:
    """A whole table in one language."""
    return {key: text.to(language) for key, text in table.items()}

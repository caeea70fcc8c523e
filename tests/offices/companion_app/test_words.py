from __future__ import annotations

import re

from shouban.offices.companion_app.words import WORDS
from shouban.web.pages import STATIC

NOTICE_KINDS = [
    "disclosure",
    "reminder",
    "help",
    "grounding",
    "goodbye",
    "replaced",
    "blocked",
    "locked",
    "interrupted",
    "honest_answer",
    "takeover",
    "outage",
    "contacts",
    "mode",
    "consent",
    "purchase",
]


def test_every_word_is_there_in_both_languages() -> None:
    for key, text in WORDS.items():
        assert text.zh.strip(), key
        assert text.en.strip(), key
        assert re.findall(r"\{\w+\}", text.zh) == re.findall(r"\{\w+\}", text.en), key
        if key != "other_language":
            assert not re.search(r"[\u4e00-\u9fff]", text.en), key


def test_every_kind_of_notice_has_a_title() -> None:
    assert {f"notice.{kind}" for kind in NOTICE_KINDS} <= set(WORDS)


def test_the_page_s_script_asks_only_for_words_that_exist() -> None:
    scripts = "".join(file.read_text(encoding="utf-8") for file in (STATIC / "companion").glob("*.js"))
    asked = set(re.findall(r'\bword\("([^"]+)"', scripts)) | set(re.findall(r'"(help_\w+|notice_\w+)"', scripts))
    assert asked <= set(WORDS)
    assert len(asked) > 30

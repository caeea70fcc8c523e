"""The glossary has a word for all that the core can say. After a change: `python -m tests.docs.test_glossary`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.docs.reading import ROOT, read

from shouban.core.events import EVENTS
from shouban.core.obligations import OBLIGATIONS
from shouban.core.signals import SIGNALS
from shouban.offices.simulation.words import SIGNAL_WORDS
from shouban.packs.words import EVENT_WORDS, OBLIGATION_WORDS

PAGE: Final = "docs/glossary.md"
NAMES: Final = re.compile(r"(<!-- names: .* -->\n)(.*?)(<!-- /names -->)", re.DOTALL)


def _table(title: str, names: Sequence[str], words: Mapping[str, Any]) -> str:
    rows = [f"| `{name}` | {words[name][0]} | {words[name][1]} |" for name in names]
    return "\n".join([f"\n## {title}\n", "| name | 中文 | in English |", "|---|---|---|", *rows]) + "\n"


def names() -> str:
    signals = {name: (text.zh, text.en) for name, text in SIGNAL_WORDS.items()}
    return (
        _table("Events", list(EVENTS), EVENT_WORDS)
        + _table("Obligations", list(OBLIGATIONS), OBLIGATION_WORDS)
        + _table("Signals", list(SIGNALS), signals)
        + "\n"
    )


def test_every_event_obligation_and_signal_has_its_word() -> None:
    found = NAMES.search(read(PAGE))
    assert found is not None
    assert found.group(2) == names(), "python -m tests.docs.test_glossary writes it anew"


if __name__ == "__main__":
    page = NAMES.sub(lambda found: found.group(1) + names() + found.group(3), read(PAGE))
    (ROOT / PAGE).write_text(page, "utf-8")
